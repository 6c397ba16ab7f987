/* SPDX-License-Identifier: ISC */
/* Applies the keys of a listener to a socket that systemd has opened. */
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
#include "base/socketfile.h"
#include "conf/errors.h"

static bool
is_ipv6_only(int fd)
{
	return fd_option(fd, IPPROTO_IPV6, IPV6_V6ONLY) > 0;
}

/* ---------------------------------------------------------------- file --- */

static bool
says_rights(const struct listener *l)
{
	return l->mode_set || l->uid != (uid_t)-1 || l->gid != (gid_t)-1;
}

/* The rights that the configuration gives, completed by those that the file has. */
static struct socket_rights
rights_wanted(const struct listener *l, const struct stat *is)
{
	return (struct socket_rights){
		.mode = l->mode_set ? l->mode : is->st_mode & 07777,
		.uid = l->uid != (uid_t)-1 ? l->uid : is->st_uid,
		.gid = l->gid != (gid_t)-1 ? l->gid : is->st_gid,
	};
}

static bool
has_rights(const struct stat *is, const struct socket_rights *r)
{
	return (is->st_mode & 07777) == r->mode && is->st_uid == r->uid && is->st_gid == r->gid;
}

static const char *
comma(const struct buf *b)
{
	return buf_len(b) > 0 ? ", " : "";
}

/* The settings that the socket unit would need: "SocketMode=0660, SocketGroup=www-data". */
static const char *
settings_format(struct buf *b, const struct listener *l)
{
	const char *text;

	if (l->mode_set)
		(void)buf_printf(b, "SocketMode=%04o", (unsigned)l->mode);
	if (l->uid != (uid_t)-1)
		(void)buf_printf(b, "%sSocketUser=%s", comma(b), l->owner);
	if (l->gid != (gid_t)-1)
		(void)buf_printf(b, "%sSocketGroup=%s", comma(b), l->group);
	text = buf_failed(b) ? NULL : buf_text(b);
	return text != NULL ? text : "SocketMode=";
}

/* Refuses rights that cannot be put on the file; why has the remedy. */
static int
refuse_rights(int error, const struct listener *l, struct reason *why)
{
	CLEANUP(buf_done) struct buf settings = BUF_INIT(0);
	const char *unit = settings_format(&settings, l);

	if (error == -EOPNOTSUPP)
		return reason_say(why, -EINVAL, "systemd has opened it and the kernel does not "
		    "tell which file it has: set %s in its socket unit", unit);
	if (error != -ENOENT && error != -ESTALE)
		return reason_say(why, -EINVAL, "systemd has opened it and its file cannot be "
		    "changed (%s): set %s in its socket unit", socket_file_error(error), unit);
	return reason_say(why, -EINVAL, "systemd has opened it and %s: restart its socket unit, "
	    "or set %s there instead of here", error == -ENOENT ?
	    "its file is gone, or hidden by the sandbox of reqd" :
	    "another file is at its path", unit);
}

/* Notes where the socket unit had given other rights. */
static void
note_rights(const struct listener *l, const struct stat *was, const struct socket_rights *now,
    struct conf_errors *notes)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(0), settings = BUF_INIT(0);

	if ((was->st_mode & 07777) != now->mode)
		(void)buf_printf(&b, "mode %04o -> %04o", (unsigned)(was->st_mode & 07777),
		    (unsigned)now->mode);
	if (was->st_uid != now->uid)
		(void)buf_printf(&b, "%sowner %ju -> %ju", comma(&b), (uintmax_t)was->st_uid,
		    (uintmax_t)now->uid);
	if (was->st_gid != now->gid)
		(void)buf_printf(&b, "%sgroup %ju -> %ju", comma(&b), (uintmax_t)was->st_gid,
		    (uintmax_t)now->gid);
	conf_errors_add(notes, l->file, l->line,
	    "%.120s: systemd opens it, and its file was changed: %.*s. "
	    "Until reqd starts, the socket unit decides who can connect: set %s there, too", l->url,
	    (int)buf_len(&b), buf_data(&b), settings_format(&settings, l));
}

static int
unix_rights(int fd, const struct listener *l, enum listen_use use, struct conf_errors *notes,
    struct reason *why)
{
	struct socket_file file;
	struct socket_rights want;
	union sockaddr_any sa;
	struct stat is;
	int r;

	if (!says_rights(l))
		return 0;
	if (addr_of_socket(fd, &sa) != AF_UNIX || *sa.un.sun_path == '\0')
		return reason_say(why, -EINVAL, "the socket that systemd has opened has no file: "
		    "leave 'mode', 'owner' and 'group' out");
	r = socket_file_of(fd, sa.un.sun_path, &file, &is);
	if (r < 0 && r != -EOPNOTSUPP)
		return refuse_rights(r, l, why);
	want = rights_wanted(l, &is);
	if (has_rights(&is, &want))
		return 0;
	if (r == 0)
		r = socket_file_change(&file, sa.un.sun_path, use, &want);
	if (r < 0)
		return refuse_rights(r, l, why);
	if (notes != NULL)
		note_rights(l, &is, &want, notes);
	return 0;
}

/* --------------------------------------------------------------- check --- */

static int
check_unix(int fd, const struct listener *l, struct reason *why)
{
	/*
	 * A listener by name (fd://) may have any key in the file; only here it
	 * is known what kind of socket it has.
	 */
	const char *wrong = l->ipv6_only ? "ipv6-only" : l->freebind ? "freebind" :
	    l->max_segment != 0 ? "max-segment" : l->user_timeout_usec != 0 ? "user-timeout" :
	    l->proxy_from.n_nets > 0 ? "proxy-from" : NULL;

	if (wrong != NULL)
		return reason_say(why, -EINVAL,
		    "systemd has passed a unix socket, with which '%s' does not go", wrong);
	return unix_rights(fd, l, LISTEN_TRY, NULL, why);
}

static int
check_tcp(int fd, const struct listener *l, struct reason *why)
{
	union sockaddr_any sa;
	bool is_ipv4 = addr_of_socket(fd, &sa) == AF_INET;

	if (says_rights(l))
		return reason_say(why, -EINVAL,
		    "systemd has passed a TCP socket, with which '%s' does not go",
		    l->mode_set ? "mode" : l->owner != NULL ? "owner" : "group");
	if (l->ipv6_only && (is_ipv4 || (addr_is_any(&sa) && !is_ipv6_only(fd))))
		return reason_say(why, -EINVAL, "systemd has opened it for IPv4, too, which "
		    "'ipv6-only' cannot change: set BindIPv6Only=ipv6-only in its socket unit, "
		    "or leave 'ipv6-only' out");
	return 0;
}

int
socket_unit_check(int fd, const struct listener *l, struct reason *why)
{
	return fd_domain(fd) == AF_UNIX ? check_unix(fd, l, why) : check_tcp(fd, l, why);
}

int
socket_unit_apply(int fd, const struct listener *l, struct conf_errors *notes,
    struct reason *why)
{
	return fd_domain(fd) != AF_UNIX ? 0 : unix_rights(fd, l, LISTEN_OPEN, notes, why);
}

/* --------------------------------------------------------------- notes --- */

void
socket_unit_note(int fd, const struct listener *l, struct conf_errors *notes)
{
	bool both = l->addr.kind == ADDR_TCP && !l->ipv6_only &&
	    (strcmp(l->addr.host, "*") == 0 || strcmp(l->addr.host, "::") == 0);

	if (fd_domain(fd) == AF_UNIX)
		return;
	if (both && fd_domain(fd) == AF_INET)
		conf_errors_add(notes, l->file, l->line, "%.120s: systemd has opened it for IPv4 "
		    "only: ListenStream=%u in its socket unit takes both", l->url,
		    (unsigned)l->addr.port);
	else if (both && is_ipv6_only(fd))
		conf_errors_add(notes, l->file, l->line, "%.120s: systemd has opened it for IPv6 "
		    "only: BindIPv6Only=both in its socket unit takes both", l->url);
	if (l->freebind && fd_option(fd, IPPROTO_IP, IP_FREEBIND) <= 0)
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
	union sockaddr_any sa;
	int family = addr_of_socket(fd, &sa);

	if (family == AF_INET || family == AF_INET6)
		addr_format_sockaddr(&sa, ret, ret_len);
	else
		(void)snprintf(ret, ret_len, "%s", family == AF_UNIX && *sa.un.sun_path != '\0' ?
		    sa.un.sun_path : "no address");
}
