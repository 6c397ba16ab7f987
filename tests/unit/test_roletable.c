/* SPDX-License-Identifier: ISC */
/*
 * The table of roles: complete, and without contradictions.
 */
#include "config.h"

#include "master/roletable.h"

#include <string.h>

#include "unit.h"

/* Every process has a number of its own, in the range that frames may have. */
START_TEST(numbers_are_unique)
{
	bool used[ROLE_MAX_PROCESSES] = { false };

	for (unsigned kind = 0; kind < ROLE_N; kind++) {
		for (unsigned slot = 0; slot < role_slots(kind); slot++) {
			unsigned number = ROLE_PROCESS(kind, slot);

			ck_assert_uint_lt(number, ROLE_MAX_PROCESSES);
			ck_assert(!used[number]);
			used[number] = true;
		}
	}
	for (size_t i = 0; i < ROLE_MAX_PROCESSES; i++)
		ck_assert(used[i]);
}
END_TEST

START_TEST(names_are_found_again)
{
	for (unsigned kind = 0; kind < ROLE_N; kind++) {
		ck_assert_uint_gt(role_slots(kind), 0);
		ck_assert_ptr_nonnull(role_name(kind));
		ck_assert_int_eq(role_find(role_name(kind)), kind);
	}
	ck_assert_int_eq(role_find("master"), ROLE_N);
	ck_assert_int_eq(role_find(""), ROLE_N);
}
END_TEST

/* A forgotten row, or a field that no role could do without. */
START_TEST(every_role_has_a_row)
{
	for (unsigned kind = 0; kind < ROLE_N; kind++) {
		const struct role_rules *r = &role_rules[kind];

		ck_assert_int_gt(r->oomscore, 0);
		ck_assert_uint_gt(r->silence_usec, 0);
		ck_assert_uint_lt(r->commit_step, ROLE_COMMIT_STEPS);
		ck_assert_uint_lt(r->stop_step, ROLE_STOP_STEPS);
		/* Only the log itself has no records in the log. */
		ck_assert_int_eq(r->has_records, kind != ROLE_LOG);
	}
}
END_TEST

/* No step is without a role: a reload and a stop would end it at once, unseen. */
START_TEST(every_step_has_a_role)
{
	unsigned commit = 0, stop = 0;

	for (unsigned kind = 0; kind < ROLE_N; kind++) {
		commit |= 1u << role_rules[kind].commit_step;
		stop |= 1u << role_rules[kind].stop_step;
	}
	ck_assert_uint_eq(commit, (1u << ROLE_COMMIT_STEPS) - 1);
	ck_assert_uint_eq(stop, (1u << ROLE_STOP_STEPS) - 1);
}
END_TEST

/* The others stop before the log, which is there for their last words. */
START_TEST(the_log_stops_last)
{
	for (unsigned kind = 0; kind < ROLE_N; kind++) {
		ck_assert_int_eq(role_rules[kind].stop == ROLE_STOP_BY_CLOSING, kind == ROLE_LOG);
		ck_assert_int_eq(role_rules[kind].stop_step == ROLE_STOP_STEPS - 1,
		    kind == ROLE_LOG);
	}
}
END_TEST

/*
 * A role that another one needs is started and committed before it, or at the
 * latest with it, and ends after it. Links and waiting have a direction, so
 * they cannot form a circle.
 */
START_TEST(needs_have_an_order)
{
	for (unsigned kind = 0; kind < ROLE_N; kind++) {
		const struct role_rules *r = &role_rules[kind];

		for (unsigned other = 0; other < ROLE_N; other++) {
			const struct role_rules *o = &role_rules[other];

			if (((r->channels | r->awaits) & ROLE_BIT(other)) == 0)
				continue;
			ck_assert_uint_lt(other, kind);
			ck_assert_uint_le(o->commit_step, r->commit_step);
			ck_assert_uint_gt(o->stop_step, r->stop_step);
		}
		ck_assert_uint_lt(r->channels | r->awaits | r->pages, 1u << ROLE_N);
	}
}
END_TEST

START_TEST(pages_that_are_read_exist)
{
	for (unsigned kind = 0; kind < ROLE_N; kind++) {
		for (unsigned other = 0; other < ROLE_N; other++) {
			if ((role_rules[kind].pages & ROLE_BIT(other)) != 0)
				ck_assert(role_rules[other].has_page);
		}
	}
}
END_TEST

/*
 * All roles that listen change their sockets in one step, and none of them runs
 * as root.
 */
START_TEST(listening_needs_no_root)
{
	bool found = false;

	for (unsigned kind = 0; kind < ROLE_N; kind++) {
		if (!role_rules[kind].listens)
			continue;
		found = true;
		ck_assert_uint_eq(role_rules[kind].commit_step, role_listening_step());
		ck_assert_int_eq(role_rules[kind].account, ROLE_AS_USER);
		ck_assert(role_rules[kind].dies_with_master);
	}
	ck_assert(found);
}
END_TEST

UNIT_MAIN("roletable", tcase_add_test(tc, numbers_are_unique);
    tcase_add_test(tc, names_are_found_again); tcase_add_test(tc, every_role_has_a_row);
    tcase_add_test(tc, every_step_has_a_role); tcase_add_test(tc, the_log_stops_last);
    tcase_add_test(tc, needs_have_an_order); tcase_add_test(tc, pages_that_are_read_exist);
    tcase_add_test(tc, listening_needs_no_root))
