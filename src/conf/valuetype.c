/* SPDX-License-Identifier: ISC */
/* Reads and writes each kind of value. */
#include "config.h"

#include "conf/valuetype.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/hidden.h"
#include "base/units.h"
#include "conf/lexer.h"
#include "conf/passedfile.h"

/* All functions of a type have the same parameters, whether they need them or not. */
#pragma GCC diagnostic ignored "-Wunused-parameter"

/* --------------------------------------------------------------- text --- */

/* Appends text in quotes; the characters in doubled are written twice. */
static void
quote(struct buf *b, const char *text, const char *doubled)
{
	(void)buf_append_char(b, '"');
	for (const char *p = text; *p != '\0'; ) {
		const char *name, *start = p;
		size_t n;

		while (lexer_is_plain(*p) && strchr(doubled, *p) == NULL)
			p++;
		(void)buf_append(b, start, (size_t)(p - start));
		if (*p == '\0')
			break;
		n = hidden_character(p, strnlen(p, 3), true, &name);
		for (size_t i = 0; i < n; i++)
			(void)buf_printf(b, "\\x%02x", (unsigned char)*p++);
		if (n > 0)
			continue;
		if (*p == '"' || *p == '\\')
			(void)buf_append_char(b, '\\');
		if (strchr(doubled, *p) != NULL)
			(void)buf_append_char(b, *p);
		(void)buf_append_char(b, *p++);
	}
	(void)buf_append_char(b, '"');
}

void
value_quote(struct buf *b, const char *text)
{
	quote(b, text, "");
}

static int
store_text(struct reader *r, const struct setting *s, void *at)
{
	char *copy = arena_strdup(r->arena, s->values[0]);

	if (copy == NULL)
		return -ENOMEM;
	*(char **)at = copy;
	return 0;
}

static int
text_parse(struct reader *r, const struct key *k, const struct setting *s, void *at)
{
	return store_text(r, s, at);
}

static int
line_parse(struct reader *r, const struct key *k, const struct setting *s, void *at)
{
	if (s->values[0][0] == '\0')
		return 1;
	for (const char *p = s->values[0]; *p != '\0'; p++) {
		if (iscntrl((unsigned char)*p))
			return 1;
	}
	return store_text(r, s, at);
}

static int
path_parse(struct reader *r, const struct key *k, const struct setting *s, void *at)
{
	return s->values[0][0] == '/' ? line_parse(r, k, s, at) : 1;
}

/* Stores the path of a file that systemd passes, too. */
static int
file_parse(struct reader *r, const struct key *k, const struct setting *s, void *at)
{
	int q;

	if (!passedfile_is(s->values[0]))
		return path_parse(r, k, s, at);
	q = line_parse(r, k, s, at);
	return q != 0 ? q : passedfile_path(r->arena, s->values[0], at);
}

static void
text_format(struct buf *b, const struct key *k, const void *at)
{
	const char *text = *(char *const *)at;

	if (text != NULL)
		value_quote(b, text);
}

/* An empty line means that the key is not given. */
static void
line_format(struct buf *b, const struct key *k, const void *at)
{
	const char *text = *(char *const *)at;

	if (text != NULL && *text != '\0')
		text_format(b, k, at);
}

char **
value_copy_list(struct arena *a, const struct setting *s)
{
	char **list = arena_alloc(a, (s->n + 1) * sizeof(*list));

	for (size_t i = 0; list != NULL && i < s->n; i++) {
		list[i] = arena_strdup(a, s->values[i]);
		if (list[i] == NULL)
			return NULL;
	}
	return list;
}

static int
list_parse(struct reader *r, const struct key *k, const struct setting *s, void *at)
{
	char **list = value_copy_list(r->arena, s);

	if (list == NULL)
		return -ENOMEM;
	*(char ***)at = list;
	return 0;
}

static void
put_list(struct buf *b, char *const *list, const char *doubled)
{
	if (list == NULL || list[0] == NULL)
		return;
	for (size_t i = 0; list[i] != NULL; i++) {
		(void)buf_append_str(b, i == 0 ? "{" : ", ");
		quote(b, list[i], doubled);
	}
	(void)buf_append_char(b, '}');
}

static void
list_format(struct buf *b, const struct key *k, const void *at)
{
	put_list(b, *(char *const *const *)at, "");
}

/* A "{{" of the file is stored as "{", see check_service(). */
static void
words_format(struct buf *b, const struct key *k, const void *at)
{
	put_list(b, *(char *const *const *)at, "{}");
}

/* -------------------------------------------------------------- words --- */

static int
bool_parse(struct reader *r, const struct key *k, const struct setting *s, void *at)
{
	static const char *const words[] = { "no", "yes", "false", "true", "off", "on" };

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (strcmp(s->values[0], words[i]) != 0)
			continue;
		*(bool *)at = i % 2 == 1;
		return 0;
	}
	return 1;
}

static void
bool_format(struct buf *b, const struct key *k, const void *at)
{
	(void)buf_append_str(b, *(const bool *)at ? "yes" : "no");
}

static int
word_parse(struct reader *r, const struct key *k, const struct setting *s, void *at)
{
	for (int i = 0; k->words[i] != NULL; i++) {
		if (strcmp(s->values[0], k->words[i]) != 0)
			continue;
		*(int *)at = i;		/* every enum of conf.h has the size of an int */
		return 0;
	}
	return 1;
}

static void
word_format(struct buf *b, const struct key *k, const void *at)
{
	(void)buf_append_str(b, k->words[*(const int *)at]);
}

static int
word_bool_parse(struct reader *r, const struct key *k, const struct setting *s, void *at)
{
	int i = 0, q = word_parse(r, k, s, &i);

	if (q == 0)
		*(bool *)at = i == 1;
	return q;
}

static void
word_bool_format(struct buf *b, const struct key *k, const void *at)
{
	int i = *(const bool *)at ? 1 : 0;

	word_format(b, k, &i);
}

/* ------------------------------------------------------------ numbers --- */

static int
number_read(const char *text, uint64_t *ret)
{
	int64_t v;

	if (integer_parse(text, &v) < 0 || v < 0)
		return -EINVAL;
	*ret = (uint64_t)v;
	return 0;
}

static void
number_write(uint64_t v, char *ret, size_t ret_len)
{
	(void)snprintf(ret, ret_len, "%llu", (unsigned long long)v);
}

static const struct measure numbers = { number_read, number_write };
static const struct measure durations = { duration_parse, duration_format };
static const struct measure sizes = { size_parse, size_format };

int
measure_parse(const struct measure *m, struct reader *r, const struct key *k,
    const struct setting *s, uint64_t *ret)
{
	char min[UNITS_TEXT], max[UNITS_TEXT];
	uint64_t v;

	if (m->parse(s->values[0], &v) < 0)
		return 1;
	if ((v >= k->min && (k->max == 0 || v <= k->max)) ||
	    (v == 0 && (k->flags & KEY_OR_ZERO) != 0)) {
		*ret = v;
		return 0;
	}
	m->format(k->min, min, sizeof(min));
	m->format(k->max, max, sizeof(max));
	if (k->max == 0)
		reader_error(r, s->line, "'%s': '%.64s' is below the minimum %s", k->name,
		    s->values[0], min);
	else
		reader_error(r, s->line, "'%s': '%.64s' is not %sbetween %s and %s", k->name,
		    s->values[0], (k->flags & KEY_OR_ZERO) != 0 ? "0, nor " : "", min, max);
	return 2;
}

void
measure_format(const struct measure *m, struct buf *b, uint64_t v)
{
	char text[UNITS_TEXT];

	m->format(v, text, sizeof(text));
	(void)buf_append_str(b, text);
}

static int
wide_parse(struct reader *r, const struct key *k, const struct setting *s, void *at)
{
	return measure_parse(k->type->measure, r, k, s, at);
}

static void
wide_format(struct buf *b, const struct key *k, const void *at)
{
	measure_format(k->type->measure, b, *(const uint64_t *)at);
}

static int
narrow_parse(struct reader *r, const struct key *k, const struct setting *s, void *at)
{
	uint64_t v = 0;
	int q = measure_parse(k->type->measure, r, k, s, &v);

	if (q == 0)
		*(uint32_t *)at = (uint32_t)v;	/* checked against k->max */
	return q;
}

static void
narrow_format(struct buf *b, const struct key *k, const void *at)
{
	measure_format(k->type->measure, b, *(const uint32_t *)at);
}

static int
workers_parse(struct reader *r, const struct key *k, const struct setting *s, void *at)
{
	if (strcmp(s->values[0], "auto") != 0)
		return narrow_parse(r, k, s, at);
	*(uint32_t *)at = 0;
	return 0;
}

static void
workers_format(struct buf *b, const struct key *k, const void *at)
{
	if (*(const uint32_t *)at == 0)
		(void)buf_append_str(b, "auto");
	else
		narrow_format(b, k, at);
}

static int
mode_parse(struct reader *r, const struct key *k, const struct setting *s, void *at)
{
	const char *text = s->values[0];
	unsigned mode = 0;

	if (strlen(text) < 3 || strlen(text) > 4 || strspn(text, "01234567") != strlen(text))
		return 1;
	for (const char *p = text; *p != '\0'; p++)
		mode = mode * 8 + (unsigned)(*p - '0');
	if (mode > 0777)
		return 1;
	*(mode_t *)at = mode;
	return 0;
}

static void
mode_format(struct buf *b, const struct key *k, const void *at)
{
	(void)buf_printf(b, "%04o", (unsigned)*(const mode_t *)at);
}

/* ---------------------------------------------------------------- ids --- */

/* One decimal id at *p, which is moved behind it. 0 or -EINVAL. */
static int
id_take(const char **p, uint32_t *ret)
{
	char digits[16];
	size_t n = strspn(*p, "0123456789");
	int64_t v;

	if (n >= sizeof(digits))
		return -EINVAL;
	memcpy(digits, *p, n);
	digits[n] = '\0';
	if (integer_parse(digits, &v) < 0 || v > UINT32_MAX)
		return -EINVAL;
	*p += n;
	*ret = (uint32_t)v;
	return 0;
}

static int
id_parse(struct reader *r, const struct key *k, const struct setting *s, void *at)
{
	const char *p = s->values[0];
	uint32_t id;

	if (id_take(&p, &id) < 0 || *p != '\0')
		return 1;
	*(uint32_t *)at = id;
	return 0;
}

static void
id_format(struct buf *b, const struct key *k, const void *at)
{
	uint32_t id = *(const uint32_t *)at;

	if (id != UINT32_MAX)
		(void)buf_append_u64(b, id);
}

/* "UID:GID" or "UID:GID:GROUP,GROUP". */
static int
identity_parse(struct reader *r, const struct key *k, const struct setting *s, void *at)
{
	struct identity *id = at;
	const char *p = s->values[0];
	gid_t *groups;
	size_t n = 0;

	if (id_take(&p, &id->uid) < 0 || *p++ != ':' || id_take(&p, &id->gid) < 0)
		return 1;
	groups = arena_alloc(r->arena, (strlen(p) + 1) * sizeof(*groups));
	if (groups == NULL)
		return -ENOMEM;
	for (char wanted = ':'; *p == wanted; wanted = ',') {
		p++;
		if (id_take(&p, &groups[n++]) < 0)
			return 1;
	}
	id->groups = groups;
	id->n_groups = n;
	return *p == '\0' ? 0 : 1;
}

static void
identity_format(struct buf *b, const struct key *k, const void *at)
{
	const struct identity *id = at;

	/* The account of an unavailable service may not be known. */
	if (id->uid == (uid_t)-1)
		return;
	(void)buf_printf(b, "\"%u:%u", (unsigned)id->uid, (unsigned)id->gid);
	for (size_t i = 0; i < id->n_groups; i++)
		(void)buf_printf(b, "%c%u", i == 0 ? ':' : ',', (unsigned)id->groups[i]);
	(void)buf_append_char(b, '"');
}

static size_t *
ids_count(const struct key *k, void *at)
{
	return (size_t *)(void *)((char *)at - k->offset + k->offset_n);
}

static int
ids_parse(struct reader *r, const struct key *k, const struct setting *s, void *at)
{
	uint32_t *ids = arena_alloc(r->arena, s->n * sizeof(*ids));

	if (ids == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < s->n; i++) {
		const char *p = s->values[i];

		if (id_take(&p, &ids[i]) < 0 || *p != '\0')
			return 1;
	}
	*(uint32_t **)at = ids;
	*ids_count(k, at) = s->n;
	return 0;
}

static void
ids_format(struct buf *b, const struct key *k, const void *at)
{
	const uint32_t *ids = *(uint32_t *const *)at;
	size_t n = *ids_count(k, (void *)(uintptr_t)at);

	for (size_t i = 0; i < n; i++)
		(void)buf_printf(b, "%s%u", i == 0 ? "{" : ", ", (unsigned)ids[i]);
	if (n > 0)
		(void)buf_append_char(b, '}');
}

/* Reads a list of words as a set: a bit for each by its place among the words of the key. */
static int
word_set_parse(struct reader *r, const struct key *k, const struct setting *s, void *at)
{
	unsigned set = 0;

	for (size_t i = 0; i < s->n; i++) {
		size_t n = 0;

		while (k->words[n] != NULL && strcmp(k->words[n], s->values[i]) != 0)
			n++;
		if (k->words[n] == NULL) {
			/* The report shows the first value. */
			s->values[0] = s->values[i];
			return 1;
		}
		set |= 1u << n;
	}
	*(unsigned *)at = set;
	return 0;
}

static void
word_set_format(struct buf *b, const struct key *k, const void *at)
{
	unsigned set = *(const unsigned *)at;
	const char *before = "{";

	for (size_t i = 0; k->words[i] != NULL; i++) {
		if ((set >> i & 1) == 0)
			continue;
		(void)buf_printf(b, "%s\"%s\"", before, k->words[i]);
		before = ", ";
	}
	if (set != 0)
		(void)buf_append_char(b, '}');
}

/* -------------------------------------------------------------- table --- */

const struct value_type value_bool = {
	.wants = "yes or no", .parse = bool_parse, .format = bool_format,
};
const struct value_type value_number = {
	.wants = "a number", .parse = narrow_parse, .format = narrow_format,
	.measure = &numbers,
};
const struct value_type value_workers = {
	.wants = "a number or auto", .parse = workers_parse, .format = workers_format,
	.measure = &numbers,
};
const struct value_type value_mode = {
	.wants = "an octal mode of three or four digits, such as 0660", .parse = mode_parse,
	.format = mode_format,
};
const struct value_type value_duration = {
	.wants = "a duration; write a number with its unit, such as 250ms, 5s, 10m or 1h",
	.parse = wide_parse, .format = wide_format, .measure = &durations,
};
const struct value_type value_size = {
	.wants = "a size in bytes, such as 512, 64K, 1M or 1G", .parse = wide_parse,
	.format = wide_format, .measure = &sizes,
};
const struct value_type value_size32 = {
	.wants = "a size in bytes, such as 512, 64K or 1M", .parse = narrow_parse,
	.format = narrow_format, .measure = &sizes,
};
const struct value_type value_word = { .parse = word_parse, .format = word_format };
const struct value_type value_word_bool = { .parse = word_bool_parse, .format = word_bool_format };
const struct value_type value_word_set = {
	.is_list = true, .parse = word_set_parse, .format = word_set_format,
};
const struct value_type value_text = {
	.wants = "a text", .parse = text_parse, .format = text_format,
};
const struct value_type value_line = {
	.wants = "one line of text", .parse = line_parse, .format = line_format,
};
const struct value_type value_path = {
	.wants = "an absolute path", .parse = path_parse, .format = line_format,
};
const struct value_type value_file = {
	.wants = "an absolute path, or credential:NAME", .parse = file_parse, .format = line_format,
};
const struct value_type value_list = {
	.wants = "a list", .is_list = true, .parse = list_parse, .format = list_format,
};
const struct value_type value_words = {
	.wants = "a list", .is_list = true, .parse = list_parse, .format = words_format,
};
const struct value_type value_identity = {
	.wants = "UID:GID:GROUPS", .parse = identity_parse, .format = identity_format,
};
const struct value_type value_id = { .wants = "an id", .parse = id_parse, .format = id_format };
const struct value_type value_ids = {
	.wants = "a list of ids", .is_list = true, .parse = ids_parse, .format = ids_format,
};
