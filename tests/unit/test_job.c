/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "ipc/job.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "unit.h"

static struct job job;
static struct jobs jobs;
static int file;

static void
setup(void)
{
	file = job_file();
	ck_assert_int_ge(file, 0);
	ck_assert_int_eq(jobs_open(&jobs, dup(file)), 0);
}

static void
teardown(void)
{
	jobs_close(&jobs);
	(void)close(file);
}

START_TEST(what_is_written_comes_out_again)
{
	struct buf b = BUF_INIT(0);
	uint32_t number;

	buf_append(&b, "/bin/echo\0a b\0\0A=1\0secret\0", 26);
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(jobs_write(&jobs, &(struct job_strings){ buf_slice(&b), 3, 1, 1 },
		    &number), 0);
		ck_assert_uint_eq(job_place(number), i);
		ck_assert_int_eq(job_read(file, job_place(number), &job), 0);
		ck_assert_str_eq(job.argv[0], "/bin/echo");
		ck_assert_str_eq(job.argv[1], "a b");
		ck_assert_str_eq(job.argv[2], "");
		ck_assert_ptr_null(job.argv[3]);
		ck_assert_str_eq(job.envp[0], "A=1");
		ck_assert_ptr_null(job.envp[1]);
		ck_assert_str_eq(job.files[0], "secret");
		ck_assert_ptr_null(job.files[1]);
	}
	buf_done(&b);
}
END_TEST

/* A process that has the file cannot make it larger, smaller or unreadable. */
START_TEST(its_size_is_fixed)
{
	off_t size = lseek(file, 0, SEEK_END);

	ck_assert_int_eq(size, (off_t)JOB_PLACES * JOB_PLACE);
	ck_assert_int_lt(ftruncate(file, size + 1), 0);
	ck_assert_int_lt(ftruncate(file, 0), 0);
	ck_assert_int_lt(pwrite(file, "x", 1, size), 0);
	ck_assert_int_lt(fcntl(file, F_ADD_SEALS, F_SEAL_WRITE), 0);
	ck_assert_int_eq(job_read(file, 0, &job), -EBADMSG);
	ck_assert_int_eq(job_read(file, JOB_PLACES - 1, &job), -EBADMSG);
}
END_TEST

/* One string of so many bytes. */
static int
write_long(size_t len, uint32_t *ret)
{
	static char bytes[JOB_MAX_BYTES];

	memset(bytes, 'x', len - 1);
	bytes[len - 1] = '\0';
	return jobs_write(&jobs, &(struct job_strings){ { bytes, len }, 1, 0, 0 }, ret);
}

/* A job takes places in a row; places are used again, and memory of large ones is given back. */
START_TEST(places_are_used_again)
{
	uint32_t small[4], large[40], again;
	struct stat before, after;
	int n = 0;

	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(write_long(10, &small[i]), 0);
	jobs_free(&jobs, small[1]);
	jobs_free(&jobs, small[1]);
	jobs_free(&jobs, small[2]);
	/* Three in a row are not free there, one is. */
	ck_assert_int_eq(write_long(2 * JOB_PLACE, &again), 0);
	ck_assert_uint_eq(job_place(again), 4);
	ck_assert_int_eq(write_long(10, &again), 0);
	ck_assert_uint_eq(job_place(again), 1);

	ck_assert_int_eq(fstat(file, &before), 0);
	while (write_long(JOB_MAX_BYTES, &large[n]) == 0)
		n++;
	ck_assert_int_eq(write_long(JOB_MAX_BYTES, &again), -EBUSY);
	ck_assert_int_ge(n, 30);
	ck_assert_int_eq(job_read(file, job_place(large[n - 1]), &job), 0);
	ck_assert_uint_eq(strlen(job.argv[0]), JOB_MAX_BYTES - 1);
	while (n-- > 0)
		jobs_free(&jobs, large[n]);
	ck_assert_int_eq(fstat(file, &after), 0);
	ck_assert_int_eq(after.st_blocks, before.st_blocks);
	ck_assert_int_eq(write_long(JOB_MAX_BYTES, &again), 0);
}
END_TEST

/* Jobs of an earlier file do not count in the one at hand. */
START_TEST(jobs_of_an_earlier_file)
{
	uint32_t old, now, other;

	ck_assert_int_eq(write_long(10, &old), 0);
	ck_assert_int_eq(jobs_open(&jobs, job_file()), 0);
	ck_assert_int_eq(write_long(10, &now), 0);
	ck_assert_uint_eq(job_place(old), job_place(now));
	jobs_free(&jobs, old);
	jobs_free(&jobs, 0);
	ck_assert_int_eq(write_long(10, &other), 0);
	ck_assert_uint_ne(job_place(other), job_place(now));
	jobs_close(&jobs);
	jobs_free(&jobs, now);
	ck_assert_int_eq(write_long(10, &now), -ENOMEM);
}
END_TEST

static const struct {
	uint32_t magic, n_argv, n_env, len;
	const char *strings;
	size_t size;
} bad[] = {
	{ 0, 1, 0, 2, "a", 2 },			/* magic */
	{ 0x6a6f6231, 0, 0, 2, "a", 2 },	/* no argv */
	{ 0x6a6f6231, 1, 0, 3, "a", 2 },	/* length */
	{ 0x6a6f6231, 2, 0, 2, "a", 2 },	/* fewer strings than said */
	{ 0x6a6f6231, 1, 0, 4, "a\0b", 4 },	/* more strings than said */
	{ 0x6a6f6231, 1, 0, 1, "a", 1 },	/* no NUL */
	{ 0x6a6f6231, UINT32_MAX, 0, 2, "a", 2 },
	{ 0x6a6f6231, 1, JOB_MAX_STRINGS + 1, 2, "a", 2 },
};

START_TEST(malformed_jobs_are_refused)
{
	char bytes[64];
	int fd;

	memcpy(bytes, &bad[_i], sizeof(struct job_header));
	memcpy(bytes + sizeof(struct job_header), bad[_i].strings, bad[_i].size);
	fd = fd_sealed("bad", bytes, sizeof(struct job_header) + bad[_i].size);
	ck_assert_int_eq(job_read(fd, 0, &job), -EBADMSG);
	close(fd);
	fd = fd_sealed("short", bytes, 3);
	ck_assert_int_eq(job_read(fd, 0, &job), -EBADMSG);
	close(fd);
}
END_TEST

START_TEST(too_much_is_refused)
{
	struct buf b = BUF_INIT(0);
	uint32_t number;

	for (int i = 0; i < JOB_MAX_STRINGS + 1; i++)
		buf_append(&b, "x", 2);
	ck_assert_int_eq(job_check(buf_slice(&b), JOB_MAX_STRINGS + 1, 0), -E2BIG);
	while (buf_len(&b) <= JOB_MAX_BYTES)
		buf_append(&b, bad, sizeof(bad));
	ck_assert_int_eq(jobs_write(&jobs, &(struct job_strings){ buf_slice(&b), 1, 0, 0 },
	    &number), -E2BIG);
	buf_done(&b);
}
END_TEST

/* The program of a child takes what passes the check, and little more. */
START_TEST(what_passes_is_taken_by_the_kernel)
{
	static const rlim_t stacks[] = { 256 << 10, 1 << 20, 4 << 20, 8 << 20 };
	struct rlimit stack;
	struct buf b = BUF_INIT(0);
	size_t n = 0;
	int status;
	pid_t pid;

	ck_assert_int_eq(getrlimit(RLIMIT_STACK, &stack), 0);
	stack.rlim_cur = stacks[_i];
	ck_assert_int_eq(setrlimit(RLIMIT_STACK, &stack), 0);
	for (; n < JOB_MAX_STRINGS - 1; n++) {
		static const char word[599] = "x";
		struct buf longer = BUF_INIT(0);

		buf_append_slice(&longer, buf_slice(&b));
		buf_append(&longer, word, sizeof(word));
		if (job_check(buf_slice(&longer), n + 1, 0) < 0) {
			buf_done(&longer);
			break;
		}
		buf_append(&b, word, sizeof(word));
		buf_done(&longer);
	}
	ck_assert_uint_gt(n, 100);
	pid = fork();
	if (pid == 0) {
		static char *argv[JOB_MAX_STRINGS + 1], *none[1];
		static char word[599];

		memset(word, 'x', sizeof(word) - 1);
		argv[0] = (char *)(uintptr_t)"true";
		for (size_t i = 1; i < n; i++)
			argv[i] = word;
		execve("/bin/true", argv, none);
		_exit(1);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	buf_done(&b);
}
END_TEST

UNIT_MAIN("job", tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, places_are_used_again); tcase_add_test(tc, jobs_of_an_earlier_file);
    tcase_add_test(tc, what_is_written_comes_out_again);
    tcase_add_test(tc, its_size_is_fixed);
    tcase_add_loop_test(tc, malformed_jobs_are_refused, 0, sizeof(bad) / sizeof(bad[0]));
    tcase_add_test(tc, too_much_is_refused);
    tcase_add_loop_test(tc, what_passes_is_taken_by_the_kernel, 0, 4))
