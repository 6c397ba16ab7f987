/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "master/socketunit.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/addr.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/fd.h"
#include "conf/errors.h"
#include "master/socketfile.h"

/* ------------------------------------------------------------- options --- */

static int
get_int(int fd, int level, int option)
{
	int value = 0;
	socklen_t len = sizeof(value);

	return getsockopt(fd, level, option, &value, &len) < 0 ? 0 : value;
}

static bool
is_ipv6_only(int fd)
{
	return get_int(fd, IPPROTO_IPV6, IPV6_V6ONLY) != 0;
}

/* True if the socket is bound to every address of its family. */
static bool
is_any(int fd)
{
	union sockaddr_any sa;
	socklen_t len = sizeof(sa);

	if (getsockname(fd, &sa.sa, &len) < 0)
		return false;
	return sa.sa.sa_family == AF_INET ? sa.in.sin_addr.s_addr == INADDR_ANY :
	    sa.sa.sa_family == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&sa.in6.sin6_addr);
}

/* ---------------------------------------------------------------- file --- */

struct rights {
	mode_t mode;
	uid_t uid;
	gid_t gid;
};

static bool
says_rights(const struct listener *l)
{
	return l->mode_set || l->uid != (uid_t)-1 || l->gid != (gid_t)-1;
}

/* What is written, and for the rest what the file has. */
static struct rights
rights_wanted(const struct listener *l, const struct stat *is)
{
	return (struct rights){
		.mode = l->mode_set ? l->mode : is->st_mode & 07777,
		.uid = l->uid != (uid_t)-1 ? l->uid : is->st_uid,
		.gid = l->gid != (gid_t)-1 ? l->gid : is->st_gid,
	};
}

static bool
has_rights(const struct stat *is, const struct rights *r)
{
	return (is->st_mode & 07777) == r->mode && is->st_uid == r->uid && is->st_gid == r->gid;
}

/* The path that the socket is bound to; "": none. */
static void
path_of(int fd, char *ret, size_t ret_len)
{
	union sockaddr_any sa = { 0 };
	socklen_t len = sizeof(sa) - 1;

	*ret = '\0';
	if (getsockname(fd, &sa.sa, &len) == 0 && sa.sa.sa_family == AF_UNIX &&
	    len > offsetof(struct sockaddr_un, sun_path))
		(void)snprintf(ret, ret_len, "%.*s", (int)sizeof(sa.un.sun_path), sa.un.sun_path);
}

static void
list_append(struct buf *b, const char *text)
{
	if (buf_len(b) > 0)
		(void)buf_append_str(b, ", ");
	(void)buf_append_str(b, text);
}

/* "SocketMode=0660, SocketGroup=www-data": what the socket unit would have to say. */
static void
settings_append(struct buf *b, const struct listener *l)
{
	char text[256];

	if (l->mode_set) {
		(void)snprintf(text, sizeof(text), "SocketMode=%04o", (unsigned)l->mode);
		list_append(b, text);
	}
	if (l->uid != (uid_t)-1) {
		(void)snprintf(text, sizeof(text), "SocketUser=%s", l->owner);
		list_append(b, text);
	}
	if (l->gid != (gid_t)-1) {
		(void)snprintf(text, sizeof(text), "SocketGroup=%s", l->group);
		list_append(b, text);
	}
}

/* The text; without memory the other one. */
static const char *
text_or(struct buf *b, const char *otherwise)
{
	const char *text = buf_failed(b) ? NULL : buf_text(b);

	return text != NULL ? text : otherwise;
}

/* Why the rights cannot be put on the file, and what helps. */
static int
refuse_rights(int error, const struct listener *l, char *why, size_t why_len)
{
	CLEANUP(buf_done) struct buf settings = BUF_INIT(0);
	const char *unit;

	settings_append(&settings, l);
	unit = text_or(&settings, "SocketMode=");
	switch (error) {
	case -ENOENT:
	case -ESTALE:
		(void)snprintf(why, why_len,
		    "systemd has opened it and %s: restart its socket unit, "
		    "or set %s there instead of here",
		    error == -ENOENT ? "its file is gone, or hidden by the sandbox of reqd" :
		    "another file is at its path", unit);
		break;
	case -EOPNOTSUPP:
		(void)snprintf(why, why_len, "systemd has opened it and the kernel does not tell "
		    "which file it has: set %s in its socket unit", unit);
		break;
	default:
		(void)snprintf(why, why_len, "systemd has opened it and its file cannot be changed "
		    "(%s): set %s in its socket unit", socket_file_error(error), unit);
		break;
	}
	return -EINVAL;
}

/* Tells what the socket unit had made of it. */
static void
note_rights(const struct listener *l, const struct stat *was, struct conf_errors *notes)
{
	const struct rights now = rights_wanted(l, was);
	CLEANUP(buf_done) struct buf changes = BUF_INIT(0), settings = BUF_INIT(0);
	char text[64];

	if ((was->st_mode & 07777) != now.mode) {
		(void)snprintf(text, sizeof(text), "mode %04o -> %04o",
		    (unsigned)(was->st_mode & 07777), (unsigned)now.mode);
		list_append(&changes, text);
	}
	if (was->st_uid != now.uid) {
		(void)snprintf(text, sizeof(text), "owner %ju -> %ju", (uintmax_t)was->st_uid,
		    (uintmax_t)now.uid);
		list_append(&changes, text);
	}
	if (was->st_gid != now.gid) {
		(void)snprintf(text, sizeof(text), "group %ju -> %ju", (uintmax_t)was->st_gid,
		    (uintmax_t)now.gid);
		list_append(&changes, text);
	}
	settings_append(&settings, l);
	conf_errors_add(notes, l->file, l->line,
	    "%.120s: systemd opens it, and its file was changed: %s. "
	    "Until reqd starts, the socket unit decides who can connect: set %s there, too", l->url,
	    text_or(&changes, "?"), text_or(&settings, "SocketMode="));
}

enum rights_use { RIGHTS_TRY, RIGHTS_CHANGE };

static int
unix_rights(int fd, const struct listener *l, enum rights_use use, struct conf_errors *notes,
    char *why, size_t why_len)
{
	char path[sizeof(((struct sockaddr_un *)NULL)->sun_path) + 1];
	struct socket_file file;
	struct rights want;
	struct stat is;
	int r;

	if (!says_rights(l))
		return 0;
	path_of(fd, path, sizeof(path));
	if (*path == '\0') {
		(void)snprintf(why, why_len, "the socket that systemd has opened has no file: "
		    "leave 'mode', 'owner' and 'group' out");
		return -EINVAL;
	}
	r = socket_file_of(fd, path, &file, &is);
	if (r < 0 && r != -EOPNOTSUPP)
		return refuse_rights(r, l, why, why_len);
	want = rights_wanted(l, &is);
	if (has_rights(&is, &want))
		return 0;
	if (r == 0)
		r = use == RIGHTS_TRY ?
		    socket_file_try_change(&file, path, want.mode, want.uid, want.gid) :
		    socket_file_change(&file, path, want.mode, want.uid, want.gid);
	if (r < 0)
		return refuse_rights(r, l, why, why_len);
	if (notes != NULL)
		note_rights(l, &is, notes);
	return 0;
}

/* --------------------------------------------------------------- check --- */

static int
check_unix(int fd, const struct listener *l, char *why, size_t why_len)
{
	/* By name (fd://) every key may be written: it is seen only here what it names. */
	const char *wrong = l->ipv6_only ? "ipv6-only" : l->freebind ? "freebind" :
	    l->max_segment != 0 ? "max-segment" : l->user_timeout_usec != 0 ? "user-timeout" : NULL;

	if (wrong != NULL) {
		(void)snprintf(why, why_len,
		    "systemd has passed a unix socket, with which '%s' does not go", wrong);
		return -EINVAL;
	}
	return unix_rights(fd, l, RIGHTS_TRY, NULL, why, why_len);
}

static int
check_tcp(int fd, const struct listener *l, char *why, size_t why_len)
{
	bool is_ipv4 = fd_domain(fd) == AF_INET;

	if (says_rights(l)) {
		(void)snprintf(why, why_len,
		    "systemd has passed a TCP socket, with which '%s' does not go",
		    l->mode_set ? "mode" : l->owner != NULL ? "owner" : "group");
		return -EINVAL;
	}
	if (l->ipv6_only && (is_ipv4 || (is_any(fd) && !is_ipv6_only(fd)))) {
		(void)snprintf(why, why_len, "systemd has opened it for IPv4, too, which "
		    "'ipv6-only' cannot change: set BindIPv6Only=ipv6-only in its socket unit, "
		    "or leave 'ipv6-only' out");
		return -EINVAL;
	}
	return 0;
}

int
socket_unit_check(int fd, const struct listener *l, char *why, size_t why_len)
{
	return fd_domain(fd) == AF_UNIX ? check_unix(fd, l, why, why_len) :
	    check_tcp(fd, l, why, why_len);
}

int
socket_unit_apply(int fd, const struct listener *l, struct conf_errors *notes, char *why,
    size_t why_len)
{
	return fd_domain(fd) != AF_UNIX ? 0 :
	    unix_rights(fd, l, RIGHTS_CHANGE, notes, why, why_len);
}

/* --------------------------------------------------------------- notes --- */

void
socket_unit_note(int fd, const struct listener *l, struct conf_errors *notes)
{
	bool both = l->addr.kind == ADDR_TCP && strcmp(l->addr.host, "*") == 0 && !l->ipv6_only;

	if (fd_domain(fd) == AF_UNIX)
		return;
	if (both && fd_domain(fd) == AF_INET)
		conf_errors_add(notes, l->file, l->line, "%.120s: systemd has opened it for IPv4 "
		    "only: ListenStream=%u in its socket unit takes both", l->url,
		    (unsigned)l->addr.port);
	else if (both && is_ipv6_only(fd))
		conf_errors_add(notes, l->file, l->line, "%.120s: systemd has opened it for IPv6 "
		    "only: BindIPv6Only=both in its socket unit takes both", l->url);
	if (l->freebind && get_int(fd, IPPROTO_IP, IP_FREEBIND) == 0)
		conf_errors_add(notes, l->file, l->line, "%.120s: 'freebind' comes too late, "
		    "systemd has opened it: set FreeBind=yes in its socket unit", l->url);
}

const char *
socket_unit_setting(const struct listener *l, const char *key)
{
	const struct {
		const char *key, *setting;
		bool decides;
	} rows[] = {
		{ "ipv6-only", "BindIPv6Only=", true },
		{ "freebind", "FreeBind=", true },
		{ "send-buffer", "SendBuffer=", l->send_buffer == 0 },
		{ "receive-buffer", "ReceiveBuffer=", l->receive_buffer == 0 },
		{ "mode", "SocketMode=", !l->mode_set },
		{ "owner", "SocketUser=", l->uid == (uid_t)-1 },
		{ "group", "SocketGroup=", l->gid == (gid_t)-1 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (rows[i].decides && strcmp(rows[i].key, key) == 0)
			return rows[i].setting;
	}
	return NULL;
}

void
socket_unit_address(int fd, char *ret, size_t ret_len)
{
	union sockaddr_any sa = { 0 };
	socklen_t len = sizeof(sa) - 1;
	char path[sizeof(sa.un.sun_path) + 1];

	if (getsockname(fd, &sa.sa, &len) == 0 && (sa.sa.sa_family == AF_INET ||
	    sa.sa.sa_family == AF_INET6)) {
		addr_format_sockaddr(&sa, ret, ret_len);
		return;
	}
	path_of(fd, path, sizeof(path));
	(void)snprintf(ret, ret_len, "%s", *path != '\0' ? path : "no address");
}
