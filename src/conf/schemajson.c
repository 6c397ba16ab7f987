/* SPDX-License-Identifier: ISC */
/* schemajson: declarations of arguments as JSON Schema. */
#include "config.h"

#include "conf/schemajson.h"

#include <ctype.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/escape.h"
#include "base/jsonbuf.h"
#include "conf/argument.h"

/* The forms that the functions of base/units and conf/argument read. */
#define NAME_PATTERN "^[A-Za-z0-9_][A-Za-z0-9_.-]*$"
#define SIZE_PATTERN "^(?:0|[1-9][0-9]*)(?:B|[KMGT](?:i?B)?)?$"
#define DURATION_PATTERN "^(?:0|(?:0|[1-9][0-9]*)(?:d|h|m|s|ms|us))$"
#define NO_DASH_PATTERN "^(?:$|[^-])"

/* ------------------------------------------------------------- patterns --- */

/* Copies a bracket expression. Returns where it ends; NULL: ECMA-262 reads it otherwise. */
static const char *
copy_bracket(struct buf *b, const char *p)
{
	const char *first = p[1] == '^' ? p + 2 : p + 1;

	for (const char *q = first; *q != '\0'; q++) {
		if (*q == ']' && q > first) {
			(void)buf_append(b, p, (size_t)(q + 1 - p));
			return q + 1;
		}
		/* "[]", classes such as [:alpha:], and a backslash, which is itself here. */
		if (*q == ']' || *q == '\\' || !isascii((unsigned char)*q) ||
		    (*q == '[' && q[1] != '\0' && strchr(":.=", q[1]) != NULL))
			return NULL;
	}
	return NULL;
}

/* Copies "{2}", "{2,}" or "{2,3}". Returns as copy_bracket(). */
static const char *
copy_repeat(struct buf *b, const char *p)
{
	size_t n = 1 + strspn(p + 1, "0123456789");

	if (n == 1)
		return NULL;
	if (p[n] == ',')
		n += 1 + strspn(p + n + 1, "0123456789");
	if (p[n] != '}')
		return NULL;
	(void)buf_append(b, p, n + 1);
	return p + n + 1;
}

/*
 * Writes a POSIX expression as one of ECMA-262 that matches the same texts, or returns
 * false. There a dot matches no end of a line, and only some bytes may stand behind a
 * backslash.
 */
static bool
translate(const char *pattern, struct buf *b)
{
	const char *p = pattern;
	bool may_repeat = false;

	(void)buf_append_str(b, "^(?:");
	while (p != NULL && *p != '\0') {
		bool is_repeat = strchr("*+?{", *p) != NULL;

		if (!isascii((unsigned char)*p) || *p == ']' || *p == '}' || (is_repeat && !may_repeat))
			return false;
		may_repeat = !is_repeat && strchr("(|^$", *p) == NULL;
		if (*p == '[') {
			p = copy_bracket(b, p);
		} else if (*p == '{') {
			p = copy_repeat(b, p);
		} else if (*p == '.') {
			(void)buf_append_str(b, "[\\s\\S]");
			p++;
		} else if (*p == '\\') {
			if (p[1] == '\0' || strchr("^$\\.*+?()[]{}|/", p[1]) == NULL)
				return false;
			(void)buf_append(b, p, 2);
			p += 2;
		} else {
			(void)buf_append_char(b, *p++);
		}
	}
	(void)buf_append_str(b, ")$");
	return p != NULL;
}

/* --------------------------------------------------------------- values --- */

static void
amount_format(const struct argument *a, int64_t v, char ret[static UNITS_TEXT])
{
	if (a->type == ARGUMENT_SIZE)
		size_format((uint64_t)v, ret, UNITS_TEXT);
	else
		duration_format((uint64_t)v, ret, UNITS_TEXT);
}

/* Appends the rules that only words can say. */
static void
put_rules(struct buf *b, const struct argument *a, bool is_translated)
{
	char text[UNITS_TEXT];

	switch (a->type) {
	case ARGUMENT_SIZE:
	case ARGUMENT_DURATION:
		(void)buf_append_str(b, a->type == ARGUMENT_SIZE ? "a size such as 64K or 1M" :
		    "a duration such as 250ms or 5s");
		if (a->has_min) {
			amount_format(a, a->min_int, text);
			(void)buf_printf(b, ", at least %s", text);
		}
		if (a->has_max) {
			amount_format(a, a->max_int, text);
			(void)buf_printf(b, ", at most %s", text);
		}
		return;
	case ARGUMENT_HOST:
		(void)buf_append_str(b, "a host name or an IP address");
		return;
	case ARGUMENT_PATH:
		if (a->below != NULL)
			(void)buf_printf(b, "a path below %s, or a relative one, without '..'", a->below);
		return;
	case ARGUMENT_PATTERN:
		if (!is_translated)
			(void)buf_printf(b, "matches the POSIX regular expression %s", a->pattern);
		return;
	default:
		return;
	}
}

static void
put_description(struct buf *b, const struct argument *a, bool is_translated)
{
	CLEANUP(buf_done) struct buf rules = BUF_INIT(0), text = BUF_INIT(0);

	put_rules(&rules, a, is_translated);
	if (a->help != NULL)
		(void)buf_append_str(&text, a->help);
	if (buf_len(&rules) > 0) {
		(void)buf_append_str(&text, a->help != NULL ? " (" : "");
		(void)buf_append_slice(&text, buf_slice(&rules));
		(void)buf_append_str(&text, a->help != NULL ? ")" : "");
	}
	if (buf_len(&text) == 0)
		return;
	jsonbuf_key(b, "description");
	(void)escape_json(b, buf_slice(&text));
}

static void
put_integer(struct buf *b, const char *key, int64_t v)
{
	jsonbuf_key(b, key);
	(void)buf_append_i64(b, v);
}

/* Writes the bounds of a number. One that may not begin with '-' is 0 or more. */
static void
put_bounds(struct buf *b, const struct argument *a)
{
	if (a->type == ARGUMENT_INTEGER) {
		if (a->has_min)
			put_integer(b, "minimum", a->min_int);
		if (a->has_max)
			put_integer(b, "maximum", a->max_int);
	} else {
		if (a->has_min)
			jsonbuf_real(b, "minimum", a->min_dec);
		if (a->has_max)
			jsonbuf_real(b, "maximum", a->max_dec);
	}
	if (!a->has_min && !argument_takes_dash(a))
		put_integer(b, "minimum", 0);
}

/* Writes type and limits of one value. Returns false if its pattern is told in words. */
static bool
put_type(struct buf *b, const struct argument *a)
{
	CLEANUP(buf_done) struct buf pattern = BUF_INIT(0);
	const char *fixed = NULL;
	bool is_told = true;

	switch (a->type) {
	case ARGUMENT_INTEGER:
	case ARGUMENT_DECIMAL:
		jsonbuf_text(b, "type", a->type == ARGUMENT_INTEGER ? "integer" : "number");
		put_bounds(b, a);
		return true;
	case ARGUMENT_FLAG:
		jsonbuf_text(b, "type", "boolean");
		return true;
	case ARGUMENT_CHOICE:
		jsonbuf_text(b, "type", "string");
		jsonbuf_open(b, "enum", '[');
		for (char **v = a->values; v != NULL && *v != NULL; v++)
			jsonbuf_text(b, NULL, *v);
		jsonbuf_close(b, ']');
		return true;
	case ARGUMENT_NAME:
		fixed = NAME_PATTERN;
		break;
	case ARGUMENT_SIZE:
		fixed = SIZE_PATTERN;
		break;
	case ARGUMENT_DURATION:
		fixed = DURATION_PATTERN;
		break;
	case ARGUMENT_PATTERN:
		is_told = a->pattern != NULL && translate(a->pattern, &pattern) && !buf_failed(&pattern);
		break;
	case ARGUMENT_TEXT:
	case ARGUMENT_PATH:
	case ARGUMENT_HOST:
		if (!argument_takes_dash(a))
			fixed = NO_DASH_PATTERN;
		break;
	}
	jsonbuf_text(b, "type", "string");
	/* A limit of bytes is one of characters, too, as each has one byte or more. */
	jsonbuf_number(b, "maxLength", a->max_length);
	if (a->type == ARGUMENT_PATH)
		jsonbuf_number(b, "minLength", 1);
	if (a->type == ARGUMENT_PATTERN && is_told) {
		jsonbuf_key(b, "pattern");
		(void)escape_json(b, buf_slice(&pattern));
	} else if (fixed != NULL) {
		jsonbuf_text(b, "pattern", fixed);
	}
	return is_told;
}

/* Writes the default, in the type of the schema. That of a secret argument is secret, too. */
static void
put_default(struct buf *b, const struct argument *a)
{
	if (a->def == NULL || a->secret)
		return;
	if (a->repeat)
		jsonbuf_open(b, "default", '[');
	jsonbuf_key(b, a->repeat ? NULL : "default");
	switch (a->type) {
	case ARGUMENT_INTEGER:
	case ARGUMENT_DECIMAL:
		/* A checked number is one of JSON, letter by letter. */
		(void)buf_append_str(b, a->def);
		break;
	case ARGUMENT_FLAG:
		(void)buf_append_str(b, argument_flag(slice_of(a->def)) == 1 ? "true" : "false");
		break;
	default:
		(void)escape_json(b, slice_of(a->def));
		break;
	}
	if (a->repeat)
		jsonbuf_close(b, ']');
}

/* -------------------------------------------------------------- objects --- */

bool
schemajson_is_optional(const struct argument *a)
{
	return a->optional || a->def != NULL || a->type == ARGUMENT_FLAG;
}

void
schemajson_argument(struct buf *b, const char *key, const struct argument *a)
{
	bool is_told;

	jsonbuf_open(b, key, '{');
	if (a->repeat) {
		jsonbuf_text(b, "type", "array");
		jsonbuf_open(b, "items", '{');
	}
	is_told = put_type(b, a);
	if (a->repeat) {
		jsonbuf_close(b, '}');
		if (!schemajson_is_optional(a))
			jsonbuf_number(b, "minItems", 1);
	}
	put_description(b, a, is_told);
	put_default(b, a);
	if (a->secret)
		jsonbuf_bool(b, "writeOnly", true);
	jsonbuf_close(b, '}');
}

void
schemajson_service(struct buf *b, const char *key, const struct service *s)
{
	bool has_required = false;

	jsonbuf_open(b, key, '{');
	jsonbuf_text(b, "type", "object");
	jsonbuf_open(b, "properties", '{');
	for (size_t i = 0; i < s->n_args; i++)
		schemajson_argument(b, s->args[i].name, &s->args[i]);
	jsonbuf_close(b, '}');
	for (size_t i = 0; i < s->n_args; i++) {
		if (schemajson_is_optional(&s->args[i]))
			continue;
		if (!has_required)
			jsonbuf_open(b, "required", '[');
		has_required = true;
		jsonbuf_text(b, NULL, s->args[i].name);
	}
	if (has_required)
		jsonbuf_close(b, ']');
	jsonbuf_bool(b, "additionalProperties", false);
	jsonbuf_close(b, '}');
}
