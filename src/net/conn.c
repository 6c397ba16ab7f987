/* SPDX-License-Identifier: ISC */
/*
 * conn: the life of a client connection: its events, its task, its state, its
 * deadlines, its reading and sending.
 */
#include "config.h"

#include "net/conn.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "net/conn-admission.h"
#include "net/listener.h"
#include "net/proxystream.h"
#include "net/refusal.h"
#include "net/tlsstream.h"

/* Time for received requests to end, after an end of file without QUIT. */
#define DISCONNECT_GRACE_USEC (1 * USEC_PER_SEC)
/*
 * Time for the peer to close, after an error and shutdown. An early close would
 * send a reset, which destroys the reply.
 */
#define LINGER_USEC (1 * USEC_PER_SEC)
/*
 * Time for requests that are on their way when the worker stops, and for the
 * first request of a client that has just connected.
 */
#define STOP_GRACE_USEC (250 * USEC_PER_MSEC)

/*
 * A request must be whole, and replies be taken, in time. Each byte that moves
 * adds a little time. So a slow line is not cut, but a client that sends a byte
 * now and then is.
 */
#define REQUEST_USEC (120 * USEC_PER_SEC)
#define REPLY_USEC (60 * USEC_PER_SEC)
#define USEC_PER_BYTE 250

/* Unused input held for a connection that waits. */
#define IN_HIGH NET_READ

/*
 * The kernel always reports EPOLLERR and EPOLLHUP. A connection that asks for
 * EPOLLERR alone waits without being woken by other events.
 */
#define QUIET EPOLLERR

/* A flag in conn.news beside EPOLL*: the timer has rung. */
#define CONN_DUE (1u << 20)

/* The properties of each state. */
static const struct {
	bool is_read;		/* all bytes that the peer will ever send are read */
	bool is_leaving;	/* the peer sends no more, and did not ask for all
				 * requests to be done */
	bool is_last;		/* no more requests are executed */
} states[] = {
	[CONN_OPEN] = { 0 },
	[CONN_FIN] = { .is_leaving = true },
	[CONN_LEAVING] = { .is_read = true, .is_leaving = true },
	[CONN_PATIENT] = { .is_read = true },
	[CONN_QUITTING] = { .is_last = true },
	[CONN_CLOSING] = { .is_read = true, .is_last = true },
	[CONN_LINGERING] = { .is_last = true },
	[CONN_LOST] = { .is_last = true },
};

static uint64_t conn_due(struct conn *c);
static void on_conn(struct loop_io *io, uint32_t events);
static void on_task(struct loop_task *t);
static void on_timer(struct loop_timer *t);

/* ---------------------------------------------------------------- life --- */

/* Frees the input. It may be the beginning of a login, so nothing of it stays. */
static void
conn_drop_input(struct conn *c)
{
	if (buf_len(&c->in) > 0) {
		explicit_bzero(c->in.data, c->in.cap);
		explicit_bzero(c->net->read, NET_READ);
	}
	buf_done(&c->in);
}

static void
conn_free(struct conn *c)
{
	conn_drop_input(c);
	buf_done(&c->out);
	peer_done(&c->peer);
	if (c->listener != NULL)
		listener_unref(c->listener);
	c->door->ops->destroy(c);
}

void
conn_tell(struct conn *c, enum refusal kind, const char *why)
{
	char text[ADDR_TEXT];

	peer_format(&c->peer, text, sizeof(text));
	refusal_log_as(c->net, c->listener, kind, text, why);
	c->net->pages->own->protocol_errors++;
}

/* The kind of what the stream of a connection refuses. */
static enum refusal
opening_kind(const struct conn *c)
{
	if (c->refused != CONN_ADMITTED)
		return conn_verdict_kind((enum conn_verdict)c->refused);
	return c->stream.ops->is_sealed ? REFUSAL_TLS : REFUSAL_PROXY;
}

/*
 * Returns the connection whose handshake makes room for that of c: the oldest one of the
 * same party, if that has more than a quarter of all, else the oldest of all.
 */
static struct conn *
conn_to_evict(const struct conn *c, const struct tls_desk *d)
{
	struct conn *own = NULL;
	size_t n = 0;

	for (struct stream *s = tls_desk_oldest(d); s != NULL; s = tls_desk_next(s)) {
		struct conn *other = CONTAINER_OF(s, struct conn, stream);

		if (other->peer.party != c->peer.party)
			continue;
		if (n++ == 0)
			own = other;
	}
	return n > TLS_MAX_OPENING / 4 ? own :
	    CONTAINER_OF(tls_desk_oldest(d), struct conn, stream);
}

/* Lets a new connection speak TLS. Another handshake may have to make room. 0 or -ENOMEM. */
static int
conn_speak_tls(struct conn *c, struct net_listener *p)
{
	struct tls_desk *d = p->net->tls;

	if (d->n_opening >= TLS_MAX_OPENING) {
		struct conn *other = conn_to_evict(c, d);

		conn_tell(other, REFUSAL_TLS, "too many TLS handshakes at a time, this is the oldest");
		conn_close(other);
	}
	return tlsstream_put(&c->stream, d, p->tls,
	    &(struct tls_client){ .listener = p, .peer = &c->peer });
}

/* -------------------------------------------------------------- proxies --- */

/* The peer is a client for which a proxy speaks: it gets a party of its own. */
static int
conn_pass_on(struct conn *c, const union sockaddr_any *client)
{
	enum conn_verdict verdict;
	const char *words;
	int r;

	conn_leave(c);
	c->is_proxy = false;
	r = peer_pass_on(&c->peer, client);
	if (r == 0)
		r = conn_find_party(c);
	if (r < 0)
		return r;
	/* The header may name a proxy of HTTP in front, and only that one speaks for others. */
	c->is_front = listener_has_front_at(c->listener, client);
	verdict = conn_judge(c, c->listener);
	conn_join(c, c->listener);
	if (verdict == CONN_ADMITTED) {
		conn_recount(c, true);
		strangers_trim(c->net);
		return 0;
	}
	conn_count_verdict(c->net, verdict);
	c->refused = (uint8_t)verdict;
	words = conn_verdict_words(verdict, c->listener);
	if (words != NULL)
		(void)stream_plain.send(&c->stream, words, strlen(words));
	c->stream.why = conn_verdict_text(verdict);
	return -EUSERS;
}

/* The header has been taken off, and the stream is plain. */
static int
on_header(struct stream *s, const struct proxyheader *h)
{
	struct conn *c = CONTAINER_OF(s, struct conn, stream);
	int r = h->is_own ? 0 : conn_pass_on(c, &h->source);

	if (r < 0)
		return r;
	return c->listener->tls != NULL ? conn_speak_tls(c, c->listener) : proxystream_guard(s);
}

/* Makes the stream of a new connection what it has to be. 0 or -ENOMEM. */
static int
conn_begin_stream(struct conn *c, struct net_listener *p, bool is_proxy)
{
	if (is_proxy)
		return proxystream_put(&c->stream, on_header);
	return p->tls != NULL ? conn_speak_tls(c, p) : 0;
}

/* ------------------------------------------------------------- open, end --- */

enum conn_verdict
conn_open(struct net_listener *p, int fd, const union sockaddr_any *peer)
{
	bool is_proxy = !p->is_unix && p->proxy_from != NULL && places_contain(p->proxy_from, peer);
	enum conn_verdict verdict;
	struct net_desk *net = p->net;
	struct conn *c = p->door->ops->create(p->door);

	if (c == NULL) {
		(void)close(fd);
		return CONN_ADMITTED;
	}
	c->stream = (struct stream){ .ops = &stream_plain, .io = { .fn = on_conn, .fd = fd } };
	c->timer.fn = on_timer;
	c->task.fn = on_task;
	c->net = net;
	c->door = p->door;
	c->id = ((uint64_t)net->pages->slot << 40) | ++net->next_conn;
	c->active_usec = c->opened_usec = net->loop->now_usec;
	if (!p->is_unix)
		peer_init_inet(&c->peer, peer);
	if ((p->is_unix && peer_init_unix(&c->peer, fd) < 0) || conn_find_party(c) < 0) {
		(void)close(fd);
		conn_free(c);
		return CONN_ADMITTED;
	}
	c->is_proxy = is_proxy;
	c->is_front = listener_has_front_at(p, peer);
	verdict = conn_judge(c, p);
	if (verdict != CONN_ADMITTED) {
		conn_free(c);
		return verdict;
	}
	if (conn_begin_stream(c, p, is_proxy) < 0 ||
	    loop_add(net->loop, &c->stream.io, EPOLLIN) < 0) {
		if (c->stream.ops->close != NULL)
			c->stream.ops->close(&c->stream);
		(void)close(fd);
		conn_free(c);
		return CONN_ADMITTED;
	}
	conn_join(c, p);
	c->listener = listener_ref(p);
	TAILQ_INSERT_TAIL(&net->conns, c, link);
	net->n_conns++;
	net->pages->own->connections_open++;
	net->pages->own->connections_total++;
	net->pages->own->port_connections[p->number]++;
	if (conn_due(c) != 0)
		loop_arm(net->loop, &c->timer, conn_due(c));
	conn_recount(c, true);
	strangers_trim(net);
	/* The caller hears so at once, if the stream lets it. */
	if (c->is_over)
		loop_defer(net->loop, &c->task);
	return CONN_ADMITTED;
}

/* Tells the door that nobody waits for the running requests any more. */
static void
conn_abandon(struct conn *c)
{
	c->door->ops->abandon(c);
	c->wait = CONN_READY;
}

void
conn_close(struct conn *c)
{
	struct net_desk *net = c->net;
	struct stats *s = net->pages->own;

	conn_abandon(c);
	loop_disarm(net->loop, &c->timer);
	loop_undefer(net->loop, &c->task);
	if (c->stream.ops->close != NULL)
		c->stream.ops->close(&c->stream);
	loop_remove(net->loop, &c->stream.io);
	(void)close(c->stream.io.fd);
	TAILQ_REMOVE(&net->conns, c, link);
	net->n_conns--;
	conn_leave(c);
	s->connections_open--;
	s->connections_closed++;
	if (!c->listener->gone)
		s->port_connections[c->listener->number]--;
	/*
	 * The running task may be that of this connection: free it at the end
	 * of the turn.
	 */
	TAILQ_INSERT_TAIL(&net->dead, c, link);
	net->on_less(net);
}

/* ---------------------------------------------------------------- state --- */

/*
 * Enters a state. The events and the deadline follow from the state at the end
 * of the task.
 */
static void
conn_enter(struct conn *c, enum conn_state state)
{
	/*
	 * The grace time of a peer that leaves begins with the first sign of
	 * it.
	 */
	if (state == CONN_LINGERING || c->state == CONN_OPEN)
		c->end_usec = c->net->loop->now_usec;
	c->state = (uint8_t)state;
	if (state == CONN_LINGERING)
		c->stream.ops->shutdown(&c->stream);
}

void
conn_quit(struct conn *c)
{
	if (!states[c->state].is_last)
		conn_enter(c, states[c->state].is_read ? CONN_CLOSING : CONN_QUITTING);
}

void
conn_end(struct conn *c)
{
	if (c->state != CONN_LOST)
		conn_enter(c, CONN_CLOSING);
}

void
conn_lose(struct conn *c)
{
	conn_enter(c, CONN_LOST);
}

/* True if bytes for the peer wait for room in the socket. */
static bool
conn_is_unsent(const struct conn *c)
{
	return buf_len(&c->out) > 0 || stream_is_unsent(&c->stream);
}

/* True if nothing is running and nothing is unsent. */
static bool
conn_is_idle(const struct conn *c)
{
	return !conn_is_unsent(c) && c->wait == CONN_READY;
}

bool
conn_is_young(const struct conn *c)
{
	return c->net->loop->now_usec < c->opened_usec + STOP_GRACE_USEC;
}

/*
 * For a worker that stops. True if the connection has just come and its first
 * request is still to come.
 */
static bool
conn_is_new(const struct conn *c)
{
	return conn_is_young(c) && conn_is_idle(c) && buf_len(&c->in) == 0 &&
	    c->door->ops->work(c) == DOOR_NEW;
}

/*
 * For a worker that stops. True if nothing is running on the connection, or
 * will be.
 */
static bool
conn_is_to_end(const struct conn *c)
{
	return !states[c->state].is_last && conn_is_idle(c) &&
	    c->door->ops->work(c) <= DOOR_IDLE && !conn_is_new(c);
}

/* ----------------------------------------------------------- deadlines --- */

static void
due_extend(uint64_t *due, uint64_t now, uint64_t span, size_t n_bytes)
{
	uint64_t bought = *due + n_bytes * USEC_PER_BYTE, latest = now + span;

	*due = bought < latest ? bought : latest;
}

void
conn_expect_within(struct conn *c, uint64_t usec)
{
	if (c->request_due_usec == 0)
		c->request_due_usec = c->net->loop->now_usec + usec;
}

void
conn_expect_rest(struct conn *c)
{
	conn_expect_within(c, REQUEST_USEC);
}

/* Returns the time by which the connection must have made progress, 0: never. */
static uint64_t
conn_progress_due(const struct conn *c)
{
	uint64_t grace = states[c->state].is_leaving ? c->end_usec + DISCONNECT_GRACE_USEC : 0;

	if (c->state == CONN_LINGERING)
		return c->end_usec + (c->net->stopping ? STOP_GRACE_USEC : LINGER_USEC);
	if (c->net->stopping && conn_is_new(c))
		return c->opened_usec + STOP_GRACE_USEC;
	if (stream_is_opening(&c->stream))
		return c->opened_usec + c->stream.ops->opening_usec;
	if (conn_is_unsent(c))
		return grace != 0 && grace < c->reply_due_usec ? grace : c->reply_due_usec;
	if (grace != 0 || c->wait != CONN_READY)
		return grace;
	if (c->request_due_usec != 0)
		return c->request_due_usec;
	if (c->listener->idle_timeout_usec != 0 && c->door->ops->work(c) != DOOR_BUSY)
		return c->active_usec + c->listener->idle_timeout_usec;
	return 0;
}

/* Returns the time at which the connection ends if nothing happens, 0: never. */
static uint64_t
conn_due(struct conn *c)
{
	uint64_t progress = conn_progress_due(c), stranger = conn_stranger_due(c);

	return progress == 0 || (stranger != 0 && stranger < progress) ? stranger : progress;
}

/* Acts on a deadline that may have passed. */
static void
conn_check_due(struct conn *c)
{
	uint64_t now = c->net->loop->now_usec, due = conn_due(c);

	if (due == 0 || due > now || (c->net->stopping && conn_is_to_end(c)))
		return;
	if (states[c->state].is_leaving && conn_is_unsent(c) && now < c->reply_due_usec) {
		/*
		 * The peer may still take replies that are written; no new
		 * request is executed.
		 */
		conn_abandon(c);
		conn_drop_input(c);
		conn_quit(c);
		return;
	}
	if (stream_is_opening(&c->stream)) {
		conn_tell(c, opening_kind(c), c->stream.ops->late);
	} else if (conn_stranger_due(c) == due) {
		conn_tell(c, REFUSAL_STRANGER, "the caller has had no role for login-timeout");
	} else if (due == c->request_due_usec && c->door->ops->late != NULL) {
		c->request_due_usec = 0;
		c->door->ops->late(c);
		conn_drop_input(c);
		conn_send(c);
		return;
	}
	conn_lose(c);
}

/*
 * Bytes that the peer has sent in time count first, so the task checks the
 * deadline.
 */
static void
on_timer(struct loop_timer *t)
{
	struct conn *c = CONTAINER_OF(t, struct conn, timer);

	c->news |= CONN_DUE;
	loop_defer(c->net->loop, &c->task);
}

/* -------------------------------------------------------------- output --- */

/* Sends as much of b as the stream takes. False: the peer is gone. */
static bool
send_some(struct conn *c, struct buf *b)
{
	/* Others wait: no more than this in one turn. An event tells when to go on. */
	size_t left = NET_SEND;

	while (buf_len(b) > 0 && left > 0) {
		size_t len = buf_len(b) < left ? buf_len(b) : left;
		ssize_t n = c->stream.ops->send(&c->stream, buf_data(b), len);
		bool whole = n == (ssize_t)len;

		if (n < 0)
			return n == -EAGAIN;
		buf_consume(b, (size_t)n);
		left -= (size_t)n;
		c->net->pages->own->bytes_out += (uint64_t)n;
		c->active_usec = c->net->loop->now_usec;
		if (c->reply_due_usec != 0)
			due_extend(&c->reply_due_usec, c->active_usec, REPLY_USEC, (size_t)n);
		if (!whole)
			return true;
	}
	return true;
}

/* Sends the bytes that were kept. */
static void
conn_send_kept(struct conn *c)
{
	int r = stream_flush(&c->stream);

	if ((r < 0 && r != -EAGAIN) || (r == 0 && !send_some(c, &c->out))) {
		conn_lose(c);
		return;
	}
	if (conn_is_unsent(c))
		return;
	buf_done(&c->out);
	c->reply_due_usec = 0;
	c->door->ops->on_room(c);
}

void
conn_send(struct conn *c)
{
	struct buf *written = &c->net->out;
	/* If the kernel has no room, an event will tell when there is some. */
	bool is_blocked = (c->stream.io.events & EPOLLOUT) != 0;

	if (buf_failed(&c->out))
		conn_lose(c);
	if (c->state != CONN_LOST && buf_len(&c->out) > 0 && !is_blocked)
		conn_send_kept(c);
	if (c->net->writer == c) {
		if (c->state != CONN_LOST && (buf_failed(written) || !send_some(c, written) ||
		    (buf_len(written) > 0 && buf_append_slice(&c->out, buf_slice(written)) < 0)))
			conn_lose(c);
		buf_clear(written);
		if (written->cap > 4 * NET_OUT_HIGH)
			buf_done(written);
	}
	/*
	 * Only an event of the descriptor sends the rest of c->out, so there
	 * must be one.
	 */
	if (conn_is_unsent(c) && c->stream.io.events == 0)
		conn_lose(c);
}

void
conn_flush(struct conn *c)
{
	conn_count(c);
	loop_defer(c->net->loop, &c->task);
}

void
conn_resume(struct conn *c)
{
	c->wait = CONN_READY;
	conn_count(c);
	c->active_usec = c->net->loop->now_usec;
	loop_defer(c->net->loop, &c->task);
}

/* --------------------------------------------------------------- input --- */

/* True if the connection may keep more bytes of requests. */
static bool
conn_may_keep(const struct conn *c, size_t more)
{
	return buf_len(&c->in) + more <= PARTY_FREE || party_may_keep(c->peer.party, more);
}

/*
 * True if more may be read. While a request runs a little is read ahead. When
 * the peer sends no more, the rest may hold a QUIT, so as much is read as a
 * request could have.
 */
static bool
conn_wants_input(struct conn *c)
{
	bool is_fin = c->state == CONN_FIN;

	if (c->state == CONN_LINGERING)
		return true;
	if (c->state > CONN_FIN)
		return false;
	if (c->wait == CONN_READY && !conn_is_congested(c))
		return true;
	return buf_len(&c->in) < (is_fin ? c->door->ops->rest_max(c) : IN_HIGH) &&
	    (is_fin || !conn_is_congested(c)) && conn_may_keep(c, NET_READ);
}

/* The last byte of the peer has been read. */
static void
conn_end_input(struct conn *c)
{
	if (c->state == CONN_LINGERING)
		conn_lose(c);
	else if (!states[c->state].is_last)
		conn_enter(c, c->door->ops->on_end(c, buf_slice(&c->in)) ?
		    CONN_PATIENT : CONN_LEAVING);
}

/* Takes no more requests, and tells the client why. */
static void
conn_refuse(struct conn *c, const char *why)
{
	if (c->door->ops->refuse == NULL)
		conn_end(c);
	else
		c->door->ops->refuse(c, why);
}

/*
 * No more may be kept of a request that is not whole: refuses the request. The rest of it
 * could not be told from the next one, so the connection ends.
 */
static void
conn_refuse_rest(struct conn *c)
{
	char peer[ADDR_TEXT];

	c->net->pages->own->over_share++;
	peer_format(&c->peer, peer, sizeof(peer));
	refusal_log_as(c->net, c->listener, REFUSAL_FULL, peer,
	    "a request was not whole when the caller had its share of kept bytes");
	conn_refuse(c, "you have your share of the bytes that are kept for callers, which is at "
	    "most three quarters of kept-limit: send less at a time");
	conn_drop_input(c);
}

bool
conn_lets_caller_in(struct conn *c, char why[static QUOTA_TEXT])
{
	char peer[ADDR_TEXT];

	if (c->peer.has_changed) {
		conn_recount(c, true);
		strangers_trim(c->net);
	}
	if (!c->is_over || states[c->state].is_last || stream_is_opening(&c->stream))
		return true;
	c->is_over = conn_explain_over(c, why);
	if (!c->is_over)
		return true;
	c->net->pages->own->over_limit++;
	peer_format(&c->peer, peer, sizeof(peer));
	refusal_log_as(c->net, c->listener, REFUSAL_CALLER, peer,
	    "a role of the caller allows no more connections");
	return false;
}

/* If the caller may be another one since: counts it, and refuses it when it has too much. */
static void
conn_look_at_caller(struct conn *c)
{
	char why[QUOTA_TEXT];

	if ((!c->peer.has_changed && !c->is_over) || conn_lets_caller_in(c, why))
		return;
	conn_refuse(c, why);
	conn_drop_input(c);
}

/* Reads once. Gives the bytes to the door if no older bytes are kept. */
static void
conn_read(struct conn *c)
{
	struct net_desk *net = c->net;
	size_t used = 0, rest;
	ssize_t n;

	/* Since its event was asked for, others may have taken the room. */
	if (c->state == CONN_OPEN && c->wait != CONN_READY && !conn_wants_input(c))
		return;
	n = c->stream.ops->recv(&c->stream, net->read, NET_READ);

	if (n < 0) {
		if (n != -EAGAIN && c->stream.why != NULL)
			conn_tell(c, opening_kind(c), c->stream.why);
		if (n != -EAGAIN)
			conn_lose(c);
		return;
	}
	if (n == 0) {
		conn_end_input(c);
		return;
	}
	c->active_usec = net->loop->now_usec;
	if (c->request_due_usec != 0)
		due_extend(&c->request_due_usec, c->active_usec, REQUEST_USEC, (size_t)n);
	net->pages->own->bytes_in += (uint64_t)n;
	/* These bytes may have ended the handshake that tells who the caller is. */
	conn_look_at_caller(c);
	if (states[c->state].is_last)
		return;

	if (buf_len(&c->in) == 0 && conn_is_ready(c))
		used = c->door->ops->on_bytes(c, (struct slice){ net->read, (size_t)n });
	rest = (size_t)n - used;
	/* Behind a request that is executed may be whole ones; nothing may overtake its reply. */
	if (rest > 0 && conn_is_ready(c) && !conn_may_keep(c, rest))
		conn_refuse_rest(c);
	else if (buf_append(&c->in, net->read + used, rest) < 0)
		conn_lose(c);
}

/* Gives the kept bytes to the door, if it may have them. */
static void
conn_feed_kept(struct conn *c)
{
	if (conn_is_congested(c))
		conn_send(c);
	if (conn_is_ready(c))
		buf_consume(&c->in, c->door->ops->on_bytes(c, buf_slice(&c->in)));
	if (buf_len(&c->in) == 0)
		buf_done(&c->in);
}

/* ----------------------------------------------------------------- task --- */

/*
 * Both directions are closed: nobody takes replies any more, and the kernel
 * would report this event for ever. Requests that were received may still end.
 */
static void
conn_hang_up(struct conn *c)
{
	bool is_news = c->state != CONN_FIN;

	if (conn_is_unsent(c) || states[c->state].is_last) {
		conn_lose(c);
		return;
	}
	/*
	 * The unread rest may end with a QUIT, so read it first, if it may be
	 * read.
	 */
	if (c->state == CONN_OPEN)
		conn_enter(c, CONN_FIN);
	if (is_news && conn_wants_input(c))
		return;
	loop_remove(c->net->loop, &c->stream.io);
	if (!states[c->state].is_read)
		conn_end_input(c);
}

/* Handles the events that were noted. */
static void
conn_take_news(struct conn *c, uint32_t news)
{
	/* The connection was reset: cancel at once. */
	if ((news & EPOLLERR) != 0) {
		conn_lose(c);
		return;
	}
	if ((news & EPOLLOUT) != 0)
		conn_send_kept(c);
	if ((news & EPOLLIN) != 0 || (stream_is_pending(&c->stream) && conn_wants_input(c)))
		conn_read(c);
	else if ((news & EPOLLHUP) != 0)
		conn_hang_up(c);
	else if ((news & EPOLLRDHUP) != 0 && c->state == CONN_OPEN)
		/*
		 * More bytes are to be read; the task reads them in its turn.
		 */
		conn_enter(c, CONN_FIN);
}

/*
 * The worker stops: answers the requests that have come, as many as one read
 * gives. Requests behind them would get no answer. The connection ends when
 * nothing is running that takes longer.
 */
static void
conn_take_last(struct conn *c)
{
	if (!states[c->state].is_read) {
		conn_read(c);
		if (buf_len(&c->in) > 0)
			conn_feed_kept(c);
		conn_send(c);
	}
	/* The stream may still hold bytes of the last read. */
	if (conn_is_idle(c) && c->door->ops->work(c) <= DOOR_IDLE &&
	    (states[c->state].is_read || !stream_is_pending(&c->stream)))
		conn_quit(c);
}

/*
 * The task is done. Closes the connection, or sets its events and its deadline.
 */
static void
conn_settle(struct conn *c)
{
	struct loop *loop = c->net->loop;
	uint32_t events = QUIET;
	uint64_t due;

	conn_count(c);
	/* An idle connection holds at most the beginning of a request. */
	if (c->state == CONN_LOST || (states[c->state].is_read && conn_is_idle(c))) {
		/* TLS has a word for the end, without which the peer may take it for an attack. */
		if (c->state != CONN_LOST && c->stream.ops->is_sealed)
			c->stream.ops->shutdown(&c->stream);
		conn_close(c);
		return;
	}
	if (c->state == CONN_QUITTING && conn_is_idle(c))
		conn_enter(c, CONN_LINGERING);

	if (conn_is_unsent(c))
		events |= EPOLLOUT;
	if (conn_wants_input(c))
		events |= EPOLLIN;
	else if (c->state == CONN_OPEN)
		events |= EPOLLRDHUP;
	/* A connection that is closed in both directions asks for no event. */
	if (c->stream.io.events != 0)
		(void)loop_modify(loop, &c->stream.io, stream_wants(&c->stream, events));
	if ((events & EPOLLIN) != 0 && c->wait == CONN_READY && stream_is_pending(&c->stream))
		c->wait = CONN_YIELDS;

	/*
	 * Move the timer only when it would ring too late. A timer that rings
	 * too early is set anew then; this saves work for a busy connection.
	 */
	if (conn_is_unsent(c) && c->reply_due_usec == 0)
		c->reply_due_usec = loop->now_usec + REPLY_USEC;
	due = conn_due(c);
	if (due != 0 && (!loop_timer_is_armed(&c->timer) || c->timer.due_usec > due))
		loop_arm(loop, &c->timer, due);

	/* The task that runs now has done what deferred it again. */
	if (c->wait == CONN_YIELDS)
		loop_defer(loop, &c->task);
	else
		loop_undefer(loop, &c->task);
}

static void
on_conn(struct loop_io *io, uint32_t events)
{
	struct conn *c = CONTAINER_OF(io, struct conn, stream.io);

	c->news |= events;
	loop_defer(c->net->loop, &c->task);
}

static void
on_task(struct loop_task *t)
{
	struct conn *c = CONTAINER_OF(t, struct conn, task);
	struct net_desk *net = c->net;
	uint32_t news = c->news;

	c->news = 0;
	net->writer = c;
	if (c->wait == CONN_YIELDS)
		c->wait = CONN_READY;
	/* No request begins for a caller that is then told to go. */
	conn_look_at_caller(c);
	conn_take_news(c, news);
	if (buf_len(&c->in) > 0)
		conn_feed_kept(c);
	conn_look_at_caller(c);
	conn_send(c);
	if ((news & CONN_DUE) != 0)
		conn_check_due(c);
	if (net->stopping && conn_is_to_end(c))
		conn_take_last(c);
	net->writer = NULL;
	conn_settle(c);
}

/* ------------------------------------------------------ all connections --- */

void
net_init(struct net_desk *net, struct loop *loop, char *read)
{
	*net = (struct net_desk){ .loop = loop, .read = read, .spare_fd = -1 };
	LIST_INIT(&net->listeners);
	TAILQ_INIT(&net->conns);
	TAILQ_INIT(&net->dead);
	TAILQ_INIT(&net->strangers);
	shares_init(&net->holders, NULL, 0, sizeof(struct holder));
	parties_init(&net->parties);
}

void
net_bury(struct net_desk *net)
{
	struct conn *c;

	while ((c = TAILQ_FIRST(&net->dead)) != NULL) {
		TAILQ_REMOVE(&net->dead, c, link);
		conn_free(c);
	}
}

void
net_done(struct net_desk *net)
{
	struct conn *c;

	while ((c = TAILQ_FIRST(&net->conns)) != NULL)
		conn_close(c);
	buf_done(&net->out);
	if (net->spare_fd >= 0)
		(void)close(TAKE_FD(net->spare_fd));
}

void
net_stop(struct net_desk *net)
{
	struct conn *c;

	net->stopping = true;
	TAILQ_FOREACH(c, &net->conns, link)
		loop_defer(net->loop, &c->task);
}

void
net_count(struct net_desk *net)
{
	struct stats *s = net->pages->own;
	struct conn *c;

	for (size_t i = 0; i < ARRAY_LEN(s->port_connections); i++)
		s->port_connections[i] = 0;
	TAILQ_FOREACH(c, &net->conns, link) {
		if (!c->listener->gone)
			s->port_connections[c->listener->number]++;
		conn_recount(c, false);
	}
	strangers_trim(net);
}

/*
 * The process was stopped: the client has had none of this time. The timer
 * rings too early and is set anew then.
 */
static void
conn_forgive(struct conn *c, uint64_t usec)
{
	c->active_usec += usec;
	c->end_usec += usec;
	if (c->request_due_usec != 0)
		c->request_due_usec += usec;
	if (c->reply_due_usec != 0)
		c->reply_due_usec += usec;
}

void
net_on_stall(struct net_desk *net, uint64_t usec)
{
	struct conn *c;

	TAILQ_FOREACH(c, &net->conns, link)
		conn_forgive(c, usec);
}
