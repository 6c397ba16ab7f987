/* SPDX-License-Identifier: ISC */
/*
 * reqctl hook: tells what a stored delivery of a webhook would do.
 *
 * Only the configuration and the secrets can tell, which root alone may read. So reqd itself
 * judges, as a program that is started here, and no secret comes to this one.
 */
#include "config.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "ctl/ctl.h"

#define WORDS_MAX (2 * CTL_MAX_LIST + 10)

/* Starts reqd in the place of this program; from the usual place where PATH has none. */
static int
start_reqd(const struct ctl *ctl, const char *const *words)
{
	/* The words are not changed, whatever the type of exec says. */
	char *const *argv = (char *const *)(uintptr_t)words;

	(void)fflush(stdout);
	(void)execvp("reqd", argv);
	if (errno == ENOENT)
		(void)execv(SBINDIR "/reqd", argv);
	ctl_message(ctl, "cannot start reqd: %s", strerror(errno));
	return STATUS_LOCAL;
}

static int
hook_run(struct ctl *ctl, size_t n, char **words)
{
	CLEANUP_FREE char *hook = NULL;
	const char *argv[WORDS_MAX] = { "reqd" };
	size_t i = 1;

	(void)n;
	if (strcmp(words[0], "test") != 0)
		return ctl_usage(ctl, "hook has the word test only, not '%s'", words[0]);
	if (ctl->json)
		return ctl_usage(ctl, "hook test prints words for people, and no JSON");
	if (strchr(words[1], '/') != NULL || strchr(words[2], '/') != NULL)
		return ctl_usage(ctl, "SERVICE and NAME are two words without '/'");
	if (asprintf(&hook, "%s/%s", words[1], words[2]) < 0)
		hook = ctl_need(NULL);
	if (ctl->config != NULL) {
		argv[i++] = "-c";
		argv[i++] = ctl->config;
	}
	argv[i++] = "--hook";
	argv[i++] = hook;
	for (size_t j = 0; j < ctl->headers.n; j++) {
		argv[i++] = "--header";
		argv[i++] = ctl->headers.items[j];
	}
	if (ctl->query != NULL) {
		argv[i++] = "--query";
		argv[i++] = ctl->query;
	}
	argv[i++] = "--";
	argv[i++] = words[3];
	return start_reqd(ctl, argv);
}

static const struct ctl_opt options[] = {
	{ .name = "header", .arg = "FIELD", .kind = OPT_LIST, .offset = offsetof(struct ctl, headers),
	    .help = "'NAME: VALUE' of the delivery; may be repeated" },
	{ .name = "query", .arg = "TEXT", .kind = OPT_TEXT, .offset = offsetof(struct ctl, query),
	    .help = "behind the '?' of its path" },
	{ .name = "config", .arg = "FILE", .kind = OPT_TEXT, .offset = offsetof(struct ctl, config),
	    .help = "another file than /etc/reqd/reqd.conf" },
};

static const char *const choices[] = { "test", NULL };

const struct ctl_cmd cmd_hook = {
	.name = "hook",
	.synopsis = "test SERVICE NAME FILE",
	.summary = "tell what a stored delivery of a webhook would do",
	.details = "FILE is the body of the delivery; - is standard input. Prints each check and\n"
		   "each value, and runs nothing. Root may do this, who can read the secrets.\n"
		   "The exit status is 0 if the service would start, and 1 if it would not.\n",
	.options = options,
	.n_options = ARRAY_LEN(options),
	.min_words = 4,
	.max_words = 4,
	.words = CTL_WORDS_CHOICE,
	.choices = choices,
	.run = hook_run,
};
