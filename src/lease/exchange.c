/* SPDX-License-Identifier: ISC */
/* exchange: encodes pushed input, and reads the exit status of a reply. */
#include "config.h"

#include "lease/exchange.h"

#include <errno.h>

#include "proto/reply.h"
#include "proto/resp.h"
#include "proto/value.h"

/* A longer piece of pushed input is cut into pieces of this size. */
#define INPUT_PIECE (64u << 10)

int
exchange_append_input(struct buf *out, struct slice bytes)
{
	do {
		struct slice piece = bytes;

		if (piece.len > INPUT_PIECE)
			piece.len = INPUT_PIECE;
		resp_push(out, 2);
		resp_bulk(out, SLICE("input"));
		resp_bulk(out, piece);
		bytes.data += piece.len;
		bytes.len -= piece.len;
	} while (bytes.len > 0);
	return buf_failed(out) ? -ENOMEM : 0;
}

struct value *
exchange_reply_again(struct slice bytes)
{
	struct reply_limits limits = {
		.max_items = EXCHANGE_REPLY_ITEMS, .max_bytes = bytes.len,
	};
	struct reply_cursor cursor = { 0 };
	struct value *value;
	const char *why;
	size_t used;

	if (reply_decode(bytes, &limits, &cursor, &value, &used, &why) != REPLY_OK)
		return NULL;
	return value;
}

int
exchange_reply_status(const struct value *reply)
{
	int status;

	if (reply->kind != VALUE_ERROR)
		return 0;
	return value_exit_status(reply->text, &status) ? status : 1;
}
