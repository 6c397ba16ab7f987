/* SPDX-License-Identifier: ISC */
/*
 * reply: decodes a value in two passes. The first pass only checks and counts,
 * and can stop and go on at any byte. The second pass fills the tree, once the
 * value is whole. Both read the elements with element_read().
 */
#include "config.h"

#include "proto/reply.h"

#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define ELEMENT_LEAST 3		/* "_ CRLF", "+ CRLF" */

/* One value without its items, or one header of an aggregate. */
struct element {
	struct value value;
	size_t len;
	uint32_t n_items;
};

static const char too_big[] = "value too big";

static int
bad(const char **ret_error, const char *text)
{
	*ret_error = text;
	return REPLY_BAD;
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/*
 * Reads the line at the start of s, with its type byte but without CRLF. The
 * first *searched bytes are known to hold no end of line.
 */
static int
line_read(struct slice s, size_t *searched, struct slice *ret,
    const char **ret_error)
{
	const char *from = s.data + *searched, *cr;
	size_t avail = s.len - *searched, n;

	cr = memchr(from, '\r', avail);
	n = cr != NULL ? (size_t)(cr - from) : avail;
	if (memchr(from, '\n', n) != NULL)
		return bad(ret_error, "line feed without carriage return");
	*searched += n;
	if (*searched + 1 >= s.len)
		return REPLY_AGAIN;
	if (cr[1] != '\n')
		return bad(ret_error, "carriage return without line feed");
	*ret = (struct slice){ s.data, *searched };
	return REPLY_OK;
}

/* Reads -?[1-9][0-9]*|0 and nothing else. */
static bool
integer_read(struct slice s, int64_t *ret)
{
	bool negative = s.len > 0 && s.data[0] == '-';
	int64_t v = 0;

	if (negative) {
		s.data++;
		s.len--;
	}
	if (s.len == 0 || (s.data[0] == '0' && (s.len > 1 || negative)))
		return false;
	for (size_t i = 0; i < s.len; i++) {
		int digit = s.data[i] - '0';

		if (!is_digit(s.data[i]) || __builtin_mul_overflow(v, 10, &v))
			return false;
		if (negative ? __builtin_sub_overflow(v, digit, &v) :
			       __builtin_add_overflow(v, digit, &v))
			return false;
	}
	*ret = v;
	return true;
}

static size_t
digits_skip(struct slice s, size_t i)
{
	while (i < s.len && is_digit(s.data[i]))
		i++;
	return i;
}

/* True for [+-]?DIGITS, as many as there are. */
static bool
is_big(struct slice s)
{
	size_t start = s.len > 0 && (s.data[0] == '-' || s.data[0] == '+') ? 1 : 0;

	return s.len > start && digits_skip(s, start) == s.len;
}

/* True for -?DIGITS[.DIGITS][(e|E)[+-]DIGITS]. */
static bool
is_decimal(struct slice s)
{
	size_t i = s.len > 0 && s.data[0] == '-' ? 1 : 0, end;

	end = digits_skip(s, i);
	if (end == i)
		return false;
	i = end;
	if (i < s.len && s.data[i] == '.') {
		end = digits_skip(s, i + 1);
		if (end == i + 1)
			return false;
		i = end;
	}
	if (i < s.len && (s.data[i] == 'e' || s.data[i] == 'E')) {
		i++;
		if (i < s.len && (s.data[i] == '+' || s.data[i] == '-'))
			i++;
		end = digits_skip(s, i);
		if (end == i)
			return false;
		i = end;
	}
	return i == s.len;
}

static bool
double_read(struct slice s, double *ret)
{
	char text[REPLY_HEADER_MAX];
	locale_t c;

	if (slice_is(s, "inf") || slice_is(s, "-inf")) {
		*ret = s.data[0] == '-' ? -INFINITY : INFINITY;
		return true;
	}
	if (slice_is(s, "nan")) {
		*ret = NAN;
		return true;
	}
	if (!is_decimal(s) || s.len >= sizeof(text))
		return false;
	memcpy(text, s.data, s.len);
	text[s.len] = '\0';

	/* The protocol has a decimal point in every locale. */
	c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
	if (c == (locale_t)0)
		return false;
	*ret = strtod_l(text, NULL, c);
	freelocale(c);
	return isfinite(*ret);
}

/* Reads the bytes that a length announced, and their CRLF. */
static int
bulk_read(struct slice s, uint64_t len, size_t room, struct element *e,
    const char **ret_error)
{
	const char *p = s.data + e->len;
	size_t avail = s.len - e->len;

	if (len > room || e->len + len + 2 > room)
		return bad(ret_error, too_big);
	e->len += len + 2;
	if (avail > len && p[len] != '\r')
		return bad(ret_error, "bulk not followed by CRLF");
	if (avail < len + 2)
		return REPLY_AGAIN;
	if (p[len + 1] != '\n')
		return bad(ret_error, "bulk not followed by CRLF");
	e->value.text = (struct slice){ p, len };
	if (e->value.kind != VALUE_VERBATIM)
		return REPLY_OK;
	if (len < 4 || p[3] != ':')
		return bad(ret_error, "invalid verbatim string");
	e->value.text.data += 4;
	e->value.text.len -= 4;
	return REPLY_OK;
}

static int
aggregate_read(uint64_t count, struct element *e, const char **ret_error)
{
	if (e->value.kind == VALUE_MAP && count <= UINT32_MAX)
		count *= 2;
	if (count > UINT32_MAX)
		return bad(ret_error, "too many items");
	if (e->value.kind == VALUE_PUSH && count == 0)
		return bad(ret_error, "empty push");
	e->n_items = (uint32_t)count;
	e->value.n_items = count;
	return REPLY_OK;
}

/* Reads an element whose line begins with a length or a count. */
static int
counted_read(struct slice s, struct slice number, size_t room,
    struct element *e, const char **ret_error)
{
	bool nullable = s.data[0] == '$' || s.data[0] == '*';
	int64_t n;

	if (!integer_read(number, &n))
		return bad(ret_error, "invalid length");
	if (n == -1 && nullable) {
		e->value.kind = VALUE_NULL;
		return REPLY_OK;
	}
	if (n < 0)
		return bad(ret_error, "invalid length");
	if (e->value.kind == VALUE_BULK || e->value.kind == VALUE_VERBATIM)
		return bulk_read(s, (uint64_t)n, room, e, ret_error);
	return aggregate_read((uint64_t)n, e, ret_error);
}

static bool
kind_of(char type, enum value_kind *ret)
{
	switch (type) {
	case '+': *ret = VALUE_SIMPLE; return true;
	case '-': *ret = VALUE_ERROR; return true;
	case ':': *ret = VALUE_INTEGER; return true;
	case '$': *ret = VALUE_BULK; return true;
	case '_': *ret = VALUE_NULL; return true;
	case '#': *ret = VALUE_BOOL; return true;
	case ',': *ret = VALUE_DOUBLE; return true;
	case '=': *ret = VALUE_VERBATIM; return true;
	case '*': *ret = VALUE_ARRAY; return true;
	case '%': *ret = VALUE_MAP; return true;
	case '~': *ret = VALUE_SET; return true;
	case '>': *ret = VALUE_PUSH; return true;
	case '(': *ret = VALUE_BIG; return true;
	default: return false;
	}
}

/* Reads the part behind the type byte. */
static int
body_read(struct slice s, struct slice body, size_t room, struct element *e,
    const char **ret_error)
{
	switch (e->value.kind) {
	case VALUE_SIMPLE:
	case VALUE_ERROR:
		e->value.text = body;
		return REPLY_OK;
	case VALUE_INTEGER:
		return integer_read(body, &e->value.integer) ? REPLY_OK :
		    bad(ret_error, "invalid integer");
	case VALUE_DOUBLE:
		return double_read(body, &e->value.number) ? REPLY_OK :
		    bad(ret_error, "invalid double");
	case VALUE_BOOL:
		e->value.integer = slice_is(body, "t");
		return slice_is(body, "t") || slice_is(body, "f") ? REPLY_OK :
		    bad(ret_error, "invalid boolean");
	case VALUE_BIG:
		e->value.text = body;
		return is_big(body) ? REPLY_OK : bad(ret_error, "invalid big number");
	case VALUE_NULL:
		return body.len == 0 ? REPLY_OK : bad(ret_error, "invalid null");
	case VALUE_BULK:
	case VALUE_VERBATIM:
	case VALUE_ARRAY:
	case VALUE_MAP:
	case VALUE_SET:
	case VALUE_PUSH:
		break;
	}
	return counted_read(s, body, room, e, ret_error);
}

/* Reads one element; room is the number of bytes that it may take. */
static int
element_read(struct slice s, size_t room, size_t *searched,
    struct element *ret, const char **ret_error)
{
	struct element e = { 0 };
	struct slice line;
	bool is_line;
	int status;

	if (s.len == 0)
		return REPLY_AGAIN;
	if (!kind_of(s.data[0], &e.value.kind))
		return bad(ret_error, "unknown type");
	is_line = e.value.kind == VALUE_SIMPLE || e.value.kind == VALUE_ERROR ||
	    e.value.kind == VALUE_BIG;

	status = line_read(s, searched, &line, ret_error);
	if (status == REPLY_BAD)
		return status;
	if (!is_line && *searched > REPLY_HEADER_MAX - 2)
		return bad(ret_error, "line too long");
	if (*searched + 2 > room)
		return bad(ret_error, too_big);
	if (status != REPLY_OK)
		return status;

	e.len = line.len + 2;
	line.data++;
	line.len--;
	status = body_read(s, line, room, &e, ret_error);
	*ret = e;
	return status;
}

/* -------------------------------------------------------------- check --- */

static bool
is_aggregate(enum value_kind k)
{
	return k == VALUE_ARRAY || k == VALUE_MAP || k == VALUE_SET ||
	    k == VALUE_PUSH;
}

/*
 * Returns the number of bytes that the values which have not begun need at
 * least.
 */
static size_t
least_left(const struct reply_cursor *c)
{
	size_t n = 0;

	for (uint32_t i = 0; i < c->depth; i++)
		n += c->left[i];
	return n * ELEMENT_LEAST;
}

/*
 * Returns the number of bytes that the next element may take, so that the rest
 * still fits.
 */
static size_t
room_left(const struct reply_cursor *c, const struct reply_limits *limits)
{
	size_t room = limits->max_bytes - c->pos - least_left(c);

	return c->depth > 0 ? room + ELEMENT_LEAST : room;
}

/* Enters an aggregate, if it is allowed here and not too large. */
static int
level_open(struct reply_cursor *c, const struct element *e,
    const struct reply_limits *limits, const char **ret_error)
{
	if (e->value.kind == VALUE_PUSH && c->depth > 0)
		return bad(ret_error, "push inside a value");
	if (c->depth == (limits->max_depth > 0 ? limits->max_depth : REPLY_MAX_DEPTH))
		return bad(ret_error, "nested too deeply");
	if (e->n_items > limits->max_items - c->n_items)
		return bad(ret_error, "too many items");
	if ((uint64_t)e->n_items * ELEMENT_LEAST > room_left(c, limits) - e->len)
		return bad(ret_error, too_big);
	c->n_items += e->n_items;
	return REPLY_OK;
}

/* Counts an element as read, and its items as still to be read. */
static void
cursor_move(struct reply_cursor *c, const struct element *e)
{
	c->pos += e->len;
	c->searched = 0;
	if (c->depth > 0)
		c->left[c->depth - 1]--;
	if (e->n_items > 0)
		c->left[c->depth++] = e->n_items;
	while (c->depth > 0 && c->left[c->depth - 1] == 0)
		c->depth--;
}

static int
value_check(struct slice data, const struct reply_limits *limits,
    struct reply_cursor *c, const char **ret_error)
{
	do {
		struct slice rest = { data.data + c->pos, data.len - c->pos };
		struct element e;
		int status;

		status = element_read(rest, room_left(c, limits), &c->searched,
		    &e, ret_error);
		if (status != REPLY_OK)
			return status;
		if (is_aggregate(e.value.kind)) {
			status = level_open(c, &e, limits, ret_error);
			if (status != REPLY_OK)
				return status;
		}
		cursor_move(c, &e);
	} while (c->depth > 0);
	return REPLY_OK;
}

/* --------------------------------------------------------------- tree --- */

/*
 * Fills the pool from a value that has been checked. The items of one aggregate
 * stand together, so each aggregate takes the places of its items when it is
 * entered.
 */
static void
tree_fill(struct slice data, struct value *pool)
{
	struct {
		struct value *next;
		size_t left;
	} stack[REPLY_RESULT_DEPTH];
	struct value *slot = pool, *spare = pool + 1;
	struct slice rest = data;
	size_t depth = 0;

	for (;;) {
		const char *error;
		struct element e;
		size_t searched = 0;

		(void)element_read(rest, SIZE_MAX, &searched, &e, &error);
		rest.data += e.len;
		rest.len -= e.len;
		*slot = e.value;
		if (e.n_items > 0) {
			slot->items = stack[depth].next = spare;
			stack[depth++].left = e.n_items;
			spare += e.n_items;
		}
		while (depth > 0 && stack[depth - 1].left == 0)
			depth--;
		if (depth == 0)
			break;
		slot = stack[depth - 1].next++;
		stack[depth - 1].left--;
	}
}

int
reply_decode(struct slice data, const struct reply_limits *limits,
    struct reply_cursor *cursor, struct value **ret, size_t *ret_used,
    const char **ret_error)
{
	struct value *pool;
	int status;

	if (data.len == 0)
		return REPLY_AGAIN;
	status = value_check(data, limits, cursor, ret_error);
	if (status != REPLY_OK)
		return status;
	pool = calloc((size_t)cursor->n_items + 1, sizeof(*pool));
	if (pool == NULL) {
		*cursor = (struct reply_cursor){ 0 };
		return -ENOMEM;
	}
	tree_fill(data, pool);
	*ret = pool;
	*ret_used = cursor->pos;
	*cursor = (struct reply_cursor){ 0 };
	return REPLY_OK;
}

struct value *
value_free(struct value *v)
{
	free(v);
	return NULL;
}

static bool
is_text(const struct value *v)
{
	return v->kind == VALUE_BULK || v->kind == VALUE_SIMPLE ||
	    v->kind == VALUE_VERBATIM;
}

const struct value *
value_get(const struct value *map, const char *key)
{
	if (map == NULL || (map->kind != VALUE_MAP && map->kind != VALUE_ARRAY))
		return NULL;
	for (size_t i = 0; i + 1 < map->n_items; i += 2) {
		if (is_text(&map->items[i]) && slice_is(map->items[i].text, key))
			return &map->items[i + 1];
	}
	return NULL;
}
