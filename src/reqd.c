/* SPDX-License-Identifier: ISC */
/*
 * reqd: the server program. Without --role it is the master, which starts the
 * same program again for every other role.
 */
#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sysexits.h>
#include <unistd.h>

#include "auth/auth.h"
#include "base/cleanup.h"
#include "base/confine.h"
#include "base/fd.h"
#include "broker/broker.h"
#include "conf/certificate.h"
#include "conf/conf.h"
#include "conf/remarks.h"
#include "control/control.h"
#include "door/http/hooktest.h"
#include "ipc/limits.h"
#include "ipc/logrec.h"
#include "ipc/roles.h"
#include "keys/keys.h"
#include "logger/logger.h"
#include "master/master.h"
#include "runner/runner.h"
#include "selftest/selftest.h"
#include "worker/worker.h"

#define DEFAULT_CONF SYSCONFDIR "/reqd/reqd.conf"

enum action { ACTION_RUN, ACTION_TEST, ACTION_PRINT, ACTION_SELF_TEST, ACTION_HOOK };

#define HOOK_FIELDS 100		/* of a stored delivery */

static const char usage_text[] =
    "Usage: reqd [-c FILE] [--json-log]     serve, in the foreground\n"
    "       reqd [-c FILE] -t | -T          check | print the configuration\n"
    "       reqd --self-test                try all under the sandbox\n"
    "       reqd [-c FILE] --hook SERVICE/NAME BODY   judge a stored delivery\n"
    "       reqd -V | -D | -h               version | paths built in | this text\n"
    "\n"
    "Publishes programs as network services.\n"
    "\n"
    "  -c, --config FILE   configuration (" DEFAULT_CONF ")\n"
    "  -t, --test          check it: list errors with file and line; exit 1 if any\n"
    "  -T, --print         print all settings in force, with defaults\n"
    "      --self-test     try a private reqd in its sandbox; list what was refused\n"
    "      --hook S/NAME   tell what a delivery would do; BODY is its file, or -\n"
    "      --header FIELD  ... with 'NAME: VALUE' in its head\n"
    "      --query TEXT    ... and this query in its path\n"
    "      --json-log      log lines of JSON to standard error\n"
    "  -V, --version       version and what was built in\n"
    "  -D, --paths         the same, and paths built in\n"
    "  -h, --help          this text\n"
    "\n"
    "Signals: HUP reloads, TERM and INT stop when all calls have ended (twice: now).\n"
    "Call services with reqctl(1); the configuration is in reqd.conf(5).\n";

/* -------------------------------------------------------------- actions --- */

static void
print_version(bool paths)
{
	(void)printf("reqd %s\n", PACKAGE_VERSION);
	(void)printf("built in: resp2 resp3 tls commands handlers systemd journal cgroup-kill%s\n",
	    confine_is_built_in() ? " sandbox" : "");
	(void)printf("not built in: passwords%s\n", confine_is_built_in() ? "" : " sandbox");
	if (!paths)
		return;
	(void)printf("configuration: %s\n", DEFAULT_CONF);
	(void)printf("runtime directory: %s/reqd\n", RUNSTATEDIR);
	(void)printf("account of workers and log: %s\n", REQD_USER);
}

/* Reads the configuration for -t and -T; errors go to stderr. */
static struct conf *
load(const char *file)
{
	struct conf_errors errors = { 0 };
	struct conf *c = NULL;
	int r;

	r = conf_load(file, CONF_DEFAULT, &c, &errors);
	if (r < 0 && errors.n == 0)
		(void)fprintf(stderr, "reqd: %s: %s\n", file, strerror(-r));
	conf_errors_print(&errors, stderr);
	conf_errors_done(&errors);
	return r < 0 ? NULL : c;
}

/* Prints "FILE:LINE: warning: TEXT", or "reqd: warning: TEXT", for each; likewise notes. */
static void
print_remarks(const char *kind, const struct conf_errors *remarks)
{
	for (size_t i = 0; i < remarks->n; i++) {
		const struct conf_error *e = &remarks->list[i];

		(void)fprintf(stderr, "%s:", e->file != NULL ? e->file : "reqd");
		if (e->line != 0)
			(void)fprintf(stderr, "%u:", e->line);
		(void)fprintf(stderr, " %s: %s\n", kind, e->text);
	}
}

static int
test_conf(const char *file)
{
	CLEANUP(conf_errors_done) struct conf_errors warnings = { 0 };
	CLEANUP(conf_errors_done) struct conf_errors notes = { 0 };
	struct conf *c = load(file);

	if (c == NULL)
		return 1;
	limits_warn(c, &warnings);
	certificate_warn(c, &warnings);
	remarks_warn(c, STDBUF_LIBRARY, &warnings);
	remarks_note(c, &notes);
	print_remarks("warning", &warnings);
	print_remarks("note", &notes);
	(void)printf("%s: ok, %zu listener%s, %zu role%s, %zu service%s\n", file, c->n_listeners,
	    c->n_listeners == 1 ? "" : "s", c->n_roles, c->n_roles == 1 ? "" : "s",
	    c->n_services, c->n_services == 1 ? "" : "s");
	conf_unref(c);
	return 0;
}

/* A failed write to standard output is a failure of the program. */
static int
flushed(int status)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	(void)fprintf(stderr, "reqd: cannot write standard output: %s\n", strerror(errno));
	return status != 0 ? status : EX_OSERR;
}

static int
print_conf(const char *file)
{
	struct conf *c = load(file);
	char *text;

	if (c == NULL)
		return 1;
	text = conf_format(c);
	if (text != NULL)
		(void)fputs(text, stdout);
	conf_unref(c);
	if (text == NULL)
		return EX_OSERR;
	free(text);
	return 0;
}

/* Judges a stored delivery. words: "SERVICE/NAME" and the file of the body. */
static int
test_hook(const char *file, char *words, struct hooktest *t)
{
	struct conf *c = load(file);
	char *slash = strchr(words, '/');
	int status;

	if (c == NULL)
		return EX_CONFIG;
	*slash = '\0';
	t->service = words;
	t->name = slash + 1;
	status = hooktest_run(c, t);
	conf_unref(c);
	return status;
}

/* ---------------------------------------------------------------- roles --- */

/*
 * Runs "--role=NAME --slot=N", which only the master uses. -1 for an unknown
 * role.
 */
static int
role_main(const char *name, const char *slot_text)
{
	enum role_kind kind = role_find(name);
	const char *error = NULL;
	char title[ROLE_TEXT];
	unsigned slot;

	if (kind == ROLE_N)
		return -1;
	slot = (unsigned)strtonum(slot_text, 0, role_slots(kind) - 1, &error);
	if (error != NULL)
		return -1;
	(void)prctl(PR_SET_DUMPABLE, 0);
	/*
	 * A program that is started through /proc/self/exe would be called
	 * "exe".
	 */
	(void)prctl(PR_SET_NAME, "reqd");
	(void)sigaction(SIGPIPE, &(struct sigaction){ .sa_handler = SIG_IGN }, NULL);
	/*
	 * A terminal, or a service manager that ends whole groups, signals all
	 * processes of reqd. Only the master reacts, so that running requests
	 * can end.
	 */
	(void)sigaction(SIGINT, &(struct sigaction){ .sa_handler = SIG_IGN }, NULL);
	(void)sigaction(SIGTERM, &(struct sigaction){ .sa_handler = SIG_IGN }, NULL);
	(void)sigaction(SIGHUP, &(struct sigaction){ .sa_handler = SIG_IGN }, NULL);
	role_format(kind, slot, title);
	setproctitle("%s", title);
	if (kind != ROLE_LOG)
		log_open(ROLE_LOG_FD);
	switch (kind) {
	case ROLE_LOG:
		return logger_main();
	case ROLE_RUNNER:
		return runner_main();
	case ROLE_BROKER:
		return broker_main();
	case ROLE_CONTROL:
		return control_main();
	case ROLE_KEYS:
		return keys_main();
	case ROLE_AUTH:
		return auth_main();
	case ROLE_WORKER:
		return worker_main(slot);
	case ROLE_N:
		break;
	}
	return -1;
}

/* The line before this one says what is wrong. */
static int
usage_error(void)
{
	(void)fputs("reqd: try 'reqd --help'\n", stderr);
	return EX_USAGE;
}

int
main(int argc, char *argv[], char *envp[])
{
	static const struct option long_options[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "test", no_argument, NULL, 't' },
		{ "print", no_argument, NULL, 'T' },
		{ "json-log", no_argument, NULL, 'j' },
		{ "self-test", no_argument, NULL, 's' },
		{ "version", no_argument, NULL, 'V' },
		{ "paths", no_argument, NULL, 'D' },
		{ "help", no_argument, NULL, 'h' },
		{ "hook", required_argument, NULL, 'k' },
		{ "header", required_argument, NULL, 'H' },
		{ "query", required_argument, NULL, 'q' },
		{ 0 },
	};
	struct master_options options = { .conf_file = DEFAULT_CONF };
	enum action action = ACTION_RUN;
	static const char *fields[HOOK_FIELDS];
	struct hooktest hook = { .fields = fields };
	char *hook_words = NULL;
	bool is_role;
	int c, r;

	is_role = argc == 3 && strncmp(argv[1], "--role=", 7) == 0 &&
	    strncmp(argv[2], "--slot=", 7) == 0;
	r = fd_fill(STDERR_FILENO + 1);
	if (r < 0) {
		(void)dprintf(STDERR_FILENO, "reqd: /dev/null: %s\n", strerror(-r));
		return is_role ? ROLE_EXIT_SETUP : EX_OSERR;
	}
	/*
	 * Writing beyond the limit on file sizes is an error and must not kill
	 * the process.
	 */
	(void)sigaction(SIGXFSZ, &(struct sigaction){ .sa_handler = SIG_IGN }, NULL);
	setproctitle_init(argc, argv, envp);
	if (is_role) {
		r = role_main(argv[1] + 7, argv[2] + 7);
		if (r >= 0)
			return r;
		(void)fputs("reqd: --role and --slot are for reqd itself\n", stderr);
		return usage_error();
	}
	while ((c = getopt_long(argc, argv, "c:tTVDh", long_options, NULL)) != -1) {
		switch (c) {
		case 'c':
			options.conf_file = optarg;
			break;
		case 't':
			action = ACTION_TEST;
			break;
		case 'T':
			action = ACTION_PRINT;
			break;
		case 'j':
			options.json_log = true;
			break;
		case 's':
			action = ACTION_SELF_TEST;
			break;
		case 'V':
		case 'D':
			print_version(c == 'D');
			return flushed(0);
		case 'k':
			action = ACTION_HOOK;
			hook_words = optarg;
			break;
		case 'H':
			if (hook.n_fields < HOOK_FIELDS)
				fields[hook.n_fields++] = optarg;
			break;
		case 'q':
			hook.query = optarg;
			break;
		case 'h':
			(void)fputs(usage_text, stdout);
			return flushed(0);
		default:
			return usage_error();
		}
	}
	if (action == ACTION_HOOK && (strchr(hook_words, '/') == NULL || optind >= argc)) {
		(void)fputs("reqd: --hook needs SERVICE/NAME and the file of a body\n", stderr);
		return usage_error();
	}
	if (action == ACTION_HOOK)
		hook.body = argv[optind++];
	if (optind < argc) {
		(void)fprintf(stderr, "reqd: unexpected argument '%s'; a file is named with -c\n",
		    argv[optind]);
		return usage_error();
	}
	if (*options.conf_file == '\0') {
		(void)fputs("reqd: option -c needs the name of a file\n", stderr);
		return usage_error();
	}
	switch (action) {
	case ACTION_TEST:
		return flushed(test_conf(options.conf_file));
	case ACTION_PRINT:
		return flushed(print_conf(options.conf_file));
	case ACTION_SELF_TEST:
		return flushed(selftest_main());
	case ACTION_HOOK:
		return flushed(test_hook(options.conf_file, hook_words, &hook));
	case ACTION_RUN:
		setproctitle("master");
		/*
		 * A core file could show what only root may read, so there is
		 * none.
		 */
		if (geteuid() == 0)
			(void)prctl(PR_SET_DUMPABLE, 0);
		/* The text of a large configuration is there for a moment, and goes back whole. */
		(void)mallopt(M_MMAP_THRESHOLD, 256 << 10);
		return master_main(&options);
	}
	return 0;
}
