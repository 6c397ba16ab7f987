/* SPDX-License-Identifier: ISC */
/* The pace of sources: a burst, an even pace after it, many sources at a time. */
#include "config.h"

#include "net/pace.h"

#include <check.h>
#include <string.h>

#include "base/clock.h"
#include "unit.h"

static struct digest
source(uint32_t n)
{
	struct digest d = { 0 };

	d.bytes[10] = d.bytes[11] = 0xff;
	memcpy(d.bytes + 12, &n, sizeof(n));
	return d;
}

/* The number of times that the source may begin at this moment. */
static unsigned
begun(struct pace *p, uint32_t n, uint64_t interval, uint64_t now)
{
	struct digest d = source(n);
	unsigned count = 0;

	while (count < 1000 && pace_allows(p, &d, interval, now))
		count++;
	return count;
}

START_TEST(five_seconds_at_once_and_then_evenly)
{
	uint64_t interval = USEC_PER_SEC / 20, now = 77 * USEC_PER_SEC;
	struct pace p;

	pace_init(&p);
	ck_assert_uint_eq(begun(&p, 1, interval, now), 100);
	/* A refusal costs the source nothing, and others even less. */
	ck_assert_uint_eq(begun(&p, 1, interval, now), 0);
	ck_assert_uint_eq(begun(&p, 2, interval, now), 100);
	for (int i = 0; i < 40; i++) {
		now += interval;
		ck_assert_uint_eq(begun(&p, 1, interval, now), 1);
	}
	ck_assert_uint_eq(begun(&p, 1, interval, now + USEC_PER_SEC), 20);
	ck_assert_uint_eq(begun(&p, 1, interval, now + 60 * USEC_PER_SEC), 100);
	pace_done(&p);
}
END_TEST

/* Of 64 workers each has a small part; a source that comes once is never refused. */
START_TEST(a_long_interval_lets_one_begin)
{
	struct pace p;

	pace_init(&p);
	for (uint64_t now = 0; now < 1000 * USEC_PER_SEC; now += 64 * USEC_PER_SEC)
		ck_assert_uint_eq(begun(&p, 1, 64 * USEC_PER_SEC, now), 1);
	pace_done(&p);
}
END_TEST

START_TEST(many_sources_do_not_shut_others_out)
{
	uint64_t interval = USEC_PER_SEC / 20, now = 5;
	struct pace p;

	pace_init(&p);
	for (uint32_t n = 0; n < 100000; n++)
		ck_assert_uint_eq(begun(&p, n, interval, now), 100);
	pace_done(&p);
}
END_TEST

START_TEST(few_sources_are_all_remembered)
{
	struct pace p;
	unsigned again = 0;

	pace_init(&p);
	for (uint32_t n = 0; n < 200; n++)
		ck_assert_uint_eq(begun(&p, n, USEC_PER_SEC, 9), 5);
	for (uint32_t n = 0; n < 200; n++)
		again += begun(&p, n, USEC_PER_SEC, 9);
	ck_assert_uint_eq(again, 0);
	pace_done(&p);
}
END_TEST

UNIT_MAIN("pace",
    tcase_add_test(tc, five_seconds_at_once_and_then_evenly);
    tcase_add_test(tc, a_long_interval_lets_one_begin);
    tcase_add_test(tc, many_sources_do_not_shut_others_out);
    tcase_add_test(tc, few_sources_are_all_remembered))
