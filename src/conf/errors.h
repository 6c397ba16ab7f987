/* SPDX-License-Identifier: ISC */
/*
 * errors: mistakes found in a configuration, collected in the order found.
 */
#pragma once

#include <stdarg.h>

#include "conf/conf.h"

/* Of errors of one kind in a row, only this many are shown; one more line counts the rest. */
#define CONF_SAME_ERRORS 5

/* Limit of the list; beyond it, one "too many errors" ends the list. */
#define CONF_MAX_ERRORS 200

/*
 * Appends an error. Errors of one kind are those with the same fmt, which is
 * static; with "%s" as fmt each error is a kind of its own. Control characters
 * in the text are escaped, so that a file cannot forge a line. Without memory
 * the error is lost.
 */
void conf_errors_add(struct conf_errors *e, const char *file, unsigned line, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* The same, with a text before that of fmt. */
void conf_errors_vadd(struct conf_errors *e, const char *file, unsigned line, const char *before,
    const char *fmt, va_list ap) __attribute__((format(printf, 5, 0)));
