/* SPDX-License-Identifier: ISC */
/*
 * fuzz_httpchunk: any bytes as a body in chunks. The verdict and the data are the same in
 * pieces, the data is never more than what came, and a whole body is the same when it is
 * written anew.
 */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "proto/httpchunk.h"
#include "proto/httpreply.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct result {
	enum httpchunk_status status;
	size_t used;
	const char *why;
	struct buf body;
};

static void
require(bool truth)
{
	if (!truth)
		abort();
}

static void
result_done(struct result *r)
{
	buf_done(&r->body);
}

static void
feed(struct result *r, struct slice bytes, size_t piece)
{
	struct httpchunk c = { 0 };

	*r = (struct result){ .status = HTTPCHUNK_MORE };
	for (size_t at = 0; at < bytes.len; at += piece) {
		struct slice rest = { bytes.data + at, bytes.len - at < piece ? bytes.len - at : piece };
		struct slice data;
		size_t used;

		do {
			r->status = httpchunk_decode(&c, rest, &used, &data, &r->why);
			if (r->status == HTTPCHUNK_BAD)
				return;
			require(used <= rest.len && (r->status == HTTPCHUNK_DATA) == (data.len > 0));
			require(data.data >= rest.data && data.data + data.len <= rest.data + used);
			require(buf_append_slice(&r->body, data) == 0);
			r->used += used;
			rest.data += used;
			rest.len -= used;
			if (r->status == HTTPCHUNK_END)
				return;
		} while (r->status == HTTPCHUNK_DATA);
		require(rest.len == 0);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct slice bytes = { (const char *)data, size };
	CLEANUP(result_done) struct result whole, pieces, again;
	CLEANUP(buf_done) struct buf text = BUF_INIT(0);

	feed(&whole, bytes, size > 0 ? size : 1);
	feed(&pieces, bytes, 1 + (size > 0 ? data[size - 1] % 13u : 0));
	again = (struct result){ .status = HTTPCHUNK_MORE };
	require(whole.status == pieces.status);
	require(slice_eq(buf_slice(&whole.body), buf_slice(&pieces.body)));
	if (whole.status == HTTPCHUNK_BAD)
		require(whole.why == pieces.why);
	else
		require(whole.used == pieces.used && whole.used <= size);
	if (whole.status != HTTPCHUNK_END)
		return 0;
	httpreply_chunk(&text, buf_slice(&whole.body));
	httpreply_chunk_last(&text);
	httpreply_end(&text);
	require(!buf_failed(&text));
	feed(&again, buf_slice(&text), buf_len(&text));
	require(again.status == HTTPCHUNK_END && again.used == buf_len(&text));
	require(slice_eq(buf_slice(&whole.body), buf_slice(&again.body)));
	return 0;
}
