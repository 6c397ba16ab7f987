/* SPDX-License-Identifier: ISC */
/* import: reads lines of another program's file and writes sections of reqd.conf. */
#include "config.h"

#include "ctl/import.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "ctl/ctl.h"
#include "ctl/out.h"

#define BLANKS " \t\r"

/* Memory of the import: a text or a list of words. */
struct import_kept {
	struct import_kept *next;
	union {
		char text[1];
		const char *words[1];
	};
};

/* -------------------------------------------------------------- reading --- */

static char *
trim(char *s)
{
	char *end = s + strlen(s);

	while (end > s && strchr(BLANKS, end[-1]) != NULL)
		*--end = '\0';
	return s + strspn(s, BLANKS);
}

/* Takes the line apart from what is behind it. NULL at the end of the text. */
static char *
raw_line(struct import *im)
{
	if (im->next == NULL || *im->next == '\0')
		return NULL;
	im->line++;
	return trim(strsep(&im->next, "\n"));
}

char *
import_line(struct import *im, bool is_joined)
{
	char *line;

	do {
		line = raw_line(im);
		if (line == NULL)
			return NULL;
	} while (*line == '\0' || *line == '#');
	while (is_joined && *line != '\0' && line[strlen(line) - 1] == '\\') {
		size_t len = strlen(line) - 1;
		char *more;

		line[len] = '\0';
		more = raw_line(im);
		if (more == NULL)
			break;
		/* The next line stands further behind in the same memory. */
		line[len] = ' ';
		memmove(line + len + 1, more, strlen(more) + 1);
	}
	return line;
}

static struct import_kept *
keep(struct import *im, size_t size)
{
	struct import_kept *k = ctl_need(calloc(1, sizeof(*k) + size));

	k->next = im->kept;
	im->kept = k;
	return k;
}

const char *
import_text(struct import *im, const char *fmt, ...)
{
	CLEANUP_FREE char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		(void)ctl_need(NULL);
	va_end(ap);
	return memcpy(keep(im, strlen(text))->text, text, strlen(text));
}

void
import_add(struct import *im, struct import_words *w, const char *word)
{
	if (w->n == w->room) {
		const char **more;

		w->room = w->room == 0 ? 16 : 2 * w->room;
		more = keep(im, w->room * sizeof(*more))->words;
		if (w->n > 0)
			memcpy(more, w->v, w->n * sizeof(*more));
		w->v = more;
	}
	w->v[w->n++] = word;
}

void
import_split(struct import *im, const char *text, struct import_words *ret)
{
	ret->n = 0;
	for (const char *p = text + strspn(text, BLANKS); *p != '\0'; p += strspn(p, BLANKS)) {
		size_t len = strcspn(p, BLANKS);

		import_add(im, ret, import_text(im, "%.*s", (int)len, p));
		p += len;
	}
}

const char *
import_literal(struct import *im, const char *word)
{
	char *text = keep(im, 2 * strlen(word))->text, *p = text;

	for (; *word != '\0'; word++) {
		if (*word == '{' || *word == '}')
			*p++ = *word;
		*p++ = *word;
	}
	return text;
}

const char *
import_name(struct import *im, const char *word, size_t max)
{
	size_t len = strlen(word);
	char *name = keep(im, len)->text, *p = name;

	/* Arguments begin with a letter, services may begin with a digit as well. */
	while (*word != '\0' && isalnum((unsigned char)*word) == 0)
		word++;
	for (; *word != '\0' && (size_t)(p - name) < max; word++) {
		unsigned char c = (unsigned char)*word;

		*p++ = isalnum(c) != 0 || c == '_' ? (char)tolower(c) : '-';
	}
	return *name != '\0' ? name : "x";
}

/* -------------------------------------------------------------- writing --- */

static FILE *
out_of(const struct import *im)
{
	return im->service != NULL ? im->service : im->services;
}

/* In double quotes, as the lexer of reqd.conf reads them. */
static void
put_quoted(FILE *f, const char *text)
{
	(void)fputc('"', f);
	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '"' || c == '\\')
			(void)fprintf(f, "\\%c", c);
		else if (c < ' ' || c == 0x7f)
			(void)fprintf(f, "\\x%02X", c);
		else
			(void)fputc(c, f);
	}
	(void)fputc('"', f);
}

static void
put_list(FILE *f, const struct import_words *w)
{
	(void)fputc('{', f);
	for (size_t i = 0; i < w->n; i++) {
		if (i > 0)
			(void)fputs(", ", f);
		put_quoted(f, w->v[i]);
	}
	(void)fputc('}', f);
}

static void __attribute__((format(printf, 2, 0)))
put_note(struct import *im, const char *fmt, va_list ap)
{
	CLEANUP_FREE char *text = NULL;

	if (vasprintf(&text, fmt, ap) < 0)
		(void)ctl_need(NULL);
	(void)fprintf(out_of(im), "%s# ", im->service != NULL ? "\t" : "");
	if (im->line > 0)
		(void)fprintf(out_of(im), "line %u: ", im->line);
	for (char *p = text; *p != '\0'; p++) {
		if (iscntrl((unsigned char)*p) != 0)
			*p = ' ';
	}
	(void)fprintf(out_of(im), "%s\n", text);
}

void
import_note(struct import *im, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	put_note(im, fmt, ap);
	va_end(ap);
}

void
import_off(struct import *im, const char *fmt, ...)
{
	va_list ap;

	im->is_off = true;
	va_start(ap, fmt);
	put_note(im, fmt, ap);
	va_end(ap);
}

static bool
has_word(const struct import_words *w, const char *word)
{
	for (size_t i = 0; i < w->n; i++) {
		if (strcmp(w->v[i], word) == 0)
			return true;
	}
	return false;
}

void
import_service(struct import *im, const char *name)
{
	im->service = ctl_need(open_memstream(&im->text, &im->text_len));
	im->allow = "";
	im->is_off = false;
	(void)fprintf(im->service, "service \"%s\" {\n", name);
	if (has_word(&im->service_names, name))
		import_off(im, "there is a service of this name already");
	else
		import_add(im, &im->service_names, name);
}

void
import_service_end(struct import *im)
{
	char *rest, *line;

	if (*im->allow != '\0')
		(void)fprintf(im->service, "\tallow = {%s}\n", im->allow);
	else if (!im->is_off)
		import_note(im, "nobody but root may call this: allow = {\"ROLE\"} is missing");
	(void)fputs("}\n", im->service);
	(void)fclose(im->service);
	im->service = NULL;
	(void)fputc('\n', im->services);
	rest = im->text;
	while ((line = strsep(&rest, "\n")) != NULL) {
		if (*line != '\0')
			(void)fprintf(im->services, "%s%s\n", im->is_off ? "#" : "", line);
	}
	free(im->text);
	im->text = NULL;
}

void
import_key(struct import *im, const char *key, const char *value)
{
	(void)fprintf(im->service, "\t%s = ", key);
	put_quoted(im->service, value);
	(void)fputc('\n', im->service);
}

void
import_word(struct import *im, const char *key, const char *value)
{
	(void)fprintf(im->service, "\t%s = %s\n", key, value);
}

void
import_list(struct import *im, const char *key, const struct import_words *w)
{
	if (w->n == 0)
		return;
	(void)fprintf(im->service, "\t%s = ", key);
	put_list(im->service, w);
	(void)fputc('\n', im->service);
}

void
import_argument(struct import *im, const char *name, const char *settings)
{
	(void)fprintf(im->service, "\targument \"%s\" {%s%s%s}\n", name,
	    *settings != '\0' ? " " : "", settings, *settings != '\0' ? " " : "");
}

void
import_allow(struct import *im, const char *role, const char *key, const struct import_words *w)
{
	const char *name = import_name(im, role, 64);

	if (w->n == 0)
		return;
	if (!has_word(&im->role_names, name)) {
		import_add(im, &im->role_names, name);
		(void)fprintf(im->roles, "role \"%s\" { %s = ", name, key);
		put_list(im->roles, w);
		(void)fputs(" }\n", im->roles);
	}
	im->allow = import_text(im, "%s%s\"%s\"", im->allow, *im->allow != '\0' ? ", " : "", name);
}

/* ------------------------------------------------------------ all of it --- */

void
import_begin(struct import *im, char *text)
{
	im->next = text;
	im->roles = ctl_need(open_memstream(&im->roles_text, &im->roles_len));
	im->services = ctl_need(open_memstream(&im->services_text, &im->services_len));
}

void
import_print(struct import *im, const char *head)
{
	(void)fflush(im->roles);
	(void)fflush(im->services);
	(void)printf("# Made by reqctl import from ");
	out_word(im->path);
	(void)printf(".\n%s", head);
	if (im->roles_len > 0)
		(void)printf("\n%s", im->roles_text);
	(void)fputs(im->services_text, stdout);
}

void
import_end(struct import *im)
{
	(void)fclose(im->roles);
	(void)fclose(im->services);
	free(im->roles_text);
	free(im->services_text);
	while (im->kept != NULL) {
		struct import_kept *k = im->kept;

		im->kept = k->next;
		free(k);
	}
}
