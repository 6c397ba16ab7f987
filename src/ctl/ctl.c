/* SPDX-License-Identifier: ISC */
/* ctl: the messages of reqctl on standard error. */
#include "config.h"

#include "ctl/ctl.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/out.h"

/* For code that has no struct ctl: whether the verb is a plugin. */
static bool runs_plugin;

void
ctl_set_verb(struct ctl *ctl, const struct ctl_cmd *cmd)
{
	ctl->cmd = cmd;
	runs_plugin = cmd != NULL && cmd->is_plugin;
}

void *
ctl_need(void *p)
{
	if (p != NULL)
		return p;
	if (runs_plugin)
		(void)puts("UNKNOWN - out of memory");
	else
		(void)fputs("reqctl: out of memory\n", stderr);
	exit(runs_plugin ? CTL_PLUGIN_UNKNOWN : STATUS_LOCAL);
}

void
ctl_print_plugin_text(struct slice text)
{
	for (const char *bar; (bar = memchr(text.data, '|', text.len)) != NULL;) {
		size_t n = (size_t)(bar - text.data);

		out_text(stdout, (struct slice){ text.data, n }, OUT_ONE_LINE);
		(void)putchar('/');
		text = (struct slice){ bar + 1, text.len - n - 1 };
	}
	out_text(stdout, text, OUT_ONE_LINE);
}

static bool
is_plugin(const struct ctl *ctl)
{
	return ctl->cmd != NULL && ctl->cmd->is_plugin;
}

static void __attribute__((format(printf, 2, 0)))
message(const struct ctl *ctl, const char *fmt, va_list ap)
{
	char *text;

	if (vasprintf(&text, fmt, ap) < 0)
		(void)ctl_need(NULL);
	if (is_plugin(ctl)) {
		(void)fputs("UNKNOWN - ", stdout);
		ctl_print_plugin_text(slice_of(text));
		(void)putchar('\n');
	} else {
		(void)fflush(stdout);
		(void)fputs("reqctl: ", stderr);
		out_text(stderr, slice_of(text), OUT_ONE_LINE);
		(void)fputc('\n', stderr);
	}
	free(text);
}

void
ctl_message(const struct ctl *ctl, const char *fmt, ...)
{
	va_list ap;

	if (ctl->quiet && !is_plugin(ctl))
		return;
	va_start(ap, fmt);
	message(ctl, fmt, ap);
	va_end(ap);
}

int
ctl_usage(const struct ctl *ctl, const char *fmt, ...)
{
	bool has_help = ctl->cmd != NULL && !ctl->cmd->is_help;
	va_list ap;

	va_start(ap, fmt);
	message(ctl, fmt, ap);
	va_end(ap);
	if (is_plugin(ctl))
		return STATUS_USAGE;
	(void)fprintf(stderr, "reqctl: try 'reqctl help%s%s'\n", has_help ? " " : "",
	    has_help ? ctl->cmd->name : "");
	return STATUS_USAGE;
}
