/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "ctl/cmd.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/suggest.h"
#include "ctl/out.h"

const struct ctl_cmd *const ctl_cmds[] = {
	&cmd_call, &cmd_list, &cmd_describe, &cmd_ping, &cmd_whoami, &cmd_why, &cmd_status,
	&cmd_ps, &cmd_kill, &cmd_reload, &cmd_bench, &cmd_completion, &cmd_help, &cmd_complete,
};
const size_t ctl_n_cmds = ARRAY_LEN(ctl_cmds);

const struct ctl_opt ctl_options[] = {
	{ .letter = 's', .name = "server", .arg = "URL", .kind = OPT_LIST,
	    .offset = offsetof(struct ctl, servers),
	    .help = "tcp://HOST[:PORT] or unix:///PATH; tried in order" },
	{ .letter = 't', .name = "timeout", .arg = "SECONDS", .kind = OPT_SECONDS,
	    .offset = offsetof(struct ctl, timeout_ms),
	    .help = "give up after this time; the server is told, too" },
	{ .name = "json", .kind = OPT_FLAG, .offset = offsetof(struct ctl, json),
	    .help = "print JSON" },
	{ .name = "control", .arg = "PATH", .kind = OPT_TEXT,
	    .offset = offsetof(struct ctl, control),
	    .help = "control socket of a reqd on this machine" },
	{ .letter = 'q', .name = "quiet", .kind = OPT_FLAG, .offset = offsetof(struct ctl, quiet),
	    .help = "no messages, only the exit status" },
	{ .letter = 'V', .name = "version", .kind = OPT_FLAG,
	    .offset = offsetof(struct ctl, version), .help = "print the version" },
	{ .letter = 'h', .name = "help", .kind = OPT_FLAG, .offset = offsetof(struct ctl, help),
	    .help = "print this, or the help of a verb" },
};
const size_t ctl_n_options = ARRAY_LEN(ctl_options);

const struct ctl_cmd *
ctl_find_cmd(const char *name)
{
	for (size_t i = 0; i < ctl_n_cmds; i++) {
		if (strcmp(ctl_cmds[i]->name, name) == 0)
			return ctl_cmds[i];
	}
	return NULL;
}

void *
ctl_need(void *p)
{
	if (p == NULL) {
		(void)fputs("reqctl: out of memory\n", stderr);
		exit(STATUS_LOCAL);
	}
	return p;
}

/* ----------------------------------------------------------- messages --- */

static void __attribute__((format(printf, 1, 0)))
message(const char *fmt, va_list ap)
{
	char *text;

	if (vasprintf(&text, fmt, ap) < 0)
		(void)ctl_need(NULL);
	(void)fflush(stdout);
	(void)fputs("reqctl: ", stderr);
	out_text(stderr, slice_of(text), OUT_ONE_LINE);
	(void)fputc('\n', stderr);
	free(text);
}

void
ctl_message(const struct ctl *ctl, const char *fmt, ...)
{
	va_list ap;

	if (ctl->quiet)
		return;
	va_start(ap, fmt);
	message(fmt, ap);
	va_end(ap);
}

int
ctl_usage(const struct ctl *ctl, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	message(fmt, ap);
	va_end(ap);
	(void)fprintf(stderr, "reqctl: try 'reqctl help%s%s'\n",
	    ctl->cmd != NULL && ctl->cmd != &cmd_help ? " " : "",
	    ctl->cmd != NULL && ctl->cmd != &cmd_help ? ctl->cmd->name : "");
	return STATUS_USAGE;
}

int
ctl_unknown(const struct ctl *ctl, const char *what, const char *word,
    const char *const *candidates, size_t n)
{
	const char *near = suggest_word(word, candidates, n);
	const char *dashes = strcmp(what, "option") == 0 && n > 0 ? "--" : "";

	if (near == NULL)
		return ctl_usage(ctl, "unknown %s '%s%s'", what, dashes, word);
	return ctl_usage(ctl, "unknown %s '%s%s'; did you mean '%s%s'?", what, dashes, word,
	    dashes, near);
}

int
ctl_unknown_verb(const struct ctl *ctl, const char *word)
{
	const char **names = ctl_need(calloc(ctl_n_cmds, sizeof(*names)));
	size_t n = 0;
	int status;

	for (size_t i = 0; i < ctl_n_cmds; i++) {
		if (!ctl_cmds[i]->hidden)
			names[n++] = ctl_cmds[i]->name;
	}
	status = ctl_unknown(ctl, "verb", word, names, n);
	free(names);
	return status;
}

/* --------------------------------------------------------------- help --- */

static void
print_options(const struct ctl_opt *options, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct ctl_opt *o = &options[i];
		char left[64];

		(void)snprintf(left, sizeof(left), "%c%c%s --%s%s%s", o->letter != 0 ? '-' : ' ',
		    o->letter != 0 ? o->letter : ' ', o->letter != 0 ? "," : " ", o->name,
		    o->arg != NULL ? " " : "", o->arg != NULL ? o->arg : "");
		(void)printf("  %-22s %s\n", left, o->help);
	}
}

void
ctl_print_help(void)
{
	(void)printf("Usage: reqctl [OPTION]... VERB [ARGUMENT]...\n\n");
	for (size_t i = 0; i < ctl_n_cmds; i++) {
		const struct ctl_cmd *c = ctl_cmds[i];
		char left[64];

		if (c->hidden)
			continue;
		(void)snprintf(left, sizeof(left), "%s %s", c->name, c->synopsis);
		(void)printf("  %-22s %s\n", left, c->summary);
	}
	(void)printf("\n");
	print_options(ctl_options, ctl_n_options);
	(void)printf("\nServer: -s, else $REQD_SERVER, else unix://%s/reqd/reqd.sock,\n"
	    "else tcp://127.0.0.1:7373. Control socket: --control, else $REQD_CONTROL,\n"
	    "else %s/reqd/control.sock.\n"
	    "\n'reqctl help VERB' has the options of a verb; reqctl(1) has the exit statuses.\n",
	    RUNSTATEDIR, RUNSTATEDIR);
}

void
ctl_print_cmd_help(const struct ctl_cmd *c)
{
	(void)printf("Usage: reqctl [OPTION]... %s%s%s%s\n\n%s\n", c->name,
	    c->n_options > 0 ? " [OPTION]..." : "", *c->synopsis != '\0' ? " " : "",
	    c->synopsis, c->summary);
	if (c->details != NULL)
		(void)printf("\n%s", c->details);
	if (c->n_options > 0) {
		(void)printf("\n");
		print_options(c->options, c->n_options);
	}
	(void)printf("\n");
	print_options(ctl_options, ctl_n_options);
}
