/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "master/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/socket.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fd.h"
#include "conf/errors.h"
#include "ipc/roles.h"
#include "master/keep.h"
#include "master/rundir.h"
#include "master/socketunit.h"

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
	if (r >= 0)
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

/*
 * Left without SO_REUSEADDR: two that have it and do not listen get on with
 * each other, and the next one of the configuration is to meet this one.
 * Only where a connection has just ended is there no way in without.
 */
static int
bind_to_try(int fd, const struct addrinfo *ai)
{
	int r = bind(fd, ai->ai_addr, ai->ai_addrlen) < 0 ? -errno : 0;

	if (r != -EADDRINUSE)
		return r;
	r = set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	if (r >= 0 && bind(fd, ai->ai_addr, ai->ai_addrlen) < 0)
		r = -errno;
	(void)set_int(fd, SOL_SOCKET, SO_REUSEADDR, 0);
	return r;
}

static int
bind_to_listen(int fd, const struct addrinfo *ai, int backlog)
{
	int r = set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1);

	if (r >= 0 && (bind(fd, ai->ai_addr, ai->ai_addrlen) < 0 || listen(fd, backlog) < 0))
		r = -errno;
	return r;
}

static int
tcp_try(const struct listener *l, enum listen_use use, const struct addrinfo *ai, bool dual)
{
	CLEANUP_CLOSE int fd = -1;
	int r = 0;

	fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (ai->ai_family == AF_INET6)
		r = set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, l->ipv6_only || !dual);
	if (r >= 0 && l->freebind)
		r = set_int(fd, IPPROTO_IP, IP_FREEBIND, 1);
	if (r >= 0)
		r = buffer_options(fd, l);
	if (r >= 0)
		r = tcp_options(fd, l);
	if (r >= 0)
		r = use == LISTEN_TRY ? bind_to_try(fd, ai) :
		    bind_to_listen(fd, ai, (int)l->backlog);
	return r < 0 ? r : TAKE_FD(fd);
}

static bool
is_missing_address(int r)
{
	return r == -EAFNOSUPPORT || r == -EADDRNOTAVAIL;
}

static int
tcp_open(const struct listener *l, enum listen_use use, char *why, size_t why_len)
{
	bool any = strcmp(l->addr.host, "*") == 0;
	struct addrinfo hints = {
		.ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_STREAM,
		.ai_flags = AI_PASSIVE | AI_NUMERICSERV,
	}, *list = NULL, *ai;
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
	r = tcp_try(l, use, list, any);
	/* A name stands for its first address that this machine has. */
	for (ai = list->ai_next; ai != NULL && !any && is_missing_address(r); ai = ai->ai_next)
		r = tcp_try(l, use, ai, false);
	freeaddrinfo(list);
	if (any && !l->ipv6_only && is_missing_address(r)) {
		/* A kernel without IPv6. */
		struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(l->addr.port) };
		struct addrinfo ipv4 = {
			.ai_family = AF_INET,
			.ai_addr = (struct sockaddr *)&in,
			.ai_addrlen = sizeof(in),
		};

		r = tcp_try(l, use, &ipv4, false);
	}
	return r;
}

/* -------------------------------------------------------------- passed --- */

static bool
set_has_passed(const struct listen_set *set, size_t index)
{
	for (size_t i = 0; i < set->n; i++) {
		if (set->list[i].passed == (int)index)
			return true;
	}
	return false;
}

/* Index of the passed socket for a listener that none of taken has; -1: none. */
static int
passed_find(const struct passed_set *p, const struct listen_set *taken, const struct listener *l)
{
	for (size_t i = 0; i < p->n; i++) {
		if (!set_has_passed(taken, i) && passed_fits(&p->list[i], l))
			return (int)i;
	}
	return -1;
}

/* Clients of such a socket would wait for ever. */
static void
note_unused(const struct passed_set *p, const struct listen_set *set, struct conf_errors *notes)
{
	char address[160];

	for (size_t i = 0; i < p->n; i++) {
		if (p->list[i].is_kept || set_has_passed(set, i))
			continue;
		socket_unit_address(p->list[i].fd, address, sizeof(address));
		conf_errors_add(notes, NULL, 0, "no listener uses the passed socket '%.64s'"
		    ": its clients get no answer, as systemd still listens on %s. "
		    "To end that, take the address out of the socket unit, stop the unit and reqd, "
		    "and start both",
		    p->list[i].name, address);
	}
}

void
listen_notes(const struct listen_set *set, const struct passed_set *passed, const struct conf *c,
    struct conf_errors *notes)
{
	char lost[512];

	for (size_t i = 0; i < set->n; i++) {
		if (set->list[i].passed >= 0)
			socket_unit_note(set->list[i].fd, &c->listeners[i], notes);
	}
	note_unused(passed, set, notes);
	if (passed_lost(passed, lost, sizeof(lost)))
		conf_errors_add(notes, NULL, 0, "%s", lost);
}

const char *
listen_unit_setting(const struct listen_set *set, const struct conf *c, const char *url,
    const char *key)
{
	for (size_t i = 0; i < set->n; i++) {
		if (set->list[i].passed >= 0 && strcmp(c->listeners[i].url, url) == 0)
			return socket_unit_setting(&c->listeners[i], key);
	}
	return NULL;
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

/* Another descriptor of a socket that stays where it is. */
static int
share(int fd)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, ROLE_N_FDS);

	return copy < 0 ? -errno : copy;
}

/* Is it open already, and still to be found at its address? */
static const struct listen_socket *
find_open(const struct listen_set *old, const struct listener *l)
{
	const struct listen_socket *s = set_find(old, l->url);

	if (s != NULL && l->addr.kind == ADDR_UNIX && s->passed < 0 &&
	    !socket_file_is(&s->file, l->addr.path))
		return NULL;
	return s;
}

/* The options that can be set later, tried on a socket that nobody has. */
static int
try_options(int family, const struct listener *l)
{
	CLEANUP_CLOSE int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int r = fd < 0 ? -errno : buffer_options(fd, l);

	return r < 0 || family == AF_UNIX ? r : tcp_options(fd, l);
}

/* True if the file that we made has another owner now. */
static bool
is_foreign(const struct listener *l)
{
	struct stat st;

	return lstat(l->addr.path, &st) == 0 && st.st_uid != geteuid();
}

/*
 * Another descriptor of a socket that is open already, if listen_apply() can
 * make it what l says.
 */
static int
open_again(int fd, const struct listener *l, const struct listen_socket *s, char *why,
    size_t why_len)
{
	int r = try_options(fd_domain(fd), l);

	if (r == 0 && s->passed >= 0)
		r = socket_unit_check(fd, l, why, why_len);
	else if (r == 0 && l->addr.kind == ADDR_UNIX) {
		r = socket_file_try_change(&s->file, l->addr.path, l->mode, l->uid, l->gid);
		if (r < 0)
			(void)snprintf(why, why_len, "%s%s", socket_file_error(r),
			    !is_foreign(l) ? "" : "; it was given away: stop reqd and start it, "
			    "which makes the file anew");
	}
	return r < 0 ? r : share(fd);
}

static int
socket_open(const struct listener *l, enum listen_use use, const struct listen_set *old,
    const struct passed_set *passed, const struct listen_set *taken,
    struct listen_socket *ret, char *why, size_t why_len)
{
	const struct listen_socket *same = find_open(old, l);
	int found, r;

	if (same != NULL) {
		ret->passed = same->passed;
		ret->file = same->file;
		(void)strlcpy(ret->kept_as, same->kept_as, sizeof(ret->kept_as));
		return open_again(same->fd, l, ret, why, why_len);
	}
	found = passed_find(passed, taken, l);
	if (found >= 0 && passed->list[found].is_kept) {
		ret->file = passed->list[found].file;
		(void)strlcpy(ret->kept_as, passed->list[found].name, sizeof(ret->kept_as));
	} else
		ret->passed = found;
	if (found >= 0)
		return open_again(passed->list[found].fd, l, ret, why, why_len);
	switch (l->addr.kind) {
	case ADDR_TCP:
		return tcp_open(l, use, why, why_len);
	case ADDR_UNIX:
		r = use == LISTEN_TRY ? socket_file_try(l->addr.path, l->uid, l->gid) :
		    socket_file_open(l->addr.path, l->mode, l->uid, l->gid, (int)l->backlog,
		    &ret->file);
		if (r < 0)
			(void)strlcpy(why, socket_file_error(r), why_len);
		return r;
	case ADDR_FD:
		(void)snprintf(why, why_len, "systemd has passed no stream socket named '%s' "
		    "(FileDescriptorName= in the socket unit)", l->addr.path);
		return -ENOENT;
	}
	return -EINVAL;
}

/* Would it find the file of a listener before it? One that is only tried makes none. */
static bool
is_second(const struct conf *c, const struct listener *l)
{
	const struct listener *first = c->listeners;

	if (l->addr.kind != ADDR_UNIX)
		return false;
	while (first < l && (first->addr.kind != ADDR_UNIX ||
	    !socket_file_same_place(first->addr.path, l->addr.path)))
		first++;
	return first < l;
}

/* The passed sockets that listeners of both configurations share. */
static void
keep_passed(const struct conf *c, const struct listen_set *old, struct listen_set *ret)
{
	for (size_t i = 0; i < c->n_listeners; i++) {
		const struct listen_socket *s = set_find(old, c->listeners[i].url);

		if (s != NULL && s->passed >= 0)
			ret->list[ret->n++].passed = s->passed;
	}
}

int
listen_open(const struct conf *c, enum listen_use use, const struct listen_set *old,
    const struct passed_set *passed, struct listen_set *ret, struct conf_errors *errors)
{
	struct listen_set set = { 0 }, taken = { 0 };
	int r, first = 0;

	keep_passed(c, old, &taken);
	for (size_t i = 0; i < c->n_listeners; i++) {
		const struct listener *l = &c->listeners[i];
		struct listen_socket *s = &set.list[set.n];
		char detail[768] = "";

		*s = (struct listen_socket){ .fd = -1, .passed = -1 };
		r = socket_open(l, use, old, passed, &taken, s, detail, sizeof(detail));
		if (r == -ENOENT && use == LISTEN_TRY && l->addr.kind == ADDR_UNIX &&
		    rundir_comes_for(c, l->addr.path))
			r = socket_file_unbound();
		if (r >= 0 && use == LISTEN_TRY && s->passed < 0 && find_open(old, l) == NULL &&
		    is_second(c, l)) {
			(void)close(r);
			r = -EADDRINUSE;
			(void)strlcpy(detail, socket_file_error(r), sizeof(detail));
		}
		if (r >= 0) {
			s->fd = r;
			s->url = strdup(l->url);
			set.n++;
			if (s->passed >= 0 && !set_has_passed(&taken, (size_t)s->passed))
				taken.list[taken.n++].passed = s->passed;
			r = s->url == NULL ? -ENOMEM : 0;
		}
		if (r < 0) {
			conf_errors_add(errors, l->file, l->line, "cannot listen on %.100s: %s",
			    l->url, detail[0] != '\0' ? detail : strerror(-r));
			first = first < 0 ? first : r;
		}
	}
	if (first < 0) {
		listen_close(&set, old);
		return first;
	}
	*ret = set;
	return 0;
}

static int
apply_options(int fd, const struct listener *l)
{
	int domain = fd_domain(fd);
	int r = listen(fd, (int)l->backlog) < 0 ? -errno : 0;

	if (r == 0)
		r = buffer_options(fd, l);
	return r < 0 || (domain != AF_INET && domain != AF_INET6) ? r : tcp_options(fd, l);
}

static int
apply_file(const struct listen_socket *s, const struct listener *l, struct conf_errors *notes,
    char *why, size_t why_len)
{
	int r;

	if (s->passed >= 0)
		return socket_unit_apply(s->fd, l, notes, why, why_len);
	if (l->addr.kind != ADDR_UNIX)
		return 0;
	r = socket_file_change(&s->file, l->addr.path, l->mode, l->uid, l->gid);
	if (r < 0)
		(void)strlcpy(why, socket_file_error(r), why_len);
	return r;
}

int
listen_apply(const struct listen_set *set, const struct conf *c, struct conf_errors *notes,
    struct conf_errors *errors)
{
	int first = 0;

	for (size_t i = 0; i < set->n; i++) {
		const struct listener *l = &c->listeners[i];
		char why[768] = "";
		int options = apply_options(set->list[i].fd, l);
		int file = apply_file(&set->list[i], l, notes, why, sizeof(why));

		if (options < 0)
			conf_errors_add(errors, l->file, l->line,
			    "cannot set the options of %.100s: %s", l->url, strerror(-options));
		if (file < 0)
			conf_errors_add(errors, l->file, l->line,
			    "cannot change owner and mode of %.100s: %s", l->url, why);
		if (first == 0)
			first = options < 0 ? options : file;
	}
	return first;
}

void
listen_keep(struct listen_set *set)
{
	for (size_t i = 0; i < set->n; i++) {
		struct listen_socket *s = &set->list[i];

		if (s->passed < 0 && s->kept_as[0] == '\0')
			keep_store(s->fd, s->url, &s->file, s->kept_as);
	}
}

static bool
has_socket(const struct listen_set *set, int fd)
{
	struct stat one, other;

	if (set == NULL || fstat(fd, &one) < 0)
		return false;
	for (size_t i = 0; i < set->n; i++) {
		if (fstat(set->list[i].fd, &other) == 0 && other.st_ino == one.st_ino &&
		    other.st_dev == one.st_dev)
			return true;
	}
	return false;
}

/*
 * TCP: drops segments that open a connection, and no others, so that a
 * handshake in progress comes to its end; who is dropped tries again and
 * finds the port closed. Without the filter, which some kernels refuse, who
 * comes meanwhile is reset.
 */
static void
socket_seal(int fd)
{
	enum { FLAGS_AT = 13, SYN = 0x02, ACK = 0x10 };
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, FLAGS_AT),
		BPF_STMT(BPF_ALU | BPF_AND | BPF_K, SYN | ACK),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYN, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, 0),
		BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
	};
	struct sock_fprog filter = { .len = ARRAY_LEN(code), .filter = code };

	if (fd_domain(fd) == AF_UNIX)
		(void)shutdown(fd, SHUT_RD);
	else
		(void)setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof(filter));
}

/* Is it for the reqd after us? */
static bool
outlives_us(const struct listen_socket *s, const struct listen_set *keep)
{
	return keep == NULL && s->kept_as[0] != '\0';
}

uint32_t
listen_seal(struct listen_set *set, const struct listen_set *keep)
{
	uint32_t sealed = 0;

	for (size_t i = 0; i < set->n; i++) {
		struct listen_socket *s = &set->list[i];

		if (s->passed >= 0 || has_socket(keep, s->fd) || outlives_us(s, keep))
			continue;
		if (s->kept_as[0] != '\0')
			keep_forget(s->kept_as);
		s->kept_as[0] = '\0';
		socket_seal(s->fd);
		sealed |= UINT32_C(1) << i;
	}
	return sealed;
}

static bool
has_file(const struct listen_set *set, const struct socket_file *f)
{
	for (size_t i = 0; set != NULL && i < set->n; i++) {
		if (set->list[i].file.ino == f->ino && set->list[i].file.dev == f->dev)
			return true;
	}
	return false;
}

void
listen_close(struct listen_set *set, const struct listen_set *keep)
{
	for (size_t i = 0; i < set->n; i++) {
		struct listen_socket *s = &set->list[i];

		if (s->url != NULL && s->file.ino != 0 && !has_file(keep, &s->file) &&
		    !outlives_us(s, keep))
			socket_file_remove(&s->file, s->url + strlen("unix://"));
		(void)close(s->fd);
		free(s->url);
	}
	set->n = 0;
}
