/* SPDX-License-Identifier: ISC */
/*
 * reqctl: calls services of reqd and looks after a running one.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "ctl/ctl.h"
#include "ctl/options.h"

/* In the order of the help. */
static const struct ctl_cmd *const verbs[] = {
	&cmd_call, &cmd_check, &cmd_list, &cmd_describe, &cmd_ping, &cmd_whoami, &cmd_why, &cmd_status,
	&cmd_ps, &cmd_kill, &cmd_reload, &cmd_restart, &cmd_join, &cmd_grant, &cmd_passwd, &cmd_revoke,
	&cmd_logins, &cmd_mcp, &cmd_bench, &cmd_hook, &cmd_import, &cmd_keygen, &cmd_pin,
	&cmd_completion, &cmd_help, &cmd_complete,
};

/*
 * Opens closed standard descriptors, so that no other file gets their numbers.
 * Reading such an input and writing such an output stay errors; messages are
 * lost.
 */
static void
fill_standard_fds(void)
{
	static const int modes[] = {
		[STDIN_FILENO] = O_WRONLY, [STDOUT_FILENO] = O_RDONLY, [STDERR_FILENO] = O_RDWR,
	};

	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		if (fcntl(fd, F_GETFD) < 0)
			(void)open("/dev/null", modes[fd]);
	}
}

static int
run(struct ctl *ctl, size_t argc, char **argv)
{
	struct options_error e;
	size_t n;
	enum options_status s = options_read(ctl, argc, argv, &n, &e);
	const struct ctl_cmd *cmd = ctl->cmd;

	if (s != OPTIONS_OK)
		return options_complain(ctl, s, &e);
	if (ctl->version) {
		(void)printf("reqctl %s\n", PACKAGE_VERSION);
		return 0;
	}
	/* "reqctl VERB --help" is "reqctl help VERB". */
	if (ctl->help)
		return cmd_help.run(ctl, cmd != NULL, argv);
	if (cmd == NULL)
		return ctl_usage(ctl, "a verb is missing");
	if (n < cmd->min_words)
		return ctl_usage(ctl, "%s needs %s", cmd->name, cmd->synopsis);
	if (n > cmd->max_words)
		return ctl_usage(ctl, "%s: one word too many: '%s'", cmd->name,
		    argv[1 + cmd->max_words]);
	if (ctl->timeout_ms > 0)
		ctl->due_usec = clock_usec() + ctl->timeout_ms * USEC_PER_MSEC;
	return cmd->run(ctl, n, argv + 1);
}

/*
 * Output that could not be written is a failure, but a closed pipe needs no
 * message.
 */
static int
finish_output(const struct ctl *ctl, int status)
{
	bool failed = ferror(stdout) != 0;

	if (fflush(stdout) == 0 && !failed)
		return status;
	if (errno == EPIPE)
		return 128 + SIGPIPE;
	ctl_message(ctl, "cannot write standard output: %s", strerror(errno));
	return STATUS_LOCAL;
}

int
main(int argc, char **argv)
{
	struct ctl ctl = {
		.verbs = verbs,
		.n_verbs = ARRAY_LEN(verbs),
		.out_tty = isatty(STDOUT_FILENO) == 1,
		.err_tty = isatty(STDERR_FILENO) == 1,
		.count = 1,
		.connections = 4,
		.requests = 1000,
	};
	int status;

	fill_standard_fds();
	(void)setlocale(LC_CTYPE, "");
	status = run(&ctl, argc > 0 ? (size_t)argc - 1 : 0, argv + 1);
	status = finish_output(&ctl, status);
	if (ctl.cmd != NULL && ctl.cmd->is_plugin && !ctl.help && status > CTL_PLUGIN_UNKNOWN)
		return CTL_PLUGIN_UNKNOWN;
	return status;
}
