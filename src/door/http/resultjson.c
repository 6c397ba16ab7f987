/* SPDX-License-Identifier: ISC */
/* resultjson: writes results and values as JSON. */
#include "config.h"

#include "door/http/resultjson.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "base/base64.h"
#include "base/escape.h"
#include "base/jsonbuf.h"
#include "base/units.h"

static bool
is_utf8(struct slice s)
{
	while (s.len > 0) {
		size_t n = utf8_sequence(s);

		if (n == 0)
			return false;
		s.data += n;
		s.len -= n;
	}
	return true;
}

static void
put_base64(struct buf *b, const char *key, struct slice bytes)
{
	jsonbuf_key(b, key);
	(void)buf_append_char(b, '"');
	(void)base64_append(b, bytes);
	(void)buf_append_char(b, '"');
}

static void
put_string(struct buf *b, const char *key, struct slice text)
{
	jsonbuf_key(b, key);
	(void)escape_json(b, text);
}

void
resultjson_bytes(struct buf *b, const char *key, struct slice bytes)
{
	char name[32];

	if (is_utf8(bytes)) {
		put_string(b, key, bytes);
		return;
	}
	(void)snprintf(name, sizeof(name), "%s_base64", key);
	put_base64(b, name, bytes);
}

static void
put_text(struct buf *b, const char *key, struct slice text)
{
	if (is_utf8(text)) {
		put_string(b, key, text);
		return;
	}
	jsonbuf_open(b, key, '{');
	put_base64(b, "base64", text);
	jsonbuf_close(b, '}');
}

static void
put_double(struct buf *b, const char *key, double x)
{
	char text[64];

	(void)snprintf(text, sizeof(text), "%.*g", isfinite(x) ? real_digits(x) : 1, x);
	if (!isfinite(x)) {
		jsonbuf_text(b, key, text);
		return;
	}
	jsonbuf_key(b, key);
	(void)buf_append_str(b, text);
}

/* Writes a key of a map, which JSON has as text only. */
static void
put_key(struct buf *b, const struct value *v)
{
	char number[64] = "";

	switch (v->kind) {
	case VALUE_SIMPLE:
	case VALUE_BULK:
	case VALUE_VERBATIM:
	case VALUE_BIG:
	case VALUE_ERROR:
		put_string(b, NULL, v->text);
		break;
	case VALUE_INTEGER:
		(void)snprintf(number, sizeof(number), "%" PRId64, v->integer);
		break;
	case VALUE_BOOL:
		(void)snprintf(number, sizeof(number), "%s", v->integer != 0 ? "true" : "false");
		break;
	case VALUE_DOUBLE:
		(void)snprintf(number, sizeof(number), "%.17g", v->number);
		break;
	default:
		(void)snprintf(number, sizeof(number), "null");
		break;
	}
	if (*number != '\0')
		put_string(b, NULL, slice_of(number));
	(void)buf_append_char(b, ':');
}

static void
put_items(struct buf *b, const char *key, const struct value *v)
{
	bool is_map = v->kind == VALUE_MAP;

	jsonbuf_open(b, key, is_map ? '{' : '[');
	for (size_t i = 0; i < v->n_items; i++) {
		if (is_map)
			put_key(b, &v->items[i++]);
		resultjson_value(b, NULL, &v->items[i]);
	}
	jsonbuf_close(b, is_map ? '}' : ']');
}

/* A decoded value is no deeper than REPLY_RESULT_DEPTH, and so is this recursion. */
void
resultjson_value(struct buf *b, const char *key, const struct value *v)
{
	switch (v->kind) {
	case VALUE_SIMPLE:
	case VALUE_BULK:
	case VALUE_VERBATIM:
	case VALUE_BIG:
		put_text(b, key, v->text);
		return;
	case VALUE_ERROR:
		jsonbuf_open(b, key, '{');
		put_string(b, "error", v->text);
		jsonbuf_close(b, '}');
		return;
	case VALUE_INTEGER:
		jsonbuf_key(b, key);
		(void)buf_append_i64(b, v->integer);
		return;
	case VALUE_NULL:
		jsonbuf_null(b, key);
		return;
	case VALUE_BOOL:
		jsonbuf_bool(b, key, v->integer != 0);
		return;
	case VALUE_DOUBLE:
		put_double(b, key, v->number);
		return;
	case VALUE_ARRAY:
	case VALUE_MAP:
	case VALUE_SET:
	case VALUE_PUSH:
		put_items(b, key, v);
		return;
	}
}

void
resultjson_members(struct buf *b, const struct result *r, bool with_output)
{
	const struct outcome *o = &r->outcome;
	char id[24];

	jsonbuf_key(b, "status");
	(void)buf_append_i64(b, o->kind == OUTCOME_EXIT ? o->status : -1);
	jsonbuf_number_or_null(b, "signal", o->kind == OUTCOME_SIGNAL, (uint64_t)o->status);
	if (r->is_value && r->value != NULL && r->value->kind != VALUE_ERROR)
		resultjson_value(b, "value", r->value);
	else if (!r->is_value && with_output)
		resultjson_bytes(b, "stdout", r->out);
	if (with_output)
		resultjson_bytes(b, "stderr", r->err);
	jsonbuf_bool(b, "truncated", r->truncated);
	jsonbuf_number(b, "usec", r->usec);
	(void)snprintf(id, sizeof(id), "%016" PRIx64, r->id);
	jsonbuf_text(b, "id", id);
	jsonbuf_text(b, "outcome", outcome_word(o->kind));
}
