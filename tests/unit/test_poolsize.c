/* SPDX-License-Identifier: ISC */
/*
 * poolsize: the number of processes of a pool: more while calls wait, fewer
 * when processes rest, new ones for those that are worn.
 */
#include "config.h"

#include "pool-peer.h"

START_TEST(grows_up_to_max)
{
	struct leased l[3], next;

	for (int i = 0; i < 4; i++)
		want(0, "few");
	for (int i = 0; i < 3; i++) {
		l[i] = get_lease(0, "few");
		ck_echo(&l[i], "x\n");
	}
	sync_worker(0);
	ck_assert_uint_eq(stats_of(S_FEW)->busy, 3);
	ck_assert_uint_eq(stats_of(S_FEW)->waiting, 1);
	give_back(&l[1], 1);
	next = get_lease(0, "few");
	ck_assert_uint_eq(next.id, l[1].id);
	give_back(&l[0], 1);
	give_back(&l[2], 1);
	give_back(&next, 1);
}
END_TEST

/* Also when somebody has been waiting all the time. */
START_TEST(grows_as_often_as_it_must)
{
	struct leased l[3];

	for (int i = 0; i < 4; i++)
		want(0, "few");
	for (int i = 0; i < 3; i++)
		l[i] = get_lease(0, "few");
	for (int i = 0; i < 40; i++) {
		want(0, "few");
		give_back_broken(&l[i % 3], 1);
		l[i % 3] = get_lease(0, "few");
	}
	for (int i = 0; i < 3; i++)
		give_back(&l[i], 1);
}
END_TEST

START_TEST(worn_by_requests)
{
	struct leased a = lease(0, "short"), b;

	ck_assert_uint_ge(a.lease.requests, 10);
	ck_assert_uint_le(a.lease.requests, 11);
	give_back(&a, 4);
	b = lease(0, "short");
	ck_assert_uint_eq(b.id, a.id);
	ck_assert_uint_eq(b.lease.requests, a.lease.requests - 4);
	ends_when_back(&b, b.lease.requests);
	b = lease(0, "short");
	ck_assert_uint_ne(b.id, a.id);
	sync_worker(0);
	ck_assert_uint_eq(stats_of(S_SHORT)->recycled, 1);
	ck_assert_uint_eq(stats_of(S_SHORT)->died, 0);
	give_back(&b, 1);
}
END_TEST

/* There is never more than one beyond max, and yet all are replaced. */
START_TEST(all_worn_at_once)
{
	static const char text[] =
	    LISTEN
	    "service \"aging\" { handler = {\"/bin/cat\"} processes { min = 3 max = 3 age = 400ms } }\n";
	uint64_t seen = 0;

	configure(2, text);
	while (seen < 6) {
		sync_worker(0);
		seen = stats_of(0)->recycled;
		ck_assert_uint_le(stats_of(0)->processes, 4);
		(void)poll(NULL, 0, 1);
	}
	ck_assert_uint_eq(stats_of(0)->died, 0);
}
END_TEST

START_TEST(idle_ones_go)
{
	struct leased l[3];
	int out[3], ended = 0;

	for (int i = 0; i < 3; i++) {
		l[i] = lease(0, "tidy");
		out[i] = dup(l[i].out);
	}
	for (int i = 0; i < 3; i++)
		give_back(&l[i], 1);
	/* Two of them end, whichever, and the third stays. */
	while (ended < 2) {
		struct pollfd p[3];

		for (int i = 0; i < 3; i++)
			p[i] = (struct pollfd){ .fd = out[i], .events = POLLIN };
		ck_assert_int_gt(poll(p, 3, -1), 0);
		for (int i = 0; i < 3; i++) {
			if (p[i].revents == 0)
				continue;
			ck_ends(out[i]);
			(void)close(out[i]);
			out[i] = -1;
			ended++;
		}
	}
	sync_worker(0);
	ck_assert_uint_eq(stats_of(S_TIDY)->processes, 1);
	ck_assert_uint_eq(stats_of(S_TIDY)->died, 0);
}
END_TEST

/* Wants a process of a service. True: it comes, as *ret; false: it cannot be started. */
static bool
try_lease(const char *service, struct leased *ret)
{
	want(0, service);
	await_early(0);
	return get_lease_or_unable(0, service, ret);
}

/*
 * A call that waits for a process which cannot be started is told; later it can
 * be started.
 */
START_TEST(no_kit_for_one)
{
	struct leased l[3];
	int n = 0;

	teardown();
	setup_with_few_files();
	broker.errors_expected = true;
	while (broker.peer[0].n_kits[0] == 0 || broker.peer[0].n_kits[1] == 0)
		(void)take_in_any();
	set_starved(runner.pid, true);
	/* There is one kit at the most. */
	while (try_lease("few", &l[n]))
		ck_assert_int_lt(++n, 2);
	set_starved(runner.pid, false);
	while (!try_lease("few", &l[n]))
		;
	for (int i = 0; i <= n; i++)
		give_back(&l[i], 1);
}
END_TEST

static void
add(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, grows_up_to_max);
	tcase_add_test(tc, grows_as_often_as_it_must);
	tcase_add_test(tc, worn_by_requests);
	tcase_add_test(tc, all_worn_at_once);
	tcase_add_test(tc, idle_ones_go);
	tcase_add_test(tc, no_kit_for_one);
}

UNIT_MAIN("poolsize", add(tc))
