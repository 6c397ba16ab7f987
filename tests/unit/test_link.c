/* SPDX-License-Identifier: ISC */
/*
 * A link whose other end does not read for long.
 */
#include "config.h"

#include "command-peer.h"

#include <sys/resource.h>

/*
 * An ordinary user may have as many descriptors in flight as open files, which
 * are few in a login shell. The workers raise that limit, too.
 */
static void
setup_many(void)
{
	struct rlimit nofile;

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &nofile), 0);
	nofile.rlim_cur = nofile.rlim_max;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &nofile), 0);
	setup();
}

/*
 * Sends n requests that are refused, and reads only when no more can be
 * sent. Returns how often that was so.
 */
static unsigned
flood(unsigned n, uint32_t generation, enum outcome_kind outcome)
{
	struct order o = { .service = S_WIDE, .generation = generation };
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	int fds[4] = { null, null, null, null };
	unsigned sent = 0, full = 0;

	for (unsigned ended = 0; ended < n; ended++) {
		int r = 0;

		while (sent < n && r == 0) {
			struct frame f = run_frame(&o, request_id(0));

			r = channel_send(runner.worker[0], &f, fds, 4);
			ck_assert(r == 0 || r == -EAGAIN);
			sent += r == 0;
			full += r == -EAGAIN;
		}
		ck_assert_uint_eq(get(runner.worker[0], FRAME_ENDED).ended.outcome, outcome);
	}
	(void)close(null);
	return full;
}

/* A worker that does not read for long loses no end of a request. */
START_TEST(test_worker_behind)
{
	/* Neither of one that had no slot in the table, nor of one that had. */
	ck_assert_uint_gt(flood(3000, 99, OUTCOME_UNAVAIL), 0);
	stop(clock_usec() + FAR);
	(void)get(runner.master, FRAME_DRAINED);
	ck_assert_uint_gt(flood(3000, 1, OUTCOME_DRAINING), 0);
}
END_TEST

static void
add(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup_many, teardown);
	tcase_add_test(tc, test_worker_behind);
}

UNIT_MAIN("link", add(tc))
