/* SPDX-License-Identifier: ISC */
/*
 * lending: which worker gets a process of a pool, and which one is asked to
 * give one back.
 */
#include "config.h"

#include "pool-peer.h"

START_TEST(lent_and_lent_again)
{
	struct leased a = lease(0, "one"), b;

	ck_echo(&a, "hello\n");
	ck_assert_uint_eq(a.lease.requests, 0);
	ck_assert_uint_eq(a.lease.is_probe, 0);
	give_back(&a, 1);
	b = lease(1, "one");
	ck_assert_uint_eq(b.id, a.id);
	ck_assert_uint_eq(b.lease.pid, a.lease.pid);
	serves(&b);
	sync_worker(1);
	ck_assert_uint_eq(stats_of(S_ONE)->processes, 1);
	ck_assert_uint_eq(stats_of(S_ONE)->started, 1);
}
END_TEST

START_TEST(shared_between_workers)
{
	struct leased a = lease(0, "one"), b;

	want(1, "one");
	expect_recall(&a);
	want(0, "one");		/* worker 0 has more to do itself */
	give_back(&a, 5);
	b = get_lease(1, "one");
	ck_assert_uint_eq(b.id, a.id);
	expect_recall(&b);
	give_back(&b, 1);
	a = get_lease(0, "one");
	serves(&a);
}
END_TEST

/*
 * A worker with fewer processes gets one of a worker with more, and never the
 * other way round.
 */
START_TEST(recalled_from_who_has_more)
{
	struct leased l[3], b;
	uint64_t id;
	int i = 0;

	for (int k = 0; k < 3; k++)
		l[k] = lease(0, "few");
	want(1, "few");
	id = get(broker.worker[0], FRAME_RECALL).id;
	while (l[i].id != id)
		i++;
	give_back(&l[i], 1);
	b = get_lease(1, "few");
	want(0, "few");
	sync_worker(1);		/* no RECALL came before this answer */
	give_back(&b, 1);
	l[i] = get_lease(0, "few");
	for (int k = 0; k < 3; k++)
		give_back(&l[k], 1);
}
END_TEST

static void
add(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, lent_and_lent_again);
	tcase_add_test(tc, shared_between_workers);
	tcase_add_test(tc, recalled_from_who_has_more);
}

UNIT_MAIN("lending", add(tc))
