/* SPDX-License-Identifier: ISC */
/*
 * respdoor: finds the requests in the bytes of a connection and executes them.
 */
#include "config.h"

#include "door/resp/respdoor.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "call/call.h"
#include "door/resp/sessioncall.h"
#include "door/resp/verbs.h"
#include "net/refusal.h"

/*
 * A session executes requests for no longer than this in one turn, because
 * others wait. The clock is read once in so many requests.
 */
#define TURN_USEC (5 * USEC_PER_MSEC)
#define TURN_REQUESTS 16

/* ------------------------------------------------------------ execution --- */

static void
refuse(struct session *s, const char *reason)
{
	struct conn *c = &s->conn;
	char peer[ADDR_TEXT];

	peer_format(&c->peer, peer, sizeof(peer));
	refusal_log(c->net, c->listener, peer, reason);
}

static void
on_protocol_error(struct session *s, const char *why)
{
	struct stats *stats = s->resp->pages->own;

	resp_errorf(session_out(s), "ERR", "Protocol error: %s", why);
	refuse(s, why);
	stats->protocol_errors++;
	stats->errors_total++;
	conn_quit(&s->conn);
}

static void
on_refuse(struct conn *c, const char *why)
{
	struct session *s = session_of(c);

	session_error(s, "BUSY", "%s", why);
	conn_quit(c);
}

/*
 * The client speaks another protocol: end the connection without a word. Replies to
 * earlier requests are still sent. A person with a browser or curl(1) is told, in a text
 * with nothing of the request.
 */
static void
on_foreign(struct session *s, struct slice data)
{
	s->resp->pages->own->protocol_errors++;
	refuse(s, "it speaks another protocol, such as HTTP or TLS");
	if (s->has_asked || !request_is_http(data)) {
		conn_end(&s->conn);
		return;
	}
	(void)buf_append_str(session_out(s), request_http_answer);
	conn_quit(&s->conn);
}

/* True if the turn has lasted long enough. The first call starts the time. */
static bool
turn_is_over(uint64_t *began_usec)
{
	uint64_t now = clock_usec();

	if (*began_usec == 0)
		*began_usec = now;
	return now - *began_usec > TURN_USEC;
}

/* Executes a whole request. high: the number of bytes that may be unsent. */
static void
execute(struct session *s, size_t high)
{
	struct stats *stats = s->resp->pages->own;
	struct conn *c = &s->conn;

	c->request_due_usec = 0;
	stats->requests_total++;
	s->has_asked = true;
	verb_execute(s, &s->resp->request);
	if (c->wait == CONN_READY)
		stats->requests_replied++;
	else
		s->owes = true;
	/* Send replies when the task ends, or earlier when they are many. */
	if (buf_len(&c->net->out) > high || buf_len(&c->out) > high)
		conn_send(c);
}

/*
 * Overwrites a request that had a secret. Bytes that had come in pieces were moved out
 * of the scratch buffer, which may still hold them.
 */
static void
wipe(struct conn *c, struct slice request)
{
	const struct buf *line = &session_of(c)->resp->request.line;
	char *read = c->net->read;

	/* A request of a line, without its quotes. */
	if (line->data != NULL)
		explicit_bzero(line->data, line->cap);
	explicit_bzero((void *)(uintptr_t)request.data, request.len);
	if (request.data < read || request.data >= read + NET_READ)
		explicit_bzero(read, NET_READ);
}

static size_t
on_bytes(struct conn *c, struct slice data)
{
	struct session *s = session_of(c);
	struct stats *stats = s->resp->pages->own;
	struct request_limits limits = session_limits(s);
	size_t high = conn_out_high(c);
	uint64_t began_usec = 0;
	int status = REQUEST_OK;
	const char *why = "";
	size_t done = 0;
	unsigned n = 0;

	stats->executing_conn = c->id;
	stats->executing_service = 0;
	while (done < data.len && conn_is_ready(c)) {
		struct slice rest = { data.data + done, data.len - done };
		size_t used = 0;

		status = request_decode(rest, &limits, &s->cursor, &s->resp->request, &used, &why);
		if (status == REQUEST_OK)
			execute(s, high);
		else if (status == REQUEST_EMPTY)
			c->request_due_usec = 0;
		else
			break;
		if (s->has_secret) {
			wipe(c, (struct slice){ rest.data, used });
			s->has_secret = false;
		}
		/* The requests behind a login are those of the caller as it is now. */
		if (s->is_other) {
			limits = session_limits(s);
			high = conn_out_high(c);
			s->is_other = false;
		}
		done += used;
		/* The caller as it is now may have too many connections for any of them. */
		if (c->peer.has_changed && done < data.len && conn_is_ready(c))
			c->wait = CONN_YIELDS;
		if (++n % TURN_REQUESTS == 0 && done < data.len && turn_is_over(&began_usec) &&
		    conn_is_ready(c))
			c->wait = CONN_YIELDS;
	}
	if (status == REQUEST_AGAIN)
		conn_expect_rest(c);
	else if (status == REQUEST_BAD)
		on_protocol_error(s, why);
	else if (status == REQUEST_FOREIGN)
		on_foreign(s, (struct slice){ data.data + done, data.len - done });
	else if (status < 0)
		conn_lose(c);
	stats->executing_conn = 0;
	/* Bytes behind QUIT or an error are dropped. */
	return c->state > CONN_PATIENT ? data.len : done;
}

/* ------------------------------------------------------------------ end --- */

static size_t
rest_max(struct conn *c)
{
	return session_limits(session_of(c)).request_limit;
}

/*
 * True if a QUIT is among the waiting requests: only then does the client want
 * all of them done.
 */
static bool
on_end(struct conn *c, struct slice rest)
{
	struct session *s = session_of(c);
	/* The rest may have a login, and requests behind it that only its caller may send. */
	struct request_limits limits = session_limits_most(s);
	struct request *request = &s->resp->request;
	struct request_cursor cursor = { 0 };
	const char *why;
	size_t used;

	while (rest.len > 0) {
		int r = request_decode(rest, &limits, &cursor, request, &used, &why);

		if (r != REQUEST_OK && r != REQUEST_EMPTY)
			return false;
		if (r == REQUEST_OK && slice_is_nocase(request->argv[0], "QUIT"))
			return true;
		rest.data += used;
		rest.len -= used;
	}
	return false;
}

static void
on_room(struct conn *c)
{
	struct session *s = session_of(c);

	if (s->call != NULL)
		call_on_room(s->call);
}

static void
abandon(struct conn *c)
{
	struct session *s = session_of(c);

	verb_forget_login(s);
	session_abandon(s);
	if (s->owes)
		s->resp->pages->own->requests_aborted++;
	s->owes = false;
}

static enum door_work
work(const struct conn *c)
{
	const struct session *s = CONTAINER_OF(c, struct session, conn);

	if (s->call != NULL)
		return s->call->finished ? DOOR_HOLDS : DOOR_BUSY;
	return s->n_asked == 0 ? DOOR_NEW : DOOR_IDLE;
}

/* ----------------------------------------------------------------- life --- */

static struct conn *
create(struct door *d)
{
	struct session *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->resp = CONTAINER_OF(d, struct resp_door, door);
	s->sink.ops = &session_sink_ops;
	s->version = RESP2;
	return &s->conn;
}

static void
destroy(struct conn *c)
{
	struct session *s = session_of(c);

	free(s->name);
	free(s->lib_name);
	free(s->lib_version);
	free(s);
}

void
resp_door_init(struct resp_door *d)
{
	static const struct door_ops ops = {
		.create = create,
		.destroy = destroy,
		.on_bytes = on_bytes,
		.rest_max = rest_max,
		.on_end = on_end,
		.on_room = on_room,
		.abandon = abandon,
		.work = work,
		.refuse = on_refuse,
		.full = "-ERR max number of clients reached\r\n",
		.crowded = "-BUSY you have your share of the connections: one caller gets at most "
		    "three quarters of max-connections. Close some, or have max-connections raised\r\n",
	};

	*d = (struct resp_door){ .door.ops = &ops, .verbs = verbs, .n_verbs = n_verbs };
	request_init(&d->request);
}

void
resp_door_done(struct resp_door *d)
{
	request_done(&d->request);
}
