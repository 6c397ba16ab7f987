/* SPDX-License-Identifier: ISC */
/* Takes sockets from systemd, and decides which listener each one fits. */
#include "config.h"

#include "master/passed.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "base/addr.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fd.h"
#include "ipc/roles.h"
#include "master/keep.h"

/* Limit of the wait for an answer of systemd. */
#define BARRIER_USEC (5 * USEC_PER_SEC)

/* Gives up a socket. systemd goes on to listen on it, unless it keeps the socket for reqd. */
static void
lose(struct passed_set *p, const char *name, int error)
{
	struct socket_file file;
	size_t len = strlen(p->lost);

	if (keep_parse(name, &file))
		keep_forget(name);
	(void)snprintf(p->lost + len, sizeof(p->lost) - len, "%s%s", len > 0 ? ", " : "", name);
	p->lost_error = error;
	p->n_lost++;
}

bool
passed_lost(const struct passed_set *p, char *text, size_t len)
{
	char why[96];

	if (p->n_lost == 0)
		return false;
	if (p->lost_error == -E2BIG)
		(void)snprintf(why, sizeof(why), "%zu are the most", ARRAY_LEN(p->list));
	else
		(void)snprintf(why, sizeof(why), "%s; LimitNOFILE= in the unit gives more",
		    strerror(-p->lost_error));
	(void)snprintf(text, len, "%zu passed sockets could not be taken, "
	    "and their clients get no answer: %s (%s)", p->n_lost, p->lost, why);
	return true;
}

int
passed_take(struct passed_set *p)
{
	char **names = NULL;
	int n = sd_listen_fds_with_names(1, &names);

	*p = (struct passed_set){ 0 };
	if (n < 0)
		return n;
	for (int i = 0; i < n; i++) {
		/* Moves the descriptor above the numbers that have a fixed meaning for roles. */
		int fd = fd_lift(SD_LISTEN_FDS_START + i, SD_LISTEN_FDS_START + n + ROLE_N_FDS);
		int r = fd < 0 ? fd : p->n == ARRAY_LEN(p->list) ? -E2BIG : 0;

		/* Workers race for a connection: the loser must not wait in accept(). */
		if (r == 0)
			r = fd_set_nonblock(fd, true);
		if (r < 0) {
			lose(p, names[i], r);
			if (fd >= 0)
				(void)close(fd);
			free(names[i]);
			continue;
		}
		p->list[p->n] = (struct passed_socket){ .fd = fd, .name = names[i] };
		p->list[p->n].is_kept = keep_parse(names[i], &p->list[p->n].file);
		p->n++;
	}
	free(names);
	return 0;
}

/*
 * True if the socket is bound to the host and port of this listener. For a kept
 * socket that was made for this listener, the name of the host may stand for
 * another address now: blocks on a look-up.
 */
static bool
fits_address(const struct passed_socket *p, const struct listener *l)
{
	bool is_own = p->is_kept && keep_is_of(p->name, l->url), found = false;
	struct addrinfo hints = {
		.ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_STREAM,
		.ai_flags = is_own ? 0 : AI_NUMERICHOST,
	}, *list = NULL;
	union sockaddr_any is, sa;
	int family = addr_of_socket(p->fd, &is);

	if (family != AF_INET && family != AF_INET6)
		return false;
	/* The port is at the same place in both families. */
	if (!is_own && ntohs(is.in.sin_port) != l->addr.port)
		return false;
	if (strcmp(l->addr.host, "*") == 0)
		return is_own || (addr_is_any(&is) && (family == AF_INET6 || !l->ipv6_only));
	/* Without an answer, the kept socket is better than none. */
	if (getaddrinfo(l->addr.host, NULL, &hints, &list) != 0)
		return is_own;
	for (const struct addrinfo *ai = list; ai != NULL && !found; ai = ai->ai_next) {
		memcpy(&sa, ai->ai_addr, ai->ai_addrlen);
		found = addr_same_host(&sa, &is);
	}
	freeaddrinfo(list);
	return found;
}

/* True if no buffer size is set where the kernel is to choose one: a size cannot be unset. */
static bool
fits_buffers(int fd, const struct listener *l)
{
#if defined(SO_BUF_LOCK) && defined(SOCK_SNDBUF_LOCK)
	int locked = fd_option(fd, SOL_SOCKET, SO_BUF_LOCK);

	if (locked < 0)
		return true;	/* a kernel before 5.14 cannot tell */
	if (l->send_buffer == 0 && (locked & SOCK_SNDBUF_LOCK) != 0)
		return false;
	return l->receive_buffer != 0 || (locked & SOCK_RCVBUF_LOCK) == 0;
#else
	(void)fd;
	(void)l;
	return true;
#endif
}

/* True if a new socket for this listener would get the same address family. */
static bool
fits_family(const struct passed_socket *p, const struct listener *l)
{
	bool any = strcmp(l->addr.host, "*") == 0;
	union sockaddr_any is;
	int only;

	/*
	 * A listener without a host uses one socket for both families, unless
	 * the kernel has no IPv6.
	 */
	if (fd_domain(p->fd) == AF_INET)
		return !any || (keep_is_of(p->name, l->url) && !l->ipv6_only);
	only = fd_option(p->fd, IPPROTO_IPV6, IPV6_V6ONLY);
	return only >= 0 && addr_of_socket(p->fd, &is) == AF_INET6 &&
	    (only != 0) == (l->ipv6_only || !addr_is_any(&is));
}

/*
 * True if a socket that an earlier reqd made can be used for this listener: the
 * properties that cannot be changed now have to be right.
 */
static bool
kept_fits(const struct passed_socket *p, const struct listener *l)
{
	if (!fits_buffers(p->fd, l))
		return false;
	if (l->addr.kind == ADDR_UNIX)
		return socket_file_is(&p->file, l->addr.path);
	return fits_family(p, l) && fits_address(p, l);
}

bool
passed_fits(const struct passed_socket *p, const struct listener *l)
{
	if (p->fd < 0 || sd_is_socket(p->fd, AF_UNSPEC, SOCK_STREAM, 1) <= 0)
		return false;
	switch (l->addr.kind) {
	case ADDR_FD:
		return !p->is_kept && p->name != NULL && strcmp(p->name, l->addr.path) == 0;
	case ADDR_UNIX:
		return sd_is_socket_unix(p->fd, SOCK_STREAM, 1, l->addr.path, 0) > 0 &&
		    (!p->is_kept || kept_fits(p, l));
	case ADDR_TCP:
		return p->is_kept ? kept_fits(p, l) : fits_address(p, l);
	}
	return false;
}

static bool
is_used(const struct passed_socket *p, const struct conf *c)
{
	for (size_t i = 0; i < c->n_listeners; i++) {
		if (passed_fits(p, &c->listeners[i]))
			return true;
	}
	return false;
}

static void
passed_drop(struct passed_socket *p)
{
	union sockaddr_any sa;

	if (p->file.ino != 0 && addr_of_socket(p->fd, &sa) == AF_UNIX)
		socket_file_remove(&p->file, sa.un.sun_path);
	keep_forget(p->name);
	(void)close(TAKE_FD(p->fd));
}

void
passed_drop_unused(struct passed_set *p, const struct conf *c)
{
	bool dropped = false;

	for (size_t i = 0; i < p->n; i++) {
		if (!p->list[i].is_kept || is_used(&p->list[i], c))
			continue;
		passed_drop(&p->list[i]);
		dropped = true;
	}
	if (dropped)
		(void)sd_notify_barrier(0, BARRIER_USEC);
}

void
passed_done(struct passed_set *p)
{
	for (size_t i = 0; i < p->n; i++) {
		if (p->list[i].is_kept && p->list[i].fd >= 0)
			(void)close(TAKE_FD(p->list[i].fd));
	}
}
