/* SPDX-License-Identifier: ISC */
/*
 * listener: accepts connections, shares them with the other workers, and
 * refuses them where there is no room.
 */
#include "config.h"

#include "net/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fd.h"
#include "ipc/logrec.h"
#include "net/conn-admission.h"
#include "net/conn.h"
#include "net/refusal.h"
#include "net/tlsstream.h"

/*
 * No queue of a socket is longer. Draining has to end even if new clients still
 * come.
 */
#define DRAIN_MAX 65536

/*
 * Time for which accepting rests when the system has no room for a connection.
 */
#define LISTENER_REST_USEC (100 * USEC_PER_MSEC)
#define LISTENER_COMPLAIN_USEC (10 * USEC_PER_SEC)

/*
 * A worker that is nearly full leaves new clients to others, and looks again after each
 * rest. It does so for a second of ten at most: another worker may be stuck, or lie.
 */
#define LISTENER_MAX_YIELDS 10
#define LISTENER_YIELDS_USEC (10 * USEC_PER_SEC)

static void
listener_deafen(struct net_listener *p)
{
	loop_disarm(p->net->loop, &p->retry);
	loop_close_shared(p->net->loop, &p->io);
}

static void
listener_rest(struct net_listener *p)
{
	struct net_desk *net = p->net;

	loop_remove(net->loop, &p->io);
	loop_arm(net->loop, &p->retry, net->loop->now_usec + LISTENER_REST_USEC);
}

/* The number of connections from which a worker leaves new clients to others. */
static size_t
nearly_full(const struct net_desk *net)
{
	return net->max_conns - net->max_conns / 16 - 1;
}

static bool
others_have_room(const struct net_desk *net)
{
	for (unsigned i = 0; i < CONF_MAX_WORKERS; i++) {
		const struct stats *other = stats_pages_peer(net->pages, i);

		if (other != NULL && other->connections_open < nearly_full(net))
			return true;
	}
	return false;
}

/* True if new clients are better served by another worker. */
static bool
should_yield(struct net_desk *net)
{
	if (net->loop->now_usec - net->yields_usec > LISTENER_YIELDS_USEC) {
		net->yields_usec = net->loop->now_usec;
		net->n_yields = 0;
	}
	return net->n_conns >= nearly_full(net) && net->n_yields < LISTENER_MAX_YIELDS &&
	    others_have_room(net);
}

static void
listeners_yield(struct net_desk *net)
{
	struct net_listener *p;

	net->n_yields++;
	LIST_FOREACH(p, &net->listeners, link) {
		if (p->io.fd >= 0)
			listener_rest(p);
	}
}

/* True if a handshake could only fail: clients wait in the queue of the socket. */
static bool
lacks_keys(const struct net_listener *p)
{
	return p->tls != NULL && !tlslink_is_open(&p->net->tls->link);
}

static void
on_retry(struct loop_timer *t)
{
	struct net_listener *p = CONTAINER_OF(t, struct net_listener, retry);

	if (should_yield(p->net)) {
		listeners_yield(p->net);
		return;
	}
	if (lacks_keys(p) || loop_add(p->net->loop, &p->io, EPOLLIN | EPOLLEXCLUSIVE) < 0)
		listener_rest(p);
}

void
listeners_on_keys(struct net_desk *net)
{
	struct net_listener *p;

	LIST_FOREACH(p, &net->listeners, link) {
		if (p->tls != NULL && loop_timer_is_armed(&p->retry)) {
			loop_disarm(net->loop, &p->retry);
			on_retry(&p->retry);
		}
	}
}

static int
listener_accept(struct net_listener *p, union sockaddr_any *ret_peer)
{
	socklen_t len = sizeof(*ret_peer);
	int fd = accept4(p->io.fd, &ret_peer->sa, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);

	/* A client without a name leaves its family undefined. */
	if (fd >= 0 && p->is_unix)
		ret_peer->sa.sa_family = AF_UNIX;
	return fd;
}

/* Takes fd. */
static void
listener_refuse(struct net_listener *p, int fd, const union sockaddr_any *peer,
    enum conn_verdict verdict, const char *why)
{
	const char *words = conn_verdict_words(verdict, p);
	char text[ADDR_TEXT];

	if (words != NULL)
		(void)send(fd, words, strlen(words), MSG_DONTWAIT | MSG_NOSIGNAL);
	(void)close(fd);
	p->net->pages->own->connections_refused++;
	addr_format_sockaddr(peer, text, sizeof(text));
	refusal_log_as(p->net, p, conn_verdict_kind(verdict), text, why);
}

/* There is no room for anybody. Takes fd. */
static void
listener_refuse_full(struct net_listener *p, int fd, const union sockaddr_any *peer)
{
	listener_refuse(p, fd, peer, CONN_FULL,
	    p->net->n_conns >= p->net->max_conns ? "this worker may have no more open files" :
						   "max-connections of the listener is reached");
}

/*
 * Tells one waiting client the reason, over the descriptor that is kept for
 * this.
 */
static void
refuse_one(struct net_listener *p)
{
	struct net_desk *net = p->net;
	union sockaddr_any peer;
	int fd;

	if (net->spare_fd < 0)
		return;
	(void)close(net->spare_fd);
	fd = listener_accept(p, &peer);
	if (fd >= 0)
		listener_refuse_full(p, fd, &peer);
	/* Standard input is /dev/null, and a worker may open no file any more. */
	net->spare_fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0);
}

static void
on_accept_error(struct net_listener *p, int error)
{
	static uint64_t complained;
	struct net_desk *net = p->net;

	switch (error) {
	case EAGAIN:
	case EINTR:
		return;
	case EMFILE:
	case ENFILE:
	case ENOBUFS:
	case ENOMEM:
		refuse_one(p);
		listener_rest(p);
		if (net->loop->now_usec - complained > LISTENER_COMPLAIN_USEC) {
			complained = net->loop->now_usec;
			log_warn("cannot accept on %s: %s; pausing", p->url, strerror(error));
		}
		return;
	default:
		/* ECONNABORTED and the like concern that one client only. */
		return;
	}
}

static bool
listener_is_full(const struct net_listener *p)
{
	const struct net_desk *net = p->net;
	size_t most = net->max_conns + LISTENER_OVERSHOOT;

	if (net->n_conns >= net->max_conns && (net->n_conns >= most || !others_have_room(net)))
		return true;
	return stats_pages_port_connections(net->pages, p->number, most, p->max_connections) >=
	    p->max_connections;
}

/*
 * The kernel wakes the first waiting worker in the socket's queue, which would
 * always be the same worker. Each worker goes to the end of the queue after it
 * has accepted, so that all take turns. This costs a hundredth of an accept.
 */
static void
listener_yield_turn(struct net_listener *p)
{
	struct loop *l = p->net->loop;

	if (p->io.fd < 0 || p->net->pages->n_others == 0)
		return;
	loop_remove(l, &p->io);
	if (loop_add(l, &p->io, EPOLLIN | EPOLLEXCLUSIVE) < 0)
		listener_rest(p);
}

/* Takes fd. */
static void
listener_admit(struct net_listener *p, int fd, union sockaddr_any *peer)
{
	enum conn_verdict verdict;

	if (listener_is_full(p)) {
		listener_refuse_full(p, fd, peer);
		return;
	}
	verdict = conn_open(p, fd, peer);
	if (verdict == CONN_ADMITTED)
		return;
	conn_count_verdict(p->net, verdict);
	listener_refuse(p, fd, peer, verdict, conn_verdict_text(verdict));
}

static void
on_acceptable(struct loop_io *io, uint32_t events)
{
	struct net_listener *p = CONTAINER_OF(io, struct net_listener, io);
	union sockaddr_any peer;
	int fd;

	(void)events;
	if (lacks_keys(p)) {
		listener_rest(p);
		return;
	}
	/*
	 * Accept one connection for each event. The next turn tells whether
	 * there are more, so accept() is never called in vain.
	 */
	fd = listener_accept(p, &peer);
	if (fd < 0) {
		on_accept_error(p, errno);
		return;
	}
	listener_yield_turn(p);
	listener_admit(p, fd, &peer);
	if (should_yield(p->net))
		listeners_yield(p->net);
}

/*
 * True if nobody will accept at this socket any more, so that closing it would
 * reset waiting clients.
 */
static bool
listener_is_sealed(const struct net_listener *p)
{
	return (p->net->sealed >> p->number & 1) != 0;
}

/*
 * True if no client waits. Other errors of accept() concern only the client
 * that was next.
 */
static bool
is_end_of_queue(int error)
{
	switch (error) {
	case EAGAIN:
	case EBADF:
	case EINVAL:
	case EMFILE:
	case ENFILE:
	case ENOBUFS:
	case ENOMEM:
		return true;
	default:
		return false;
	}
}

/* Accepts all waiting clients. */
static void
listener_drain(struct net_listener *p)
{
	union sockaddr_any peer;
	int fd, n = 0;

	do {
		fd = listener_accept(p, &peer);
		if (fd >= 0)
			listener_admit(p, fd, &peer);
	} while (++n < DRAIN_MAX && (fd >= 0 || !is_end_of_queue(errno)));
	if (fd < 0 && errno != EAGAIN)
		on_accept_error(p, errno);
}

/* The listener has ended, for this worker or for all. */
static void
listener_end(struct net_listener *p)
{
	if (p->io.fd >= 0 && listener_is_sealed(p))
		listener_drain(p);
	listener_deafen(p);
	p->gone = true;
	p->proxy_from = NULL;
	listener_unref(p);
}

void
listeners_close(struct net_desk *net)
{
	struct net_listener *p;

	while ((p = LIST_FIRST(&net->listeners)) != NULL) {
		LIST_REMOVE(p, link);
		listener_end(p);
	}
}

uint32_t
listener_as_set(const struct net_listener *p, const struct conf *c)
{
	if (!p->gone)
		return UINT32_C(1) << p->number;
	/* The same address can have a new socket since. */
	for (size_t i = 0; i < c->n_listeners; i++) {
		if (strcmp(c->listeners[i].url, p->url) == 0 &&
		    p->net->doors[c->listeners[i].protocol] == p->door)
			return UINT32_C(1) << i;
	}
	return 0;
}

static void
listener_configure(struct net_listener *p, struct conf *c, unsigned number)
{
	const struct listener *l = &c->listeners[number];
	struct conf *old = p->conf;

	p->conf = conf_ref(c);
	(void)conf_unref(old);
	p->number = number;
	p->gone = false;
	p->door = p->net->doors[l->protocol];
	p->max_arguments = l->max_arguments;
	p->argument_limit = l->argument_limit;
	p->request_limit = l->request_limit;
	p->inline_requests = l->inline_requests;
	p->hosts = l->hosts;
	p->origins = l->origins;
	p->offer = l->offer;
	p->idle_timeout_usec = l->idle_timeout_usec;
	p->proxy_from = &l->proxy_from;
	p->max_connections = l->max_connections;
	p->source_connections = l->source_connections;
	p->source_handshakes = l->source_handshakes;
	p->source_strangers = l->source_strangers;
	p->login_timeout_usec = l->login_timeout_usec;
	p->clients = l->clients;
}

/* The TLS settings of a listener: for its handshakes, and for certificates of clients. */
struct tls_settings {
	struct tlscontext *context;
	struct tlstrust *trust;
};

static void
settings_done(struct tls_settings *s)
{
	s->context = tlscontext_unref(s->context);
	s->trust = tlstrust_unref(s->trust);
}

/* Puts the TLS settings in place; takes the references. */
static void
listener_set_tls(struct net_listener *p, struct tls_settings *s)
{
	(void)tlscontext_unref(p->tls);
	(void)tlstrust_unref(p->trust);
	p->tls = TAKE_PTR(s->context);
	p->trust = TAKE_PTR(s->trust);
}

/* Takes fd in every case. */
static int
listener_new(struct net_desk *net, struct conf *c, unsigned number, int fd,
    struct net_listener **ret)
{
	struct net_listener *p = calloc(1, sizeof(*p));
	int r;

	if (p != NULL)
		p->url = strdup(c->listeners[number].url);
	if (p == NULL || p->url == NULL) {
		free(p);
		(void)close(fd);
		return -ENOMEM;
	}
	p->refs = 1;
	p->id = ++net->n_listeners;
	p->net = net;
	p->is_unix = fd_domain(fd) == AF_UNIX;
	p->io = (struct loop_io){ .fn = on_acceptable, .fd = fd };
	p->retry.fn = on_retry;
	listener_configure(p, c, number);
	r = loop_add(net->loop, &p->io, EPOLLIN | EPOLLEXCLUSIVE);
	if (r < 0) {
		(void)close(fd);
		listener_unref(p);
		return r;
	}
	*ret = p;
	return 0;
}

static struct net_listener *
listeners_find(struct net_listeners *ports, const char *url)
{
	struct net_listener *p;

	LIST_FOREACH(p, ports, link) {
		if (strcmp(p->url, url) == 0)
			return p;
	}
	return NULL;
}

/*
 * True if both descriptors are the same open socket, so that nothing has to
 * change.
 */
static bool
same_socket(int a, int b)
{
	uint64_t cookie_a = 0, cookie_b = 1;
	socklen_t len = sizeof(cookie_a);

	if (getsockopt(a, SOL_SOCKET, SO_COOKIE, &cookie_a, &len) < 0)
		return false;
	len = sizeof(cookie_b);
	if (getsockopt(b, SOL_SOCKET, SO_COOKIE, &cookie_b, &len) < 0)
		return false;
	return cookie_a == cookie_b;
}

/* Listens again on a listener that was given up; takes fd. */
static void
listener_listen(struct net_listener *p, int fd)
{
	if (p->io.fd >= 0) {
		(void)close(fd);
		return;
	}
	p->io.fd = fd;
	if (loop_add(p->net->loop, &p->io, EPOLLIN | EPOLLEXCLUSIVE) < 0)
		listener_rest(p);
}

/* True if the file of logins has a key. */
static bool
has_keys(const struct conf *c)
{
	for (size_t i = 0; i < c->n_credentials; i++) {
		if (c->credentials[i].kind == CREDENTIAL_KEY)
			return true;
	}
	return false;
}

/* The certificates that clients of the listener are asked for. */
static enum tls_clients
asks_for(const struct listener *l, bool has_keys)
{
	bool is_vain = l->clients == TLS_CLIENTS_OPTIONAL && l->authorities == NULL && !has_keys;

	return is_vain ? TLS_CLIENTS_NONE : l->clients;
}

/* Makes the TLS settings of all listeners. 0 or -errno with none of them. */
static int
make_settings(struct net_desk *net, const struct conf *c, const int *fds, struct tls_settings *ret)
{
	const bool keys = has_keys(c);
	int r = 0;

	for (size_t i = 0; i < c->n_listeners && r == 0; i++) {
		const struct listener *l = &c->listeners[i];
		const struct net_listener *old = listeners_find(&net->listeners, l->url);

		ret[i] = (struct tls_settings){ 0 };
		if (!l->tls || fds[i] < 0)
			continue;
		r = tlstrust_new(l, old != NULL ? old->trust : NULL, &ret[i].trust);
		if (r == 0)
			ret[i].context = tlscontext_new(l, asks_for(l, keys), tlsstream_judge,
			    old != NULL ? old->tls : NULL);
		if (r == 0 && ret[i].context == NULL)
			r = -EKEYREJECTED;
		if (r == 0)
			continue;
		for (size_t j = 0; j <= i; j++)
			settings_done(&ret[j]);
	}
	return r;
}

int
listeners_replace(struct net_desk *net, struct conf *c, int *fds, size_t n_fds)
{
	struct net_listeners fresh = LIST_HEAD_INITIALIZER(fresh);
	struct tls_settings settings[CONF_MAX_LISTENERS];
	struct net_listener *p, *next;
	int r = n_fds == c->n_listeners ? make_settings(net, c, fds, settings) : -EBADMSG;

	if (r < 0)
		return r;
	for (size_t i = 0; i < n_fds && r >= 0; i++) {
		const struct listener *l = &c->listeners[i];
		struct net_listener *old = listeners_find(&net->listeners, l->url);

		if (fds[i] < 0 || (old != NULL && (old->io.fd < 0 || same_socket(old->io.fd, fds[i]))))
			continue;
		r = listener_new(net, c, (unsigned)i, TAKE_FD(fds[i]), &p);
		if (r < 0)
			break;
		listener_set_tls(p, &settings[i]);
		LIST_INSERT_HEAD(&fresh, p, link);
	}
	if (r < 0) {
		LIST_FOREACH_SAFE(p, &fresh, link, next) {
			listener_deafen(p);
			listener_unref(p);
		}
		for (size_t i = 0; i < n_fds; i++)
			settings_done(&settings[i]);
		return r;
	}

	/*
	 * Nothing can fail from here on. A listener that stays still has its
	 * new fd open.
	 */
	LIST_FOREACH_SAFE(p, &net->listeners, link, next) {
		bool kept = false;

		for (size_t i = 0; i < n_fds; i++) {
			if (fds[i] < 0 || strcmp(c->listeners[i].url, p->url) != 0)
				continue;
			listener_configure(p, c, (unsigned)i);
			listener_set_tls(p, &settings[i]);
			listener_listen(p, TAKE_FD(fds[i]));
			kept = true;
		}
		if (kept)
			continue;
		LIST_REMOVE(p, link);
		listener_end(p);
	}
	LIST_FOREACH_SAFE(p, &fresh, link, next) {
		LIST_REMOVE(p, link);
		LIST_INSERT_HEAD(&net->listeners, p, link);
	}
	return 0;
}

/*
 * Nobody new comes, but certificates of clients who are there are verified anew. Where that
 * cannot be made ready nobody is trusted.
 */
static void
listener_renew_trust(struct net_listener *p, const struct listener *l)
{
	struct tlstrust *old = TAKE_PTR(p->trust);

	(void)tlstrust_new(l, old, &p->trust);
	(void)tlstrust_unref(old);
}

void
listeners_retire(struct net_desk *net, struct conf *c)
{
	struct net_listener *p, *next;

	LIST_FOREACH_SAFE(p, &net->listeners, link, next) {
		size_t i = 0;

		while (i < c->n_listeners && strcmp(c->listeners[i].url, p->url) != 0)
			i++;
		if (i < c->n_listeners) {
			listener_configure(p, c, (unsigned)i);
			listener_renew_trust(p, &c->listeners[i]);
			listener_deafen(p);
			continue;
		}
		LIST_REMOVE(p, link);
		listener_end(p);
	}
}
