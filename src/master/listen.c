/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "master/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "base/addr.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "ipc/roles.h"

int
listen_take_passed(struct listen_passed *p)
{
	char **names = NULL;
	int n = sd_listen_fds_with_names(1, &names);

	*p = (struct listen_passed){ 0 };
	if (n < 0)
		return n;
	for (int i = 0; i < n; i++) {
		/* Above the numbers that roles give a meaning of their own. */
		int fd = fcntl(SD_LISTEN_FDS_START + i, F_DUPFD_CLOEXEC, ROLE_N_FDS + CONF_MAX_LISTENERS);

		(void)close(SD_LISTEN_FDS_START + i);
		if (fd < 0 || p->n == CONF_MAX_LISTENERS) {
			if (fd >= 0)
				(void)close(fd);
			free(names[i]);
			continue;
		}
		p->list[p->n].fd = fd;
		p->list[p->n].name = names[i];
		p->n++;
	}
	free(names);
	return 0;
}

/* ---------------------------------------------------------------- unix --- */

/* 0: the path is free now. -EADDRINUSE: somebody answers there. */
static int
unix_clear_stale(const char *path, const struct sockaddr_un *sa)
{
	CLEANUP_CLOSE int fd = -1;
	struct stat st;

	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode))
		return -EEXIST;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)sa, sizeof(*sa)) == 0 || errno == EAGAIN)
		return -EADDRINUSE;
	if (errno != ECONNREFUSED)
		return -errno;
	return unlink(path) < 0 && errno != ENOENT ? -errno : 0;
}

int
listen_unix(const char *path, mode_t mode, uid_t uid, gid_t gid, int backlog)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	CLEANUP_CLOSE int fd = -1;
	mode_t mask;
	int r;

	(void)strlcpy(sa.sun_path, path, sizeof(sa.sun_path));
	r = unix_clear_stale(path, &sa);
	if (r < 0)
		return r;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	/*
	 * bind() gives the file the mode of the socket itself, so it is never
	 * there with another one.
	 */
	if (fchmod(fd, mode) < 0)
		return -errno;
	mask = umask(0);
	r = bind(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0 ? -errno : 0;
	(void)umask(mask);
	if (r < 0)
		return r;
	if ((uid != (uid_t)-1 || gid != (gid_t)-1) && lchown(path, uid, gid) < 0)
		r = -errno;
	else if (listen(fd, backlog) < 0)
		r = -errno;
	if (r < 0) {
		(void)unlink(path);
		return r;
	}
	return TAKE_FD(fd);
}

/* ----------------------------------------------------------------- tcp --- */

static int
set_int(int fd, int level, int option, int value)
{
	return setsockopt(fd, level, option, &value, sizeof(value)) < 0 ? -errno : 0;
}

/*
 * Connections inherit all of these from the listening socket, so that
 * accepting one costs no further system call.
 */
static int
tcp_options(int fd, const struct listener *l)
{
	int r = set_int(fd, IPPROTO_TCP, TCP_NODELAY, l->nodelay);

	if (r >= 0)
		r = set_int(fd, SOL_SOCKET, SO_KEEPALIVE, l->keepalive);
	if (r >= 0)
		r = set_int(fd, IPPROTO_TCP, TCP_USER_TIMEOUT,
		    (int)(l->user_timeout_usec / USEC_PER_MSEC));
	if (r >= 0 && l->max_segment != 0)
		r = set_int(fd, IPPROTO_TCP, TCP_MAXSEG, (int)l->max_segment);
	return r;
}

static int
buffer_options(int fd, const struct listener *l)
{
	int r = 0;

	if (l->send_buffer != 0)
		r = set_int(fd, SOL_SOCKET, SO_SNDBUF, (int)l->send_buffer);
	if (r >= 0 && l->receive_buffer != 0)
		r = set_int(fd, SOL_SOCKET, SO_RCVBUF, (int)l->receive_buffer);
	return r;
}

static int
tcp_try(const struct listener *l, const struct addrinfo *ai, bool dual)
{
	CLEANUP_CLOSE int fd = -1;
	int r;

	fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	r = set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	if (r >= 0 && ai->ai_family == AF_INET6)
		r = set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, l->ipv6_only || !dual);
	if (r >= 0 && l->freebind)
		r = set_int(fd, IPPROTO_IP, IP_FREEBIND, 1);
	if (r >= 0)
		r = buffer_options(fd, l);
	if (r >= 0)
		r = tcp_options(fd, l);
	if (r >= 0 && bind(fd, ai->ai_addr, ai->ai_addrlen) < 0)
		r = -errno;
	if (r >= 0 && listen(fd, (int)l->backlog) < 0)
		r = -errno;
	return r < 0 ? r : TAKE_FD(fd);
}

static int
tcp_open(const struct listener *l, char *why, size_t why_len)
{
	bool any = strcmp(l->addr.host, "*") == 0;
	struct addrinfo hints = {
		.ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_STREAM,
		.ai_flags = AI_PASSIVE | AI_NUMERICSERV,
	}, *list = NULL;
	char port[8];
	int r;

	(void)snprintf(port, sizeof(port), "%u", (unsigned)l->addr.port);
	if (any)
		hints.ai_family = AF_INET6;
	r = getaddrinfo(any ? NULL : l->addr.host, port, &hints, &list);
	if (r != 0) {
		(void)snprintf(why, why_len, "cannot look up '%.200s': %s", l->addr.host,
		    gai_strerror(r));
		return -EADDRNOTAVAIL;
	}
	r = tcp_try(l, list, any);
	freeaddrinfo(list);
	if (any && !l->ipv6_only && (r == -EAFNOSUPPORT || r == -EADDRNOTAVAIL)) {
		/* A kernel without IPv6. */
		struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(l->addr.port) };
		struct addrinfo ai = {
			.ai_family = AF_INET,
			.ai_addr = (struct sockaddr *)&in,
			.ai_addrlen = sizeof(in),
		};

		r = tcp_try(l, &ai, false);
	}
	return r;
}

/* -------------------------------------------------------------- passed --- */

static bool
passed_matches(const struct listen_passed *p, size_t i, const struct listener *l)
{
	union sockaddr_any sa;
	socklen_t len = sizeof(sa);
	int fd = p->list[i].fd;

	if (p->list[i].used || sd_is_socket(fd, AF_UNSPEC, SOCK_STREAM, 1) <= 0)
		return false;
	switch (l->addr.kind) {
	case ADDR_FD:
		return p->list[i].name != NULL && strcmp(p->list[i].name, l->addr.path) == 0;
	case ADDR_UNIX:
		return sd_is_socket_unix(fd, SOCK_STREAM, 1, l->addr.path, 0) > 0;
	case ADDR_TCP: {
		struct in6_addr a6;
		struct in_addr a4;

		if (getsockname(fd, &sa.sa, &len) < 0)
			return false;
		if (sa.sa.sa_family == AF_INET)
			return ntohs(sa.in.sin_port) == l->addr.port &&
			    inet_pton(AF_INET, l->addr.host, &a4) == 1 &&
			    a4.s_addr == sa.in.sin_addr.s_addr;
		if (sa.sa.sa_family != AF_INET6 || ntohs(sa.in6.sin6_port) != l->addr.port)
			return false;
		if (strcmp(l->addr.host, "*") == 0)
			return IN6_IS_ADDR_UNSPECIFIED(&sa.in6.sin6_addr);
		return inet_pton(AF_INET6, l->addr.host, &a6) == 1 &&
		    IN6_ARE_ADDR_EQUAL(&a6, &sa.in6.sin6_addr);
	}
	}
	return false;
}

static int
passed_take(struct listen_passed *p, const struct listener *l)
{
	for (size_t i = 0; p != NULL && i < p->n; i++) {
		if (!passed_matches(p, i, l))
			continue;
		p->list[i].used = true;
		return p->list[i].fd;
	}
	return -1;
}

/* ----------------------------------------------------------------- set --- */

static const struct listen_socket *
set_find(const struct listen_set *set, const char *url)
{
	for (size_t i = 0; set != NULL && i < set->n; i++) {
		if (strcmp(set->list[i].url, url) == 0)
			return &set->list[i];
	}
	return NULL;
}

/* The same socket under the rules of a new configuration. */
static int
socket_share(const struct listen_socket *old, const struct listener *l)
{
	int fd = fcntl(old->fd, F_DUPFD_CLOEXEC, ROLE_N_FDS);

	if (fd < 0)
		return -errno;
	(void)listen(fd, (int)l->backlog);
	(void)buffer_options(fd, l);
	if (l->addr.kind == ADDR_TCP)
		(void)tcp_options(fd, l);
	if (l->addr.kind == ADDR_UNIX && !old->passed) {
		(void)chmod(l->addr.path, l->mode);
		if (l->uid != (uid_t)-1 || l->gid != (gid_t)-1)
			(void)lchown(l->addr.path, l->uid, l->gid);
	}
	return fd;
}

static int
socket_open(const struct listener *l, const struct listen_set *old, struct listen_passed *passed,
    struct listen_socket *ret, char *why, size_t why_len)
{
	const struct listen_socket *same = set_find(old, l->url);
	int fd;

	ret->passed = same != NULL && same->passed;
	if (same != NULL)
		return socket_share(same, l);
	fd = passed_take(passed, l);
	if (fd >= 0) {
		ret->passed = true;
		return fd;
	}
	switch (l->addr.kind) {
	case ADDR_TCP:
		return tcp_open(l, why, why_len);
	case ADDR_UNIX:
		fd = listen_unix(l->addr.path, l->mode, l->uid, l->gid, (int)l->backlog);
		if (fd == -EADDRINUSE)
			(void)snprintf(why, why_len, "another server answers there");
		else if (fd == -EEXIST)
			(void)snprintf(why, why_len, "the path exists and is no socket");
		else if (fd == -ENOENT)
			(void)snprintf(why, why_len, "its directory does not exist");
		return fd;
	case ADDR_FD:
		(void)snprintf(why, why_len, "systemd has passed no stream socket named '%s' "
		    "(FileDescriptorName= in the socket unit)", l->addr.path);
		return -ENOENT;
	}
	return -EINVAL;
}

int
listen_open(const struct conf *c, const struct listen_set *old, struct listen_passed *passed,
    struct listen_set *ret, char *why, size_t why_len)
{
	struct listen_set set = { 0 };
	int r;

	for (size_t i = 0; i < c->n_listeners; i++) {
		const struct listener *l = &c->listeners[i];
		struct listen_socket *s = &set.list[set.n];
		char detail[384] = "";

		r = socket_open(l, old, passed, s, detail, sizeof(detail));
		if (r >= 0) {
			s->fd = r;
			s->url = strdup(l->url);
			set.n++;
			r = s->url == NULL ? -ENOMEM : 0;
		}
		if (r < 0) {
			(void)snprintf(why, why_len, "cannot listen on %.100s: %s", l->url,
			    detail[0] != '\0' ? detail : strerror(-r));
			listen_close(&set, old);
			return r;
		}
	}
	*ret = set;
	return 0;
}

void
listen_close(struct listen_set *set, const struct listen_set *keep)
{
	for (size_t i = 0; i < set->n; i++) {
		struct listen_socket *s = &set->list[i];

		if (s->url != NULL && !s->passed && strncmp(s->url, "unix://", 7) == 0 &&
		    set_find(keep, s->url) == NULL)
			(void)unlink(s->url + strlen("unix://"));
		(void)close(s->fd);
		free(s->url);
	}
	set->n = 0;
}
