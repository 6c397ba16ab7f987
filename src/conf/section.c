/* SPDX-License-Identifier: ISC */
/*
 * section: one block of a file, applied to the struct it describes.
 */
#include "config.h"

#include <errno.h>
#include <fnmatch.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/suggest.h"
#include "conf/schema.h"

/* More keys and sections than any section has. */
#define MAX_WORDS 64

/* True for names of features that this program knows but does not have. */
static bool
is_refused(const char *name)
{
	static const char *const names[] = { "auth", "auth-*", "password*" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (fnmatch(names[i], name, 0) == 0)
			return true;
	}
	return false;
}

/* The word that was probably meant by a wrong name, as a remedy. */
static const char *
remedy(const struct section *s, const char *name)
{
	const char *words[MAX_WORDS];
	size_t n = 0;

	for (size_t i = 0; i < s->n_keys; i++) {
		if ((s->keys[i].flags & KEY_CANONICAL) == 0)
			words[n++] = s->keys[i].name;
	}
	for (const struct section *const *p = s->inner; *p != NULL; p++) {
		if (*p != &section_credential)	/* only canonical text has it */
			words[n++] = (*p)->kind;
	}
	return suggest_remedy(name, words, n);
}

/* The kind of section that has this key, or NULL. */
static const char *
home_of(const char *key)
{
	for (const struct section *const *s = sections; *s != NULL; s++) {
		int i = section_find(*s, key);

		if (i >= 0 && ((*s)->keys[i].flags & KEY_CANONICAL) == 0)
			return (*s)->kind;
		if (section_inner(*s, key) != NULL)
			return (*s)->kind;
	}
	return NULL;
}

static void
report_unknown(struct reader *r, const struct section *s, const struct block *b,
    const char *what, const char *name, unsigned line)
{
	const char *home = home_of(name), *where = block_where(b);

	if (is_refused(name))
		reader_error(r, line, "'%.64s' is not built into this reqd", name);
	else if (home == NULL)
		reader_error(r, line, "unknown %s '%.64s'%s%s", what, name, where, remedy(s, name));
	else if (*home != '\0')
		reader_error(r, line, "unknown %s '%.64s'%s; it belongs into a '%s' section", what,
		    name, where, home);
	else
		reader_error(r, line, "unknown %s '%.64s'%s; it belongs outside of all sections",
		    what, name, where);
}

/* "loopback, yes or no" */
static void
words_format(const char *const *words, char *ret, size_t ret_len)
{
	size_t len = 0;

	for (size_t i = 0; words[i] != NULL && len < ret_len; i++) {
		const char *sep = i == 0 ? "" : words[i + 1] == NULL ? " or " : ", ";
		int n = snprintf(ret + len, ret_len - len, "%s%s", sep, words[i]);

		len += n > 0 ? (size_t)n : 0;
	}
}

static void
report_value(struct reader *r, const struct key *k, const struct block *b,
    const struct setting *s)
{
	const char *where = block_where(b), *value = s->values[0];
	char words[200];
	size_t n = 0;

	if (k->type->wants != NULL) {
		reader_error(r, s->line, "'%s'%s: '%.64s' is not %s", k->name, where, value,
		    k->type->wants);
		return;
	}
	words_format(k->words, words, sizeof(words));
	while (k->words[n] != NULL)
		n++;
	reader_error(r, s->line, "'%s'%s: '%.64s' is not one of %s%s", k->name, where, value, words,
	    suggest_remedy(value, k->words, n));
}

static void *
field(const struct key *k, void *object)
{
	return (char *)object + k->offset;
}

static int
set_defaults(struct reader *r, const struct section *s, void *object)
{
	for (size_t i = 0; i < s->n_keys; i++) {
		const struct key *k = &s->keys[i];
		const char *value = k->def;
		const struct setting def = { .key = k->name, .values = &value, .n = 1 };
		int q;

		if (k->def == NULL)
			continue;
		q = k->type->parse(r, k, &def, field(k, object));
		if (q < 0)
			return q;
	}
	return 0;
}

static int
set_key(struct reader *r, const struct key *k, const struct block *b, const struct setting *s,
    void *object)
{
	int q;

	if (s->n > 1 && !k->type->is_list) {
		reader_error(r, s->line, "'%s'%s takes one value, not a list of %zu", k->name,
		    block_where(b), s->n);
		return 0;
	}
	q = k->type->parse(r, k, s, field(k, object));
	if (q == 1)
		report_value(r, k, b, s);
	if (q > 0)
		r->failed = true;
	return q < 0 ? q : 0;
}

static int
read_settings(struct reader *r, const struct section *s, const struct block *b, void *object)
{
	unsigned first[MAX_WORDS] = { 0 };	/* line of each key, by its number */

	for (const struct setting *set = b->settings; set != NULL; set = set->next) {
		const struct key *k = set->number >= 0 ? &s->keys[set->number] : NULL;
		int q = 0;

		if (k == NULL)
			report_unknown(r, s, b, "key", set->key, set->line);
		else if ((k->flags & KEY_CANONICAL) != 0 && !r->canonical)
			continue;
		else if (first[set->number] != 0)
			reader_error(r, set->line, "'%s'%s is set again; it was first set on line %u",
			    k->name, block_where(b), first[set->number]);
		else
			q = set_key(r, k, b, set, object);
		if (q < 0)
			return q;
		if (k != NULL && first[set->number] == 0)
			first[set->number] = set->line;
	}
	return 0;
}

static void
check_blocks(struct reader *r, const struct section *s, const struct block *b)
{
	unsigned first[MAX_WORDS] = { 0 };	/* line of each kind without titles */

	for (const struct block *i = b->blocks; i != NULL; i = i->next) {
		size_t n = 0;

		while (s->inner[n] != NULL && strcmp(s->inner[n]->kind, i->kind) != 0)
			n++;
		if (s->inner[n] == NULL)
			report_unknown(r, s, b, "section", i->kind, i->line);
		else if (i->title == NULL && first[n] != 0)
			block_error(r, i, NULL, "section '%s'%s stands here again; it was first on line %u",
			    i->kind, block_where(b), first[n]);
		else if (i->title == NULL)
			first[n] = i->line;
	}
}

int
section_read(struct reader *r, const struct section *s, const struct block *b, void *object)
{
	int q = set_defaults(r, s, object);

	if (q == 0)
		q = read_settings(r, s, b, object);
	if (q == 0)
		check_blocks(r, s, b);
	return q;
}
