/* SPDX-License-Identifier: ISC */
/*
 * conn: the life of a client connection: what its events have told, its task,
 * its deadlines, what it reads and sends.
 */
#include "config.h"

#include "worker/conn.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "worker/call.h"
#include "worker/identity.h"
#include "worker/port.h"
#include "worker/session.h"
#include "worker/worker.h"

/* After end of file without QUIT: what was received may still complete. */
#define DISCONNECT_GRACE_USEC (1 * USEC_PER_SEC)
/* After an error and shutdown: so that a reset does not eat the reply. */
#define LINGER_USEC (1 * USEC_PER_SEC)
/*
 * When the worker stops: for what is on its way to us when we say that it is
 * over, and for the first request of who has only just connected.
 */
#define STOP_GRACE_USEC (250 * USEC_PER_MSEC)

/*
 * A request must be whole, and replies be taken, in time; each byte that
 * moves buys a little more, so that a slow line is not cut and a client that
 * sends a byte now and then is (R18).
 */
#define REPLY_USEC (60 * USEC_PER_SEC)
#define USEC_PER_BYTE 250

/* Unexecuted input held for a connection that waits. */
#define IN_HIGH WORKER_READ

/*
 * EPOLLERR and EPOLLHUP are always reported; asking for EPOLLERR alone is
 * how a connection waits without being woken by what it does not want.
 */
#define QUIET EPOLLERR

/* Beside EPOLL* in conn.news: its timer has rung. */
#define CONN_DUE (1u << 20)

static void conn_read(struct conn *c);
static void on_conn(struct loop_io *io, uint32_t events);
static void on_task(struct loop_task *t);
static void on_timer(struct loop_timer *t);

/* ---------------------------------------------------------------- life --- */

void
conn_open(struct port *p, int fd, const union sockaddr_any *peer)
{
	struct worker *w = p->worker;
	struct conn *c = calloc(1, sizeof(*c));

	if (c == NULL)
		goto fail;
	c->io = (struct loop_io){ .fn = on_conn, .fd = fd };
	c->timer.fn = on_timer;
	c->task.fn = on_task;
	c->sink.ops = &session_ops;
	c->worker = w;
	c->version = RESP2;
	c->id = ((uint64_t)w->slot << 40) | ++w->next_conn;
	c->active_usec = c->opened_usec = w->loop.now_usec;
	if (p->is_unix) {
		c->caller = conn_caller_new(fd);
		if (c->caller == NULL)
			goto fail;
	} else {
		memcpy(&c->peer, peer, sizeof(c->peer));
	}
	if (loop_add(&w->loop, &c->io, EPOLLIN) < 0)
		goto fail;

	c->port = port_ref(p);
	TAILQ_INSERT_TAIL(&w->conns, c, link);
	w->n_conns++;
	w->stats->connections_open++;
	w->stats->connections_total++;
	w->stats->port_connections[p->number]++;
	if (p->idle_timeout_usec != 0)
		loop_arm(&w->loop, &c->timer, c->active_usec + p->idle_timeout_usec);
	return;
fail:
	(void)close(fd);
	if (c != NULL)
		free(c->caller);
	free(c);
}

static void
conn_free(struct conn *c)
{
	buf_done(&c->in);
	buf_done(&c->out);
	identity_unref(c->identity);
	free(c->caller);
	free(c->name);
	free(c->lib_name);
	free(c->lib_version);
	port_unref(c->port);
	free(c);
}

/* Empties the buffer that all connections write their replies to. */
static void
scratch_clear(struct worker *w)
{
	buf_clear(&w->out);
	if (w->out.cap > 4 * WORKER_OUT_HIGH)
		buf_done(&w->out);
}

/* Nobody waits for what was being done any more. */
static void
conn_abandon(struct conn *c)
{
	struct call *call = TAKE_PTR(c->call);

	if (call != NULL)
		call_orphan(call);
	c->worker->desk.link->forget(&c->worker->desk, c);
	c->wait = CONN_WAIT_NONE;
	if (c->owes)
		c->worker->stats->requests_aborted++;
	c->owes = false;
}

void
conn_count_request(struct conn *c)
{
	struct stats *s = c->worker->stats;

	if (c->wait == CONN_WAIT_NONE)
		s->requests_replied++;
	else
		c->owes = true;
}

void
conn_close(struct conn *c)
{
	struct worker *w = c->worker;

	conn_abandon(c);
	loop_disarm(&w->loop, &c->timer);
	loop_undefer(&w->loop, &c->task);
	loop_remove(&w->loop, &c->io);
	(void)close(c->io.fd);
	TAILQ_REMOVE(&w->conns, c, link);
	w->n_conns--;
	w->stats->connections_open--;
	w->stats->connections_closed++;
	if (!c->port->gone)
		w->stats->port_connections[c->port->number]--;
	/* Its task may be what runs: freed at the end of the turn. */
	TAILQ_INSERT_TAIL(&w->dead_conns, c, link);
	worker_check_drained(w);
}

void
conns_bury(struct worker *w)
{
	struct conn *c;

	while ((c = TAILQ_FIRST(&w->dead_conns)) != NULL) {
		TAILQ_REMOVE(&w->dead_conns, c, link);
		conn_free(c);
	}
}

/* ----------------------------------------------------------- deadlines --- */

static void
due_extend(uint64_t *due, uint64_t now, uint64_t span, size_t n_bytes)
{
	uint64_t bought = *due + n_bytes * USEC_PER_BYTE, latest = now + span;

	*due = bought < latest ? bought : latest;
}

/* The peer sends no more and has not asked for all of it to be finished. */
static bool
conn_is_leaving(const struct conn *c)
{
	return (c->eof || c->fin) && !c->quit && !c->patient;
}

static bool
conn_is_idle(const struct conn *c)
{
	return buf_len(&c->out) == 0 && c->wait == CONN_WAIT_NONE;
}

static bool
conn_is_young(const struct conn *c)
{
	return c->worker->loop.now_usec < c->opened_usec + STOP_GRACE_USEC;
}

bool
conn_may_call(const struct conn *c)
{
	return !c->worker->stopping || (conn_is_young(c) && c->n_asked == 1);
}

/* Has it come just before the worker stops, and is its request still to come? */
static bool
conn_is_new(const struct conn *c)
{
	return c->worker->stopping && conn_is_young(c) && c->n_asked == 0 && conn_is_idle(c) &&
	    buf_len(&c->in) == 0;
}

/* The worker stops, and nothing is under way here. */
static bool
conn_is_to_end(const struct conn *c)
{
	return c->worker->stopping && conn_is_idle(c) && c->call == NULL && !c->quit &&
	    !c->lost && !conn_is_new(c);
}

/* When the connection must have got on, 0: never. */
static uint64_t
conn_due(const struct conn *c)
{
	uint64_t grace = conn_is_leaving(c) ? c->end_usec + DISCONNECT_GRACE_USEC : 0;
	bool idle = c->call == NULL || c->call->finished;

	if (c->lingering)
		return c->end_usec + (c->worker->stopping ? STOP_GRACE_USEC : LINGER_USEC);
	if (conn_is_new(c))
		return c->opened_usec + STOP_GRACE_USEC;
	if (buf_len(&c->out) > 0)
		return grace != 0 && grace < c->reply_due_usec ? grace : c->reply_due_usec;
	if (grace != 0 || c->wait != CONN_WAIT_NONE)
		return grace;
	if (c->request_due_usec != 0)
		return c->request_due_usec;
	if (c->port->idle_timeout_usec != 0 && idle)
		return c->active_usec + c->port->idle_timeout_usec;
	return 0;
}

/*
 * Moves the timer only when it would ring too late: one that rings too early
 * finds out and is set anew, which spares the busy connection the work.
 */
static void
conn_set_timer(struct conn *c)
{
	uint64_t now = c->worker->loop.now_usec, due;

	if (buf_len(&c->out) > 0 && c->reply_due_usec == 0)
		c->reply_due_usec = now + REPLY_USEC;
	due = conn_due(c);
	if (due == 0)
		return;
	if (!loop_timer_is_armed(&c->timer) || c->timer.due_usec > due)
		loop_arm(&c->worker->loop, &c->timer, due);
}

/* Its time may be over. */
static void
conn_check_due(struct conn *c)
{
	uint64_t now = c->worker->loop.now_usec, due = conn_due(c);

	if (due == 0 || due > now || conn_is_to_end(c))
		return;
	if (conn_is_leaving(c) && buf_len(&c->out) > 0 && now < c->reply_due_usec) {
		/* The replies there are may still be taken; nothing new is begun. */
		conn_abandon(c);
		buf_done(&c->in);
		c->quit = true;
		return;
	}
	c->lost = true;
}

/* What the peer has sent in time counts first, so the task looks at the time. */
static void
on_timer(struct loop_timer *t)
{
	struct conn *c = CONTAINER_OF(t, struct conn, timer);

	c->news |= CONN_DUE;
	loop_defer(&c->worker->loop, &c->task);
}

void
conn_stop(struct conn *c)
{
	loop_defer(&c->worker->loop, &c->task);
}

/* Its client has had none of this time. Its timer rings too early, and finds out. */
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
conns_on_stall(struct worker *w, uint64_t usec)
{
	struct conn *c;

	TAILQ_FOREACH(c, &w->conns, link)
		conn_forgive(c, usec);
}

/* -------------------------------------------------------------- output --- */

struct buf *
conn_out(struct conn *c)
{
	struct worker *w = c->worker;

	return w->writer == c && buf_len(&c->out) == 0 ? &w->out : &c->out;
}

size_t
conn_out_high(const struct conn *c)
{
	return c->roles == 0 && !c->is_admin ? WORKER_OUT_STRANGER : WORKER_OUT_HIGH;
}

bool
conn_is_congested(const struct conn *c)
{
	return buf_len(&c->out) > conn_out_high(c);
}

/* Sends from b as much as the kernel takes. False: the peer is gone. */
static bool
send_some(struct conn *c, struct buf *b)
{
	while (buf_len(b) > 0) {
		ssize_t n = send(c->io.fd, buf_data(b), buf_len(b), MSG_DONTWAIT | MSG_NOSIGNAL);
		bool whole = n == (ssize_t)buf_len(b);

		if (n < 0)
			return errno == EAGAIN || errno == EINTR;
		buf_consume(b, (size_t)n);
		c->worker->stats->bytes_out += (uint64_t)n;
		c->active_usec = c->worker->loop.now_usec;
		if (c->reply_due_usec != 0)
			due_extend(&c->reply_due_usec, c->active_usec, REPLY_USEC, (size_t)n);
		if (!whole)
			return true;
	}
	return true;
}

/* Sends what has been kept. */
static void
conn_send_kept(struct conn *c)
{
	if (!send_some(c, &c->out)) {
		c->lost = true;
		return;
	}
	if (buf_len(&c->out) > 0)
		return;
	buf_done(&c->out);
	c->reply_due_usec = 0;
	if (c->call != NULL)
		call_on_room(c->call);
}

/* The kernel had no room; an event tells when it has. */
static bool
conn_is_blocked(const struct conn *c)
{
	return (c->io.events & EPOLLOUT) != 0;
}

void
conn_send(struct conn *c)
{
	struct worker *w = c->worker;

	c->lost |= buf_failed(&c->out);
	if (!c->lost && buf_len(&c->out) > 0 && !conn_is_blocked(c))
		conn_send_kept(c);
	if (w->writer == c) {
		c->lost = c->lost || buf_failed(&w->out) || !send_some(c, &w->out) ||
		    buf_append_slice(&c->out, buf_slice(&w->out)) < 0;
		scratch_clear(w);
	}
	/* What is in c->out now only the event of the descriptor drains: has it one? */
	c->lost |= c->hung && buf_len(&c->out) > 0;
}

/*
 * May more be read? While a request runs a little is read ahead. When the
 * peer sends no more a QUIT may be in what is left, so all is read that a
 * request might have had.
 */
static bool
conn_wants_input(struct conn *c)
{
	size_t high = c->fin ? conn_limits(c).request_limit : IN_HIGH;

	if (c->eof)
		return false;
	if (c->lingering)
		return true;
	if (c->quit)
		return false;
	if (c->wait == CONN_WAIT_NONE && !conn_is_congested(c))
		return true;
	return buf_len(&c->in) < high && (c->fin || !conn_is_congested(c));
}

/* Which events the state of the connection wants. */
static void
conn_set_events(struct conn *c)
{
	uint32_t events = QUIET;

	if (c->hung)
		return;
	if (buf_len(&c->out) > 0)
		events |= EPOLLOUT;
	if (conn_wants_input(c))
		events |= EPOLLIN;
	else if (!c->eof && !c->fin)
		events |= EPOLLRDHUP;
	(void)loop_modify(&c->worker->loop, &c->io, events);
}

/*
 * What has come is answered, as much of it as one read gives; what follows
 * would not be: the connection ends when that has led to nothing that takes
 * longer.
 */
static void
conn_take_last(struct conn *c)
{
	if (!c->eof) {
		conn_read(c);
		conn_run(c);
		conn_send(c);
	}
	if (conn_is_idle(c) && c->call == NULL)
		c->quit = true;
}

/* All is sent that will ever be: the peer learns of it, and may close first. */
static void
conn_linger(struct conn *c)
{
	(void)shutdown(c->io.fd, SHUT_WR);
	c->lingering = true;
	c->end_usec = c->worker->loop.now_usec;
}

/* True if nothing is left to do for it. */
static bool
conn_is_over(const struct conn *c)
{
	/* An idle connection holds no more than the beginning of a request. */
	return c->lost || (c->eof && (conn_is_idle(c) || c->lingering));
}

/* The task is done: does the connection end, or what comes next for it? */
static void
conn_settle(struct conn *c)
{
	struct loop *l = &c->worker->loop;

	if (conn_is_over(c)) {
		conn_close(c);
		return;
	}
	if (c->quit && conn_is_idle(c) && !c->lingering)
		conn_linger(c);
	conn_set_events(c);
	conn_set_timer(c);
	/* What has deferred the task while it ran has been served. */
	if (c->wait == CONN_WAIT_TURN)
		loop_defer(l, &c->task);
	else
		loop_undefer(l, &c->task);
}

void
conn_flush(struct conn *c)
{
	loop_defer(&c->worker->loop, &c->task);
}

/* --------------------------------------------------------------- input --- */

static void
conn_note_end(struct conn *c)
{
	if (!c->fin && !c->eof)
		c->end_usec = c->worker->loop.now_usec;
}

static void
conn_end_of_input(struct conn *c)
{
	conn_note_end(c);
	c->eof = true;
	c->patient = conn_has_quit(c);
}

/* Reads once, and executes what has come if nothing is kept in front of it. */
static void
conn_read(struct conn *c)
{
	struct worker *w = c->worker;
	size_t used = 0;
	ssize_t n;

	n = recv(c->io.fd, w->read, sizeof(w->read), 0);
	if (n < 0) {
		c->lost |= errno != EAGAIN && errno != EINTR;
		return;
	}
	if (n == 0) {
		conn_end_of_input(c);
		return;
	}
	c->active_usec = w->loop.now_usec;
	if (c->request_due_usec != 0)
		due_extend(&c->request_due_usec, c->active_usec, CONN_REQUEST_USEC, (size_t)n);
	w->stats->bytes_in += (uint64_t)n;
	if (c->lingering || c->quit)
		return;

	if (buf_len(&c->in) == 0 && conn_may_execute(c))
		used = conn_execute(c, (struct slice){ w->read, (size_t)n });
	if (used < (size_t)n)
		c->lost |= buf_append(&c->in, w->read + used, (size_t)n - used) < 0;
}

void
conn_resume(struct conn *c)
{
	c->wait = CONN_WAIT_NONE;
	if (c->owes)
		c->worker->stats->requests_replied++;
	c->owes = false;
	c->active_usec = c->worker->loop.now_usec;
	loop_defer(&c->worker->loop, &c->task);
}

/* The peer sends no more, but there is more to read when we get to it. */
static void
conn_note_fin(struct conn *c)
{
	conn_note_end(c);
	c->fin = true;
}

/*
 * Both directions are closed: nobody takes replies any more, and the kernel
 * would report this for ever. What was received may still complete.
 */
static void
conn_hang_up(struct conn *c)
{
	bool news = !c->fin;

	if (buf_len(&c->out) > 0) {
		c->lost = true;
		return;
	}
	/* What is left to read may end with a QUIT: first that, if it may be read. */
	conn_note_fin(c);
	if (news && conn_wants_input(c))
		return;
	c->hung = true;
	loop_remove(&c->worker->loop, &c->io);
	if (!c->eof)
		conn_end_of_input(c);
}

/* What the events have told. */
static void
conn_take_news(struct conn *c, uint32_t news)
{
	/* A reset: cancel at once. */
	if ((news & EPOLLERR) != 0) {
		c->lost = true;
		return;
	}
	if ((news & EPOLLOUT) != 0)
		conn_send_kept(c);
	if ((news & EPOLLIN) != 0)
		conn_read(c);
	else if ((news & EPOLLHUP) != 0)
		conn_hang_up(c);
	else if ((news & EPOLLRDHUP) != 0)
		conn_note_fin(c);
}

static void
on_conn(struct loop_io *io, uint32_t events)
{
	struct conn *c = CONTAINER_OF(io, struct conn, io);

	c->news |= events;
	loop_defer(&c->worker->loop, &c->task);
}

static void
on_task(struct loop_task *t)
{
	struct conn *c = CONTAINER_OF(t, struct conn, task);
	struct worker *w = c->worker;
	uint32_t news = c->news;

	c->news = 0;
	w->writer = c;
	if (c->wait == CONN_WAIT_TURN)
		c->wait = CONN_WAIT_NONE;
	conn_take_news(c, news);
	conn_run(c);
	conn_send(c);
	if ((news & CONN_DUE) != 0)
		conn_check_due(c);
	if (conn_is_to_end(c))
		conn_take_last(c);
	w->writer = NULL;
	conn_settle(c);
}
