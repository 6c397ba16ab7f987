/* SPDX-License-Identifier: ISC */
/*
 * httpdoor: finds requests and their bodies in the bytes of a connection.
 *
 * A head is taken when it is whole. A body that becomes arguments stays with the connection
 * until it is whole, too, and the head is read again with it; a body that is input goes to
 * the call as it comes.
 */
#include "config.h"

#include "door/http/httpdoor.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "call/call.h"
#include "door/http/httpanswer.h"
#include "door/http/httpasync.h"
#include "door/http/httpcall.h"
#include "door/http/httphook.h"
#include "door/http/httplisten.h"
#include "door/http/httproutes.h"
#include "ipc/stats.h"
#include "net/refusal.h"
#include "proto/httpreply.h"

/* Time for a head; each byte that comes adds a little to it, as to HTTP_BODY_USEC. */
#define HEAD_USEC (10 * USEC_PER_SEC)

/* Bytes of a piece of input that is given to a call at once. */
#define PIECE_MAX NET_READ

/* A body in chunks may have so many bytes that are no data, beside as many as its data. */
#define CHUNK_WASTE (64u << 10)

/* A body of JSON may have so many bytes; a program may say more as bytes. */
#define SCRATCH_MAX (64u << 20)

/* A session serves requests for no longer than this in one turn, because others wait. */
#define TURN_USEC (5 * USEC_PER_MSEC)
#define TURN_REQUESTS 16

static void
note(struct http_session *s, const char *reason)
{
	struct conn *c = &s->conn;
	char peer[ADDR_TEXT];

	peer_format(&c->peer, peer, sizeof(peer));
	refusal_log(c->net, c->listener, peer, reason);
	s->http->pages->own->protocol_errors++;
}

/* ----------------------------------------------------------------- head --- */

/* A request has come, good or not: from here on an answer is owed. */
static void
begin(struct http_session *s, const struct httphead *h)
{
	s->conn.request_due_usec = 0;
	if (!s->owes)
		s->http->pages->own->requests_total++;
	s->owes = true;
	s->is_head = h != NULL && h->method == HTTPMETHOD_HEAD;
	s->is_old = h != NULL && h->minor == 0;
	s->wants_trailers = h != NULL && httphead_get(h, HTTPKNOWN_TE) != NULL &&
	    slice_is_nocase(*httphead_get(h, HTTPKNOWN_TE), "trailers");
	s->is_fetch = h != NULL && httphead_get(h, HTTPKNOWN_SEC_FETCH_MODE) != NULL &&
	    slice_is(*httphead_get(h, HTTPKNOWN_SEC_FETCH_MODE), "cors");
	s->goes_on = h != NULL && h->is_persistent && !s->conn.net->stopping &&
	    !s->conn.listener->gone;
}

static void
refuse_head(struct http_session *s, const struct httphead_error *e)
{
	note(s, e->why);
	begin(s, NULL);
	http_refuse_last(s, e->status, NULL, e->why);
}

/* The bytes are no HTTP: there is nobody to read an answer. */
static void
refuse_foreign(struct http_session *s)
{
	note(s, "it speaks another protocol than HTTP");
	conn_end(&s->conn);
}

/* Takes note of the body that follows a head. Returns how much of it is there. */
static enum http_body
begin_body(struct http_session *s, const struct httphead *h, struct slice rest,
    struct slice *ret_body)
{
	s->is_chunked = h->body == HTTPBODY_CHUNKED;
	s->has_continued = s->has_continued || !h->expects_continue;
	s->left = h->body == HTTPBODY_LENGTH ? h->content_length : 0;
	*ret_body = (struct slice){ 0 };
	s->use = HTTP_NO_BODY;
	if (h->body == HTTPBODY_NONE)
		return HTTP_BODY_WHOLE;
	if (h->body == HTTPBODY_LENGTH && rest.len >= h->content_length) {
		*ret_body = (struct slice){ rest.data, (size_t)h->content_length };
		return HTTP_BODY_WHOLE;
	}
	s->use = HTTP_DROP;
	return HTTP_BODY_COMING;
}

/* Overwrites a head that had a secret, also where it lay before the connection kept it. */
static void
wipe(struct conn *c, struct slice head)
{
	char *read = c->net->read;

	explicit_bzero((void *)(uintptr_t)head.data, head.len);
	if (head.data < read || head.data >= read + NET_READ)
		explicit_bzero(read, NET_READ);
}

/* The route wants the whole body: keeps the request until that has come. */
static size_t
gather(struct http_session *s, const struct httphead *h, size_t used)
{
	s->use = HTTP_GATHER;
	s->need = used + (size_t)s->left;
	s->at = used;
	s->gathered = BUF_INIT(http_session_body_max(s));
	if (!s->has_continued) {
		httpreply_continue(http_session_out(s));
		conn_flush(&s->conn);
	}
	s->has_continued = true;
	(void)h;
	conn_expect_within(&s->conn, HTTP_BODY_USEC);
	return 0;
}

/*
 * Serves a request of which the head is whole. data begins with the head, of used bytes;
 * chunks: the body, if it came in chunks and is whole.
 */
static size_t
serve(struct http_session *s, struct slice data, size_t used, const struct slice *chunks)
{
	const struct httphead *h = &s->http->head;
	struct http_request rq = { .head = h };
	bool has_secret = httphead_get(h, HTTPKNOWN_AUTHORIZATION) != NULL || http_is_hook(h);
	struct slice rest = { data.data + used, data.len - used };
	enum http_next next;

	begin(s, h);
	if (chunks != NULL) {
		rq.body = *chunks;
		rq.body_is = HTTP_BODY_WHOLE;
		s->use = HTTP_NO_BODY;
	} else {
		rq.body_is = begin_body(s, h, rest, &rq.body);
	}
	next = http_route(s, &rq);
	if (next == HTTP_WAITS) {
		s->use = HTTP_NO_BODY;
		return 0;
	}
	s->has_asked = true;
	if (next == HTTP_WANTS_BODY)
		return gather(s, h, used);
	if (has_secret)
		wipe(&s->conn, (struct slice){ data.data, used });
	if (next == HTTP_TAKES_INPUT)
		s->use = HTTP_INPUT;
	return used + (chunks == NULL ? rq.body.len : 0);
}

static size_t
take_head(struct http_session *s, struct slice data, const struct slice *chunks)
{
	struct httphead_error error = { 0 };
	size_t used = 0;

	switch (httphead_decode(data, &s->cursor, &s->http->head, &used, &error)) {
	case HTTPHEAD_OK:
		return serve(s, data, used, chunks);
	case HTTPHEAD_MORE:
		conn_expect_within(&s->conn, HEAD_USEC);
		return 0;
	case HTTPHEAD_BAD:
		refuse_head(s, &error);
		return data.len;
	case HTTPHEAD_FOREIGN:
		refuse_foreign(s);
		return data.len;
	}
	return data.len;
}

/* ----------------------------------------------------------------- body --- */

static size_t
refuse_chunks(struct http_session *s, struct slice data, unsigned status, const char *why)
{
	note(s, why);
	s->use = HTTP_NO_BODY;
	http_refuse_last(s, status, NULL, why);
	return data.len;
}

/* Decodes chunks of a request that is kept, and serves the request when they are all there. */
static size_t
gather_chunks(struct http_session *s, struct slice data)
{
	enum httpchunk_status r = HTTPCHUNK_DATA;
	const char *why = "";
	struct buf body;
	struct slice all;
	size_t head;

	while (r == HTTPCHUNK_DATA) {
		struct slice rest = { data.data + s->at, data.len - s->at }, piece = { 0 };
		size_t used = 0;

		r = httpchunk_decode(&s->chunk, rest, &used, &piece, &why);
		if (r == HTTPCHUNK_BAD)
			return refuse_chunks(s, data, 400, why);
		s->at += used;
		if (r == HTTPCHUNK_DATA && buf_append_slice(&s->gathered, piece) < 0)
			return refuse_chunks(s, data, s->gathered.is_full ? 413 : 503,
			    s->gathered.is_full ? "the body is longer than request-limit of the listener" :
			    "the server: out of memory");
	}
	s->conn.held = s->gathered.end;
	if (r == HTTPCHUNK_MORE) {
		if (s->at > 2 * buf_len(&s->gathered) + CHUNK_WASTE + HTTPHEAD_MAX)
			return refuse_chunks(s, data, 413, "the chunks of the body are too small");
		conn_expect_within(&s->conn, HTTP_BODY_USEC);
		return 0;
	}
	/* The request is served as if it had come whole, and may itself forget what is gathered. */
	body = s->gathered;
	s->gathered = BUF_INIT(0);
	all = buf_len(&body) > 0 ? buf_slice(&body) : SLICE("");
	head = s->at;
	s->need = s->at = 0;
	(void)take_head(s, data, &all);
	buf_done(&body);
	s->conn.held = 0;
	return head;
}

static size_t
take_gathered(struct http_session *s, struct slice data)
{
	/* Of a chunk the bytes are there twice for a while. */
	if (s->body_max != 0 && !s->is_displaced)
		hookroom_count(&s->http->room, &s->guest, data.len + buf_len(&s->gathered));
	if (s->is_displaced)
		return 0;
	if (s->is_chunked)
		return gather_chunks(s, data);
	if (data.len < s->need) {
		conn_expect_within(&s->conn, HTTP_BODY_USEC);
		return 0;
	}
	s->need = s->at = 0;
	return take_head(s, data, NULL);
}

/* Finds the next piece of a body that is used as it comes. False: the body is no good. */
static bool
next_piece(struct http_session *s, struct slice data, struct slice *ret, size_t *ret_used,
    bool *ret_is_last, const char **ret_why)
{
	enum httpchunk_status r;

	*ret = (struct slice){ 0 };
	if (!s->is_chunked) {
		ret->data = data.data;
		ret->len = data.len < s->left ? data.len : (size_t)s->left;
		ret->len = ret->len < PIECE_MAX ? ret->len : PIECE_MAX;
		s->left -= ret->len;
		*ret_used = ret->len;
		*ret_is_last = s->left == 0;
		return true;
	}
	r = httpchunk_decode(&s->chunk, data, ret_used, ret, ret_why);
	*ret_is_last = r == HTTPCHUNK_END;
	if (r != HTTPCHUNK_DATA)
		ret->len = 0;
	return r != HTTPCHUNK_BAD;
}

/* Refuses the rest of a request whose call may have begun, and ends the connection. */
static void
refuse_begun(struct http_session *s, unsigned status, const char *why)
{
	bool had_call = s->call != NULL;

	http_call_abandon(s);
	s->use = HTTP_NO_BODY;
	s->goes_on = false;
	http_answer_problem(s, &(struct http_problem){
		.status = status, .detail = slice_of(why), .ran = had_call ? "perhaps" : NULL,
	});
	http_session_finish(s);
}

static size_t
feed_input(struct http_session *s, struct slice data)
{
	const char *why = "";
	struct slice piece;
	bool is_last;
	size_t used = 0;

	if (!next_piece(s, data, &piece, &used, &is_last, &why)) {
		note(s, why);
		if (!s->is_begun) {
			refuse_begun(s, 400, why);
			return data.len;
		}
		http_call_abandon(s);
		conn_end(&s->conn);
		return data.len;
	}
	if (piece.len > 0 || is_last)
		http_call_feed(s, piece, is_last);
	return used;
}

/* Reads on in a body that nobody wants, up to a limit. */
static size_t
drop(struct http_session *s, struct slice data)
{
	const char *why = "";
	struct slice piece;
	bool is_last;
	size_t used = 0;

	if (!next_piece(s, data, &piece, &used, &is_last, &why) ||
	    (s->is_chunked && used >= s->left && !is_last)) {
		/* A reset would destroy the answer, so the client has time to take it. */
		s->conn.request_due_usec = 0;
		conn_quit(&s->conn);
		http_session_forget(s);
		return data.len;
	}
	if (s->is_chunked)
		s->left -= used < s->left ? used : s->left;
	if (is_last) {
		s->conn.request_due_usec = 0;
		http_session_forget(s);
	} else {
		conn_expect_within(&s->conn, HEAD_USEC);
	}
	return used;
}

/* ------------------------------------------------------------ operations --- */

static size_t
take(struct http_session *s, struct slice data)
{
	switch ((enum http_use)s->use) {
	case HTTP_NO_BODY: return take_head(s, data, NULL);
	case HTTP_GATHER: return take_gathered(s, data);
	case HTTP_INPUT: return feed_input(s, data);
	case HTTP_DROP: return drop(s, data);
	}
	return data.len;
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

static size_t
on_bytes(struct conn *c, struct slice data)
{
	struct http_session *s = http_session_of(c);
	struct stats *stats = s->http->pages->own;
	size_t high = conn_out_high(c), done = 0;
	uint64_t began_usec = 0;
	unsigned n = 0;

	stats->executing_conn = c->id;
	stats->executing_service = 0;
	while (done < data.len && conn_is_ready(c)) {
		size_t used = take(s, (struct slice){ data.data + done, data.len - done });

		if (used == 0)
			break;
		done += used;
		if (buf_len(&c->net->out) > high || buf_len(&c->out) > high)
			conn_send(c);
		if (++n % TURN_REQUESTS == 0 && done < data.len && turn_is_over(&began_usec) &&
		    conn_is_ready(c))
			c->wait = CONN_YIELDS;
	}
	stats->executing_conn = 0;
	return c->state > CONN_PATIENT ? data.len : done;
}

static size_t
rest_max(struct conn *c)
{
	return http_session_body_max(http_session_of(c)) + HTTPHEAD_MAX;
}

/* A client that sends no more has gone: proxies close just so. */
static bool
on_end(struct conn *c, struct slice rest)
{
	(void)c;
	(void)rest;
	return false;
}

static void
on_room(struct conn *c)
{
	struct http_session *s = http_session_of(c);

	if (s->call != NULL)
		call_on_room(s->call);
}

static void
abandon(struct conn *c)
{
	struct http_session *s = http_session_of(c);

	http_call_abandon(s);
	http_session_drop_extra(s);
	/* A displaced body would wake a session that is about to be freed. */
	hookroom_leave(&s->http->room, &s->guest);
	s->is_displaced = false;
	if (s->owes)
		s->http->pages->own->requests_aborted++;
	s->owes = false;
}

static enum door_work
work(const struct conn *c)
{
	const struct http_session *s = CONTAINER_OF(c, struct http_session, conn);

	if (s->call != NULL)
		return s->call->finished ? DOOR_HOLDS : DOOR_BUSY;
	/* The request has been taken: its body is awaited, a word of another process, or news. */
	if (s->owes || s->extra != NULL)
		return DOOR_BUSY;
	return s->has_asked ? DOOR_IDLE : DOOR_NEW;
}

static void
on_refuse(struct conn *c, const char *why)
{
	struct http_session *s = http_session_of(c);

	http_call_abandon(s);
	if (s->is_begun) {
		/* Nobody else would wake the connection. */
		c->wait = CONN_READY;
		conn_end(c);
		return;
	}
	begin(s, NULL);
	s->use = HTTP_NO_BODY;
	http_refuse_last(s, 503, "BUSY", why);
}

/* A part of the request has not come in time. */
static void
on_late(struct conn *c)
{
	struct http_session *s = http_session_of(c);
	bool is_dropping = s->use == HTTP_DROP && !s->owes;

	note(s, "a request was not whole in time");
	if (is_dropping || s->is_begun) {
		http_call_abandon(s);
		conn_end(c);
		return;
	}
	begin(s, NULL);
	refuse_begun(s, 408, "the request has not come whole in time");
}

/* ----------------------------------------------------------------- life --- */

static void
on_task(struct loop_task *t)
{
	struct http_session *s = CONTAINER_OF(t, struct http_session, task);

	if (!s->is_displaced) {
		http_call_end_input(s);
		return;
	}
	/* The body of a delivery gives way to others. */
	s->is_displaced = false;
	if (s->use != HTTP_GATHER)
		return;
	s->conn.wait = CONN_WAITS;
	refuse_begun(s, 503, "too many deliveries come at the same time");
}

static void
on_beat(struct loop_timer *t)
{
	http_call_beat(CONTAINER_OF(t, struct http_session, beat));
}

static struct conn *
create(struct door *d)
{
	struct http_session *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->http = CONTAINER_OF(d, struct http_door, door);
	s->sink.ops = &http_sink_ops;
	s->task.fn = on_task;
	s->beat.fn = on_beat;
	return &s->conn;
}

static void
destroy(struct conn *c)
{
	struct http_session *s = http_session_of(c);

	http_session_forget(s);
	free(s->local);
	free(s->front);
	free(s);
}

#define FULL(text, length)                                                                 \
	"HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/problem+json\r\n"     \
	"Retry-After: 1\r\nConnection: close\r\nContent-Length: " length "\r\n\r\n" text

void
http_door_init(struct http_door *d, size_t seed)
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
		.late = on_late,
		.full = FULL("{\"title\":\"Service Unavailable\",\"status\":503,"
		    "\"detail\":\"max number of clients reached\"}\n", "86"),
		.crowded = FULL("{\"title\":\"Service Unavailable\",\"status\":503,"
		    "\"detail\":\"you have your share of the connections: close some\"}\n", "107"),
	};

	*d = (struct http_door){ .door.ops = &ops, .body = BUF_INIT(SCRATCH_MAX) };
	httpconsole_init(&d->console);
	hookroom_init(&d->room);
	/* Else jansson would open a file to find a number. */
	json_object_seed(seed);
}

void
http_door_done(struct http_door *d)
{
	http_async_done(d);
	http_listen_done(d);
	buf_done(&d->body);
	hooksecrets_done(&d->secrets);
}

int
http_door_set_secrets(struct http_door *d, int fd)
{
	struct hooksecrets now = { .data = NULL };
	int r = fd >= 0 ? hooksecrets_open(fd, &now) : 0;

	if (r < 0)
		return r;
	hooksecrets_done(&d->secrets);
	d->secrets = now;
	return 0;
}
