/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "base/socketfile.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "unit.h"

static char dir[64], path[96];

static void
set_up(void)
{
	snprintf(dir, sizeof(dir), "%s", "/tmp/reqd-test-socketfile.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/s", dir);
}

static void
tear_down(void)
{
	(void)unlink(path);
	ck_assert_int_eq(rmdir(dir), 0);
}

static mode_t
mode_of(const char *name)
{
	struct stat st;

	ck_assert_int_eq(lstat(name, &st), 0);
	return st.st_mode & 07777;
}

static int
open_file(const char *where, mode_t mode, uid_t uid, gid_t gid, int backlog, struct socket_file *f)
{
	return socket_file_open(where, LISTEN_OPEN, &(struct socket_rights){ mode, uid, gid },
	    backlog, f);
}

static int
try_file(const char *where, uid_t uid, gid_t gid)
{
	return socket_file_open(where, LISTEN_TRY, &(struct socket_rights){ 0600, uid, gid }, 1,
	    NULL);
}

static int
change_file(const struct socket_file *f, enum listen_use use, mode_t mode, uid_t uid, gid_t gid)
{
	return socket_file_change(f, path, use, &(struct socket_rights){ mode, uid, gid });
}

static int
open_it(struct socket_file *f)
{
	return open_file(path, 0640, (uid_t)-1, (gid_t)-1, 4, f);
}

static int
connect_to(const char *name)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0), r;

	snprintf(sa.sun_path, sizeof(sa.sun_path), "%.100s", name);
	r = connect(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0 ? -errno : 0;
	close(fd);
	return r;
}

START_TEST(has_its_mode_whatever_the_umask)
{
	struct socket_file f;
	int fd;

	umask(0777);
	fd = open_it(&f);
	ck_assert_int_ge(fd, 0);
	ck_assert_uint_eq(mode_of(path), 0640);
	ck_assert_int_eq(umask(022), 0777);
	ck_assert_int_eq(connect_to(path), 0);
	ck_assert(socket_file_is(&f, path));
	socket_file_remove(&f, path);
	ck_assert_int_eq(access(path, F_OK), -1);
	close(fd);
}
END_TEST

START_TEST(replaces_a_stale_one_and_nothing_else)
{
	struct socket_file f = { 0 }, g = { 0 };
	int fd, again, file;

	fd = open_it(&f);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(open_it(&g), -EADDRINUSE);
	close(fd);
	again = open_it(&g);
	ck_assert_int_ge(again, 0);
	close(again);
	ck_assert_int_eq(unlink(path), 0);

	file = open(path, O_CREAT | O_WRONLY, 0600);
	ck_assert_int_eq(open_it(&f), -EEXIST);
	close(file);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(symlink("/nowhere", path), 0);
	ck_assert_int_eq(open_it(&f), -EEXIST);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(mkdir(path, 0700), 0);
	ck_assert_int_eq(open_it(&f), -EEXIST);
	ck_assert_int_eq(rmdir(path), 0);
}
END_TEST

START_TEST(what_is_not_ours_is_left_alone)
{
	struct socket_file f;
	int fd = open_it(&f), other;

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(change_file(&f, LISTEN_OPEN, 0600, (uid_t)-1, (gid_t)-1), 0);
	ck_assert_uint_eq(mode_of(path), 0600);

	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(change_file(&f, LISTEN_OPEN, 0666, (uid_t)-1, (gid_t)-1), -ENOENT);
	other = open(path, O_CREAT | O_WRONLY, 0600);
	ck_assert_int_eq(change_file(&f, LISTEN_OPEN, 0666, (uid_t)-1, (gid_t)-1), -ESTALE);
	socket_file_remove(&f, path);
	ck_assert_uint_eq(mode_of(path), 0600);
	close(other);
	close(fd);
}
END_TEST

/*
 * The owner cannot be changed: a client that is to be kept out is kept out all
 * the same.
 */
START_TEST(is_closed_before_it_is_given_away)
{
	bool is_root = geteuid() == 0;
	struct socket_file f;
	int fd = open_it(&f), r;

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(chmod(path, 0666), 0);
	if (is_root) {
		ck_assert_int_eq(chmod(dir, 0711), 0);
		ck_assert_int_eq(chown(path, 65534, getegid()), 0);
		ck_assert_int_eq(seteuid(65534), 0);
	}
	r = change_file(&f, LISTEN_OPEN, 0600, 0, (gid_t)-1);
	ck_assert(!is_root || seteuid(0) == 0);
	ck_assert_int_eq(r, -EPERM);
	ck_assert_uint_eq(mode_of(path), 0600);
	ck_assert_int_eq(unlink(path), 0);
	close(fd);
}
END_TEST

START_TEST(a_link_is_not_followed)
{
	struct socket_file f;
	char victim[96];
	int fd = open_it(&f), other;

	ck_assert_int_ge(fd, 0);
	snprintf(victim, sizeof(victim), "%s/victim", dir);
	other = open(victim, O_CREAT | O_WRONLY, 0600);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(symlink(victim, path), 0);
	ck_assert_int_lt(change_file(&f, LISTEN_OPEN, 0666, (uid_t)-1, (gid_t)-1), 0);
	ck_assert_uint_eq(mode_of(victim), 0600);
	socket_file_remove(&f, path);
	ck_assert_int_eq(unlink(victim), 0);
	close(other);
	close(fd);
}
END_TEST

START_TEST(a_path_that_is_too_long)
{
	struct socket_file f;
	char text[200];

	memset(text, 'x', sizeof(text) - 1);
	text[0] = '/';
	text[sizeof(text) - 1] = '\0';
	ck_assert_int_eq(open_file(text, 0600, (uid_t)-1, (gid_t)-1, 1, &f), -ENAMETOOLONG);
}
END_TEST

/* Says what opening it would, and leaves everything as it is. */
START_TEST(a_try_changes_nothing)
{
	struct socket_file f;
	struct stat before, after;
	char below[128];
	int fd, tried = try_file(path, (uid_t)-1, (gid_t)-1);

	ck_assert_int_ge(tried, 0);
	ck_assert_int_eq(access(path, F_OK), -1);
	close(tried);
	fd = open_it(&f);
	ck_assert_int_eq(try_file(path, (uid_t)-1, (gid_t)-1), -EADDRINUSE);
	close(fd);

	/* A stale one would be replaced; it is there still. */
	ck_assert_int_eq(lstat(path, &before), 0);
	tried = try_file(path, (uid_t)-1, (gid_t)-1);
	ck_assert_int_ge(tried, 0);
	close(tried);
	ck_assert_int_eq(lstat(path, &after), 0);
	ck_assert_uint_eq(before.st_ino, after.st_ino);

	snprintf(below, sizeof(below), "%s/not/there", dir);
	ck_assert_int_eq(try_file(below, (uid_t)-1, (gid_t)-1), -ENOENT);
	snprintf(below, sizeof(below), "%s/s/there", dir);
	ck_assert_int_eq(try_file(below, (uid_t)-1, (gid_t)-1), -ENOTDIR);
	ck_assert_int_eq(try_file(dir, (uid_t)-1, (gid_t)-1), -EEXIST);
}
END_TEST

/* As the unit starts reqd: root, and yet it gives nothing away. */
static void
drop_chown(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct caps[_LINUX_CAPABILITY_U32S_3];

	ck_assert_int_eq((int)syscall(SYS_capget, &head, caps), 0);
	caps[0].effective &= ~(1u << CAP_CHOWN);
	ck_assert_int_eq((int)syscall(SYS_capset, &head, caps), 0);
}

START_TEST(a_try_sees_who_may_not_own_it)
{
	struct socket_file file;
	int tried, fd = open_file(path, 0600, (uid_t)-1, (gid_t)-1, 1, &file);

	ck_assert_int_ge(fd, 0);
	close(fd);
	drop_chown();
	ck_assert_int_eq(try_file(path, geteuid() + 1, (gid_t)-1), -EPERM);
	tried = try_file(path, geteuid(), getegid());
	ck_assert_int_ge(tried, 0);
	close(tried);
	ck_assert_int_eq(change_file(&file, LISTEN_TRY, 0600, geteuid() + 1, (gid_t)-1),
	    -EPERM);
	ck_assert_int_eq(change_file(&file, LISTEN_TRY, 0600, (uid_t)-1, getegid()), 0);
	ck_assert_int_eq(change_file(&file, LISTEN_OPEN, 0600, (uid_t)-1, (gid_t)-1), 0);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(change_file(&file, LISTEN_TRY, 0600, (uid_t)-1, getegid()), -ENOENT);
}
END_TEST

START_TEST(a_place_has_many_names)
{
	char same[128], other[128];

	snprintf(same, sizeof(same), "%s/../%s/s", dir, strrchr(dir, '/') + 1);
	ck_assert(socket_file_same_place(path, path));
	ck_assert(socket_file_same_place(path, same));
	snprintf(other, sizeof(other), "%s/t", dir);
	ck_assert(!socket_file_same_place(path, other));
	ck_assert(!socket_file_same_place(path, "/tmp/s"));
	ck_assert(!socket_file_same_place(path, "/not/there/s"));
}
END_TEST

/* The kernel is asked which file a socket has, whatever is at its path. */
START_TEST(a_socket_is_told_from_what_took_its_place)
{
	struct socket_file own = { 0 }, found = { 0 };
	struct stat st;
	int fd = open_it(&own), other;

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(socket_file_of(fd, path, &found, &st), 0);
	ck_assert(found.dev == own.dev && found.ino == own.ino);
	ck_assert_uint_eq(st.st_mode & 07777, 0640);

	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(socket_file_of(fd, path, &found, &st), -ENOENT);
	other = open(path, O_CREAT | O_WRONLY, 0600);
	ck_assert_int_eq(socket_file_of(fd, path, &found, &st), -ESTALE);
	close(other);
	ck_assert_int_eq(unlink(path), 0);
	other = open_it(&own);
	ck_assert_int_ge(other, 0);
	ck_assert_int_eq(socket_file_of(fd, path, &found, &st), -ESTALE);
	ck_assert_int_eq(socket_file_of(other, path, &found, &st), 0);
	close(other);
	close(fd);
}
END_TEST

/* The kernel has no address of a socket that is not bound. */
START_TEST(a_socket_without_a_file)
{
	struct socket_file own = { 0 }, found = { 0 };
	struct stat st = { 0 };
	int fd = open_it(&own), pair[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	ck_assert_int_eq(socket_file_of(pair[0], path, &found, &st), -EOPNOTSUPP);
	ck_assert_uint_eq(st.st_mode & 07777, 0640);
	close(pair[0]);
	close(pair[1]);
	close(fd);
}
END_TEST

UNIT_MAIN("socketfile", tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_test(tc, has_its_mode_whatever_the_umask);
    tcase_add_test(tc, replaces_a_stale_one_and_nothing_else);
    tcase_add_test(tc, what_is_not_ours_is_left_alone);
    tcase_add_test(tc, is_closed_before_it_is_given_away);
    tcase_add_test(tc, a_link_is_not_followed);
    tcase_add_test(tc, a_path_that_is_too_long);
    tcase_add_test(tc, a_try_changes_nothing);
    tcase_add_test(tc, a_try_sees_who_may_not_own_it);
    tcase_add_test(tc, a_place_has_many_names);
    tcase_add_test(tc, a_socket_is_told_from_what_took_its_place);
    tcase_add_test(tc, a_socket_without_a_file))
