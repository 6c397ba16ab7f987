/* SPDX-License-Identifier: ISC */
/*
 * value: writes the values of handlers for clients, and judges error lines of
 * handlers.
 */
#include "config.h"

#include "proto/value.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "proto/outcome.h"

/* -------------------------------------------------------------- errors --- */

/*
 * Codes that a handler must not use, besides the codes of outcomes: those that
 * make a client library repeat, redirect or log in, and those of reqd itself.
 */
static const char *const reserved_codes[] = {
	"ASK", "CLUSTERDOWN", "CROSSSLOT", "DENIED", "EXECABORT", "HANDLER",
	"LOADING", "MASTERDOWN", "MOVED", "NOAUTH", "NOPERM", "NOPROTO",
	"NOREPLICAS", "NOSCRIPT", "OOM", "READONLY", "TRYAGAIN", "WRONGPASS",
};

/*
 * Texts behind ERR that client libraries take for a lost connection and answer
 * with a retry.
 */
static const char *const reserved_texts[] = {
	"Client sent AUTH",
	"invalid password",
	"max number of clients reached",
};

/*
 * Returns the length of a code [A-Z][A-Z0-9_-]* at the start of a line, up to a
 * blank or the end, or 0.
 */
static size_t
code_length(struct slice line)
{
	size_t n = 0;

	while (n < line.len && ((line.data[n] >= 'A' && line.data[n] <= 'Z') ||
	    (n > 0 && ((line.data[n] >= '0' && line.data[n] <= '9') ||
	    line.data[n] == '_' || line.data[n] == '-'))))
		n++;
	if (n < line.len && line.data[n] != ' ')
		return 0;
	return n <= VALUE_CODE_MAX ? n : 0;
}

static bool
is_reserved(struct slice code)
{
	for (size_t i = 0; i < ARRAY_LEN(reserved_codes); i++) {
		if (slice_is(code, reserved_codes[i]))
			return true;
	}
	return outcome_from_code(code) != OUTCOME_N;
}

static bool
has_reserved_text(struct slice text)
{
	for (size_t i = 0; i < ARRAY_LEN(reserved_texts); i++) {
		if (slice_starts(text, reserved_texts[i]))
			return true;
	}
	return false;
}

static struct slice
slice_skip(struct slice s, size_t n)
{
	return (struct slice){ s.data + n, s.len - n };
}

static struct slice
blanks_skip(struct slice s)
{
	while (s.len > 0 && s.data[0] == ' ')
		s = slice_skip(s, 1);
	return s;
}

static int
append_status(const struct buf *b)
{
	return buf_failed(b) ? -ENOMEM : 0;
}

/*
 * Appends the text behind the code ERR; the text must not look like one of
 * reqd's own.
 */
static int
append_plain_error(struct buf *b, struct slice text)
{
	text = blanks_skip(text);
	resp_error(b, has_reserved_text(text) ? "ERR handler:" : "ERR", text);
	return append_status(b);
}

int
value_append_handler_error(struct buf *b, struct slice text)
{
	char clean[RESP_ERROR_MAX], code[VALUE_CODE_MAX + 1];
	struct slice line, word;
	int status;

	/* Judge the text in the form that the client will see. */
	line = (struct slice){ clean, resp_clean(clean, sizeof(clean), text) };
	line = blanks_skip(line);
	word = (struct slice){ line.data, code_length(line) };

	if (slice_is(word, "ERR"))
		return append_plain_error(b, slice_skip(line, word.len));
	/* A status is judged by the raw text. */
	if (word.len == 0 || (is_reserved(word) && !value_exit_status(text, &status)))
		return append_plain_error(b, line);

	memcpy(code, word.data, word.len);
	code[word.len] = '\0';
	line = slice_skip(line, word.len);
	resp_error(b, code, line.len > 0 ? slice_skip(line, 1) : line);
	return append_status(b);
}

bool
value_exit_status(struct slice error_text, int *ret)
{
	struct slice s = error_text;
	size_t n = 0;
	int status = 0;

	if (!slice_starts(s, "EXIT "))
		return false;
	s = slice_skip(s, strlen("EXIT "));
	while (n < s.len && n < 3 && s.data[n] >= '0' && s.data[n] <= '9')
		status = status * 10 + (s.data[n++] - '0');
	if (n == 0 || (n > 1 && s.data[0] == '0') || status > 255)
		return false;
	if (n < s.len && s.data[n] != ' ')
		return false;
	*ret = status;
	return true;
}

/* -------------------------------------------------------------- values --- */

/* An aggregate that has been entered and not yet left. */
struct level {
	const struct value *next;
	size_t left;
};

static bool
is_aggregate(const struct value *v)
{
	return v->kind == VALUE_ARRAY || v->kind == VALUE_MAP || v->kind == VALUE_SET;
}

static void
append_set(struct buf *b, enum resp_version v, size_t n)
{
	if (v == RESP3)
		(void)buf_printf(b, "~%zu\r\n", n);
	else
		resp_array(b, n);
}

static void
append_verbatim(struct buf *b, enum resp_version v, struct slice text)
{
	const char *format;

	if (v == RESP2) {
		resp_bulk(b, text);
		return;
	}
	format = text.data - strlen("txt:");
	for (size_t i = 0; i < 3; i++) {
		if (format[i] < 'a' || format[i] > 'z')
			format = "txt:";
	}
	(void)buf_printf(b, "=%zu\r\n%.4s", text.len + strlen("txt:"), format);
	(void)buf_append_slice(b, text);
	(void)buf_append_str(b, "\r\n");
}

static void
append_big(struct buf *b, enum resp_version v, struct slice digits)
{
	if (v == RESP2) {
		resp_bulk(b, digits);
		return;
	}
	(void)buf_append_char(b, '(');
	(void)buf_append_slice(b, digits);
	(void)buf_append_str(b, "\r\n");
}

static void
append_simple(struct buf *b, struct slice text)
{
	if (text.len > 0 && (memchr(text.data, '\r', text.len) != NULL ||
	    memchr(text.data, '\n', text.len) != NULL)) {
		resp_bulk(b, text);
		return;
	}
	(void)buf_append_char(b, '+');
	(void)buf_append_slice(b, text);
	(void)buf_append_str(b, "\r\n");
}

/* Writes a value without its items, or the header of an aggregate. */
static void
append_element(struct buf *b, enum resp_version v, const struct value *value)
{
	switch (value->kind) {
	case VALUE_SIMPLE:
		append_simple(b, value->text);
		break;
	case VALUE_ERROR:
		(void)value_append_handler_error(b, value->text);
		break;
	case VALUE_INTEGER:
		resp_integer(b, value->integer);
		break;
	case VALUE_BULK:
		resp_bulk(b, value->text);
		break;
	case VALUE_NULL:
		resp_null(b, v);
		break;
	case VALUE_BOOL:
		resp_bool(b, v, value->integer != 0);
		break;
	case VALUE_DOUBLE:
		resp_double(b, v, value->number);
		break;
	case VALUE_VERBATIM:
		append_verbatim(b, v, value->text);
		break;
	case VALUE_ARRAY:
		resp_array(b, value->n_items);
		break;
	case VALUE_MAP:
		resp_map(b, v, value->n_items / 2);
		break;
	case VALUE_SET:
		append_set(b, v, value->n_items);
		break;
	case VALUE_BIG:
		append_big(b, v, value->text);
		break;
	case VALUE_PUSH:	/* walk() stops before it */
		break;
	}
}

/*
 * Goes through the whole tree in the order of the wire. With b NULL it only
 * checks whether the tree can be written.
 */
static int
walk(struct buf *b, enum resp_version v, const struct value *value)
{
	struct level stack[REPLY_MAX_DEPTH];
	size_t depth = 0;

	for (;;) {
		if (value->kind == VALUE_PUSH ||
		    (value->kind == VALUE_MAP && value->n_items % 2 != 0))
			return -EINVAL;
		if (b != NULL)
			append_element(b, v, value);
		if (is_aggregate(value)) {
			if (depth == REPLY_MAX_DEPTH)
				return -EINVAL;
			stack[depth++] = (struct level){ value->items, value->n_items };
		}
		while (depth > 0 && stack[depth - 1].left == 0)
			depth--;
		if (depth == 0)
			return 0;
		value = stack[depth - 1].next++;
		stack[depth - 1].left--;
	}
}

int
value_append(struct buf *b, enum resp_version v, const struct value *value)
{
	int r = walk(NULL, v, value);

	if (r < 0)
		return r;
	(void)walk(b, v, value);
	return append_status(b);
}

static size_t
count_values(const struct value *v)
{
	size_t n = 1;

	for (size_t i = 0; i < v->n_items; i++)
		n += count_values(&v->items[i]);
	return n;
}

/* Copies level by level: items go behind all that was copied before. */
struct value *
value_copy(const struct value *value)
{
	struct value *pool = calloc(count_values(value), sizeof(*pool));
	size_t n = 1;

	if (pool == NULL)
		return NULL;
	pool[0] = *value;
	for (size_t i = 0; i < n; i++) {
		struct value *v = &pool[i];

		if (v->n_items == 0)
			continue;
		memcpy(pool + n, v->items, v->n_items * sizeof(*pool));
		v->items = pool + n;
		n += v->n_items;
	}
	return pool;
}
