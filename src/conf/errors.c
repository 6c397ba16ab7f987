/* SPDX-License-Identifier: ISC */
/* Collects errors, and shortens long runs of one kind. */
#include "config.h"

#include "conf/errors.h"

#include <stdlib.h>
#include <string.h>

#include "base/escape.h"

/* Longest text of one error. */
#define ERROR_TEXT 1024

void
conf_errors_done(struct conf_errors *e)
{
	for (size_t i = 0; i < e->n; i++) {
		free(e->list[i].file);
		free(e->list[i].text);
	}
	free(e->list);
	*e = (struct conf_errors){ 0 };
}

void
conf_errors_print(const struct conf_errors *e, FILE *f)
{
	for (size_t i = 0; i < e->n; i++) {
		const struct conf_error *error = &e->list[i];

		if (error->file != NULL)
			(void)fprintf(f, "%s:", error->file);
		if (error->line != 0)
			(void)fprintf(f, "%u:", error->line);
		(void)fprintf(f, "%s%s\n", error->file != NULL ? " " : "", error->text);
	}
}

/* The text with all characters escaped that could hide or forge something. */
static char *
one_line(const char *text)
{
	struct buf b = BUF_INIT(0);
	size_t len;

	for (const char *p = text; *p != '\0'; p += len) {
		len = *p == '"' || *p == '\\' ? 1 : strcspn(p, "\"\\");
		if (*p == '"' || *p == '\\')
			(void)buf_append_char(&b, *p);
		else
			(void)escape_text(&b, (struct slice){ p, len }, len);
	}
	if (buf_failed(&b) || buf_text(&b) == NULL) {
		buf_done(&b);
		return NULL;
	}
	return buf_take(&b, &len);
}

/*
 * The number of errors of that kind at the end of the list, including the line
 * that counts further ones.
 */
static size_t
count_same(const struct conf_errors *e, const char *kind)
{
	size_t n = 0;

	if (strcmp(kind, "%s") == 0)
		return 0;
	while (n < e->n && n <= CONF_SAME_ERRORS && e->list[e->n - 1 - n].kind == kind)
		n++;
	return n;
}

static void
count_more(struct conf_error *last)
{
	char *text;

	if (asprintf(&text, "and %zu more like this", ++last->more) < 0)
		return;
	free(last->text);
	last->text = text;
}

void
conf_errors_vadd(struct conf_errors *e, const char *file, unsigned line, const char *before,
    const char *fmt, va_list ap)
{
	struct conf_error error = { .line = line, .kind = fmt }, *list;
	size_t same = count_same(e, fmt);
	char text[ERROR_TEXT];

	if (same > CONF_SAME_ERRORS) {
		count_more(&e->list[e->n - 1]);
		return;
	}
	if (e->n > CONF_MAX_ERRORS)
		return;
	if (same == CONF_SAME_ERRORS)
		(void)snprintf(text, sizeof(text), "and %zu more like this", ++error.more);
	else if (e->n == CONF_MAX_ERRORS)
		(void)snprintf(text, sizeof(text), "too many errors; the rest is not shown");
	else
		(void)vsnprintf(text + strlcpy(text, before, sizeof(text) / 2),
		    sizeof(text) / 2, fmt, ap);
	list = reallocarray(e->list, e->n + 1, sizeof(*list));
	if (list == NULL)
		return;
	e->list = list;
	error.file = file != NULL ? strdup(file) : NULL;
	error.text = one_line(text);
	if (error.text == NULL || (file != NULL && error.file == NULL)) {
		free(error.file);
		free(error.text);
		return;
	}
	list[e->n++] = error;
}

void
conf_errors_add(struct conf_errors *e, const char *file, unsigned line, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	conf_errors_vadd(e, file, line, "", fmt, ap);
	va_end(ap);
}
