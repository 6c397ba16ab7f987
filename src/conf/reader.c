/* SPDX-License-Identifier: ISC */
/* Errors about a line or a section, and the making of a struct conf. */
#include "config.h"

#include "conf/reader.h"

#include <stdio.h>
#include <string.h>

#include "conf/errors.h"

/* Keeps the reason of a service without what names the service. */
static void __attribute__((format(printf, 2, 0)))
excuse(struct reader *r, const char *fmt, va_list ap)
{
	struct service *s = r->excused;
	char text[512], before[SERVICE_NAME_MAX + 16];
	const char *why = text;
	size_t len;

	if (s == NULL || s->unavailable != NULL)
		return;
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	len = (size_t)snprintf(before, sizeof(before), "service \"%.64s\": ", s->name);
	if (strncmp(why, before, len) == 0)
		why += len;
	why += strspn(why, ": ");
	s->unavailable = arena_strdup(r->arena, why);
	r->out_of_memory = r->out_of_memory || s->unavailable == NULL;
}

static void __attribute__((format(printf, 5, 0)))
report(struct reader *r, const char *file, unsigned line, const char *before, const char *fmt,
    va_list ap)
{
	va_list again;

	if (r->excuses) {
		va_copy(again, ap);
		excuse(r, fmt, again);
		va_end(again);
	} else {
		r->failed = true;
		r->n_errors++;
	}
	conf_errors_vadd(r->errors, file, line, before, fmt, ap);
}

void
reader_excuse(struct reader *r, struct service *s)
{
	r->excuses = r->lenient;
	r->excused = s;
}

void
reader_excuse_end(struct reader *r)
{
	r->excuses = false;
}

void
reader_error(struct reader *r, unsigned line, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	report(r, r->file, line, "", fmt, ap);
	va_end(ap);
}

void
block_error(struct reader *r, const struct block *b, const char *key, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	report(r, b->file, key != NULL ? block_line(b, key) : b->line, "", fmt, ap);
	va_end(ap);
}

void
key_error(struct reader *r, const struct block *b, const char *key, const char *fmt, ...)
{
	char before[320];
	va_list ap;

	(void)snprintf(before, sizeof(before), "'%s'%s", key, block_where(b));
	va_start(ap, fmt);
	report(r, b->file, block_line(b, key), before, fmt, ap);
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
