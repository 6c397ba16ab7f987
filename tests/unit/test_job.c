/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "ipc/job.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "unit.h"

static struct job job;

START_TEST(what_is_written_comes_out_again)
{
	struct buf b = BUF_INIT(0);
	int fd;

	buf_append(&b, "/bin/echo\0a b\0\0A=1\0", 19);
	fd = job_file();
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(job_write(fd, buf_slice(&b), 3, 1), 0);
	ck_assert_int_eq(job_read(fd, &job), 0);
	ck_assert_str_eq(job.argv[0], "/bin/echo");
	ck_assert_str_eq(job.argv[1], "a b");
	ck_assert_str_eq(job.argv[2], "");
	ck_assert_ptr_null(job.argv[3]);
	ck_assert_str_eq(job.envp[0], "A=1");
	ck_assert_ptr_null(job.envp[1]);
	buf_done(&b);
	close(fd);
}
END_TEST

/* A process that has the file cannot make it larger, smaller or unreadable. */
START_TEST(its_size_is_fixed)
{
	int fd = job_file();
	off_t size = lseek(fd, 0, SEEK_END);

	ck_assert_int_eq(size, sizeof(struct job_header) + JOB_MAX_BYTES);
	ck_assert_int_lt(ftruncate(fd, size + 1), 0);
	ck_assert_int_lt(ftruncate(fd, 0), 0);
	ck_assert_int_lt(pwrite(fd, "x", 1, size), 0);
	ck_assert_int_lt(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), 0);
	ck_assert_int_eq(job_read(fd, &job), -EBADMSG);
	close(fd);
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
	ck_assert_int_eq(job_read(fd, &job), -EBADMSG);
	close(fd);
	fd = fd_sealed("short", bytes, 3);
	ck_assert_int_eq(job_read(fd, &job), -EBADMSG);
	close(fd);
}
END_TEST

START_TEST(too_much_is_refused)
{
	struct buf b = BUF_INIT(0);

	for (int i = 0; i < JOB_MAX_STRINGS + 1; i++)
		buf_append(&b, "x", 2);
	ck_assert_int_eq(job_check(buf_slice(&b), JOB_MAX_STRINGS + 1, 0), -E2BIG);
	while (buf_len(&b) <= JOB_MAX_BYTES)
		buf_append(&b, bad, sizeof(bad));
	ck_assert_int_eq(job_write(-1, buf_slice(&b), 1, 0), -E2BIG);
	buf_done(&b);
}
END_TEST

UNIT_MAIN("job", tcase_add_test(tc, what_is_written_comes_out_again);
    tcase_add_test(tc, its_size_is_fixed);
    tcase_add_loop_test(tc, malformed_jobs_are_refused, 0, sizeof(bad) / sizeof(bad[0]));
    tcase_add_test(tc, too_much_is_refused))
