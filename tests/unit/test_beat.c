/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "master/beat.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "unit.h"

START_TEST(late_beats_excuse_the_others)
{
	static const struct {
		uint64_t due, now, excuse;
	} cases[] = {
		{ 100 * USEC_PER_SEC, 100 * USEC_PER_SEC, 0 },
		/* Called early, which an event loop may do by its accuracy. */
		{ 100 * USEC_PER_SEC, 99 * USEC_PER_SEC, 0 },
		{ 100 * USEC_PER_SEC, 101 * USEC_PER_SEC, 0 },
		{ 100 * USEC_PER_SEC, 101 * USEC_PER_SEC + 1, USEC_PER_SEC + 1 },
		{ 100 * USEC_PER_SEC, 3700 * USEC_PER_SEC, 3600 * USEC_PER_SEC },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		ck_assert_uint_eq(beat_excuse(cases[i].due, cases[i].now), cases[i].excuse);
}
END_TEST

/* Stuck for a whole beat before it is asked, or asked at once: 10 s, and 2 more or less. */
START_TEST(who_serves_is_replaced_after_ten_seconds)
{
	uint64_t limit = beat_limit(ROLE_WORKER, true);

	ck_assert_uint_eq(limit, beat_limit(ROLE_RUNNER, true));
	ck_assert_uint_ge(limit, 8 * USEC_PER_SEC);
	ck_assert_uint_le(limit + 3 * USEC_PER_SEC, 12 * USEC_PER_SEC);
	ck_assert_uint_gt(beat_limit(ROLE_WORKER, false), limit);
	ck_assert_uint_gt(beat_limit(ROLE_LOG, true), limit);
}
END_TEST

UNIT_MAIN("beat", tcase_add_test(tc, late_beats_excuse_the_others);
    tcase_add_test(tc, who_serves_is_replaced_after_ten_seconds))
