/* SPDX-License-Identifier: ISC */
/*
 * fuzz_reply: the reply reader. The verdict is the same however the bytes are
 * cut; the tree is consistent; and where there is only one encoding, writing
 * gives the same bytes.
 */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "proto/reply.h"
#include "proto/resp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int
run(const uint8_t *data, size_t size, size_t step,
    const struct reply_limits *l, char **ret_block, struct value **ret, size_t *ret_used)
{
	struct reply_cursor cursor = { 0 };
	int status = REPLY_AGAIN;
	size_t arrived = 0;

	while (arrived < size && status == REPLY_AGAIN) {
		const char *error = NULL;

		arrived += step < size - arrived ? step : size - arrived;
		free(*ret_block);
		*ret_block = malloc(arrived);
		if (*ret_block == NULL)
			abort();
		memcpy(*ret_block, data, arrived);
		status = reply_decode((struct slice){ *ret_block, arrived }, l,
		    &cursor, ret, ret_used, &error);
		if (status < 0 || cursor.depth > REPLY_RESULT_DEPTH ||
		    cursor.n_items > l->max_items)
			abort();
		if (status == REPLY_BAD && error == NULL)
			abort();
		if (status == REPLY_OK && *ret_used > l->max_bytes)
			abort();
	}
	return status;
}

/* False when the value could have been written in more than one way. */
static bool
write_again(struct buf *b, const struct value *v, size_t *n_items)
{
	bool only = true;

	switch (v->kind) {
	case VALUE_SIMPLE:
	case VALUE_ERROR:
		(void)buf_append_char(b, v->kind == VALUE_SIMPLE ? '+' : '-');
		(void)buf_append_slice(b, v->text);
		(void)buf_append_str(b, "\r\n");
		return true;
	case VALUE_INTEGER:
		resp_integer(b, v->integer);
		return true;
	case VALUE_BULK:
		resp_bulk(b, v->text);
		return true;
	case VALUE_BOOL:
		resp_bool(b, RESP3, v->integer == 1);
		return true;
	case VALUE_NULL:
	case VALUE_DOUBLE:
	case VALUE_VERBATIM:
	case VALUE_BIG:
		return false;
	case VALUE_ARRAY:
		resp_array(b, v->n_items);
		break;
	case VALUE_MAP:
		resp_map(b, RESP3, v->n_items / 2);
		break;
	case VALUE_SET:
		(void)buf_printf(b, "~%zu\r\n", v->n_items);
		break;
	case VALUE_PUSH:
		resp_push(b, v->n_items);
		break;
	}
	*n_items += v->n_items;
	for (size_t i = 0; i < v->n_items; i++)
		only = write_again(b, &v->items[i], n_items) && only;
	return only;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct reply_limits limits[] = { { 1u << 20, 4096, 0 },
		{ 64, 6, REPLY_RESULT_DEPTH } };

	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		char *whole_block = NULL, *block = NULL;
		struct value *whole = NULL, *pieces = NULL;
		size_t used = 0, pieces_used = 0, n_items = 0;
		int status;

		status = run(data, size, size, &limits[i], &whole_block, &whole, &used);
		if (run(data, size, 1 + size % 7, &limits[i], &block, &pieces,
			&pieces_used) != status || used != pieces_used)
			abort();
		if (status == REPLY_OK) {
			struct buf b = BUF_INIT(0);

			if (write_again(&b, whole, &n_items) &&
			    (buf_len(&b) != used || memcmp(b.data, data, used) != 0))
				abort();
			if (n_items > limits[i].max_items)
				abort();
			buf_done(&b);
		}
		whole = value_free(whole);
		pieces = value_free(pieces);
		free(whole_block);
		free(block);
	}
	return 0;
}
