/* SPDX-License-Identifier: ISC */
/* outjson: turns replies into JSON and prints JSON. */
#include "config.h"

#include "ctl/outjson.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/buf.h"
#include "base/escape.h"
#include "base/units.h"
#include "ctl/ctl.h"

static int
most_digits(const json_t *j)
{
	const char *key;
	json_t *item;
	int most = 1, digits;
	size_t i;

	if (json_is_real(j))
		return real_digits(json_real_value(j));
	json_array_foreach((json_t *)(uintptr_t)j, i, item) {
		digits = most_digits(item);
		most = digits > most ? digits : most;
	}
	json_object_foreach((json_t *)(uintptr_t)j, key, item) {
		digits = most_digits(item);
		most = digits > most ? digits : most;
	}
	return most;
}

size_t
out_json_digits(const json_t *j)
{
	return JSON_REAL_PRECISION((size_t)most_digits(j));
}

void
out_json(const struct ctl *ctl, json_t *j)
{
	(void)json_dumpf(ctl_need(j), stdout,
	    out_json_digits(j) | (ctl->out_tty ? JSON_INDENT(2) : 0));
	(void)fputc('\n', stdout);
	json_decref(j);
}

json_t *
out_json_bytes(const char *data, size_t len)
{
	json_t *j = json_stringn(data, len);
	char *text;

	if (j != NULL)
		return j;
	text = ctl_need(malloc((len + 2) / 3 * 4 + 1));
	j = json_stringn_nocheck(text, base64_encode((struct slice){ data, len }, text));
	free(text);
	return ctl_need(json_pack("{s:o}", "base64", ctl_need(j)));
}

char *
out_json_key(const struct reqd_value *v)
{
	json_t *j = out_json_value(v);
	const char *text = json_string_value(j);
	char *key;

	if (text != NULL && strlen(text) == json_string_length(j))
		key = strdup(text);
	else
		key = json_dumps(j, out_json_digits(j) | JSON_ENCODE_ANY | JSON_COMPACT);
	json_decref(j);
	return ctl_need(key);
}

/* ----------------------------------------------------------- in pieces --- */

#define PIECE (12u << 10)	/* a multiple of 3 */

void
out_object_begin(struct out_object *o, const struct ctl *ctl)
{
	*o = (struct out_object){ .indented = ctl->out_tty };
	(void)fputc('{', stdout);
}

static void
object_key(struct out_object *o, const char *key)
{
	if (o->has_members)
		(void)fputc(',', stdout);
	(void)fputs(o->indented ? "\n  " : o->has_members ? " " : "", stdout);
	(void)printf("\"%s\": ", key);
	o->has_members = true;
}

void
out_object_add(struct out_object *o, const char *key, json_t *value)
{
	object_key(o, key);
	(void)json_dumpf(ctl_need(value), stdout, out_json_digits(value) | JSON_ENCODE_ANY);
	json_decref(value);
}

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

/*
 * Returns the start of s that is printed at once; no character is cut in two.
 */
static struct slice
next_piece(struct slice s)
{
	size_t n = s.len < PIECE ? s.len : PIECE;

	while (n < s.len && ((unsigned char)s.data[n] & 0xc0) == 0x80)
		n--;
	return (struct slice){ s.data, n };
}

static void
put_string(struct slice s)
{
	struct buf b = BUF_INIT(0);

	while (s.len > 0) {
		struct slice piece = next_piece(s);

		buf_clear(&b);
		if (escape_json(&b, piece) < 0)
			(void)ctl_need(NULL);
		(void)fwrite(buf_data(&b) + 1, 1, buf_len(&b) - 2, stdout);
		s.data += piece.len;
		s.len -= piece.len;
	}
	buf_done(&b);
}

static void
put_base64(struct slice s)
{
	char text[PIECE / 3 * 4];

	while (s.len > 0) {
		struct slice piece = { s.data, s.len < PIECE ? s.len : PIECE };

		(void)fwrite(text, 1, base64_encode(piece, text), stdout);
		s.data += piece.len;
		s.len -= piece.len;
	}
}

void
out_object_add_bytes(struct out_object *o, const char *key, struct slice s)
{
	bool as_text = is_utf8(s);

	object_key(o, key);
	(void)fputs(as_text ? "\"" : "{\"base64\": \"", stdout);
	if (as_text)
		put_string(s);
	else
		put_base64(s);
	(void)fputs(as_text ? "\"" : "\"}", stdout);
}

void
out_object_end(struct out_object *o)
{
	(void)fputs(o->indented ? "\n}\n" : "}\n", stdout);
}

/* -------------------------------------------------------------- values --- */

static json_t *
map_to_json(const struct reqd_value *v)
{
	json_t *j = ctl_need(json_object());

	for (size_t i = 0; i + 1 < reqd_value_count(v); i += 2) {
		char *key = out_json_key(reqd_value_at(v, i));

		(void)json_object_set_new(j, key, out_json_value(reqd_value_at(v, i + 1)));
		free(key);
	}
	return j;
}

static json_t *
array_to_json(const struct reqd_value *v)
{
	json_t *j = ctl_need(json_array());

	for (size_t i = 0; i < reqd_value_count(v); i++)
		(void)json_array_append_new(j, out_json_value(reqd_value_at(v, i)));
	return j;
}

json_t *
out_json_value(const struct reqd_value *v)
{
	const char *data;
	size_t len;

	switch (reqd_value_kind(v)) {
	case REQD_ERROR:
		data = reqd_value_data(v, &len);
		return ctl_need(json_pack("{s:o}", "error", out_json_bytes(data, len)));
	case REQD_SIMPLE:
	case REQD_BULK:
	case REQD_VERBATIM:
	case REQD_BIG:
		data = reqd_value_data(v, &len);
		return out_json_bytes(data, len);
	case REQD_INTEGER:
		return ctl_need(json_integer(reqd_value_integer(v)));
	case REQD_BOOL:
		return json_boolean(reqd_value_integer(v));
	case REQD_DOUBLE:
		return isfinite(reqd_value_double(v)) ? json_real(reqd_value_double(v)) :
		    json_null();	/* JSON has no infinity */
	case REQD_MAP:
		return map_to_json(v);
	case REQD_ARRAY:
	case REQD_SET:
	case REQD_PUSH:
		return array_to_json(v);
	case REQD_NULL:
		break;
	}
	return json_null();
}

const char *
out_json_text(const json_t *j, const char *key)
{
	const char *s = json_string_value(json_object_get(j, key));

	return s != NULL ? s : "";
}

int64_t
out_json_number(const json_t *j, const char *key)
{
	return json_integer_value(json_object_get(j, key));
}
