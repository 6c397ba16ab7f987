/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "ipc/histogram.h"

#include "unit.h"

static uint64_t
one(uint64_t usec)
{
	struct histogram h = { 0 };

	histogram_add(&h, usec);
	return histogram_quantile(&h, 0.5);
}

START_TEST(nothing_is_nothing)
{
	struct histogram h = { 0 };

	ck_assert_uint_eq(histogram_quantile(&h, 0.5), 0);
	ck_assert_uint_eq(histogram_quantile(&h, 1.0), 0);
}
END_TEST

START_TEST(short_times_are_exact)
{
	for (uint64_t usec = 0; usec < 8; usec++)
		ck_assert_uint_eq(one(usec), usec);
}
END_TEST

/* The promise of the header holds at every edge and between. */
START_TEST(never_less_and_a_quarter_more_at_most)
{
	uint64_t last = 0;

	for (unsigned power = 3; power < 37; power++) {
		for (unsigned part = 0; part < 64; part++) {
			uint64_t edge = (UINT64_C(64) + part) << power >> 6;

			for (uint64_t usec = edge - 1; usec <= edge + 1; usec++) {
				uint64_t q = one(usec);

				ck_assert_uint_ge(q, usec);
				ck_assert_uint_le(q, usec + usec / 4);
			}
			ck_assert_uint_ge(one(edge), last);
			last = one(edge);
		}
	}
}
END_TEST

START_TEST(the_longest_are_one)
{
	uint64_t end = (UINT64_C(1) << 37) - 1;

	ck_assert_uint_eq(one(end), end);
	ck_assert_uint_eq(one(end + 1), end);
	ck_assert_uint_eq(one(UINT64_MAX), end);
}
END_TEST

START_TEST(powers_of_two_divide_exactly)
{
	struct histogram h = { 0 };

	for (uint64_t usec = 0; usec < 1000; usec++)
		histogram_add(&h, usec);
	for (unsigned bits = 0; bits < 10; bits++)
		ck_assert_uint_eq(histogram_count(&h, UINT64_C(1) << bits), UINT64_C(1) << bits);
	ck_assert_uint_eq(histogram_count(&h, 1024), 1000);
	histogram_add(&h, UINT64_MAX / 2);
	ck_assert_uint_eq(histogram_count(&h, UINT64_C(1) << 28), 1000);
	ck_assert_uint_eq(histogram_count(&h, UINT64_MAX), 1001);
}
END_TEST

START_TEST(quantiles)
{
	struct histogram h = { 0 }, sum = { 0 };

	for (int i = 0; i < 98; i++)
		histogram_add(&h, 100);
	histogram_add(&h, 1000);
	histogram_add(&h, 1000000);
	ck_assert_uint_eq(h.usec, 98 * 100 + 1000 + 1000000);
	histogram_merge(&sum, &h);
	histogram_merge(&sum, &h);
	ck_assert_uint_eq(sum.usec, 2 * h.usec);
	ck_assert_uint_eq(histogram_quantile(&sum, 0.01), 111);
	ck_assert_uint_eq(histogram_quantile(&sum, 0.5), 111);
	ck_assert_uint_eq(histogram_quantile(&sum, 0.98), 111);
	ck_assert_uint_eq(histogram_quantile(&sum, 0.99), 1023);
	ck_assert_uint_ge(histogram_quantile(&sum, 0.999), 1000000);
	ck_assert_uint_eq(histogram_quantile(&sum, 1.0), histogram_quantile(&sum, 0.999));
}
END_TEST

UNIT_MAIN("histogram", tcase_add_test(tc, nothing_is_nothing);
    tcase_add_test(tc, short_times_are_exact);
    tcase_add_test(tc, never_less_and_a_quarter_more_at_most);
    tcase_add_test(tc, the_longest_are_one);
    tcase_add_test(tc, powers_of_two_divide_exactly); tcase_add_test(tc, quantiles))
