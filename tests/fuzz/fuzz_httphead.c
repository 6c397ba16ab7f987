/* SPDX-License-Identifier: ISC */
/*
 * fuzz_httphead: any bytes as the head of a request. The verdict is the same in pieces, for
 * each prefix, and with other bytes behind. A head that is good ends in an empty line, has
 * nothing outside its bytes, and is the same when it is written anew.
 */
#include "config.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/httphead.h"
#include "proto/httphost.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct verdict {
	enum httphead_status status;
	size_t used;
	struct httphead_error error;
};

static struct httphead head, again;

static void
require(bool truth)
{
	if (!truth)
		abort();
}

static struct verdict
decode(struct slice bytes, struct httphead_cursor *cursor, struct httphead *h)
{
	struct verdict v = { .used = 0 };

	v.status = httphead_decode(bytes, cursor, h, &v.used, &v.error);
	require(v.status != HTTPHEAD_BAD || (v.error.why != NULL && v.error.status >= 400));
	return v;
}

static bool
is_same(struct verdict a, struct verdict b)
{
	return a.status == b.status && a.used == b.used && a.error.status == b.error.status &&
	    a.error.why == b.error.why;
}

static void
check_slice(struct slice s, struct slice bytes)
{
	require(s.data >= bytes.data && s.data + s.len <= bytes.data + bytes.len);
	for (size_t i = 0; i < s.len; i++)
		require(s.data[i] == '\t' || ((unsigned char)s.data[i] >= ' ' && s.data[i] != 0x7f));
}

static void
check_pieces(struct slice bytes, size_t piece, struct verdict whole)
{
	struct httphead_cursor cursor = { 0 };
	struct verdict v = { .status = HTTPHEAD_MORE };

	for (size_t n = 0; n < bytes.len && v.status == HTTPHEAD_MORE;) {
		n = bytes.len - n < piece ? bytes.len : n + piece;
		/* Another connection has used it meanwhile. */
		memset(&again, 0xff, sizeof(again));
		v = decode((struct slice){ bytes.data, n }, &cursor, &again);
	}
	require(is_same(v, whole));
}

/* Writes the head in the plainest way. */
static size_t
write_anew(char *ret, size_t size)
{
	int n = snprintf(ret, size, "%.*s %.*s HTTP/1.%d\r\n", (int)head.method_name.len,
	    head.method_name.data, (int)head.target_text.len, head.target_text.data, head.minor);

	for (size_t i = 0; i < head.n_fields; i++) {
		const struct httpfield *f = &head.fields[i];

		n += snprintf(ret + n, size - (size_t)n, "%.*s:%.*s\r\n", (int)f->name.len,
		    f->name.data, (int)f->value.len, f->value.data);
	}
	return (size_t)(n + snprintf(ret + n, size - (size_t)n, "\r\n"));
}

static void
check_head(struct slice bytes)
{
	static char text[2 * HTTPHEAD_MAX];
	struct httphead_cursor cursor = { 0 };
	struct httphost host;
	size_t len;

	require(memcmp(bytes.data + bytes.len - 4, "\r\n\r\n", 4) == 0);
	require(head.n_fields <= HTTPHEAD_FIELDS_MAX);
	check_slice(head.method_name, bytes);
	check_slice(head.target_text, bytes);
	for (size_t i = 0; i < head.n_fields; i++) {
		check_slice(head.fields[i].name, bytes);
		check_slice(head.fields[i].value, bytes);
	}
	require((head.body == HTTPBODY_LENGTH) == (head.content_length > 0));
	require(head.minor == 0 || httphead_get(&head, HTTPKNOWN_HOST) != NULL);
	if (httphead_get(&head, HTTPKNOWN_HOST) != NULL)
		require(httphost_parse(*httphead_get(&head, HTTPKNOWN_HOST), &host));
	len = write_anew(text, sizeof(text));
	require(decode((struct slice){ text, len }, &cursor, &again).status == HTTPHEAD_OK);
	require(again.n_fields == head.n_fields && again.body == head.body &&
	    again.content_length == head.content_length && again.method == head.method &&
	    again.is_persistent == head.is_persistent &&
	    again.expects_continue == head.expects_continue &&
	    slice_eq(again.target.path, head.target.path) &&
	    slice_eq(again.target.query, head.target.query) &&
	    memcmp(again.known, head.known, sizeof(head.known)) == 0);
	for (size_t i = 0; i < head.n_fields; i++)
		require(slice_eq(again.fields[i].name, head.fields[i].name) &&
		    slice_eq(again.fields[i].value, head.fields[i].value));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice bytes = { (const char *)data, size };
	struct httphead_cursor cursor = { 0 };
	struct verdict v = decode(bytes, &cursor, &head);

	require(v.status != HTTPHEAD_MORE || size < HTTPHEAD_MAX);
	if (size > 0)
		check_pieces(bytes, 1 + data[size - 1] % 97u, v);
	if (size > 0 && size < 512)
		check_pieces(bytes, 1, v);
	if (v.status != HTTPHEAD_OK)
		return 0;
	require(v.used <= size && v.used <= HTTPHEAD_MAX);
	require(cursor.line + cursor.searched + cursor.n_lines == 0);
	bytes.len = v.used;
	check_head(bytes);
	bytes.len--;
	require(decode(bytes, &cursor, &again).status == HTTPHEAD_MORE);
	return 0;
}
