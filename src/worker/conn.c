/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "worker/conn.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "ipc/logrec.h"
#include "worker/call.h"
#include "worker/port.h"
#include "worker/verbs.h"
#include "worker/worker.h"

/* After end of file without QUIT: what was received may still complete. */
#define DISCONNECT_GRACE_USEC (1 * USEC_PER_SEC)
/* After an error and shutdown: so that a reset does not eat the reply. */
#define LINGER_USEC (1 * USEC_PER_SEC)
/* A client that does not take its replies, or does not end its request. */
#define WRITE_STALL_USEC (60 * USEC_PER_SEC)
#define REQUEST_STALL_USEC (120 * USEC_PER_SEC)

/* Unexecuted input held for a connection that waits. */
#define IN_HIGH WORKER_READ

/*
 * EPOLLERR and EPOLLHUP are always reported; asking for EPOLLERR alone is
 * how a connection waits without being woken by what it does not want.
 */
#define QUIET EPOLLERR

static void conn_run(struct conn *c);
static void on_conn(struct loop_io *io, uint32_t events);
static void on_timer(struct loop_timer *t);

/* ----------------------------------------------------------- identity --- */

static struct caller *
unix_caller(int fd)
{
	struct caller *who = calloc(1, sizeof(*who));
	struct ucred cred;
	socklen_t len = sizeof(cred);

	if (who == NULL)
		return NULL;
	who->is_unix = true;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0)
		return who;
	who->has_uid = true;
	who->uid = cred.uid;
	who->gid = cred.gid;
	len = sizeof(who->groups);
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, who->groups, &len) == 0)
		who->n_groups = len / sizeof(who->groups[0]);
	return who;
}

void
conn_caller(const struct conn *c, struct caller *ret)
{
	if (c->caller != NULL) {
		*ret = *c->caller;
		return;
	}
	memset(ret, 0, sizeof(*ret));
	memcpy(&ret->addr, &c->peer, sizeof(c->peer));
}

uint64_t
conn_roles(struct conn *c)
{
	const struct conf *conf = c->worker->conf;
	struct caller who;

	if (c->roles_generation != conf->generation) {
		conn_caller(c, &who);
		c->roles = access_roles(conf, &who);
		c->is_admin = access_is_admin(conf, &who);
		c->roles_generation = conf->generation;
	}
	return c->roles;
}

void
conn_peer(const struct conn *c, char *ret, size_t ret_len)
{
	union sockaddr_any any = { 0 };

	if (c->caller != NULL) {
		(void)strlcpy(ret, "unix", ret_len);
		return;
	}
	memcpy(&any, &c->peer, sizeof(c->peer));
	addr_format_sockaddr(&any, ret, ret_len);
}

struct request_limits
conn_limits(struct conn *c)
{
	struct request_limits l = c->port->limits;

	if (c->port->inline_loopback) {
		union sockaddr_any any = { 0 };

		memcpy(&any, &c->peer, sizeof(c->peer));
		l.inline_allowed = c->caller != NULL || addr_is_loopback(&any);
	}
	if (conn_roles(c) != 0 || c->is_admin)
		return l;
	if (l.max_arguments > STRANGER_MAX_ARGUMENTS)
		l.max_arguments = STRANGER_MAX_ARGUMENTS;
	if (l.argument_limit > STRANGER_ARGUMENT_LIMIT)
		l.argument_limit = STRANGER_ARGUMENT_LIMIT;
	if (l.request_limit > STRANGER_REQUEST_LIMIT)
		l.request_limit = STRANGER_REQUEST_LIMIT;
	return l;
}

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
	c->worker = w;
	c->version = RESP2;
	c->id = ((uint64_t)w->slot << 40) | ++w->next_conn;
	c->active_usec = c->opened_usec = w->loop.now_usec;
	if (p->is_unix) {
		c->caller = unix_caller(fd);
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
	free(c->caller);
	free(c->name);
	free(c->lib_name);
	free(c->lib_version);
	port_unref(c->port);
	free(c);
}

void
conn_close(struct conn *c)
{
	struct worker *w = c->worker;

	if (c->dead)
		return;
	c->dead = true;
	if (c->call != NULL)
		call_orphan(c->call);
	c->call = NULL;
	runnerlink_forget(&w->link, c);
	loop_disarm(&w->loop, &c->timer);
	loop_remove(&w->loop, &c->io);
	(void)close(c->io.fd);
	TAILQ_REMOVE(&w->conns, c, link);
	w->n_conns--;
	w->stats->connections_open--;
	if (c->port->io.fd >= 0)
		w->stats->port_connections[c->port->number]--;
	/* Somebody up the stack may still hold it: freed after the event. */
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

/* What the connection may be kept waiting for, and until when. */
static uint64_t
conn_due(const struct conn *c)
{
	uint64_t active = c->active_usec;

	if (c->lingering)
		return active + LINGER_USEC;
	if ((c->eof || c->fin) && !c->quit && !c->patient)
		return active + DISCONNECT_GRACE_USEC;
	if (buf_len(&c->out) > 0)
		return active + WRITE_STALL_USEC;
	if (c->wait != CONN_WAIT_NONE)
		return 0;
	if (c->partial)
		return active + REQUEST_STALL_USEC;
	if (c->port->idle_timeout_usec != 0 && c->call == NULL)
		return active + c->port->idle_timeout_usec;
	return 0;
}

/*
 * Moves the timer only when it would ring too late: one that rings too early
 * finds out and is set anew, which spares the busy connection the work.
 */
static void
conn_set_timer(struct conn *c)
{
	uint64_t due = conn_due(c);

	if (due == 0)
		return;
	if (!loop_timer_is_armed(&c->timer) || c->timer.due_usec > due)
		loop_arm(&c->worker->loop, &c->timer, due);
}

static void
on_timer(struct loop_timer *t)
{
	struct conn *c = CONTAINER_OF(t, struct conn, timer);
	uint64_t due = conn_due(c);

	if (due == 0)
		return;
	if (due > c->worker->loop.now_usec) {
		loop_arm(&c->worker->loop, t, due);
		return;
	}
	conn_close(c);
}

/* -------------------------------------------------------------- output --- */

struct buf *
conn_out(struct conn *c)
{
	return buf_len(&c->out) > 0 ? &c->out : &c->worker->out;
}

bool
conn_is_congested(const struct conn *c)
{
	return buf_len(&c->out) > WORKER_OUT_HIGH;
}

/* Sends from b as much as the kernel takes. False: the peer is gone. */
static bool
send_some(struct conn *c, struct buf *b)
{
	while (buf_len(b) > 0) {
		ssize_t n = send(c->io.fd, buf_data(b), buf_len(b), MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0)
			return errno == EAGAIN || errno == EINTR;
		c->worker->stats->bytes_out += (uint64_t)n;
		c->active_usec = c->worker->loop.now_usec;
		if ((size_t)n < buf_len(b)) {
			buf_consume(b, (size_t)n);
			return true;
		}
		buf_consume(b, (size_t)n);
	}
	return true;
}

/* False: the connection was closed. */
static bool
conn_send(struct conn *c)
{
	struct worker *w = c->worker;

	if (buf_failed(&w->out) || buf_failed(&c->out)) {
		buf_done(&w->out);
		conn_close(c);
		return false;
	}
	if (buf_len(&c->out) > 0) {
		/* Only the event of the descriptor drains what is unsent. */
		return true;
	}
	if (buf_len(&w->out) == 0)
		return true;
	if (!send_some(c, &w->out)) {
		buf_clear(&w->out);
		conn_close(c);
		return false;
	}
	if (buf_len(&w->out) > 0 && buf_append_slice(&c->out, buf_slice(&w->out)) < 0) {
		buf_clear(&w->out);
		conn_close(c);
		return false;
	}
	buf_clear(&w->out);
	if (w->out.cap > 4 * WORKER_OUT_HIGH)
		buf_done(&w->out);
	return true;
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
	if (c->lingering && !c->eof)
		events |= EPOLLIN;
	else if (!c->eof && !c->quit && !conn_is_congested(c)) {
		/*
		 * While a request runs a little more is read ahead; after
		 * that only the end of the connection matters.
		 */
		if (buf_len(&c->in) < IN_HIGH || c->wait == CONN_WAIT_NONE)
			events |= EPOLLIN;
		else if (!c->fin)
			events |= EPOLLRDHUP;
	} else if (!c->eof && !c->fin) {
		events |= EPOLLRDHUP;
	}
	(void)loop_modify(&c->worker->loop, &c->io, events);
}

/*
 * Everything an event leads to has been done: send, see whether the
 * connection ends, ask for what comes next. False: closed.
 */
static bool
conn_settle(struct conn *c)
{
	bool idle;

	if (c->dead || !conn_send(c))
		return false;
	idle = buf_len(&c->out) == 0 && c->wait == CONN_WAIT_NONE;
	if (c->quit && idle && !c->lingering) {
		if (c->eof) {
			conn_close(c);
			return false;
		}
		(void)shutdown(c->io.fd, SHUT_WR);
		c->lingering = true;
		c->active_usec = c->worker->loop.now_usec;
	}
	if (c->eof && !c->quit && idle && c->call == NULL) {
		conn_close(c);
		return false;
	}
	if (c->eof && c->lingering) {
		conn_close(c);
		return false;
	}
	if (c->worker->stopping && idle && c->call == NULL && buf_len(&c->in) == 0) {
		conn_close(c);
		return false;
	}
	conn_set_events(c);
	conn_set_timer(c);
	return true;
}

void
conn_flush(struct conn *c)
{
	if (!c->dead && conn_send(c))
		conn_set_events(c);
}

/* --------------------------------------------------------------- input --- */

static void
conn_protocol_error(struct conn *c, const char *why)
{
	resp_errorf(conn_out(c), "ERR", "Protocol error: %s", why);
	c->worker->stats->protocol_errors++;
	c->worker->stats->errors_total++;
	c->quit = true;
}

/* Another protocol: end without a word (R25), and say so once a minute. */
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
	conn_close(c);
}

static bool
conn_may_execute(const struct conn *c)
{
	return !c->dead && !c->quit && c->wait == CONN_WAIT_NONE && !conn_is_congested(c);
}

/*
 * Executes the whole requests at the start of data, for as long as the
 * connection may. Returns how many bytes are done with.
 */
static size_t
conn_execute(struct conn *c, struct slice data)
{
	struct worker *w = c->worker;
	struct request_limits limits = conn_limits(c);
	size_t done = 0;

	c->partial = false;
	while (done < data.len && conn_may_execute(c)) {
		struct slice rest = { data.data + done, data.len - done };
		const char *why = "";
		size_t used = 0;

		switch (request_decode(rest, &limits, &c->cursor, &w->request, &used, &why)) {
		case REQUEST_OK:
			memset(&c->cursor, 0, sizeof(c->cursor));
			done += used;
			w->stats->requests_total++;
			verb_execute(c, &w->request);
			if (buf_len(&w->out) > WORKER_OUT_HIGH && !conn_send(c))
				return data.len;
			break;
		case REQUEST_EMPTY:
			memset(&c->cursor, 0, sizeof(c->cursor));
			done += used;
			break;
		case REQUEST_AGAIN:
			c->partial = true;
			return done;
		case REQUEST_BAD:
			conn_protocol_error(c, why);
			return data.len;
		case REQUEST_FOREIGN:
			conn_foreign(c);
			return data.len;
		default:
			conn_close(c);
			return data.len;
		}
	}
	/* After QUIT or an error nothing that follows counts (R23). */
	return c->quit || c->dead ? data.len : done;
}

/* Executes what is held in c->in. */
static void
conn_run(struct conn *c)
{
	if (buf_len(&c->in) > 0 && conn_may_execute(c))
		buf_consume(&c->in, conn_execute(c, buf_slice(&c->in)));
	if (buf_len(&c->in) == 0 && c->in.cap > 0)
		buf_done(&c->in);
}

/*
 * At the end of input with requests still waiting their turn: a QUIT among
 * them says that the client wants all of it done (and only then).
 */
static bool
quit_is_waiting(struct conn *c)
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
		memset(&cursor, 0, sizeof(cursor));
		rest.data += used;
		rest.len -= used;
	}
	return false;
}

static void
conn_end_of_input(struct conn *c)
{
	c->eof = true;
	c->active_usec = c->worker->loop.now_usec;
	if (c->wait == CONN_WAIT_NONE && c->call == NULL)
		return;
	/* Nobody will send the rest of this call's input. */
	if (c->call != NULL && c->wait == CONN_WAIT_NONE) {
		conn_close(c);
		return;
	}
	c->patient = quit_is_waiting(c);
}

/* Reads once. False: nothing more to do for this event. */
static bool
conn_read(struct conn *c)
{
	struct worker *w = c->worker;
	size_t used;
	ssize_t n;

	n = recv(c->io.fd, w->read, sizeof(w->read), 0);
	if (n < 0) {
		if (errno == EAGAIN || errno == EINTR)
			return true;
		conn_close(c);
		return false;
	}
	if (n == 0) {
		conn_end_of_input(c);
		return !c->dead;
	}
	c->active_usec = w->loop.now_usec;
	w->stats->bytes_in += (uint64_t)n;
	if (c->lingering || c->quit)
		return true;

	if (buf_len(&c->in) > 0 || !conn_may_execute(c)) {
		if (buf_append(&c->in, w->read, (size_t)n) < 0) {
			conn_close(c);
			return false;
		}
		conn_run(c);
		return !c->dead;
	}
	used = conn_execute(c, (struct slice){ w->read, (size_t)n });
	if (c->dead)
		return false;
	if (used < (size_t)n && buf_append(&c->in, w->read + used, (size_t)n - used) < 0) {
		conn_close(c);
		return false;
	}
	return true;
}

void
conn_resume(struct conn *c)
{
	c->wait = CONN_WAIT_NONE;
	if (c->dead)
		return;
	c->active_usec = c->worker->loop.now_usec;
	conn_run(c);
	(void)conn_settle(c);
}

static void
on_writable(struct conn *c)
{
	if (!send_some(c, &c->out)) {
		conn_close(c);
		return;
	}
	if (buf_len(&c->out) > 0)
		return;
	buf_done(&c->out);
	if (c->call != NULL)
		call_unblock(c->call);
	if (!c->dead)
		conn_run(c);
}

/*
 * Both directions are closed: nobody takes replies any more, and the kernel
 * would report this for ever. What was received may still complete.
 */
static void
on_hangup(struct conn *c)
{
	c->hung = true;
	loop_remove(&c->worker->loop, &c->io);
	if (!c->eof)
		conn_end_of_input(c);
}

/* The peer sends no more, but there is more to read when we get to it. */
static void
on_fin(struct conn *c)
{
	c->fin = true;
	c->active_usec = c->worker->loop.now_usec;
}

static void
on_conn(struct loop_io *io, uint32_t events)
{
	struct conn *c = CONTAINER_OF(io, struct conn, io);

	/* A reset: cancel at once. */
	if ((events & EPOLLERR) != 0) {
		conn_close(c);
		return;
	}
	if ((events & EPOLLOUT) != 0)
		on_writable(c);
	if (!c->dead && (events & EPOLLIN) != 0)
		(void)conn_read(c);
	else if (!c->dead && (events & EPOLLHUP) != 0)
		on_hangup(c);
	else if (!c->dead && (events & EPOLLRDHUP) != 0)
		on_fin(c);
	if (!c->dead)
		(void)conn_settle(c);
}
