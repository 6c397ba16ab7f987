/* SPDX-License-Identifier: ISC */
/* Errors about a line or a section, and the making of a struct conf. */
#include "config.h"

#include "conf/reader.h"

#include <stdio.h>

#include "conf/errors.h"

void
reader_error(struct reader *r, unsigned line, const char *fmt, ...)
{
	va_list ap;

	r->failed = true;
	va_start(ap, fmt);
	conf_errors_vadd(r->errors, r->file, line, "", fmt, ap);
	va_end(ap);
}

void
block_error(struct reader *r, const struct block *b, const char *key, const char *fmt, ...)
{
	va_list ap;

	r->failed = true;
	va_start(ap, fmt);
	conf_errors_vadd(r->errors, b->file, key != NULL ? block_line(b, key) : b->line, "", fmt,
	    ap);
	va_end(ap);
}

void
key_error(struct reader *r, const struct block *b, const char *key, const char *fmt, ...)
{
	char before[320];
	va_list ap;

	r->failed = true;
	(void)snprintf(before, sizeof(before), "'%s'%s", key, block_where(b));
	va_start(ap, fmt);
	conf_errors_vadd(r->errors, b->file, block_line(b, key), before, fmt, ap);
	va_end(ap);
}

const char *
block_where(const struct block *b)
{
	static char where[256];

	if (b->parent == NULL)
		return "";
	if (b->title != NULL && b->parent->title != NULL)
		(void)snprintf(where, sizeof(where), " in %s \"%.64s\" of %s \"%.64s\"", b->kind,
		    b->title, b->parent->kind, b->parent->title);
	else if (b->title != NULL)
		(void)snprintf(where, sizeof(where), " in %s \"%.120s\"", b->kind, b->title);
	else if (b->parent->title != NULL)
		(void)snprintf(where, sizeof(where), " in '%s' of %s \"%.64s\"", b->kind,
		    b->parent->kind, b->parent->title);
	else
		(void)snprintf(where, sizeof(where), " in '%s'", b->kind);
	return where;
}
