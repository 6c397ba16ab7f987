/* SPDX-License-Identifier: ISC */
/* Opens, keeps and closes the listening sockets of a configuration. */
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

#define UNIX_URL "unix://"
#define CONTROL_BACKLOG 64

/* ----------------------------------------------------------------- tcp --- */

static int
set_int(int fd, int level, int option, int value)
{
	return setsockopt(fd, level, option, &value, sizeof(value)) < 0 ? -errno : 0;
}

/*
 * Sets the options that can be set at any time. Connections inherit all of it from the listening
 * socket, so that accepting one costs no further system call.
 */
static int
set_options(int fd, const struct listener *l)
{
	int domain = fd_domain(fd), user_timeout = (int)(l->user_timeout_usec / USEC_PER_MSEC);
	bool is_tcp = domain == AF_INET || domain == AF_INET6;
	const struct {
		bool applies;
		int level, option, value;
	} rows[] = {
		{ l->send_buffer != 0, SOL_SOCKET, SO_SNDBUF, (int)l->send_buffer },
		{ l->receive_buffer != 0, SOL_SOCKET, SO_RCVBUF, (int)l->receive_buffer },
		{ is_tcp, IPPROTO_TCP, TCP_NODELAY, l->nodelay },
		{ is_tcp, SOL_SOCKET, SO_KEEPALIVE, l->keepalive },
		{ is_tcp, IPPROTO_TCP, TCP_USER_TIMEOUT, user_timeout },
		{ is_tcp, IPPROTO_TCP, TCP_MAXSEG, (int)l->max_segment },
	};
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_LEN(rows); i++) {
		if (rows[i].applies)
			r = set_int(fd, rows[i].level, rows[i].option, rows[i].value);
	}
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
tcp_try(const struct listener *l, enum listen_use use, const struct addrinfo *ai)
{
	/* "*" and [::] stand for both families, whatever the kernel has as its default. */
	bool dual = addr_is_any((const union sockaddr_any *)ai->ai_addr) && !l->ipv6_only;
	CLEANUP_CLOSE int fd = -1;
	int r = 0;

	fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (ai->ai_family == AF_INET6)
		r = set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, !dual);
	if (r >= 0 && l->freebind)
		r = set_int(fd, IPPROTO_IP, IP_FREEBIND, 1);
	if (r >= 0)
		r = set_options(fd, l);
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
tcp_open(const struct listener *l, enum listen_use use, struct reason *why)
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
	if (r != 0)
		return reason_say(why, -EADDRNOTAVAIL, "cannot look up '%.200s': %s", l->addr.host,
		    gai_strerror(r));
	r = tcp_try(l, use, list);
	/* A name is left here only where none of its addresses could be used. */
	for (ai = list->ai_next; ai != NULL && !any && is_missing_address(r); ai = ai->ai_next)
		r = tcp_try(l, use, ai);
	freeaddrinfo(list);
	if (any && !l->ipv6_only && is_missing_address(r)) {
		/* A kernel without IPv6. */
		struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(l->addr.port) };
		struct addrinfo ipv4 = {
			.ai_family = AF_INET,
			.ai_addr = (struct sockaddr *)&in,
			.ai_addrlen = sizeof(in),
		};

		r = tcp_try(l, use, &ipv4);
	}
	if (r == -EADDRINUSE && strcmp(l->addr.host, "::") == 0 && !l->ipv6_only)
		return reason_say(why, r, "%s (it takes IPv4, too: where that has a listener of "
		    "its own, set ipv6-only = yes)", strerror(EADDRINUSE));
	return r;
}

/* -------------------------------------------------------------- passed --- */

/* The passed sockets that a set has, a bit for each by its index. */
static uint64_t
passed_in(const struct listen_set *set)
{
	uint64_t bits = 0;

	_Static_assert(ARRAY_LEN(((struct passed_set *)NULL)->list) <= 64, "a bit for each");
	for (size_t i = 0; i < set->n; i++) {
		if (set->list[i]->passed >= 0)
			bits |= UINT64_C(1) << set->list[i]->passed;
	}
	return bits;
}

/* Index of the passed socket for a listener that none of taken has; -1: none. */
static int
passed_find(const struct passed_set *p, uint64_t taken, const struct listener *l)
{
	for (size_t i = 0; i < p->n; i++) {
		if ((taken >> i & 1) == 0 && passed_fits(&p->list[i], l))
			return (int)i;
	}
	return -1;
}

/* Clients of such a socket would wait for ever. */
static void
note_unused(const struct passed_set *p, const struct listen_set *set, struct conf_errors *notes)
{
	uint64_t used = passed_in(set);
	char address[160];

	for (size_t i = 0; i < p->n; i++) {
		if (p->list[i].is_kept || (used >> i & 1) != 0)
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
		if (set->list[i]->passed >= 0)
			socket_unit_note(set->list[i]->fd, &c->listeners[i], notes);
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
		if (set->list[i]->passed >= 0 && strcmp(c->listeners[i].url, url) == 0)
			return socket_unit_setting(&c->listeners[i], key);
	}
	return NULL;
}

/* ----------------------------------------------------------------- set --- */

static struct listen_socket *
set_find(const struct listen_set *set, const char *url)
{
	for (size_t i = 0; set != NULL && i < set->n; i++) {
		if (strcmp(set->list[i]->url, url) == 0)
			return set->list[i];
	}
	return NULL;
}

/* The socket of a listener that is open already, and still to be found at its address; or NULL. */
static struct listen_socket *
find_open(const struct listen_set *old, const struct listener *l)
{
	struct listen_socket *s = set_find(old, l->url);

	if (s != NULL && l->addr.kind == ADDR_UNIX && s->passed < 0 &&
	    !socket_file_is(&s->file, l->addr.path))
		return NULL;
	return s;
}

static struct socket_rights
rights_of(const struct listener *l)
{
	return (struct socket_rights){ .mode = l->mode, .uid = l->uid, .gid = l->gid };
}

/* True if the file that we made has another owner now. */
static bool
is_foreign(const struct listener *l)
{
	struct stat st;

	return lstat(l->addr.path, &st) == 0 && st.st_uid != geteuid();
}

/* 0 if listen_apply() can make a socket that is open already what l says. */
static int
check_open(const struct listen_socket *s, const struct listener *l, struct reason *why)
{
	/* The options are tried on a socket that nobody has. */
	CLEANUP_CLOSE int trial = socket(fd_domain(s->fd), SOCK_STREAM | SOCK_CLOEXEC, 0);
	const struct socket_rights rights = rights_of(l);
	int r = trial < 0 ? -errno : set_options(trial, l);

	if (r == 0 && s->passed >= 0)
		r = socket_unit_check(s->fd, l, why);
	else if (r == 0 && l->addr.kind == ADDR_UNIX) {
		r = socket_file_change(&s->file, l->addr.path, LISTEN_TRY, &rights);
		if (r < 0)
			return reason_say(why, r, "%s%s", socket_file_error(r),
			    !is_foreign(l) ? "" : "; it was given away: stop reqd and start it, "
			    "which makes the file anew");
	}
	return r;
}

/* True if it would find the file of a listener before it. One that is only tried makes none. */
static bool
is_second(const struct conf *c, const struct listener *l)
{
	const struct listener *first = c->listeners, *end = first + c->n_listeners;

	while (first < end && first != l && (first->addr.kind != ADDR_UNIX ||
	    !socket_file_same_place(first->addr.path, l->addr.path)))
		first++;
	return first < end && first != l;
}

static int
unix_open(const struct conf *c, const struct listener *l, enum listen_use use,
    struct socket_file *ret, struct reason *why)
{
	const struct socket_rights rights = rights_of(l);
	int r = rundir_open_socket(c, l->addr.path, use, &rights, (int)l->backlog, ret);

	if (r >= 0 && use == LISTEN_TRY && is_second(c, l)) {
		(void)close(r);
		r = -EADDRINUSE;
	}
	return r < 0 ? reason_say(why, r, "%s", socket_file_error(r)) : r;
}

/* The sources that a set is opened from. */
struct sources {
	const struct conf *conf;
	enum listen_use use;
	const struct listen_set *old;
	const struct passed_set *passed;
	uint64_t taken;		/* of those passed: they have a listener */
};

void
listen_unref(struct listen_socket *s)
{
	if (s == NULL || --s->refs > 0)
		return;
	if (s->file.ino != 0 && s->kept_as[0] == '\0')
		socket_file_remove(&s->file, s->url + strlen(UNIX_URL));
	if (s->fd >= 0)
		(void)close(s->fd);
	free(s->url);
	free(s);
}

static struct listen_socket *
socket_new(const char *url)
{
	struct listen_socket *s = malloc(sizeof(*s));

	if (s == NULL)
		return NULL;
	*s = (struct listen_socket){ .refs = 1, .fd = -1, .passed = -1, .url = strdup(url) };
	if (s->url == NULL)
		free(TAKE_PTR(s));
	return s;
}

/* Makes s what l says, from a passed socket or anew. 0 or -errno. */
static int
socket_open(const struct sources *from, const struct listener *l, struct listen_socket *s,
    struct reason *why)
{
	int found = passed_find(from->passed, from->taken, l);

	if (found >= 0) {
		const struct passed_socket *p = &from->passed->list[found];

		s->fd = fcntl(p->fd, F_DUPFD_CLOEXEC, ROLE_N_FDS);
		if (s->fd < 0)
			return -errno;
		s->passed = p->is_kept ? -1 : found;
		s->file = p->file;
		if (p->is_kept)
			(void)strlcpy(s->kept_as, p->name, sizeof(s->kept_as));
		return check_open(s, l, why);
	}
	switch (l->addr.kind) {
	case ADDR_TCP:
		s->fd = tcp_open(l, from->use, why);
		break;
	case ADDR_UNIX:
		s->fd = unix_open(from->conf, l, from->use, &s->file, why);
		break;
	case ADDR_FD:
		return reason_say(why, -ENOENT, "systemd has passed no stream socket named '%s' "
		    "(FileDescriptorName= in the socket unit)", l->addr.path);
	}
	return s->fd < 0 ? s->fd : 0;
}

static int
socket_get(const struct sources *from, const struct listener *l, struct listen_socket **ret,
    struct reason *why)
{
	struct listen_socket *s = find_open(from->old, l);
	int r;

	if (s != NULL) {
		r = check_open(s, l, why);
		s->refs += r >= 0;
	} else {
		s = socket_new(l->url);
		if (s == NULL)
			return -ENOMEM;
		r = socket_open(from, l, s, why);
		if (r < 0)
			listen_unref(s);
	}
	if (r >= 0)
		*ret = s;
	return r;
}

int
listen_open(const struct conf *c, enum listen_use use, const struct listen_set *old,
    const struct passed_set *passed, struct listen_set *ret, struct conf_errors *errors)
{
	struct sources from = { .conf = c, .use = use, .old = old, .passed = passed };
	struct listen_set set = { 0 };
	int first = 0;

	/* Sockets that listeners of both configurations share. */
	for (size_t i = 0; i < c->n_listeners; i++) {
		const struct listen_socket *s = set_find(old, c->listeners[i].url);

		if (s != NULL && s->passed >= 0)
			from.taken |= UINT64_C(1) << s->passed;
	}
	for (size_t i = 0; i < c->n_listeners; i++) {
		const struct listener *l = &c->listeners[i];
		struct reason why = { "" };
		int r = socket_get(&from, l, &set.list[set.n], &why);

		if (r < 0) {
			conf_errors_add(errors, l->file, l->line, "cannot listen on %.100s: %s",
			    l->url, reason_text(&why, r));
			first = first < 0 ? first : r;
			continue;
		}
		set.n++;
		from.taken |= passed_in(&set);
	}
	if (first < 0) {
		listen_close(&set);
		return first;
	}
	*ret = set;
	return 0;
}

/* Mode and owner of its file, if it has one. */
static int
apply_file(const struct listen_socket *s, const struct listener *l, struct conf_errors *notes,
    struct reason *why)
{
	const struct socket_rights rights = rights_of(l);
	int r = 0;

	if (s->passed >= 0)
		return socket_unit_apply(s->fd, l, notes, why);
	if (l->addr.kind == ADDR_UNIX)
		r = socket_file_change(&s->file, l->addr.path, LISTEN_OPEN, &rights);
	return r < 0 ? reason_say(why, r, "%s", socket_file_error(r)) : 0;
}

int
listen_apply(const struct listen_set *set, const struct conf *c, struct conf_errors *notes,
    struct conf_errors *errors)
{
	int first = 0;

	for (size_t i = 0; i < set->n; i++) {
		const struct listener *l = &c->listeners[i];
		const struct listen_socket *s = set->list[i];
		struct reason why = { "" };
		int options = listen(s->fd, (int)l->backlog) < 0 ? -errno : set_options(s->fd, l);
		int file = apply_file(s, l, notes, &why);

		if (options < 0)
			conf_errors_add(errors, l->file, l->line,
			    "cannot set the options of %.100s: %s", l->url, strerror(-options));
		if (file < 0)
			conf_errors_add(errors, l->file, l->line,
			    "cannot change owner and mode of %.100s: %s", l->url,
			    reason_text(&why, file));
		if (first == 0)
			first = options < 0 ? options : file;
	}
	return first;
}

void
listen_keep(struct listen_set *set)
{
	for (size_t i = 0; i < set->n; i++) {
		struct listen_socket *s = set->list[i];

		if (s->passed < 0 && s->kept_as[0] == '\0')
			keep_store(s->fd, s->url, &s->file, s->kept_as);
	}
}

/* ------------------------------------------------------------- control --- */

/* The listener that would make the control socket. */
static struct listener
control_listener(const struct conf *c)
{
	struct listener l = {
		.addr.kind = ADDR_UNIX,
		.backlog = CONTROL_BACKLOG,
		.mode = c->control_gid != (gid_t)-1 ? 0660 : 0600,
		.uid = (uid_t)-1,
		.gid = c->control_gid,
	};

	(void)strlcpy(l.addr.path, c->control_path, sizeof(l.addr.path));
	return l;
}

int
listen_open_control(const struct conf *c, enum listen_use use, struct listen_socket *old,
    struct listen_socket **ret, struct reason *why)
{
	const struct listener l = control_listener(c);
	char url[sizeof(l.addr.path) + sizeof(UNIX_URL)];
	struct listen_socket *s;
	int r;

	(void)snprintf(url, sizeof(url), UNIX_URL "%s", l.addr.path);
	if (old != NULL && strcmp(old->url, url) == 0 && socket_file_is(&old->file, l.addr.path)) {
		old->refs++;
		*ret = old;
		return 0;
	}
	s = socket_new(url);
	if (s == NULL)
		return -ENOMEM;
	s->fd = r = unix_open(c, &l, use, &s->file, why);
	if (r < 0) {
		listen_unref(s);
		return reason_say(why, r, "cannot open the control socket %s: %s", l.addr.path,
		    socket_file_error(r));
	}
	*ret = s;
	return 0;
}

int
listen_apply_control(const struct listen_socket *s, const struct conf *c)
{
	const struct listener l = control_listener(c);
	const struct socket_rights rights = rights_of(&l);

	return socket_file_change(&s->file, l.addr.path, LISTEN_OPEN, &rights);
}

/* -------------------------------------------------------------- the end --- */

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

uint32_t
listen_seal(struct listen_set *set, enum listen_end why)
{
	uint32_t sealed = 0;

	for (size_t i = 0; i < set->n; i++) {
		struct listen_socket *s = set->list[i];
		bool is_kept = s->kept_as[0] != '\0';

		/* A socket that systemd keeps is for the next reqd. */
		if (s->passed >= 0 || s->refs > 1 || (is_kept && why == LISTEN_REQD_ENDS))
			continue;
		if (is_kept)
			keep_forget(s->kept_as);
		s->kept_as[0] = '\0';
		socket_seal(s->fd);
		sealed |= UINT32_C(1) << i;
	}
	return sealed;
}

void
listen_close(struct listen_set *set)
{
	for (size_t i = 0; i < set->n; i++)
		listen_unref(set->list[i]);
	set->n = 0;
}
