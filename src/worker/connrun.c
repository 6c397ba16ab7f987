/* SPDX-License-Identifier: ISC */
/*
 * connrun: from the bytes of a connection to requests that are executed.
 */
#include "config.h"

#include <string.h>

#include "base/clock.h"
#include "ipc/logrec.h"
#include "proto/resp.h"
#include "worker/conn.h"
#include "worker/port.h"
#include "worker/verbs.h"
#include "worker/worker.h"

/*
 * In one turn a connection executes no longer than this, as others wait; the
 * clock is looked at once in so many requests.
 */
#define TURN_USEC (5 * USEC_PER_MSEC)
#define TURN_REQUESTS 16

static void
conn_protocol_error(struct conn *c, const char *why)
{
	resp_errorf(conn_out(c), "ERR", "Protocol error: %s", why);
	c->worker->stats->protocol_errors++;
	c->worker->stats->errors_total++;
	c->quit = true;
}

/*
 * Another protocol: end without a word (R25), and say so once a minute. The
 * replies to requests in front of it are owed all the same.
 */
static void
conn_foreign(struct conn *c)
{
	static uint64_t complained;
	uint64_t now = c->worker->loop.now_usec;
	char peer[ADDR_TEXT];

	c->worker->stats->protocol_errors++;
	if (complained == 0 || now - complained > 60 * USEC_PER_SEC) {
		complained = now;
		conn_peer(c, peer, sizeof(peer));
		log_notice("%s speaks another protocol on %s, closing", peer, c->port->url);
	}
	conn_send(c);
	c->lost = true;
}

bool
conn_may_execute(const struct conn *c)
{
	return !c->lost && !c->quit && c->wait == CONN_WAIT_NONE && !conn_is_congested(c);
}

/* Has this gone on for long enough? The first question starts the time. */
static bool
turn_is_over(uint64_t *began_usec)
{
	uint64_t now = clock_usec();

	if (*began_usec == 0)
		*began_usec = now;
	return now - *began_usec > TURN_USEC;
}

static size_t
execute(struct conn *c, struct slice data)
{
	struct worker *w = c->worker;
	struct request_limits limits = conn_limits(c);
	const size_t high = conn_out_high(c);
	uint64_t began_usec = 0;
	size_t done = 0;
	unsigned n = 0;

	while (done < data.len && conn_may_execute(c)) {
		struct slice rest = { data.data + done, data.len - done };
		const char *why = "";
		size_t used = 0;

		switch (request_decode(rest, &limits, &c->cursor, &w->request, &used, &why)) {
		case REQUEST_OK:
			c->request_due_usec = 0;
			done += used;
			w->stats->requests_total++;
			verb_execute(c, &w->request);
			conn_count_request(c);
			/* Replies are sent when the task ends, or when they are many. */
			if (buf_len(&w->out) > high || buf_len(&c->out) > high)
				conn_send(c);
			break;
		case REQUEST_EMPTY:
			c->request_due_usec = 0;
			done += used;
			break;
		case REQUEST_AGAIN:
			if (c->request_due_usec == 0)
				c->request_due_usec = w->loop.now_usec + CONN_REQUEST_USEC;
			return done;
		case REQUEST_BAD:
			conn_protocol_error(c, why);
			return data.len;
		case REQUEST_FOREIGN:
			conn_foreign(c);
			return data.len;
		default:
			c->lost = true;
			return data.len;
		}
		if (++n % TURN_REQUESTS == 0 && done < data.len && turn_is_over(&began_usec) &&
		    conn_may_execute(c))
			c->wait = CONN_WAIT_TURN;
	}
	/* After QUIT or an error nothing that follows counts (R23). */
	return c->quit || c->lost ? data.len : done;
}

size_t
conn_execute(struct conn *c, struct slice data)
{
	struct worker *w = c->worker;
	size_t done;

	w->stats->executing_conn = c->id;
	w->stats->executing_service = 0;
	done = execute(c, data);
	w->stats->executing_conn = 0;
	return done;
}

void
conn_run(struct conn *c)
{
	if (buf_len(&c->in) > 0 && conn_is_congested(c))
		conn_send(c);
	if (buf_len(&c->in) > 0 && conn_may_execute(c))
		buf_consume(&c->in, conn_execute(c, buf_slice(&c->in)));
	if (buf_len(&c->in) == 0 && c->in.cap > 0)
		buf_done(&c->in);
}

bool
conn_has_quit(struct conn *c)
{
	struct request_limits limits = conn_limits(c);
	struct request_cursor cursor = { 0 };
	struct slice rest = buf_slice(&c->in);
	const char *why;
	size_t used;

	while (rest.len > 0) {
		int r = request_decode(rest, &limits, &cursor, &c->worker->request, &used, &why);

		if (r != REQUEST_OK && r != REQUEST_EMPTY)
			return false;
		if (r == REQUEST_OK && slice_is_nocase(c->worker->request.argv[0], "QUIT"))
			return true;
		rest.data += used;
		rest.len -= used;
	}
	return false;
}
