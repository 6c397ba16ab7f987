/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <check.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "broker/wants.h"

#define LAST (WANTS_MAX_WORKERS - 1)

static void
add(struct wants *w, uint16_t worker, unsigned n)
{
	while (n-- > 0)
		ck_assert(wants_add(w, worker));
}

/* The counts are equal to the numbers of entries. */
static void
ck_counts(const struct wants *w)
{
	uint32_t all = 0, n_refused = 0;

	for (size_t i = 0; i < WANTS_MAX_WORKERS; i++) {
		all += w->of[i];
		n_refused += w->is_refused[i];
	}
	ck_assert_uint_eq(w->all, all);
	ck_assert_uint_eq(w->n_refused, n_refused);
}

START_TEST(test_each_in_turn)
{
	static const uint16_t served[] = { 3, LAST, 0, 3, 0, 0 };
	struct wants w = { 0 };

	add(&w, 0, 3);
	add(&w, LAST, 1);
	add(&w, 3, 2);
	for (size_t i = 0; i < ARRAY_LEN(served); i++) {
		ck_assert_uint_eq(wants_serve(&w), served[i]);
		ck_counts(&w);
	}
	ck_assert_uint_eq(w.all, 0);
}
END_TEST

/* A caller that comes back for more comes behind one that has waited. */
START_TEST(test_turn_goes_on)
{
	struct wants w = { 0 };

	add(&w, 1, 1);
	ck_assert_uint_eq(wants_serve(&w), 1);
	add(&w, 1, 1);
	add(&w, 2, 1);
	ck_assert_uint_eq(wants_serve(&w), 2);
	ck_assert_uint_eq(wants_serve(&w), 1);
}
END_TEST

START_TEST(test_no_end_of_wants)
{
	struct wants w = { 0 };
	uint32_t n = 0;

	while (wants_add(&w, 1))
		n++;
	ck_assert_uint_eq(w.all, n);
	add(&w, 2, 1);
	ck_assert_uint_eq(w.all, n + 1);
}
END_TEST

START_TEST(test_refused)
{
	struct wants w = { 0 };

	wants_refuse(&w);
	ck_assert_uint_eq(w.n_refused, 0);
	add(&w, 1, 2);
	add(&w, LAST, 1);
	wants_refuse(&w);
	ck_counts(&w);
	ck_assert_uint_eq(w.all, 0);
	ck_assert_uint_eq(w.n_refused, 2);
	wants_told(&w, 1);
	ck_assert(!w.is_refused[1]);
	ck_assert(w.is_refused[LAST]);
	ck_counts(&w);
}
END_TEST

/* One answer for all that it has asked for meanwhile. */
START_TEST(test_refused_twice_told_once)
{
	struct wants w = { 0 };

	add(&w, 1, 1);
	wants_refuse(&w);
	add(&w, 1, 1);
	wants_refuse(&w);
	ck_assert_uint_eq(w.n_refused, 1);
	wants_told(&w, 1);
	wants_told(&w, 1);
	ck_assert_uint_eq(w.n_refused, 0);
	ck_counts(&w);
}
END_TEST

START_TEST(test_forgotten)
{
	struct wants w = { 0 };

	add(&w, 1, 1);
	wants_refuse(&w);
	add(&w, 1, 2);
	add(&w, 2, 1);
	wants_forget(&w, 1);
	ck_counts(&w);
	ck_assert_uint_eq(w.n_refused, 0);
	ck_assert_uint_eq(w.all, 1);
	ck_assert_uint_eq(wants_serve(&w), 2);
}
END_TEST

START_TEST(test_inherited)
{
	struct wants old = { 0 }, heir = { 0 };

	add(&old, 3, 1);
	wants_refuse(&old);
	add(&old, 1, 2);
	add(&old, 2, 1);
	add(&heir, 2, 1);
	wants_inherit(&heir, &old);
	ck_counts(&old);
	ck_counts(&heir);
	ck_assert_uint_eq(old.all, 0);
	ck_assert_uint_eq(heir.of[1], 2);
	ck_assert_uint_eq(heir.of[2], 2);
	/* The old one tells those whom it has refused. */
	ck_assert(old.is_refused[3]);
	ck_assert_uint_eq(heir.n_refused, 0);
}
END_TEST

START_TEST(test_random)
{
	struct wants w = { 0 }, heir = { 0 };
	unsigned seed = 1;

	for (int i = 0; i < 10000; i++) {
		uint16_t worker = (uint16_t)(rand_r(&seed) % WANTS_MAX_WORKERS);

		switch (rand_r(&seed) % 16) {
		case 0:
			wants_refuse(&w);
			break;
		case 1:
			wants_forget(&w, worker);
			break;
		case 2:
			wants_inherit(&heir, &w);
			break;
		case 3:
		case 4:
			wants_told(&w, worker);
			break;
		case 5:
		case 6:
		case 7:
			if (w.all > 0)
				(void)wants_serve(&w);
			break;
		default:
			add(&w, worker, 1);
		}
		ck_counts(&w);
		ck_counts(&heir);
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("wants");
	TCase *tc = tcase_create("wants");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_test(tc, test_each_in_turn);
	tcase_add_test(tc, test_turn_goes_on);
	tcase_add_test(tc, test_no_end_of_wants);
	tcase_add_test(tc, test_refused);
	tcase_add_test(tc, test_refused_twice_told_once);
	tcase_add_test(tc, test_forgotten);
	tcase_add_test(tc, test_inherited);
	tcase_add_test(tc, test_random);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
