/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "broker/table.h"

#define N 8

static struct entry slots[N];
static struct table table;

static void
setup(void)
{
	memset(slots, 0, sizeof(slots));
	table_init(&table, slots, N);
}

START_TEST(test_take_find_release)
{
	struct entry *e[N];

	for (uint64_t i = 0; i < N; i++) {
		e[i] = table_take(&table, 100 + i);
		ck_assert_ptr_nonnull(e[i]);
		ck_assert_uint_eq(table_slot(&table, e[i]), i);
		for (size_t k = 0; k < ENTRY_N_FDS; k++)
			ck_assert_int_eq(e[i]->fds[k], -1);
	}
	ck_assert_uint_eq(table.n_used, N);
	ck_assert_ptr_null(table_take(&table, 999));
	for (uint64_t i = 0; i < N; i++)
		ck_assert_ptr_eq(table_find(&table, 100 + i), e[i]);
	ck_assert_ptr_null(table_find(&table, 999));

	table_release(&table, e[3]);
	ck_assert_ptr_null(table_find(&table, 103));
	ck_assert_ptr_eq(table_take(&table, 999), e[3]);
	ck_assert_ptr_eq(table_find(&table, 999), e[3]);
}
END_TEST

/* The last freed is taken first, so few slots are ever touched. */
START_TEST(test_stays_small)
{
	for (uint64_t i = 1; i < 1000; i++) {
		struct entry *a = table_take(&table, i);
		struct entry *b = table_take(&table, i + 1000);

		table_release(&table, a);
		table_release(&table, b);
	}
	ck_assert_uint_eq(table.n_touched, 2);
	ck_assert_uint_eq(table.n_used, 0);
}
END_TEST

/* A slot taken again knows nothing of who had it before. */
START_TEST(test_taken_clean)
{
	struct entry *e = table_take(&table, 1);

	e->unsent = 15;
	e->kit = 3;
	e->is_killed = true;
	e->pid = 4711;
	e->ended.outcome = 5;
	table_release(&table, e);

	ck_assert_ptr_eq(table_take(&table, 2), e);
	ck_assert_uint_eq(e->unsent, 0);
	ck_assert_uint_eq(e->kit, 0);
	ck_assert(!e->is_killed);
	ck_assert_uint_eq(e->ended.outcome, 0);
	ck_assert_int_eq(e->pid, 0);
}
END_TEST

/* An entry in use belongs to one request, and stays where it is. */
START_TEST(test_same_id)
{
	struct entry *a = table_take(&table, 1);

	ck_assert_ptr_null(table_take(&table, 1));
	ck_assert_uint_eq(table.n_used, 1);
	ck_assert_ptr_eq(table_find(&table, 1), a);
	table_release(&table, a);
	ck_assert_ptr_null(table_find(&table, 1));
	ck_assert_ptr_nonnull(table_take(&table, 1));
}
END_TEST

START_TEST(test_at)
{
	struct entry *a = table_take(&table, 1);

	ck_assert_ptr_eq(table_at(&table, table_slot(&table, a)), a);
	ck_assert_ptr_null(table_at(&table, 1));
	ck_assert_ptr_null(table_at(&table, N));
	table_release(&table, a);
	ck_assert_ptr_null(table_at(&table, 0));
}
END_TEST

START_TEST(test_next)
{
	struct entry *e[4], *at = NULL;
	size_t n = 0;

	ck_assert_ptr_null(table_next(&table, NULL));
	for (uint64_t i = 0; i < 4; i++)
		e[i] = table_take(&table, i + 1);
	table_release(&table, e[1]);
	/* Releasing the one at hand is allowed. */
	while ((at = table_next(&table, at)) != NULL) {
		ck_assert_ptr_ne(at, e[1]);
		table_release(&table, at);
		n++;
	}
	ck_assert_uint_eq(n, 3);
	ck_assert_ptr_null(table_next(&table, NULL));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("table");
	TCase *tc = tcase_create("table");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, test_take_find_release);
	tcase_add_test(tc, test_stays_small);
	tcase_add_test(tc, test_taken_clean);
	tcase_add_test(tc, test_same_id);
	tcase_add_test(tc, test_at);
	tcase_add_test(tc, test_next);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
