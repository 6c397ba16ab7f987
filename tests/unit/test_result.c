/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "door/resp/sessioncall.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "ipc/frame.h"
#include "unit.h"

static const struct result full = {
	.outcome = { .kind = OUTCOME_EXIT, .status = 3 },
	.service = { "svc", 3 },
	.out = { "out\n", 4 },
	.err = { "\n why\nmore\n", 11 },
	.detail = { "why", 3 },
	.truncated = true,
	.usec = 1240,
	.id = 0xf3a1b2c4d5e697,
};

static void
reply_is(enum resp_version v, enum reply_form form, const struct result *r, const char *wanted)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(0);

	session_write_result(&b, v, form, r);
	ck_assert_str_eq(buf_text(&b), wanted);
}

START_TEST(replies)
{
	struct result good = full, busy = full;

	good.outcome = (struct outcome){ .kind = OUTCOME_EXIT };
	busy.outcome = (struct outcome){ .kind = OUTCOME_BUSY };
	busy.detail = SLICE("queue full");
	reply_is(RESP2, REPLY_PLAIN, &good, "$4\r\nout\n\r\n");
	reply_is(RESP2, REPLY_PLAIN, &full, "-EXIT 3 why\r\n");
	reply_is(RESP2, REPLY_PLAIN, &busy, "-BUSY svc queue full\r\n");
	reply_is(RESP3, REPLY_FULL, &busy, "-BUSY svc queue full\r\n");
	reply_is(RESP3, REPLY_STREAM, &full,
	    "%6\r\n$6\r\nstatus\r\n:3\r\n$6\r\nsignal\r\n_\r\n$9\r\ntruncated\r\n#t\r\n"
	    "$4\r\nusec\r\n:1240\r\n$2\r\nid\r\n$16\r\n00f3a1b2c4d5e697\r\n"
	    "$7\r\noutcome\r\n$4\r\nexit\r\n");
	reply_is(RESP2, REPLY_FULL, &full,
	    "*16\r\n$6\r\nstatus\r\n:3\r\n$6\r\nsignal\r\n$-1\r\n$6\r\nstdout\r\n$4\r\nout\n\r\n"
	    "$6\r\nstderr\r\n$11\r\n\n why\nmore\n\r\n$9\r\ntruncated\r\n:1\r\n"
	    "$4\r\nusec\r\n:1240\r\n$2\r\nid\r\n$16\r\n00f3a1b2c4d5e697\r\n"
	    "$7\r\noutcome\r\n$4\r\nexit\r\n");
}
END_TEST

START_TEST(first_lines)
{
	static const struct {
		const char *text, *line;
	} rows[] = {
		{ "", "" }, { "\n\n", "" }, { "one", "one" }, { "one\ntwo", "one" },
		{ "\n  \n one\n", "one" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		ck_assert(slice_is(result_first_line(slice_of(rows[i].text)), rows[i].line));
}
END_TEST

/* As the broker makes it. */
static int
written(void)
{
	int fd = memfd_create("result", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	ck_assert_int_eq(ftruncate(fd, FRAME_RESULT_BYTES), 0);
	ck_assert_int_eq(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK), 0);
	ck_assert_int_eq(result_write(fd, &full, 0), 0);
	return fd;
}

START_TEST(sealed_and_read_again)
{
	CLEANUP_CLOSE int fd = written();
	struct result_map map;
	struct result r;

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(result_map(fd, &r, &map), 0);
	ck_assert_int_eq(r.outcome.kind, full.outcome.kind);
	ck_assert_int_eq(r.outcome.status, full.outcome.status);
	ck_assert(slice_eq(r.out, full.out));
	ck_assert(slice_eq(r.err, full.err));
	ck_assert(slice_eq(r.detail, full.detail));
	ck_assert(r.truncated);
	ck_assert_uint_eq(r.usec, full.usec);
	ck_assert_uint_eq(r.id, full.id);
	result_unmap(&map);
}
END_TEST

/* Output that is written as it comes makes the same file. */
START_TEST(written_in_parts)
{
	CLEANUP_CLOSE int fd = memfd_create("result", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	struct slice half = { full.out.data, full.out.len / 2 };
	struct result_map map;
	uint64_t n = 0;
	struct result r;

	ck_assert_int_eq(ftruncate(fd, FRAME_RESULT_BYTES), 0);
	ck_assert_int_eq(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK), 0);
	ck_assert_uint_gt(half.len, 0);
	ck_assert_int_eq(result_write_part(fd, half, &n), 0);
	ck_assert_uint_eq(n, half.len);
	ck_assert_int_eq(result_write_part(fd, half, &n), 0);
	ck_assert_int_eq(result_write(fd, &full, n), 0);
	ck_assert_int_eq(result_map(fd, &r, &map), 0);
	ck_assert(slice_eq(r.out, full.out));
	ck_assert(slice_eq(r.err, full.err));
	ck_assert(slice_eq(r.detail, full.detail));
	result_unmap(&map);
}
END_TEST

/* Every byte of it changed, and every length: refused, or read without harm. */
START_TEST(damaged)
{
	CLEANUP_CLOSE int fd = written();
	char data[512];
	ssize_t len = (ssize_t)sizeof(data);

	ck_assert_int_eq(pread(fd, data, sizeof(data), 0), len);
	for (ssize_t i = 0; i <= len; i++) {
		static const unsigned char masks[] = { 0xff, 0x80, 0x01, 0x00 };

		for (size_t m = 0; m < ARRAY_LEN(masks); m++) {
			struct result_map map;
			struct result r;
			size_t n = masks[m] == 0 || i == len ? (size_t)i : (size_t)len;
			int bad;

			if (i < len)
				data[i] = (char)(data[i] ^ masks[m]);
			bad = fd_sealed("damaged", data, n);
			ck_assert_int_ge(bad, 0);
			if (result_map(bad, &r, &map) == 0) {
				ck_assert_uint_le(r.out.len + r.err.len + r.detail.len, n);
				ck_assert_int_lt(r.outcome.kind, OUTCOME_N);
				result_unmap(&map);
			}
			(void)close(bad);
			if (i < len)
				data[i] = (char)(data[i] ^ masks[m]);
		}
	}
}
END_TEST

UNIT_MAIN("result",
    tcase_add_test(tc, replies);
    tcase_add_test(tc, first_lines);
    tcase_add_test(tc, sealed_and_read_again);
	tcase_add_test(tc, written_in_parts);
    tcase_add_test(tc, damaged))
