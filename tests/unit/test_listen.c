/* SPDX-License-Identifier: ISC */
/*
 * listen: sockets that were open before, passed by systemd or kept by it for
 * reqd.
 */
#include "config.h"

#include "master/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "conf/errors.h"
#include "unit.h"

static char dir[64], path[96], url[128];
static struct listener listener;
static struct conf conf;
static struct passed_set passed;
static struct listen_set set;
static struct conf_errors errors, notes;

static void
set_up(void)
{
	static const char *files[] = { NULL, NULL };

	snprintf(dir, sizeof(dir), "%s", "/tmp/reqd-test-listen.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/s", dir);
	files[0] = "reqd.conf";
	conf = (struct conf){ .listeners = &listener, .n_listeners = 1, .files = files };
}

static void
tear_down(void)
{
	listen_close(&set);
	conf_errors_done(&errors);
	conf_errors_done(&notes);
	(void)unlink(path);
	ck_assert_int_eq(rmdir(dir), 0);
}

static void
want(const char *text)
{
	const char *why;

	snprintf(url, sizeof(url), "%s", text);
	listener = (struct listener){
		.url = url,
		.file = (char *)(uintptr_t)"services.d/web.conf",
		.line = 7,
		.backlog = 16,
		.mode = 0666,
		.uid = (uid_t)-1,
		.gid = (gid_t)-1,
	};
	ck_assert_int_eq(addr_parse(text, &listener.addr, &why), 0);
}

static void
pass(int fd, const char *name)
{
	passed.list[passed.n++] = (struct passed_socket){
		.fd = fd,
		.name = (char *)(uintptr_t)name,
	};
}

static void
want_unix(void)
{
	char text[128];

	snprintf(text, sizeof(text), "unix://%s", path);
	want(text);
}

static int
unix_socket(void)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

	snprintf(sa.sun_path, sizeof(sa.sun_path), "%.100s", path);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	ck_assert_int_eq(chmod(path, 0666), 0);
	ck_assert_int_eq(listen(fd, 1), 0);
	return fd;
}

/* And the address of the one that is made. */
static int
tcp_socket(void)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	socklen_t len = sizeof(in);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	char text[64];

	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&in, sizeof(in)), 0);
	ck_assert_int_eq(listen(fd, 1), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&in, &len), 0);
	snprintf(text, sizeof(text), "tcp://127.0.0.1:%u", (unsigned)ntohs(in.sin_port));
	want(text);
	return fd;
}

static int
open_them(enum listen_use use, const struct listen_set *old)
{
	return listen_open(&conf, use, old, &passed, &set, &errors);
}

static int
option(int fd, int level, int name)
{
	int value = -1;
	socklen_t len = sizeof(value);

	ck_assert_int_eq(getsockopt(fd, level, name, &value, &len), 0);
	return value;
}

static mode_t
mode_now(void)
{
	struct stat st;

	ck_assert_int_eq(lstat(path, &st), 0);
	return st.st_mode & 07777;
}

/* Returns the number of clients that can connect before any is accepted. */
static int
queue_length(void)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int n = 0, fds[64];

	snprintf(sa.sun_path, sizeof(sa.sun_path), "%.100s", path);
	for (;; n++) {
		ck_assert_int_lt(n, 64);
		fds[n] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
		if (connect(fds[n], (struct sockaddr *)&sa, sizeof(sa)) < 0)
			break;
	}
	ck_assert_int_eq(errno, EAGAIN);
	for (int i = 0; i <= n; i++)
		close(fds[i]);
	return n;
}

static void
drop_fowner(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct caps[_LINUX_CAPABILITY_U32S_3];

	ck_assert_int_eq((int)syscall(SYS_capget, &head, caps), 0);
	caps[0].effective &= ~(1u << CAP_FOWNER);
	ck_assert_int_eq((int)syscall(SYS_capset, &head, caps), 0);
}

START_TEST(a_passed_tcp_socket_takes_every_option)
{
	struct tcp_info info;
	socklen_t len = sizeof(info);
	int fd = tcp_socket();

	pass(fd, "x");
	listener.backlog = 23;
	listener.nodelay = listener.keepalive = true;
	listener.user_timeout_usec = 30 * USEC_PER_SEC;
	listener.max_segment = 1000;
	listener.send_buffer = 40000;
	listener.receive_buffer = 50000;
	ck_assert_int_eq(open_them(LISTEN_OPEN, NULL), 0);
	ck_assert_int_eq(set.list[0]->passed, 0);
	ck_assert_int_eq(listen_apply(&set, &conf, &notes, &errors), 0);
	ck_assert_int_eq(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len), 0);
	ck_assert_uint_eq(info.tcpi_sacked, 23);	/* of one that listens: its backlog */
	ck_assert_int_eq(option(fd, IPPROTO_TCP, TCP_NODELAY), 1);
	ck_assert_int_eq(option(fd, SOL_SOCKET, SO_KEEPALIVE), 1);
	ck_assert_int_eq(option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT), 30000);
	ck_assert_int_eq(option(fd, IPPROTO_TCP, TCP_MAXSEG), 1000);
	/* The kernel doubles them, for what it keeps beside. */
	ck_assert_int_eq(option(fd, SOL_SOCKET, SO_SNDBUF), 80000);
	ck_assert_int_eq(option(fd, SOL_SOCKET, SO_RCVBUF), 100000);

	listener.nodelay = listener.keepalive = false;
	listener.user_timeout_usec = 0;
	listener.max_segment = 0;
	ck_assert_int_eq(listen_apply(&set, &conf, &notes, &errors), 0);
	ck_assert_int_eq(option(fd, IPPROTO_TCP, TCP_NODELAY), 0);
	ck_assert_int_eq(option(fd, SOL_SOCKET, SO_KEEPALIVE), 0);
	ck_assert_int_eq(option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT), 0);
	ck_assert_uint_eq(notes.n, 0);
	close(fd);
}
END_TEST

/*
 * A value above the limit of the kernel is refused before anything has changed.
 */
START_TEST(an_option_that_the_kernel_refuses)
{
	int fd = tcp_socket();

	pass(fd, "x");
	listener.max_segment = 60000;
	ck_assert_int_eq(open_them(LISTEN_OPEN, NULL), -EINVAL);
	ck_assert_uint_eq(errors.n, 1);
	ck_assert_str_eq(errors.list[0].file, "services.d/web.conf");
	ck_assert_uint_eq(errors.list[0].line, 7);
	ck_assert_uint_eq(set.n, 0);
	close(fd);
}
END_TEST

START_TEST(a_passed_unix_socket_takes_backlog_and_mode)
{
	int fd = unix_socket();

	pass(fd, "x");
	want_unix();
	ck_assert_int_eq(queue_length(), 2);
	listener.mode = 0600;
	listener.mode_set = true;
	ck_assert_int_eq(open_them(LISTEN_OPEN, NULL), 0);
	ck_assert_uint_eq(mode_now(), 0666);
	ck_assert_int_eq(listen_apply(&set, &conf, &notes, &errors), 0);
	ck_assert_uint_eq(mode_now(), 0600);
	ck_assert_uint_eq(notes.n, 1);

	/* As at the end of reqd: the file is not ours to remove. */
	listen_close(&set);
	ck_assert_uint_eq(mode_now(), 0600);
	close(fd);
}
END_TEST

START_TEST(the_queue_of_a_passed_unix_socket)
{
	int fd = unix_socket();

	pass(fd, "x");
	want_unix();
	ck_assert_int_eq(open_them(LISTEN_OPEN, NULL), 0);
	ck_assert_int_eq(listen_apply(&set, &conf, &notes, &errors), 0);
	ck_assert_int_eq(queue_length(), 17);
	close(fd);
}
END_TEST

START_TEST(what_cannot_be_applied_is_refused_at_a_reload)
{
	int fd = unix_socket();
	struct listen_set old;

	pass(fd, "x");
	want_unix();
	ck_assert_int_eq(open_them(LISTEN_OPEN, NULL), 0);
	old = set;
	set.n = 0;
	ck_assert_int_eq(unlink(path), 0);
	listener.mode_set = true;
	for (int i = 0; i < 2; i++) {
		ck_assert_int_lt(open_them(i == 0 ? LISTEN_TRY : LISTEN_OPEN, &old), 0);
		ck_assert_uint_eq(errors.n, (unsigned)i + 1);
		ck_assert_msg(strstr(errors.list[i].text, "restart its socket unit") != NULL, "%s",
		    errors.list[i].text);
	}
	listen_close(&old);
	close(fd);
}
END_TEST

/* A reqd before us has made it, and systemd has held it since. */
START_TEST(a_kept_socket_takes_what_has_changed_meanwhile)
{
	struct stat st;
	int fd = unix_socket();

	ck_assert_int_eq(lstat(path, &st), 0);
	pass(fd, "kept-0-0-0");
	passed.list[0].is_kept = true;
	passed.list[0].file = (struct socket_file){ .dev = st.st_dev, .ino = st.st_ino };
	want_unix();
	listener.mode = 0640;
	ck_assert_int_eq(open_them(LISTEN_OPEN, NULL), 0);
	ck_assert_int_eq(set.list[0]->passed, -1);
	ck_assert_int_eq(listen_apply(&set, &conf, &notes, &errors), 0);
	ck_assert_uint_eq(mode_now(), 0640);
	ck_assert_int_eq(queue_length(), 17);
	ck_assert_uint_eq(notes.n, 0);
	close(fd);
}
END_TEST

/* Our own, given away, which takes CAP_FOWNER now. */
START_TEST(a_mode_that_cannot_be_changed_is_refused)
{
	struct listen_set old;

	want_unix();
	ck_assert_int_eq(open_them(LISTEN_OPEN, NULL), 0);
	old = set;
	set.n = 0;
	if (geteuid() == 0) {
		ck_assert_int_eq(chmod(dir, 0711), 0);
		ck_assert_int_eq(chown(path, 65534, (gid_t)-1), 0);
		listener.uid = 65534;
		listener.mode = 0600;
		drop_fowner();
		ck_assert_int_eq(open_them(LISTEN_TRY, &old), -EPERM);
		ck_assert_int_eq(open_them(LISTEN_OPEN, &old), -EPERM);
		ck_assert_uint_eq(errors.n, 2);
		ck_assert_msg(strstr(errors.list[1].text, "stop reqd and start it") != NULL, "%s",
		    errors.list[1].text);
		ck_assert_uint_eq(mode_now(), 0666);
	}
	listen_close(&old);
}
END_TEST

START_TEST(passed_sockets_that_nobody_uses_are_named)
{
	int fd = tcp_socket(), other = unix_socket();

	pass(fd, "x");
	pass(other, "reqd.socket");
	ck_assert_int_eq(open_them(LISTEN_OPEN, NULL), 0);
	listen_notes(&set, &passed, &conf, &notes);
	ck_assert_uint_eq(notes.n, 1);
	ck_assert_msg(strstr(notes.list[0].text,
	    "no listener uses the passed socket 'reqd.socket'") != NULL, "%s", notes.list[0].text);
	ck_assert_msg(strstr(notes.list[0].text, path) != NULL, "%s", notes.list[0].text);
	close(fd);
	close(other);
}
END_TEST

static const struct {
	const char *url;
	bool ipv6_only, takes_ipv4;
} families[] = {
	{ "tcp://*:0", false, true },
	{ "tcp://*:0", true, false },
	{ "tcp://[::]:0", false, true },
	{ "tcp://[::]:0", true, false },
	{ "tcp://[0:0::0]:0", false, true },
};

/* The default of the kernel does not matter. */
START_TEST(any_address_takes_both_families)
{
	struct sockaddr_in6 sa;
	struct sockaddr_in in = { .sin_family = AF_INET };
	socklen_t len = sizeof(sa);
	int fd = socket(AF_INET6, SOCK_STREAM, 0);

	if (fd < 0)
		return;	/* no IPv6 here */
	close(fd);
	want(families[_i].url);
	listener.ipv6_only = families[_i].ipv6_only;
	ck_assert_int_eq(open_them(LISTEN_OPEN, NULL), 0);
	ck_assert_int_eq(getsockname(set.list[0]->fd, (struct sockaddr *)&sa, &len), 0);
	in.sin_port = sa.sin6_port;
	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&in, sizeof(in)) == 0,
	    families[_i].takes_ipv4);
	close(fd);
}
END_TEST

UNIT_MAIN("listen", tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_test(tc, a_passed_tcp_socket_takes_every_option);
    tcase_add_test(tc, an_option_that_the_kernel_refuses);
    tcase_add_test(tc, a_passed_unix_socket_takes_backlog_and_mode);
    tcase_add_test(tc, the_queue_of_a_passed_unix_socket);
    tcase_add_test(tc, what_cannot_be_applied_is_refused_at_a_reload);
    tcase_add_test(tc, a_kept_socket_takes_what_has_changed_meanwhile);
    tcase_add_test(tc, a_mode_that_cannot_be_changed_is_refused);
    tcase_add_test(tc, passed_sockets_that_nobody_uses_are_named);
    tcase_add_loop_test(tc, any_address_takes_both_families, 0, ARRAY_LEN(families)))
