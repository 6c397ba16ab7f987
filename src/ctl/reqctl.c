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

#include "base/clock.h"
#include "ctl/cmd.h"
#include "ctl/options.h"

/*
 * Nothing else may get the number of a standard descriptor that is closed. To
 * read such an input or write such an output stays an error; words are lost.
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
print_version(void)
{
	(void)printf("reqctl %s\n", PACKAGE_VERSION);
	return 0;
}

static int
run_verb(struct ctl *ctl, size_t n, char **words)
{
	const struct ctl_cmd *cmd = ctl->cmd;

	if (ctl->version)
		return print_version();
	if (ctl->help) {
		ctl_print_cmd_help(cmd);
		return 0;
	}
	if (n < cmd->min_words)
		return ctl_usage(ctl, "%s needs %s", cmd->name, cmd->synopsis);
	if (n > cmd->max_words)
		return ctl_usage(ctl, "%s: one word too many: '%s'", cmd->name,
		    words[cmd->max_words]);
	if (ctl->timeout_ms > 0)
		ctl->due_usec = clock_usec() + ctl->timeout_ms * USEC_PER_MSEC;
	return cmd->run(ctl, n, words);
}

static int
run(struct ctl *ctl, size_t n, char **words)
{
	struct options_error e;
	enum options_status s;

	s = options_parse(ctl, OPTIONS_TO_WORD, n, words, &n, &e);
	if (s != OPTIONS_OK)
		return options_complain(ctl, s, &e);
	if (n == 0 && ctl->version)
		return print_version();
	if (n == 0 && ctl->help) {
		ctl_print_help();
		return 0;
	}
	if (n == 0)
		return ctl_usage(ctl, "a verb is missing");

	ctl->cmd = ctl_find_cmd(words[0]);
	if (ctl->cmd == NULL)
		return ctl_unknown_verb(ctl, words[0]);
	words++;
	s = options_parse(ctl, ctl->cmd->pass ? OPTIONS_TO_WORD : OPTIONS_TO_END, n - 1, words,
	    &n, &e);
	if (s != OPTIONS_OK)
		return options_complain(ctl, s, &e);
	return run_verb(ctl, n, words);
}

/* Output that did not get out is a failure, but a closed pipe needs no words. */
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
	return finish_output(&ctl, status);
}
