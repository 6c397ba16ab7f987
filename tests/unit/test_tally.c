/* SPDX-License-Identifier: ISC */
/* The tally of a worker: counts that others see, a pace over all workers, lies, a full table. */
#include "config.h"

#include "ipc/tally.h"

#include <check.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/siphash.h"
#include "ipc/stats.h"
#include "unit.h"

#define NOW (77 * USEC_PER_SEC + 400000)

/* Three workers, as each of them sees the pages. */
static struct stats page[3];
static struct stats_pages workers[3];

static void
begin(void)
{
	for (unsigned i = 0; i < 3; i++) {
		memset(&page[i].tally, 0, sizeof(page[i].tally));
		workers[i] = (struct stats_pages){ .own = &page[i], .n_others = 2, .slot = i };
		for (unsigned j = 0; j < 3; j++)
			workers[i].others[j] = &page[j];
	}
}

static uint64_t
key_of(uint32_t n)
{
	struct digest d = { 0 };

	memcpy(d.bytes + 12, &n, sizeof(n));
	return tally_key(&page[0].tally, &d, "ci");
}

/* The two vectors that the authors of SipHash publish. */
START_TEST(the_hash_is_siphash)
{
	uint64_t key[2];
	uint8_t bytes[16];

	for (uint8_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = i;
	memcpy(key, bytes, sizeof(key));
	ck_assert_uint_eq(siphash(key, bytes, 0), UINT64_C(0x726fdb47dd0e0e31));
	ck_assert_uint_eq(siphash(key, bytes, 15), UINT64_C(0xa129ca6149be45e5));
}
END_TEST

START_TEST(a_key_depends_on_all_that_it_is_made_of)
{
	struct digest a = { .bytes = { 1 } }, b = { .bytes = { 2 } };
	struct tally *t = &page[0].tally;
	uint64_t key;

	begin();
	key = tally_key(t, &a, "x");
	ck_assert_uint_eq(tally_key(t, &a, "x"), key);
	ck_assert_uint_ne(tally_key(t, &b, "x"), key);
	ck_assert_uint_ne(tally_key(t, &a, "y"), key);
	t->secret[1] = 1;
	ck_assert_uint_ne(tally_key(t, &a, "x"), key);
}
END_TEST

START_TEST(what_others_have_is_added_up)
{
	begin();
	tally_set(&page[0].tally, key_of(1), 5, 4, 3, NOW);
	tally_set(&page[1].tally, key_of(1), 10, 2, 1, NOW);
	tally_set(&page[2].tally, key_of(1), 100, 0, 0, NOW);
	tally_set(&page[2].tally, key_of(2), 7, 0, 0, NOW);
	ck_assert_uint_eq(tally_of_others(&workers[0], key_of(1)).connections, 110);
	ck_assert_uint_eq(tally_of_others(&workers[0], key_of(1)).strangers, 2);
	ck_assert_uint_eq(tally_of_others(&workers[0], key_of(1)).calls, 1);
	ck_assert_uint_eq(tally_of_others(&workers[2], key_of(2)).connections, 0);
	tally_set(&page[2].tally, key_of(1), 0, 0, 0, NOW);
	ck_assert_uint_eq(tally_of_others(&workers[0], key_of(1)).connections, 10);
	tally_clear(&page[1].tally);
	ck_assert_uint_eq(tally_of_others(&workers[0], key_of(1)).connections, 0);
}
END_TEST

/* begin: so many may in one span, whichever workers are asked. */
static const struct {
	struct rate rate;
	uint64_t now, wait;
} paces[] = {
	{ { 5, 1 }, NOW, 600000 },
	{ { 1, 1 }, NOW, 600000 },
	{ { 100, 5 }, NOW, 2600000 },
	{ { 3, 60 }, NOW, 42600000 },
	{ { 2, 3600 }, NOW, UINT64_C(3522600000) },
	{ { 5, 1 }, 77 * USEC_PER_SEC, 1000000 },
};

START_TEST(a_pace_holds_over_all_workers)
{
	struct rate rate = paces[_i].rate;
	uint64_t now = paces[_i].now, wait = 0;

	begin();
	for (unsigned n = 0; n < rate.n; n++)
		ck_assert(tally_begin(&workers[n % 3], key_of(1), rate, now, &wait));
	for (unsigned i = 0; i < 3; i++) {
		ck_assert(!tally_begin(&workers[i], key_of(1), rate, now, &wait));
		ck_assert_uint_eq(wait, paces[_i].wait);
		ck_assert(tally_begin(&workers[i], key_of(2 + i), rate, now, &wait));
	}
	now += paces[_i].wait;
	for (unsigned n = 0; n < rate.n; n++)
		ck_assert(tally_begin(&workers[n % 2], key_of(1), rate, now, &wait));
	ck_assert(!tally_begin(&workers[2], key_of(1), rate, now, &wait));
}
END_TEST

/* Another worker may write anything: it can have somebody refused, and no more. */
START_TEST(a_lie_has_somebody_refused_and_no_more)
{
	uint64_t wait = 0;

	begin();
	memset(page[1].tally.rows, 0xff, sizeof(page[1].tally.rows));
	tally_set(&page[0].tally, key_of(1), 5, 0, 0, NOW);
	ck_assert_uint_eq(tally_of_others(&workers[2], key_of(1)).connections, 5);
	for (size_t i = 0; i < TALLY_ROWS; i++) {
		page[1].tally.rows[i].key = key_of(1);
		page[1].tally.rows[i].until_sec = 78;
	}
	page[2].tally = page[1].tally;
	ck_assert_uint_eq(tally_of_others(&workers[0], key_of(1)).connections, UINT32_MAX);
	ck_assert(!tally_begin(&workers[0], key_of(1), (struct rate){ UINT32_MAX, 1 }, NOW,
	    &wait));
	ck_assert_uint_le(wait, USEC_PER_SEC);
	ck_assert(tally_begin(&workers[0], key_of(2), (struct rate){ 1, 1 }, NOW, &wait));
}
END_TEST

START_TEST(who_has_most_is_seen_in_a_full_table)
{
	const uint32_t few = 1, many = 40;

	begin();
	tally_set(&page[1].tally, key_of(0), many, 0, 0, NOW);
	for (uint32_t n = 1; n < 50000; n++)
		tally_set(&page[1].tally, key_of(n), few, 0, 0, NOW);
	ck_assert_uint_eq(tally_of_others(&workers[0], key_of(0)).connections, many);
	/* A source that comes now, and takes much, is seen too. */
	tally_set(&page[1].tally, key_of(50000), many, 0, 0, NOW);
	ck_assert_uint_eq(tally_of_others(&workers[0], key_of(50000)).connections, many);
	/* To end what has lost its row is no mistake. */
	for (uint32_t n = 1; n < 50000; n++)
		tally_set(&page[1].tally, key_of(n), 0, 0, 0, NOW);
	ck_assert_uint_eq(tally_of_others(&workers[0], key_of(0)).connections, many);
}
END_TEST

/* A source of so many addresses is not held, and shuts nobody out. */
START_TEST(many_who_begin_do_not_shut_others_out)
{
	const struct rate rate = { 100, 5 };
	uint64_t wait;

	begin();
	for (uint32_t n = 0; n < 20000; n++) {
		for (unsigned i = 0; i < 3; i++)
			ck_assert(tally_begin(&workers[i], key_of(n), rate, NOW, &wait));
	}
}
END_TEST

UNIT_MAIN("tally",
    tcase_add_test(tc, the_hash_is_siphash);
    tcase_add_test(tc, a_key_depends_on_all_that_it_is_made_of);
    tcase_add_test(tc, what_others_have_is_added_up);
    tcase_add_loop_test(tc, a_pace_holds_over_all_workers, 0, (int)ARRAY_LEN(paces));
    tcase_add_test(tc, a_lie_has_somebody_refused_and_no_more);
    tcase_add_test(tc, who_has_most_is_seen_in_a_full_table);
    tcase_add_test(tc, many_who_begin_do_not_shut_others_out))
