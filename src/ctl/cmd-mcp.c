/* SPDX-License-Identifier: ISC */
/*
 * reqctl mcp: speaks the Model Context Protocol on standard input and output, so that a
 * program which works with tools, an AI agent, has the services of a reqd as tools. The
 * agent may do what the account that started it may do, and no more.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "ctl/mcpserver.h"

/* Bytes of one message. */
#define MESSAGE_MAX (8u << 20)

#define READ_BYTES (64u << 10)

/* Answers what needs no server. */
static void
answer(struct mcpserver *s, const struct mcp_message *m)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(0);

	if (m->code != 0)
		mcp_put_wrong(&b, m);
	else if (m->method == MCP_PING)
		mcp_put_empty(&b, m);
	else if (m->method == MCP_LISTEN)
		mcp_put_listening(&b, m, false);
	else
		mcp_put_hello(&b, m, false);
	mcpserver_write(s, &b);
}

static void
take(struct mcpserver *s, struct slice line)
{
	struct mcp_message m;

	if (line.len > 0 && line.data[line.len - 1] == '\r')
		line.len--;
	if (line.len == 0)
		return;
	mcp_read(line, NULL, &m);
	if (m.code == 0 && m.method == MCP_CANCELLED)
		mcpserver_cancel(s, mcp_cancelled_id(&m));
	else if (m.code == 0 && (m.method == MCP_LIST || m.method == MCP_CALL))
		mcpserver_start(s, &m);
	else if (mcp_wants_answer(&m))
		answer(s, &m);
	mcp_done(&m);
}

static void
refuse_long(struct mcpserver *s)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(0);
	const struct mcp_message m = { 0 };

	mcp_put_error(&b, &m, MCP_BAD_REQUEST, "A message has at most 8 MiB");
	mcpserver_write(s, &b);
}

/* Takes all whole lines. *is_skipping: the rest of a line is left out. */
static void
take_lines(struct mcpserver *s, struct buf *in, bool *is_skipping)
{
	const char *end;

	while ((end = buf_len(in) > 0 ? memchr(buf_data(in), '\n', buf_len(in)) : NULL) != NULL) {
		size_t len = (size_t)(end - buf_data(in));

		if (!*is_skipping)
			take(s, (struct slice){ buf_data(in), len });
		*is_skipping = false;
		buf_consume(in, len + 1);
	}
	if (buf_len(in) <= MESSAGE_MAX)
		return;
	if (!*is_skipping)
		refuse_long(s);
	*is_skipping = true;
	buf_clear(in);
}

static int
mcp_run(struct ctl *ctl, size_t n, char **words)
{
	CLEANUP(buf_done) struct buf in = BUF_INIT(0);
	struct mcpserver server;
	bool is_skipping = false;
	size_t seed = 0;
	ssize_t r = 1;

	(void)n;
	(void)words;
	/* Threads must not be the first to make an object of JSON. */
	if (getrandom(&seed, sizeof(seed), 0) < 0)
		seed = (size_t)getpid();
	json_object_seed(seed | 1);
	mcpserver_init(&server, ctl);
	while (r > 0) {
		char *to = ctl_need(buf_reserve(&in, READ_BYTES));

		r = read(STDIN_FILENO, to, READ_BYTES);
		if (r < 0 && errno == EINTR) {
			r = 1;
			continue;
		}
		if (r > 0)
			buf_commit(&in, (size_t)r);
		take_lines(&server, &in, &is_skipping);
	}
	if (r < 0)
		ctl_message(ctl, "cannot read standard input: %s", strerror(errno));
	mcpserver_end(&server);
	/* Threads of cancelled calls may be there, which exit() would disturb. */
	_exit(r < 0 ? STATUS_LOCAL : 0);
}

static const struct ctl_opt options[] = {
	{ .name = "only", .arg = "PATTERN", .kind = OPT_LIST, .offset = offsetof(struct ctl, only),
	    .help = "offer these services only; * and ? stand for text" },
	{ .name = "read-only", .kind = OPT_FLAG, .offset = offsetof(struct ctl, read_only),
	    .help = "offer services with 'effects = none' only" },
};

const struct ctl_cmd cmd_mcp = {
	.name = "mcp",
	.synopsis = "",
	.summary = "offer services to an AI agent as tools",
	.details = "The agent starts this and speaks the Model Context Protocol with it.\n"
	    "It can do what your account may do. -t is the time limit of each call.\n",
	.options = options,
	.n_options = ARRAY_LEN(options),
	.run = mcp_run,
};
