/* SPDX-License-Identifier: ISC */
/*
 * fuzz_value: answers of a handler on their way to a client. Each decoded value
 * can be written in both versions; RESP3 reads back as the same tree, RESP2 has
 * none of the types of RESP3; and no error in it has a reserved code.
 */
#include "config.h"

#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "proto/outcome.h"
#include "proto/value.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct value *
decode(struct slice s, const struct reply_limits *l, size_t *ret_used)
{
	struct reply_cursor cursor = { 0 };
	struct value *v = NULL;
	const char *error;

	if (reply_decode(s, l, &cursor, &v, ret_used, &error) != REPLY_OK)
		return NULL;
	return v;
}

static void
check_same(const struct value *a, const struct value *b)
{
	if (a->kind != b->kind || a->integer != b->integer || a->n_items != b->n_items)
		abort();
	if (a->kind != VALUE_ERROR && !slice_eq(a->text, b->text))
		abort();
	if (a->kind == VALUE_DOUBLE && !(isnan(a->number) && isnan(b->number)) &&
	    memcmp(&a->number, &b->number, sizeof(a->number)) != 0)
		abort();
	for (size_t i = 0; i < a->n_items; i++)
		check_same(&a->items[i], &b->items[i]);
}

static void
check_resp2(const struct value *v)
{
	switch (v->kind) {
	case VALUE_SIMPLE:
	case VALUE_ERROR:
	case VALUE_INTEGER:
	case VALUE_BULK:
	case VALUE_NULL:
	case VALUE_ARRAY:
		break;
	default:
		abort();
	}
	for (size_t i = 0; i < v->n_items; i++)
		check_resp2(&v->items[i]);
}

static void
check_errors(const struct value *v)
{
	static const char *const codes[] = { "MOVED", "ASK", "LOADING", "NOAUTH", "HANDLER" };
	int status;

	if (v->kind == VALUE_ERROR) {
		const char *blank = memchr(v->text.data, ' ', v->text.len);
		struct slice code = v->text;

		if (blank != NULL)
			code.len = (size_t)(blank - code.data);
		for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
			if (slice_is(code, codes[i]))
				abort();
		}
		if (outcome_from_code(code) != OUTCOME_N && !value_exit_status(v->text, &status))
			abort();
		if (v->text.len == 0 || v->text.len + 3 > RESP_ERROR_MAX)
			abort();
	}
	for (size_t i = 0; i < v->n_items; i++)
		check_errors(&v->items[i]);
}

/* Writes v in a version, and reads it again. */
static void
check_version(const struct value *v, enum resp_version version)
{
	struct reply_limits l = { SIZE_MAX / 2, UINT32_MAX, 0 };
	struct buf b = BUF_INIT(0), again = BUF_INIT(0);
	struct value *w;
	size_t used = 0;
	int r = value_append(&b, version, v);

	if (v->kind == VALUE_PUSH) {
		if (r != -EINVAL || buf_len(&b) != 0)
			abort();
		return;
	}
	if (r != 0)
		abort();
	w = decode(buf_slice(&b), &l, &used);
	if (w == NULL || used != buf_len(&b))
		abort();
	if (version == RESP3)
		check_same(v, w);
	else
		check_resp2(w);
	check_errors(w);
	if (value_append(&again, version, w) != 0 ||
	    !slice_eq(buf_slice(&b), buf_slice(&again)))
		abort();
	w = value_free(w);
	buf_done(&b);
	buf_done(&again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct reply_limits limits = { 1u << 20, 4096, 0 };
	struct value *v, *copy;
	size_t used;

	v = decode((struct slice){ (const char *)data, size }, &limits, &used);
	if (v == NULL)
		return 0;
	copy = value_copy(v);
	if (copy == NULL)
		abort();
	check_same(v, copy);
	v = value_free(v);
	check_version(copy, RESP3);
	check_version(copy, RESP2);
	copy = value_free(copy);
	return 0;
}
