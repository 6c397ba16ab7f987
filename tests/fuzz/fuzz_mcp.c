/* SPDX-License-Identifier: ISC */
/*
 * fuzz_mcp: any bytes as a message of MCP, with fields of HTTP and without; as the standard
 * error and the output of a tool; and as the description of a service. Every answer is one
 * line of JSON, and no longer than the bounds of a result.
 */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "proto/jsontext.h"
#include "proto/mcp.h"
#include "proto/mcpcall.h"
#include "proto/mcptool.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(bool truth)
{
	if (!truth)
		abort();
}

/* The text in the buffer is one object of JSON in one line. The buffer is empty then. */
static void
require_answer(struct buf *b)
{
	json_t *j;

	require(!buf_failed(b) && buf_len(b) > 0 && memchr(buf_data(b), '\n', buf_len(b)) == NULL);
	j = json_loadb(buf_data(b), buf_len(b), JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
	require(json_is_object(j));
	json_decref(j);
	buf_clear(b);
}

/* Writes all answers that a message may get. */
static void
answer(const struct mcp_message *m, struct buf *b)
{
	require((m->code != 0) == (m->why != NULL));
	if (m->code != 0)
		mcp_put_wrong(b, m);
	else
		mcp_put_hello(b, m, true);
	require_answer(b);
	mcp_put_listening(b, m, true);
	require_answer(b);
	mcp_put_changed(b, m->id);
	require_answer(b);
	mcptool_open_list(b, m);
	mcptool_put(b, m->params);
	mcptool_close_list(b, m, mcp_cursor(m));
	require_answer(b);
	(void)mcp_cancelled_id(m);
	(void)mcptool_is_read_only(m->root);
}

/* Takes the arguments apart. */
static void
take_arguments(const struct mcp_message *m)
{
	CLEANUP(buf_done) struct buf input = BUF_INIT(0);
	const json_t *arguments;
	char room[REAL_TEXT];
	struct slice s;
	const char *key;
	bool has;
	json_t *v;

	if (mcpcall_take_input(m, "input", &input, &has) == NULL && !has)
		require(buf_len(&input) == 0);
	if (!mcpcall_arguments(m, &arguments))
		return;
	json_object_foreach((json_t *)arguments, key, v) {
		if (jsontext_of(v, room, &s))
			require(s.data != NULL);
	}
}

/* The same bytes as output, with their first one as the outcome. */
static void
call(const struct mcp_message *m, struct slice text, struct buf *b)
{
	struct mcpcall_result r = { .id = "", .detail = text };
	struct slice bytes = text;
	struct mcpcall c;

	if (text.len > 0)
		r.outcome.kind = (enum outcome_kind)((unsigned char)text.data[0] % OUTCOME_N);
	r.outcome.status = text.len > 1 ? (unsigned char)text.data[1] : 0;
	mcpcall_init(&c);
	for (unsigned i = 0; i < 4; i++) {
		struct slice rest = bytes;

		while (mcpcall_stderr(&c, &rest, m->id, i * UINT64_C(600000), b))
			require_answer(b);
		require(rest.len == 0);
		mcpcall_output(&c, text);
	}
	require(buf_len(&c.err) <= 2 * MCPCALL_STDERR_MAX && buf_len(&c.out) <= MCPCALL_TEXT_MAX);
	mcpcall_put(b, m, &c, &r);
	require_answer(b);
	mcpcall_done(&c);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = { (const char *)data, size };
	size_t half = size < 64 ? size : 64;
	struct mcp_fields fields = {
		SLICE(MCP_MODERN), SLICE("tools/call"), { (const char *)data, half },
	};
	CLEANUP(buf_done) struct buf b = BUF_INIT(0);
	struct mcp_message m;

	mcp_read(text, &fields, &m);
	require(m.root == NULL || m.code != 0 || m.method != MCP_UNKNOWN);
	mcp_done(&m);
	mcp_read(text, NULL, &m);
	answer(&m, &b);
	take_arguments(&m);
	call(&m, text, &b);
	mcp_done(&m);
	return 0;
}
