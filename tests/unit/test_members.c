/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <check.h>
#include <stdlib.h>

#include "broker/members.h"

#define N 8
#define RANDOM_STEPS 20000

static struct entry entries[N];
static struct members members;

static void
setup(void)
{
	for (size_t i = 0; i < N; i++)
		entries[i] = (struct entry){ .handler.state = HANDLER_GONE };
	members_init(&members);
}

static struct entry *
add(size_t i, enum handler_state state)
{
	struct entry *e = &entries[i];

	e->handler = (struct handler){ .is_handler = true, .state = state };
	members_add(&members, e);
	return e;
}

/* As one counts who goes from one to the next. */
static struct members
walk(void)
{
	struct members n = { 0 };
	const struct entry *e;

	TAILQ_FOREACH(e, &members.list, handler.next) {
		const struct handler *h = &e->handler;
		bool is_coming = h->state == HANDLER_STARTING || h->state == HANDLER_NEW ||
		    h->state == HANDLER_PROBED;

		n.all++;
		n.coming += is_coming;
		n.idle += h->state == HANDLER_IDLE;
		n.leased += h->state == HANDLER_LEASED;
		n.worn += h->is_worn && !is_coming;
		n.unproven += !h->is_proven;
	}
	return n;
}

static void
ck_counts(void)
{
	struct members n = walk();

	ck_assert_uint_eq(members.all, n.all);
	ck_assert_uint_eq(members.coming, n.coming);
	ck_assert_uint_eq(members.idle, n.idle);
	ck_assert_uint_eq(members.leased, n.leased);
	ck_assert_uint_eq(members.worn, n.worn);
	ck_assert_uint_eq(members.unproven, n.unproven);
}

START_TEST(test_life)
{
	struct entry *e = add(0, HANDLER_NEW);

	ck_assert_uint_eq(members.coming, 1);
	members_set_state(&members, e, HANDLER_PROBED);
	ck_assert_uint_eq(members.coming, 1);
	ck_assert_uint_eq(members_up(&members), 0);
	ck_assert_uint_eq(members.unproven, 1);
	members_set_proven(&members, e);
	members_set_state(&members, e, HANDLER_IDLE);
	ck_assert_uint_eq(members.unproven, 0);
	ck_assert_uint_eq(members.coming, 0);
	ck_assert_uint_eq(members.idle, 1);
	members_set_state(&members, e, HANDLER_LEASED);
	ck_assert_uint_eq(members.leased, 1);
	members_set_worn(&members, e, true);
	members_set_worn(&members, e, true);
	ck_assert_uint_eq(members.worn, 1);
	ck_assert_uint_eq(members_up(&members), 1);
	members_remove(&members, e);
	ck_assert_int_eq(e->handler.state, HANDLER_GONE);
	ck_assert_uint_eq(members.all, 0);
	ck_counts();
}
END_TEST

/* A member that has not come up is not counted twice. */
START_TEST(test_worn_before_it_is_up)
{
	struct entry *e = add(0, HANDLER_NEW);

	members_set_worn(&members, e, true);
	ck_assert_uint_eq(members.worn, 0);
	members_set_state(&members, e, HANDLER_IDLE);
	ck_assert_uint_eq(members.worn, 1);
}
END_TEST

START_TEST(test_used_last_is_used_next)
{
	struct entry *a = add(0, HANDLER_IDLE), *b = add(1, HANDLER_IDLE);
	struct entry *c = add(2, HANDLER_IDLE);

	ck_assert_ptr_eq(members_find_idle(&members), a);
	members_put_first(&members, c);
	ck_assert_ptr_eq(members_find_idle(&members), c);
	members_set_state(&members, c, HANDLER_LEASED);
	ck_assert_ptr_eq(members_find_idle(&members), a);
	members_set_worn(&members, a, true);
	ck_assert_ptr_eq(members_find_idle(&members), b);
	members_set_state(&members, b, HANDLER_LEASED);
	ck_assert_ptr_eq(members_find_idle(&members), a);
	members_remove(&members, a);
	ck_assert_ptr_null(members_find_idle(&members));
}
END_TEST

START_TEST(test_find_new)
{
	struct entry *a = add(0, HANDLER_NEW), *b = add(1, HANDLER_NEW);

	ck_assert_ptr_eq(members_find_new(&members), a);
	members_set_state(&members, a, HANDLER_PROBED);
	ck_assert_ptr_eq(members_find_new(&members), b);
	members_remove(&members, b);
	ck_assert_ptr_null(members_find_new(&members));
	members_set_state(&members, a, HANDLER_IDLE);
	ck_assert_ptr_null(members_find_new(&members));
}
END_TEST

static void
change(struct entry *e, unsigned how)
{
	switch (how) {
	case 0:
		members_remove(&members, e);
		break;
	case 1:
		members_set_worn(&members, e, true);
		break;
	case 2:
		members_set_proven(&members, e);
		break;
	case 3:
		members_put_first(&members, e);
		break;
	default:
		members_set_state(&members, e, how % HANDLER_GONE);
	}
}

START_TEST(test_random)
{
	unsigned seed = 1;

	for (int i = 0; i < RANDOM_STEPS; i++) {
		size_t k = (size_t)rand_r(&seed) % N;

		if (entries[k].handler.state == HANDLER_GONE)
			(void)add(k, HANDLER_NEW);
		else
			change(&entries[k], (unsigned)rand_r(&seed) % 16);
		ck_counts();
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("members");
	TCase *tc = tcase_create("members");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, test_life);
	tcase_add_test(tc, test_worn_before_it_is_up);
	tcase_add_test(tc, test_used_last_is_used_next);
	tcase_add_test(tc, test_find_new);
	tcase_add_test(tc, test_random);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
