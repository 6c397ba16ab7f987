/* SPDX-License-Identifier: ISC */
/* share: the rule that divides, and the count of what each party has. */
#include "config.h"

#include "base/share.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/loop.h"

#define N 8

/* Parties take one thing each in turn, until none may. Returns what is left. */
static uint64_t
greedy(size_t n_parties, uint64_t all, uint64_t ret[static N])
{
	uint64_t free = all;
	bool is_served = true;

	memset(ret, 0, N * sizeof(*ret));
	while (is_served) {
		is_served = false;
		for (size_t i = 0; i < n_parties; i++) {
			if (!share_allows(ret[i], free, 1))
				continue;
			ret[i]++;
			free--;
			is_served = true;
		}
	}
	return free;
}

START_TEST(test_division)
{
	uint64_t has[N];

	ck_assert_uint_eq(greedy(1, 4096, has), 1024);
	ck_assert_uint_eq(share_most(4096), 3072);
	/* Several get equal parts, and something is left for the next one. */
	for (size_t n = 2; n <= N; n++) {
		ck_assert_uint_ge(greedy(n, 4096, has), 4096 / (SHARE_WEIGHT * n + 1));
		for (size_t i = 1; i < n; i++) {
			ck_assert_uint_le(has[i], has[0]);
			ck_assert_uint_ge(has[i] + 1, has[0]);
		}
	}
	/* A party alone gets all of what is too small to divide. */
	for (uint64_t all = 1; all < 4; all++)
		ck_assert_uint_eq(greedy(1, all, has), 0);
	ck_assert_uint_eq(greedy(1, 4, has), 1);
}
END_TEST

START_TEST(test_large_numbers)
{
	ck_assert(share_allows(0, UINT64_MAX, UINT64_MAX));
	ck_assert(!share_allows(0, UINT64_MAX - 1, UINT64_MAX));
	ck_assert(share_allows(UINT64_MAX - 3, UINT64_MAX / 3, 1));
	ck_assert(!share_allows(UINT64_MAX, UINT64_MAX / 3, 1));
	ck_assert(!share_allows(0, 0, 0));
}
END_TEST

struct fat {
	struct share share;
	unsigned bytes;
};

static void
check_table(struct fat *slots)
{
	struct digest a = { .bytes = { 1 } }, b = { .bytes = { 2 } };
	struct shares *t = calloc(1, sizeof(*t));
	struct share *first, *held[N];

	ck_assert_ptr_nonnull(t);
	shares_init(t, slots, slots == NULL ? 0 : N, sizeof(*slots));
	ck_assert_uint_eq(shares_count(t, &a, 0), 0);
	first = shares_get(t, &a, 0);
	ck_assert_ptr_eq(shares_get(t, &a, 0), first);
	CONTAINER_OF(first, struct fat, share)->bytes = 7;
	ck_assert_uint_eq(shares_count(t, &a, 0), 2);
	/* Neither another party nor another thing. */
	ck_assert_uint_eq(shares_count(t, &b, 0), 0);
	ck_assert_uint_eq(shares_count(t, &a, 1), 0);
	ck_assert_ptr_ne(shares_get(t, &a, 1), first);
	(void)shares_put(t, shares_find(t, &a, 1));
	(void)shares_put(t, first);
	ck_assert_uint_eq(shares_count(t, &a, 0), 1);
	ck_assert_ptr_null(shares_put(t, first));
	ck_assert_uint_eq(shares_count(t, &a, 0), 0);
	ck_assert_ptr_null(shares_put(t, NULL));

	/* A new one is empty, though its memory has been used. */
	for (uint64_t i = 0; i < N; i++) {
		held[i] = shares_get(t, &b, i);
		ck_assert_ptr_nonnull(held[i]);
		ck_assert_uint_eq(CONTAINER_OF(held[i], struct fat, share)->bytes, 0);
	}
	ck_assert(slots == NULL || shares_get(t, &a, 0) == NULL);
	for (uint64_t i = 0; i < N; i++)
		(void)shares_put(t, held[i]);
	for (uint64_t i = 0; i < N; i++)
		ck_assert_ptr_null(shares_find(t, &b, i));
	free(t);
}

START_TEST(test_table)
{
	static struct fat slots[N];

	check_table(slots);
}
END_TEST

START_TEST(test_allocated)
{
	check_table(NULL);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("share");
	TCase *tc = tcase_create("share");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_test(tc, test_division);
	tcase_add_test(tc, test_large_numbers);
	tcase_add_test(tc, test_table);
	tcase_add_test(tc, test_allocated);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
