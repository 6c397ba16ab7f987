/* SPDX-License-Identifier: ISC */
/*
 * socketunit: the effect of a listener's keys on a socket that systemd has
 * bound; here the test is systemd.
 */
#include "config.h"

#include "master/socketunit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "conf/errors.h"
#include "unit.h"

static char dir[64], path[96];
static struct reason why;
static struct conf_errors notes;

static void
set_up(void)
{
	snprintf(dir, sizeof(dir), "%s", "/tmp/reqd-test-socketunit.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/s", dir);
	why = (struct reason){ "" };
}

static void
tear_down(void)
{
	(void)unlink(path);
	ck_assert_int_eq(rmdir(dir), 0);
	conf_errors_done(&notes);
}

/* As systemd opens it with SocketMode=0666. */
static int
unix_socket(const char *at)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(sa.sun_path, sizeof(sa.sun_path), "%.100s", at);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	ck_assert_int_eq(chmod(at, 0666), 0);
	ck_assert_int_eq(listen(fd, 1), 0);
	return fd;
}

static int
tcp_socket(int family, bool is_any, int ipv6_only)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
	int fd = socket(family, SOCK_STREAM, 0);

	if (fd < 0)
		return -1;
	in.sin_addr.s_addr = htonl(is_any ? INADDR_ANY : INADDR_LOOPBACK);
	in6.sin6_addr = is_any ? in6addr_any : in6addr_loopback;
	if (family == AF_INET6)
		ck_assert_int_eq(setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &ipv6_only,
		    sizeof(ipv6_only)), 0);
	if (bind(fd, family == AF_INET ? (struct sockaddr *)&in : (struct sockaddr *)&in6,
	    family == AF_INET ? sizeof(in) : sizeof(in6)) < 0) {
		close(fd);
		return -1;
	}
	ck_assert_int_eq(listen(fd, 1), 0);
	return fd;
}

/* Makes a listener in which every setting is the default. */
static struct listener
plain(const char *url)
{
	struct listener l = {
		.url = (char *)(uintptr_t)url,
		.file = (char *)(uintptr_t)"reqd.conf",
		.line = 7,
		.mode = 0666,
		.uid = (uid_t)-1,
		.gid = (gid_t)-1,
		.nodelay = true,
		.keepalive = true,
	};
	const char *wrong;

	ck_assert_int_eq(addr_parse(url, &l.addr, &wrong), 0);
	return l;
}

static struct listener
with_mode(mode_t mode)
{
	char url[128];
	struct listener l;

	snprintf(url, sizeof(url), "unix://%s", path);
	l = plain(url);
	l.url = (char *)(uintptr_t)"unix:///the/socket";
	l.mode = mode;
	l.mode_set = true;
	return l;
}

static mode_t
mode_of(const char *name)
{
	struct stat st;

	ck_assert_int_eq(lstat(name, &st), 0);
	return st.st_mode & 07777;
}

static int
check(int fd, const struct listener *l)
{
	return socket_unit_check(fd, l, &why);
}

static int
apply(int fd, const struct listener *l)
{
	return socket_unit_apply(fd, l, &notes, &why);
}

#define assert_why(words) ck_assert_msg(strstr(why.text, words) != NULL, "%s", why.text)
#define assert_note(i, words) \
	ck_assert_msg(notes.n > (i) && strstr(notes.list[i].text, words) != NULL, "%zu notes: %s", \
	    notes.n, notes.n > (i) ? notes.list[i].text : "")

START_TEST(a_mode_is_applied_and_told_once)
{
	struct listener l = with_mode(0660);
	int fd = unix_socket(path);

	ck_assert_int_eq(check(fd, &l), 0);
	ck_assert_uint_eq(mode_of(path), 0666);
	ck_assert_int_eq(apply(fd, &l), 0);
	ck_assert_uint_eq(mode_of(path), 0660);
	ck_assert_uint_eq(notes.n, 1);
	ck_assert_str_eq(notes.list[0].file, "reqd.conf");
	ck_assert_uint_eq(notes.list[0].line, 7);
	assert_note(0, "mode 0666 -> 0660.");
	assert_note(0, "SocketMode=0660");

	/* The next reqd with the same socket. */
	ck_assert_int_eq(apply(fd, &l), 0);
	ck_assert_uint_eq(notes.n, 1);
	close(fd);
}
END_TEST

/* The socket unit may be stricter than our defaults. */
START_TEST(what_is_not_written_is_left_alone)
{
	struct listener l = with_mode(0666);
	int fd = unix_socket(path);

	l.mode_set = false;
	ck_assert_int_eq(chmod(path, 0600), 0);
	ck_assert_int_eq(check(fd, &l), 0);
	ck_assert_int_eq(apply(fd, &l), 0);
	ck_assert_uint_eq(mode_of(path), 0600);

	/* A group alone leaves the mode. */
	l.gid = getegid();
	l.group = (char *)(uintptr_t)"ours";
	ck_assert_int_eq(apply(fd, &l), 0);
	ck_assert_uint_eq(mode_of(path), 0600);
	ck_assert_uint_eq(notes.n, 0);
	ck_assert_int_eq(unlink(path), 0);
	l.gid = (gid_t)-1;
	ck_assert_int_eq(check(fd, &l), 0);
	close(fd);
}
END_TEST

START_TEST(a_file_that_is_gone_is_refused)
{
	struct listener l = with_mode(0660);
	int fd = unix_socket(path);

	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(check(fd, &l), -EINVAL);
	assert_why("its file is gone");
	assert_why("restart its socket unit");
	ck_assert_int_eq(apply(fd, &l), -EINVAL);
	close(fd);
}
END_TEST

/* Another user who may write to the directory has put another file there. */
START_TEST(what_is_another_file_is_not_touched)
{
	struct listener l = with_mode(0660);
	int fd = unix_socket(path), other;
	char victim[128];

	ck_assert_int_eq(unlink(path), 0);
	other = unix_socket(path);
	ck_assert_int_eq(check(fd, &l), -EINVAL);
	assert_why("another file is at its path");
	ck_assert_int_eq(apply(fd, &l), -EINVAL);
	ck_assert_uint_eq(mode_of(path), 0666);
	close(other);

	/* A socket of somebody else under a second name, and a link to one. */
	snprintf(victim, sizeof(victim), "%s/victim", dir);
	other = unix_socket(victim);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(link(victim, path), 0);
	ck_assert_int_eq(apply(fd, &l), -EINVAL);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(symlink(victim, path), 0);
	ck_assert_int_eq(apply(fd, &l), -EINVAL);
	ck_assert_uint_eq(mode_of(victim), 0666);
	ck_assert_int_eq(unlink(victim), 0);
	close(other);
	close(fd);
}
END_TEST

/* As the package starts reqd: root, without the capabilities for files. */
static void
drop_file_capabilities(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct caps[_LINUX_CAPABILITY_U32S_3];

	ck_assert_int_eq((int)syscall(SYS_capget, &head, caps), 0);
	caps[0].effective &= ~(1u << CAP_CHOWN | 1u << CAP_FOWNER);
	ck_assert_int_eq((int)syscall(SYS_capset, &head, caps), 0);
}

START_TEST(an_owner_that_cannot_be_given_is_refused)
{
	struct listener l = with_mode(0660);
	int fd = unix_socket(path);

	drop_file_capabilities();
	l.uid = geteuid() + 1;
	l.owner = (char *)(uintptr_t)"somebody";
	ck_assert_int_eq(check(fd, &l), -EINVAL);
	assert_why("CAP_CHOWN");
	assert_why("set SocketMode=0660, SocketUser=somebody in its socket unit");
	ck_assert_uint_eq(mode_of(path), 0666);

	/* The mode of our own is within our rights. */
	l.uid = (uid_t)-1;
	ck_assert_int_eq(check(fd, &l), 0);
	ck_assert_int_eq(apply(fd, &l), 0);
	ck_assert_uint_eq(mode_of(path), 0660);
	close(fd);
}
END_TEST

/* SocketUser= of somebody, and no right to what is his. */
START_TEST(a_mode_of_what_is_not_ours_is_refused)
{
	struct listener l = with_mode(0660);
	int fd = unix_socket(path);

	if (geteuid() == 0) {
		ck_assert_int_eq(chown(path, 65534, (gid_t)-1), 0);
		drop_file_capabilities();
		ck_assert_int_eq(check(fd, &l), -EINVAL);
		assert_why("set SocketMode=0660 in its socket unit");
		ck_assert_int_eq(apply(fd, &l), -EINVAL);
		ck_assert_uint_eq(mode_of(path), 0666);
		/* Nothing to do is within everybody's rights. */
		l.mode = 0666;
		ck_assert_int_eq(check(fd, &l), 0);
		ck_assert_int_eq(apply(fd, &l), 0);
		ck_assert_uint_eq(notes.n, 0);
	}
	close(fd);
}
END_TEST

/* Without CAP_FOWNER the mode has to come first. */
START_TEST(mode_and_owner_change_together)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct caps[_LINUX_CAPABILITY_U32S_3];
	struct listener l = with_mode(0770);
	int fd = unix_socket(path);
	struct stat st;

	if (geteuid() == 0) {
		ck_assert_int_eq((int)syscall(SYS_capget, &head, caps), 0);
		caps[0].effective &= ~(1u << CAP_FOWNER);
		ck_assert_int_eq((int)syscall(SYS_capset, &head, caps), 0);
		l.uid = 65534;
		l.owner = (char *)(uintptr_t)"nobody";
		l.gid = 65534;
		l.group = (char *)(uintptr_t)"nogroup";
		ck_assert_int_eq(check(fd, &l), 0);
		ck_assert_int_eq(apply(fd, &l), 0);
		ck_assert_int_eq(lstat(path, &st), 0);
		ck_assert_uint_eq(st.st_mode & 07777, 0770);
		ck_assert_uint_eq(st.st_uid, 65534);
		ck_assert_uint_eq(st.st_gid, 65534);
		assert_note(0, "owner 0 -> 65534");
		assert_note(0, "SocketMode=0770, SocketUser=nobody, SocketGroup=nogroup");
	}
	close(fd);
}
END_TEST

START_TEST(keys_of_the_other_kind_are_refused)
{
	struct listener l = plain("fd://web");
	int fd = unix_socket(path), tcp = tcp_socket(AF_INET, false, 0);
	int pair[2];

	ck_assert_int_eq(check(fd, &l), 0);
	ck_assert_int_eq(check(tcp, &l), 0);
	l.freebind = true;
	ck_assert_int_eq(check(tcp, &l), 0);
	ck_assert_int_eq(check(fd, &l), -EINVAL);
	assert_why("'freebind'");
	l.freebind = false;
	l.mode_set = true;
	l.mode = 0600;
	ck_assert_int_eq(check(tcp, &l), -EINVAL);
	assert_why("'mode'");
	/* By name as well as by path. */
	ck_assert_int_eq(check(fd, &l), 0);
	ck_assert_int_eq(apply(fd, &l), 0);
	ck_assert_uint_eq(mode_of(path), 0600);
	close(fd);
	close(tcp);

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	ck_assert_int_eq(check(pair[0], &l), -EINVAL);
	assert_why("has no file");
	close(pair[0]);
	close(pair[1]);
}
END_TEST

START_TEST(families_cannot_be_changed)
{
	struct listener l = plain("tcp://*:7373");
	int ipv4 = tcp_socket(AF_INET, true, 0), both = tcp_socket(AF_INET6, true, 0);
	int ipv6 = tcp_socket(AF_INET6, true, 1), local = tcp_socket(AF_INET6, false, 0);

	socket_unit_note(ipv4, &l, &notes);
	assert_note(0, "for IPv4 only");
	assert_note(0, "ListenStream=7373");
	l.ipv6_only = true;
	ck_assert_int_eq(check(ipv4, &l), -EINVAL);
	close(ipv4);
	/* A kernel without IPv6. */
	if (both < 0 || ipv6 < 0 || local < 0)
		return;
	ck_assert_int_eq(check(both, &l), -EINVAL);
	assert_why("BindIPv6Only=ipv6-only");
	ck_assert_int_eq(check(ipv6, &l), 0);
	/* No IPv4 comes to ::1 in any case. */
	ck_assert_int_eq(check(local, &l), 0);
	socket_unit_note(ipv6, &l, &notes);
	ck_assert_uint_eq(notes.n, 1);
	l.ipv6_only = false;
	socket_unit_note(both, &l, &notes);
	ck_assert_uint_eq(notes.n, 1);
	socket_unit_note(ipv6, &l, &notes);
	assert_note(1, "BindIPv6Only=both");
	close(both);
	close(ipv6);
	close(local);
}
END_TEST

START_TEST(freebind_comes_too_late)
{
	struct listener l = plain("tcp://127.0.0.1:7373");
	int fd = tcp_socket(AF_INET, false, 0), on = 1;

	socket_unit_note(fd, &l, &notes);
	ck_assert_uint_eq(notes.n, 0);
	l.freebind = true;
	socket_unit_note(fd, &l, &notes);
	assert_note(0, "FreeBind=yes");
	ck_assert_int_eq(setsockopt(fd, IPPROTO_IP, IP_FREEBIND, &on, sizeof(on)), 0);
	socket_unit_note(fd, &l, &notes);
	ck_assert_uint_eq(notes.n, 1);
	close(fd);
}
END_TEST

START_TEST(settings_that_decide)
{
	struct listener l = plain("unix:///x");

	ck_assert_str_eq(socket_unit_setting(&l, "mode"), "SocketMode=");
	ck_assert_str_eq(socket_unit_setting(&l, "owner"), "SocketUser=");
	ck_assert_str_eq(socket_unit_setting(&l, "group"), "SocketGroup=");
	ck_assert_str_eq(socket_unit_setting(&l, "send-buffer"), "SendBuffer=");
	ck_assert_str_eq(socket_unit_setting(&l, "ipv6-only"), "BindIPv6Only=");
	ck_assert_ptr_null(socket_unit_setting(&l, "backlog"));
	l.mode_set = true;
	l.uid = 0;
	l.gid = 0;
	l.send_buffer = 4096;
	ck_assert_ptr_null(socket_unit_setting(&l, "mode"));
	ck_assert_ptr_null(socket_unit_setting(&l, "owner"));
	ck_assert_ptr_null(socket_unit_setting(&l, "group"));
	ck_assert_ptr_null(socket_unit_setting(&l, "send-buffer"));
}
END_TEST

UNIT_MAIN("socketunit", tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_test(tc, a_mode_is_applied_and_told_once);
    tcase_add_test(tc, what_is_not_written_is_left_alone);
    tcase_add_test(tc, a_file_that_is_gone_is_refused);
    tcase_add_test(tc, what_is_another_file_is_not_touched);
    tcase_add_test(tc, an_owner_that_cannot_be_given_is_refused);
    tcase_add_test(tc, a_mode_of_what_is_not_ours_is_refused);
    tcase_add_test(tc, mode_and_owner_change_together);
    tcase_add_test(tc, keys_of_the_other_kind_are_refused);
    tcase_add_test(tc, families_cannot_be_changed);
    tcase_add_test(tc, freebind_comes_too_late);
    tcase_add_test(tc, settings_that_decide))
