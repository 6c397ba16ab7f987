/* SPDX-License-Identifier: ISC */
/*
 * reason: stores the text that explains an error, which the failing function sets.
 */
#include "config.h"

#include "base/reason.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int
reason_say(struct reason *why, int error, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(why->text, sizeof(why->text), fmt, ap);
	va_end(ap);
	return error;
}

const char *
reason_text(const struct reason *why, int error)
{
	return why->text[0] != '\0' ? why->text : strerror(-error);
}
