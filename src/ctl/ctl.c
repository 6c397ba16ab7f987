/* SPDX-License-Identifier: ISC */
/* ctl: the messages of reqctl on standard error. */
#include "config.h"

#include "ctl/ctl.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "ctl/out.h"

void *
ctl_need(void *p)
{
	if (p == NULL) {
		(void)fputs("reqctl: out of memory\n", stderr);
		exit(STATUS_LOCAL);
	}
	return p;
}

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
	bool has_help = ctl->cmd != NULL && !ctl->cmd->is_help;
	va_list ap;

	va_start(ap, fmt);
	message(fmt, ap);
	va_end(ap);
	(void)fprintf(stderr, "reqctl: try 'reqctl help%s%s'\n", has_help ? " " : "",
	    has_help ? ctl->cmd->name : "");
	return STATUS_USAGE;
}
