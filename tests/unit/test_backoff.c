/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "base/backoff.h"

#include "base/clock.h"
#include "unit.h"

#define MS USEC_PER_MSEC
#define S USEC_PER_SEC

START_TEST(accidents_cost_no_wait)
{
	struct backoff b = { 0 };

	ck_assert_uint_eq(backoff_after_death(&b, true, 1000 * S, 0), 0);
	ck_assert_uint_eq(backoff_after_death(&b, true, 1030 * S, 0), 0);
	ck_assert_uint_eq(backoff_after_death(&b, true, 1060 * S, 0), 0);
}
END_TEST

START_TEST(the_third_death_in_ten_seconds_waits)
{
	struct backoff b = { 0 };

	ck_assert_uint_eq(backoff_after_death(&b, true, 1000 * S, 0), 0);
	ck_assert_uint_eq(backoff_after_death(&b, true, 1001 * S, 0), 0);
	ck_assert_uint_eq(backoff_after_death(&b, true, 1002 * S, 0), 100 * MS);
	ck_assert_uint_eq(backoff_after_death(&b, true, 1003 * S, 0), 200 * MS);
	/* After a quiet time the deaths are forgotten. */
	ck_assert_uint_eq(backoff_after_death(&b, true, 1100 * S, 0), 0);
}
END_TEST

START_TEST(dead_before_ready_doubles_up_to_a_minute)
{
	struct backoff b = { 0 };
	uint64_t now = 1000 * S, delay = 0, last = 0;

	for (int i = 0; i < 20; i++) {
		delay = backoff_after_death(&b, false, now, 0);
		ck_assert_uint_ge(delay, last);
		last = delay;
		now += delay + 1000;
	}
	ck_assert_uint_eq(delay, 60 * S);
	ck_assert_uint_gt(backoff_after_death(&b, false, now, 1023), 60 * S);
	ck_assert_uint_lt(backoff_after_death(&b, false, now, 1023), 76 * S);
}
END_TEST

UNIT_MAIN("backoff", tcase_add_test(tc, accidents_cost_no_wait);
    tcase_add_test(tc, the_third_death_in_ten_seconds_waits);
    tcase_add_test(tc, dead_before_ready_doubles_up_to_a_minute))
