/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/digest.h"
#include "unit.h"

START_TEST(a_sealed_file_cannot_change)
{
	int fd = fd_sealed("test", "hello", 5);
	const char *data;
	size_t len;

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(pwrite(fd, "x", 1, 0), -1);
	ck_assert_int_eq(ftruncate(fd, 0), -1);
	ck_assert_int_eq(fd_map_sealed(fd, 5, &data, &len), 0);
	ck_assert_uint_eq(len, 5);
	ck_assert_int_eq(memcmp(data, "hello", 5), 0);
	munmap((void *)(uintptr_t)data, len);
	ck_assert_int_eq(fd_map_sealed(fd, 4, &data, &len), -EFBIG);
	close(fd);
}
END_TEST

START_TEST(what_can_still_change_is_refused)
{
	const char *data;
	size_t len;
	int memory = memfd_create("open", MFD_ALLOW_SEALING);
	int file = open("/dev/null", O_RDONLY);

	ck_assert_int_eq(ftruncate(memory, 10), 0);
	ck_assert_int_eq(fd_map_sealed(memory, 100, &data, &len), -EPERM);
	ck_assert_int_lt(fd_map_sealed(file, 100, &data, &len), 0);
	close(memory);
	close(file);
}
END_TEST

START_TEST(digests_keep_parts_apart)
{
	struct slice a[] = { SLICE("ab"), SLICE("c") }, b[] = { SLICE("a"), SLICE("bc") };
	struct digest da = digest_of(a, 2), db = digest_of(b, 2), none = { 0 };

	ck_assert(!digest_eq(&da, &db));
	ck_assert(digest_is_none(&none));
	ck_assert(!digest_is_none(&da));
	db = digest_of(a, 2);
	ck_assert(digest_eq(&da, &db));
}
END_TEST

START_TEST(a_lifted_one_is_above_and_closed_on_exec)
{
	int low = open("/dev/null", O_RDONLY), high = fd_lift(low, 50);

	ck_assert_int_ge(high, 50);
	ck_assert_int_ne(fcntl(high, F_GETFD) & FD_CLOEXEC, 0);
	ck_assert_int_eq(fcntl(low, F_GETFD), -1);
	/* An error in place of a descriptor is returned as it is. */
	ck_assert_int_eq(fd_lift(-ENFILE, 50), -ENFILE);
	close(high);
}
END_TEST

START_TEST(closed_standard_descriptors_are_filled)
{
	for (int mask = 0; mask < 8; mask++) {
		int next, before = open("/dev/null", O_RDONLY);

		close(before);
		for (int fd = 0; fd < 3; fd++) {
			if ((mask & 1 << fd) != 0)
				close(fd);
		}
		ck_assert_int_eq(fd_fill(STDERR_FILENO + 1), 0);
		for (int fd = 0; fd < 3; fd++)
			ck_assert_int_ge(fcntl(fd, F_GETFD), 0);
		for (int fd = 0; fd < 3; fd++)
			ck_assert((mask & 1 << fd) == 0 || fcntl(fd, F_GETFD) == 0);
		next = open("/dev/null", O_RDONLY);
		ck_assert_int_eq(next, before);
		close(next);
	}
}
END_TEST

START_TEST(numbers_are_filled_up_to_a_limit)
{
	int high = dup2(STDIN_FILENO, 40);

	ck_assert_int_eq(close_range(3, 39, 0), 0);
	ck_assert_int_eq(fd_fill(6), 0);
	for (int fd = 3; fd < 6; fd++)
		ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	ck_assert_int_lt(fcntl(6, F_GETFD), 0);
	close(high);
}
END_TEST

START_TEST(sockets_have_a_domain)
{
	int tcp = socket(AF_INET, SOCK_STREAM, 0), local = socket(AF_UNIX, SOCK_STREAM, 0);
	int file = open("/dev/null", O_RDONLY);

	ck_assert_int_eq(fd_domain(tcp), AF_INET);
	ck_assert_int_eq(fd_domain(local), AF_UNIX);
	ck_assert_int_eq(fd_domain(file), AF_UNSPEC);
	close(tcp);
	close(local);
	close(file);
}
END_TEST

START_TEST(a_text_is_read_as_far_as_it_fits)
{
	char dir[] = "/tmp/reqd-test-fd.XXXXXX", text[8];
	int at, fd;

	ck_assert_ptr_nonnull(mkdtemp(dir));
	at = open(dir, O_RDONLY | O_DIRECTORY);
	fd = openat(at, "file", O_RDWR | O_CREAT, 0600);
	ck_assert_int_eq(fd_read_text(at, "file", text, sizeof(text)), 0);
	ck_assert_str_eq(text, "");
	ck_assert_int_eq(write(fd, "1234567", 7), 7);
	ck_assert_int_eq(fd_read_text(at, "file", text, sizeof(text)), 7);
	ck_assert_str_eq(text, "1234567");
	ck_assert_int_eq(write(fd, "89", 2), 2);
	ck_assert_int_eq(fd_read_text(at, "file", text, sizeof(text)), 7);
	ck_assert_str_eq(text, "1234567");
	ck_assert_int_eq(unlinkat(at, "file", 0), 0);

	ck_assert_int_eq(fd_read_text(at, "file", text, sizeof(text)), -ENOENT);
	ck_assert_str_eq(text, "");
	memset(text, 'x', sizeof(text));
	ck_assert_int_eq(fd_read_text(at, ".", text, sizeof(text)), -EISDIR);
	ck_assert_str_eq(text, "");
	ck_assert_int_gt(fd_read_text(AT_FDCWD, "/proc/self/stat", text, sizeof(text)), 0);
	close(fd);
	close(at);
	rmdir(dir);
}
END_TEST

UNIT_MAIN("fd", tcase_add_test(tc, a_sealed_file_cannot_change);
    tcase_add_test(tc, what_can_still_change_is_refused);
    tcase_add_test(tc, digests_keep_parts_apart);
    tcase_add_test(tc, a_lifted_one_is_above_and_closed_on_exec);
    tcase_add_test(tc, closed_standard_descriptors_are_filled);
    tcase_add_test(tc, numbers_are_filled_up_to_a_limit);
    tcase_add_test(tc, sockets_have_a_domain);
    tcase_add_test(tc, a_text_is_read_as_far_as_it_fits))
