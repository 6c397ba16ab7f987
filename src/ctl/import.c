/* SPDX-License-Identifier: ISC */
/* import: reads lines of another program's file and writes sections of reqd.conf. */
#include "config.h"

#include "ctl/import.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/hidden.h"
#include "ctl/ctl.h"
#include "ctl/out.h"

#define BLANKS " \t\r"
#define ROLE_MAX 64	/* bytes of a name */

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
	return strsep(&im->next, "\n");
}

/* Takes a line and, where is_joined, those that a \ directly at its end adds. */
static char *
whole_line(struct import *im, bool is_joined)
{
	char *line = raw_line(im);
	size_t len = line != NULL ? strlen(line) : 0;

	while (is_joined && im->next != NULL && len > 0 && line[len - 1] == '\\') {
		const char *more = raw_line(im);
		size_t more_len = more != NULL ? strlen(more) : 0;

		/* The next line stands further behind in the same memory. */
		line[--len] = '\0';
		if (more != NULL)
			memmove(line + len, more, more_len + 1);
		len += more_len;
	}
	return line;
}

char *
import_line(struct import *im, bool is_joined)
{
	char *line;

	do {
		line = whole_line(im, is_joined);
		if (line == NULL)
			return NULL;
		line = trim(line);
	} while (*line == '\0' || *line == '#');
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

/* Locales count other bytes as letters, too. */
static bool
is_letter_or_digit(char c)
{
	return (unsigned char)c < 0x80 && isalnum((unsigned char)c) != 0;
}

const char *
import_name(struct import *im, const char *word, size_t max)
{
	size_t len = strlen(word);
	char *name = keep(im, len)->text, *p = name;

	/* Arguments begin with a letter, services may begin with a digit as well. */
	while (*word != '\0' && !is_letter_or_digit(*word))
		word++;
	for (; *word != '\0' && (size_t)(p - name) < max; word++) {
		bool is_good = is_letter_or_digit(*word) || *word == '_';

		*p++ = is_good ? (char)tolower((unsigned char)*word) : '-';
	}
	return *name != '\0' ? name : "x";
}

bool
import_has_word(const struct import_words *w, const char *word)
{
	for (size_t i = 0; i < w->n; i++) {
		if (strcmp(w->v[i], word) == 0)
			return true;
	}
	return false;
}

const char *
import_unused_name(struct import *im, const struct import_words *used, const char *name,
    size_t max)
{
	const char *other = name;

	for (unsigned int i = 2; import_has_word(used, other); i++) {
		char end[16];
		int len = snprintf(end, sizeof(end), "-%u", i);

		other = import_text(im, "%.*s%s", (int)max - len, name, end);
	}
	return other;
}

bool
import_is_variable(const char *name)
{
	size_t n = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_");

	return n > 0 && name[n] == '\0' && (*name < '0' || *name > '9') &&
	    strncmp(name, "REQD_", 5) != 0;
}

void
import_add_variable(struct import *im, struct import_words *w, const char *name,
    const char *value)
{
	const char *entry = import_text(im, "%s=%s", name, value);
	size_t len = strlen(name) + 1, i = 0;

	if (!import_is_variable(name))
		import_off(im, "the environment of a service cannot have '%s'", name);
	if (w->n == IMPORT_MAX_VARIABLES) {
		import_off(im, "more than %d variables", IMPORT_MAX_VARIABLES);
		return;
	}
	while (i < w->n && strncmp(w->v[i], entry, len) != 0)
		i++;
	if (i < w->n)
		w->v[i] = entry;
	else
		import_add(im, w, entry);
}

bool
import_number(const char *text, uint64_t min, uint64_t max, uint64_t *ret)
{
	size_t len = strspn(text, "0123456789");
	unsigned long long n;

	/* Twelve digits are more than any setting takes, and cannot overflow. */
	if (len == 0 || len > 12 || text[len] != '\0')
		return false;
	n = strtoull(text, NULL, 10);
	*ret = n;
	return n >= min && n <= max;
}

/* -------------------------------------------------------------- writing --- */

static FILE *
out_of(const struct import *im)
{
	return im->service != NULL ? im->service : im->services;
}

/* Returns the length of the character at p if no reader of the file can see it, else 0. */
static size_t
hidden(const char *p)
{
	const char *name;

	return hidden_character(p, strnlen(p, 3), false, &name);
}

/* In double quotes, as the lexer of reqd.conf reads them. */
static void
put_quoted(FILE *f, const char *text)
{
	(void)fputc('"', f);
	while (*text != '\0') {
		size_t n = hidden(text);

		if (*text == '"' || *text == '\\')
			(void)fputc('\\', f);
		if (n == 0)
			(void)fputc(*text++, f);
		for (; n > 0; n--)
			(void)fprintf(f, "\\x%02X", (unsigned char)*text++);
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
		size_t n = hidden(p);

		if (n > 0)
			memset(p, ' ', n);
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

void
import_service(struct import *im, const char *name)
{
	im->service = ctl_need(open_memstream(&im->text, &im->text_len));
	im->allow = im->deny = "";
	im->is_off = false;
	(void)fprintf(im->service, "service \"%s\" {\n", name);
	if (import_has_word(&im->service_names, name))
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
	if (*im->deny != '\0')
		(void)fprintf(im->service, "\tdeny = {%s}\n", im->deny);
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

/* True for the role that says key = {w}. */
static bool
is_role(const struct import_role *r, const char *key, const struct import_words *w)
{
	if (strcmp(r->key, key) != 0 || r->words.n != w->n)
		return false;
	if (r->words.v == w->v)
		return true;
	for (size_t i = 0; i < w->n; i++) {
		if (strcmp(r->words.v[i], w->v[i]) != 0)
			return false;
	}
	return true;
}

/*
 * The name of the role that says key = {w}, which is written unless it is there.
 * Two names of the other program may become one name; their roles stay two.
 */
static const char *
role_name(struct import *im, const char *wish, const char *key, const struct import_words *w)
{
	const char *name = import_name(im, wish, ROLE_MAX);

	for (size_t i = 0; i < im->role_names.n; i++) {
		if (strcmp(im->made[i].wish, name) == 0 && is_role(&im->made[i], key, w))
			return im->role_names.v[i];
	}
	im->made = ctl_need(reallocarray(im->made, im->role_names.n + 1, sizeof(*im->made)));
	im->made[im->role_names.n] = (struct import_role){ .wish = name, .key = key, .words = *w };
	name = import_unused_name(im, &im->role_names, name, ROLE_MAX);
	import_add(im, &im->role_names, name);
	(void)fprintf(im->roles, "role \"%s\" { %s = ", name, key);
	put_list(im->roles, w);
	(void)fputs(" }\n", im->roles);
	return name;
}

/* Adds the role that says key = {w} to a list of names. */
static void
add_role(struct import *im, const char **list, const char *role, const char *key,
    const struct import_words *w)
{
	if (w->n > 0)
		*list = import_text(im, "%s%s\"%s\"", *list, **list != '\0' ? ", " : "",
		    role_name(im, role, key, w));
}

void
import_allow(struct import *im, const char *role, const char *key, const struct import_words *w)
{
	add_role(im, &im->allow, role, key, w);
}

void
import_deny(struct import *im, const char *role, const char *key, const struct import_words *w)
{
	add_role(im, &im->deny, role, key, w);
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
	free(im->made);
	while (im->kept != NULL) {
		struct import_kept *k = im->kept;

		im->kept = k->next;
		free(k);
	}
}
