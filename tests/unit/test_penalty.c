/* SPDX-License-Identifier: ISC */
/* penalty: failures at given times, and the wait that follows. */
#include "config.h"

#include "auth/penalty.h"

#include <string.h>

#include "base/cleanup.h"
#include "unit.h"

#define SEC USEC_PER_SEC

static struct penalty penalty;

static struct digest
source(uint64_t number)
{
	struct slice part = { (const char *)&number, sizeof(number) };

	return digest_of(&part, 1);
}

static void
setup(void)
{
	penalty_init(&penalty);
}

static void
teardown(void)
{
	penalty_done(&penalty);
}

START_TEST(test_growth)
{
	/* Each failure comes so many seconds after the one before; the wait after it, in seconds. */
	static const struct {
		uint64_t after, wait;
	} table[] = {
		{ 1, 0 }, { 1, 0 }, { 1, 5 }, { 5, 10 }, { 10, 20 }, { 20, 40 }, { 40, 80 },
		{ 80, 160 }, { 160, 320 }, { 320, 600 }, { 600, 600 },
		/* quiet for ten minutes after the wait: forgotten, and three more are needed */
		{ 600 + 601, 0 }, { 1, 0 }, { 1, 5 },
		/* quiet for less */
		{ 5 + 599, 10 },
	};
	struct digest s = source(1), other = source(2);
	uint64_t now = 1000 * SEC;

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		now += table[i].after * SEC;
		ck_assert_uint_eq(penalty_left(&penalty, &s, now), 0);
		penalty_fail(&penalty, &s, now);
		ck_assert_msg(penalty_left(&penalty, &s, now) == table[i].wait * SEC,
		    "row %zu: %llu", i, (unsigned long long)penalty_left(&penalty, &s, now));
		ck_assert_uint_eq(penalty_left(&penalty, &other, now), 0);
		if (table[i].wait > 0) {
			ck_assert_uint_eq(penalty_left(&penalty, &s, now + table[i].wait * SEC - 1), 1);
			ck_assert_uint_eq(penalty_left(&penalty, &s, now + table[i].wait * SEC), 0);
		}
	}
}
END_TEST

START_TEST(test_slow)
{
	struct digest s = source(1);
	uint64_t now = 1;

	/* Two failures in any ten minutes cost nothing, however long that goes on. */
	for (unsigned i = 0; i < 1000; i++) {
		penalty_fail(&penalty, &s, now);
		ck_assert_uint_eq(penalty_left(&penalty, &s, now), 0);
		now += 301 * SEC;
	}
	now -= 2 * SEC;
	penalty_fail(&penalty, &s, now);
	ck_assert_uint_eq(penalty_left(&penalty, &s, now), 5 * SEC);
}
END_TEST

/* A flood of sources takes the places of the oldest ones only. */
START_TEST(test_many)
{
	struct digest s = source(0);
	uint64_t now = 1000 * SEC;
	unsigned kept = 0;

	for (unsigned i = 0; i < 65536; i++) {
		struct digest d = source(i);

		for (unsigned k = 0; k < 3; k++)
			penalty_fail(&penalty, &d, ++now);
	}
	for (unsigned i = 65536 - 4096; i < 65536; i++) {
		struct digest d = source(i);

		kept += penalty_left(&penalty, &d, now) > 0;
	}
	ck_assert_uint_eq(kept, 4096);
	now += 6 * SEC;
	for (unsigned i = 0; i < 20 * 65536u / 8; i++) {
		struct digest d = source(1000000u + i);

		penalty_fail(&penalty, &d, ++now);
	}
	/* Two more failures would have cost ten seconds. */
	penalty_fail(&penalty, &s, now);
	penalty_fail(&penalty, &s, now);
	ck_assert_uint_eq(penalty_left(&penalty, &s, now), 0);
}
END_TEST

static void
add(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, test_growth);
	tcase_add_test(tc, test_slow);
	tcase_add_test(tc, test_many);
}

UNIT_MAIN("penalty", add(tc))
