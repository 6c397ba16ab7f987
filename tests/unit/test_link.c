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

/* Says one more; false: it would have to wait. */
static bool
say_if_room(const struct frame *f)
{
	ssize_t n = write(broker.peer[0].pipe, f, sizeof(*f));

	ck_assert(n == (ssize_t)sizeof(*f) || (n < 0 && errno == EAGAIN));
	return n > 0;
}

/*
 * Sends n requests that are refused, and reads only when no more can be
 * sent. Returns how often that was so.
 */
static unsigned
flood(unsigned n)
{
	struct order o = { .service = S_WIDE, .generation = 99 };
	unsigned sent = 0, full = 0;

	(void)fd_set_nonblock(broker.peer[0].pipe, true);
	for (unsigned ended = 0; ended < n; ended++) {
		bool has_room = true;

		while (sent < n && has_room) {
			struct frame f = run_frame(&o, request_id(0));

			has_room = say_if_room(&f);
			sent += has_room;
			full += !has_room;
		}
		ck_assert_uint_eq(get(broker.worker[0], FRAME_ENDED).ended.outcome,
		    OUTCOME_UNAVAIL);
	}
	return full;
}

/* A worker that does not read for long loses no end of a request. */
START_TEST(test_worker_behind)
{
	ck_assert_uint_gt(flood(6000), 0);
}
END_TEST

/*
 * Nor of one that had a slot in the table. So many answers that the broker
 * stops to listen, and then what the programs have to say.
 */
START_TEST(test_ends_for_a_worker_behind)
{
	enum { N = 4, FLOOD = 3000 };
	struct frame none = { .type = FRAME_CANCEL_OWNED, .id = UINT64_C(1) << 32 };
	struct call c[N];
	unsigned started = 0, n_answers = 0, n_ended = 0, n_sent = 0;

	for (int i = 0; i < N; i++)
		c[i] = CALL(.service = S_WIDE, .script = "exec cat", .want_started = true);
	/* Each request is told when its program runs, in whatever order. */
	for (int i = 0; i < N; i++) {
		uint64_t id = get(broker.worker[0], FRAME_STARTED).id;
		unsigned n_known = 0;

		for (int k = 0; k < N; k++)
			n_known += c[k].id == id && (started & 1u << k) == 0 ? 1u << k : 0;
		ck_assert_uint_ne(n_known, 0);
		started |= n_known;
	}
	(void)fd_set_nonblock(broker.peer[0].pipe, true);
	while (n_sent < FLOOD && say_if_room(&none)) {
		n_sent++;
		/* The broker is not to be quicker than we are, nor much slower. */
		if (n_sent % 100 == 0)
			sync_master();
	}
	for (int i = 0; i < N; i++) {
		end_input(&c[i]);
		(void)read_all(c[i].err);
	}
	sync_master();
	while (n_answers < n_sent || n_ended < N) {
		struct frame f = get_with_fd(broker.worker[0], &(int){ 0 });

		n_answers += f.type == FRAME_CANCELLED;
		n_ended += f.type == FRAME_ENDED;
	}
	ck_assert_uint_eq(n_answers, n_sent);
	ck_assert_uint_eq(n_ended, N);
}
END_TEST

static void
add(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup_many, teardown);
	tcase_add_test(tc, test_worker_behind);
	tcase_add_test(tc, test_ends_for_a_worker_behind);
}

UNIT_MAIN("link", add(tc))
