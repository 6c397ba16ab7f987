/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "base/units.h"

#include <errno.h>
#include <float.h>
#include <stdio.h>
#include <stdlib.h>

#include "unit.h"

#define S UINT64_C(1000000)

static const struct {
	const char *text;
	int r;
	uint64_t usec;
	const char *canonical;
} durations[] = {
	{ "250ms", 0, S / 4, "250ms" }, { "5s", 0, 5 * S, "5s" }, { "60s", 0, 60 * S, "1m" },
	{ "90s", 0, 90 * S, "90s" }, { "1h", 0, 3600 * S, "1h" }, { "2d", 0, 2 * 86400 * S, "2d" },
	{ "0", 0, 0, "0s" }, { "0s", 0, 0, "0s" }, { "17us", 0, 17, "17us" },
	{ "5", -EINVAL, 0, NULL }, { "", -EINVAL, 0, NULL }, { "5 s", -EINVAL, 0, NULL },
	{ "-5s", -EINVAL, 0, NULL }, { "05s", -EINVAL, 0, NULL }, { "5S", -EINVAL, 0, NULL },
	{ "1.5s", -EINVAL, 0, NULL }, { "5sec", -EINVAL, 0, NULL }, { "+5s", -EINVAL, 0, NULL },
	{ "99999999999999999999s", -ERANGE, 0, NULL }, { "400000d", -ERANGE, 0, NULL },
};

START_TEST(reads_durations)
{
	uint64_t usec = 1;
	char text[UNITS_TEXT];

	ck_assert_int_eq(duration_parse(durations[_i].text, &usec), durations[_i].r);
	if (durations[_i].r < 0)
		return;
	ck_assert_uint_eq(usec, durations[_i].usec);
	duration_format(usec, text, sizeof(text));
	ck_assert_str_eq(text, durations[_i].canonical);
}
END_TEST

static const struct {
	const char *text;
	uint32_t n, span;	/* n 0: no rate */
} rates[] = {
	{ "5/s", 5, 1 }, { "1/m", 1, 60 }, { "1000000/h", 1000000, 3600 }, { "2/d", 2, 86400 },
	{ "0/s", 0, 0 }, { "5", 0, 0 }, { "5/", 0, 0 }, { "/s", 0, 0 }, { "5/sec", 0, 0 },
	{ "5 /s", 0, 0 }, { "-5/s", 0, 0 }, { "05/s", 0, 0 }, { "5/S", 0, 0 }, { "", 0, 0 },
	{ "1000001/s", 0, 0 }, { "99999999999999999999/s", 0, 0 },
};

START_TEST(reads_rates)
{
	struct rate rate = { 0 };
	char text[UNITS_TEXT];

	ck_assert_int_eq(rate_parse(rates[_i].text, &rate), rates[_i].n != 0 ? 0 : -EINVAL);
	ck_assert_uint_eq(rate.n, rates[_i].n);
	ck_assert_uint_eq(rate.span_sec, rates[_i].span);
	if (rate.n == 0)
		return;
	rate_format(rate, text, sizeof(text));
	ck_assert_str_eq(text, rates[_i].text);
}
END_TEST

static const struct {
	const char *text;
	int r;
	uint64_t bytes;
	const char *canonical;
} sizes[] = {
	{ "0", 0, 0, "0" }, { "512", 0, 512, "512" }, { "512B", 0, 512, "512" },
	{ "64K", 0, 65536, "64K" }, { "64KiB", 0, 65536, "64K" }, { "1M", 0, 1 << 20, "1M" },
	{ "1024K", 0, 1 << 20, "1M" }, { "3G", 0, UINT64_C(3) << 30, "3G" },
	{ "1T", 0, UINT64_C(1) << 40, "1T" }, { "64k", -EINVAL, 0, NULL }, { "K", -EINVAL, 0, NULL },
	{ "1.5M", -EINVAL, 0, NULL }, { "0x10", -EINVAL, 0, NULL }, { "01", -EINVAL, 0, NULL },
	{ "-1", -EINVAL, 0, NULL }, { "99999999T", -ERANGE, 0, NULL },
};

START_TEST(reads_sizes)
{
	uint64_t bytes = 1;
	char text[UNITS_TEXT];

	ck_assert_int_eq(size_parse(sizes[_i].text, &bytes), sizes[_i].r);
	if (sizes[_i].r < 0)
		return;
	ck_assert_uint_eq(bytes, sizes[_i].bytes);
	size_format(bytes, text, sizeof(text));
	ck_assert_str_eq(text, sizes[_i].canonical);
}
END_TEST

static const struct {
	const char *text;
	int r;
	int64_t v;
} integers[] = {
	{ "0", 0, 0 }, { "-1", 0, -1 }, { "9223372036854775807", 0, INT64_MAX },
	{ "-9223372036854775808", 0, INT64_MIN }, { "9223372036854775808", -ERANGE, 0 },
	{ "-9223372036854775809", -ERANGE, 0 }, { "99999999999999999999999999", -ERANGE, 0 },
	{ "+1", -EINVAL, 0 }, { " 1", -EINVAL, 0 }, { "01", -EINVAL, 0 }, { "-0", -EINVAL, 0 },
	{ "1e3", -EINVAL, 0 }, { "0x1", -EINVAL, 0 }, { "", -EINVAL, 0 }, { "-", -EINVAL, 0 },
	{ "1 ", -EINVAL, 0 },
};

START_TEST(reads_integers)
{
	int64_t v = 99;

	ck_assert_int_eq(integer_parse(integers[_i].text, &v), integers[_i].r);
	ck_assert_int_eq(v, integers[_i].r < 0 ? 99 : integers[_i].v);
}
END_TEST

static const struct {
	double x;
	int digits;
} reals[] = {
	{ 0, 15 }, { 0.1, 15 }, { -1e300, 15 }, { 0.1 + 0.2, 17 }, { 5e-324, 1 }, { 1.5e-320, 2 },
	{ 9007199254740993e3, 16 },
};

START_TEST(reals_have_no_more_digits_than_they_need)
{
	char text[UNITS_TEXT];

	ck_assert_int_eq(real_digits(reals[_i].x), reals[_i].digits);
	(void)snprintf(text, sizeof(text), "%.*g", reals[_i].digits, reals[_i].x);
	ck_assert(strtod(text, NULL) == reals[_i].x);
}
END_TEST

static const struct {
	double x;
	const char *text;
} plain[] = {
	{ 0, "0" }, { 100, "100" }, { -2.5, "-2.5" }, { 0.1, "0.1" }, { 0.00001, "0.00001" },
	{ 1e15, "1000000000000000" }, { -123456789012345680.0, "-123456789012345680" },
	{ 9.999999999999999e22, "99999999999999991611392" }, { 0.1 + 0.2, "0.30000000000000004" },
};

START_TEST(reals_can_do_without_an_exponent)
{
	char text[REAL_TEXT];

	real_format(plain[_i].x, text);
	ck_assert_str_eq(text, plain[_i].text);
	ck_assert(strtod(text, NULL) == plain[_i].x);
}
END_TEST

START_TEST(the_longest_reals_have_room)
{
	static const double longest[] = { -DBL_MAX, -DBL_MIN, -5e-324, -4.9406564584124654e-318 };
	char text[REAL_TEXT];

	real_format(longest[_i], text);
	ck_assert(strtod(text, NULL) == longest[_i]);
}
END_TEST

#define N(a) (int)(sizeof(a) / sizeof((a)[0]))
UNIT_MAIN("units", tcase_add_loop_test(tc, reads_durations, 0, N(durations));
    tcase_add_loop_test(tc, reads_rates, 0, N(rates));
    tcase_add_loop_test(tc, reads_sizes, 0, N(sizes));
    tcase_add_loop_test(tc, reads_integers, 0, N(integers));
    tcase_add_loop_test(tc, reals_have_no_more_digits_than_they_need, 0, N(reals));
    tcase_add_loop_test(tc, reals_can_do_without_an_exponent, 0, N(plain));
    tcase_add_loop_test(tc, the_longest_reals_have_room, 0, 4))
