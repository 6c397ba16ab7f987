/* SPDX-License-Identifier: ISC */
/*
 * A pool whose processes break, die or never come up.
 */
#include "config.h"

#include "pool-peer.h"

START_TEST(broken_is_replaced)
{
	struct leased a = lease(0, "one"), b;

	ends_when_broken(&a, 3);
	b = lease(0, "one");
	ck_assert_uint_ne(b.id, a.id);
	serves(&b);
}
END_TEST

START_TEST(dies_while_lent)
{
	struct leased a = lease(0, "one"), b;

	broker.errors_expected = true;
	give_back(&a, 1);
	a = lease(0, "one");
	dies(&a);
	b = lease(1, "one");
	ck_assert_uint_ne(b.id, a.id);
	give_back_broken(&a, 0);	/* too late to mean anything */
	serves(&b);
	sync_worker(1);
	ck_assert_uint_eq(stats_of(S_ONE)->died, 1);
}
END_TEST

/* The one that is always kept is for who waits: it is not started twice. */
START_TEST(never_more_than_max)
{
	struct leased a = lease(0, "one"), b;

	broker.errors_expected = true;
	want(1, "one");
	expect_recall(&a);
	dies(&a);
	give_back_broken(&a, 0);
	b = get_lease(1, "one");
	sync_worker(1);
	ck_assert_uint_eq(stats_of(S_ONE)->processes, 1);
	ck_assert_uint_eq(stats_of(S_ONE)->started, 2);
	give_back(&b, 1);
}
END_TEST

/* While one that works is there, new ones may fail as they like. */
START_TEST(failing_beside_a_sound_one)
{
	static const char text[] =
	    LISTEN
	    "kill-grace = 20ms\n"
	    "service \"luck\" { handler = {\"/bin/cat\"} ready = ping\n"
	    "  processes { min = 0 max = 4 idle = 1h } }\n";
	struct leased good, l;

	broker.errors_expected = true;
	configure(2, text);
	want(0, "luck");
	l = get_lease_any("luck");
	ck_assert_uint_eq(l.lease.is_probe, 1);
	give_back(&l, 0);
	good = get_lease_any("luck");
	ck_assert_uint_eq(good.lease.is_probe, 0);
	for (int i = 0; i < 5; i++) {
		want(1, "luck");
		l = get_lease_any("luck");
		if (!l.lease.is_probe) {
			give_back(&l, 1);
			break;
		}
		give_back_broken(&l, 0);
	}
	sync_worker(0);
	sync_worker(1);
	serves(&good);
	/*
	 * The waiting calls get the process one after the other, and are not
	 * refused.
	 */
	for (int i = 0; i < 4; i++) {
		l = get_lease_any("luck");
		give_back(&l, l.lease.is_probe ? 0 : 1);
	}
}
END_TEST

/* One more try: a process, that ends at once, or none any more? */
static bool
is_refused(const char *service)
{
	struct leased l;

	want(0, service);
	if (!get_lease_or_unable(0, service, &l))
		return true;
	ck_ends(l.out);
	give_back_broken(&l, 0);
	return false;
}

START_TEST(out_of_order)
{
	struct frame f;
	int tries = 0;

	broker.errors_expected = true;
	while (!is_refused("bad"))
		ck_assert_int_lt(++tries, 20);
	ck_assert_uint_eq(stats_of(S_BAD)->is_failing, 1);
	ck_assert_uint_ge(stats_of(S_BAD)->died, 3);
	ck_assert_uint_le(stats_of(S_BAD)->started, 6);
	/* Unknown as long as it is only a worker that has missed it. */
	ck_assert(stats_of(S_BAD)->last.status == DEATH_ENDED ||
	    WEXITSTATUS(stats_of(S_BAD)->last.status) == 1);
	ck_assert_uint_gt(stats_of(S_BAD)->last_usec, 0);
	ck_assert_uint_le(stats_of(S_BAD)->failing_usec, stats_of(S_BAD)->last_usec);
	ck_assert_uint_gt(stats_of(S_BAD)->failing_usec, 0);
	want(1, "bad");
	f = get(broker.worker[1], FRAME_UNABLE);
	ck_assert_str_eq(f.unable.service, "bad");
	ck_assert_uint_eq(f.unable.reason, UNABLE_FAILING);
	ck_assert_uint_gt(f.unable.retry_usec, 0);
	ck_assert(f.unable.death.status == DEATH_ENDED ||
	    WEXITSTATUS(f.unable.death.status) == 1);
	want(1, "unheard-of");
	f = get(broker.worker[1], FRAME_UNABLE);
	ck_assert_str_eq(f.unable.service, "unheard-of");
	ck_assert_uint_eq(f.unable.reason, UNABLE_GONE);
}
END_TEST

static void
add(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, broken_is_replaced);
	tcase_add_test(tc, dies_while_lent);
	tcase_add_test(tc, never_more_than_max);
	tcase_add_test(tc, failing_beside_a_sound_one);
	tcase_add_test(tc, out_of_order);
}

UNIT_MAIN("pool", add(tc))
