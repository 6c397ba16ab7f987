/* SPDX-License-Identifier: ISC */
/* hookroom: the oldest unverified body gives way. */
#include "config.h"

#include <stdbool.h>

#include "base/cleanup.h"
#include "door/http/hookroom.h"
#include "unit.h"

struct body {
	struct hookroom_guest guest;	/* first */
	unsigned n_displaced;
};

static void
on_displace(struct hookroom_guest *g)
{
	((struct body *)g)->n_displaced++;
	ck_assert_uint_eq(g->bytes, 0);
}

START_TEST(displaces_the_oldest)
{
	struct body b[3] = { 0 };
	struct hookroom r;

	hookroom_init(&r);
	for (size_t i = 0; i < ARRAY_LEN(b); i++)
		b[i].guest.displace = on_displace;
	hookroom_count(&r, &b[0].guest, 1);
	hookroom_count(&r, &b[1].guest, HOOKROOM_MAX / 2);
	/* To grow makes nobody younger. */
	hookroom_count(&r, &b[0].guest, HOOKROOM_MAX / 2);
	ck_assert_uint_eq(r.bytes, HOOKROOM_MAX / 2 * 2);
	hookroom_count(&r, &b[2].guest, 1);
	ck_assert_uint_eq(b[0].n_displaced, 1);
	ck_assert_uint_eq(r.bytes, HOOKROOM_MAX / 2 + 1);
	hookroom_count(&r, &b[2].guest, HOOKROOM_MAX);
	ck_assert_uint_eq(b[1].n_displaced, 1);
	ck_assert_uint_eq(b[2].n_displaced, 0);
	/* Alone it may not have more than there is. */
	hookroom_count(&r, &b[2].guest, HOOKROOM_MAX + 1);
	ck_assert_uint_eq(b[2].n_displaced, 1);
	ck_assert_uint_eq(r.bytes, 0);
}
END_TEST

START_TEST(forgets_those_who_leave)
{
	struct body b[2] = { { .guest.displace = on_displace }, { .guest.displace = on_displace } };
	struct hookroom r;

	hookroom_init(&r);
	hookroom_leave(&r, &b[0].guest);
	hookroom_count(&r, &b[0].guest, HOOKROOM_MAX);
	hookroom_leave(&r, &b[0].guest);
	hookroom_leave(&r, &b[0].guest);
	ck_assert_uint_eq(r.bytes, 0);
	hookroom_count(&r, &b[1].guest, HOOKROOM_MAX);
	hookroom_count(&r, &b[1].guest, 0);
	ck_assert(r.bytes == 0 && TAILQ_EMPTY(&r.guests));
	ck_assert_uint_eq(b[0].n_displaced + b[1].n_displaced, 0);
}
END_TEST

UNIT_MAIN("hookroom",
    tcase_add_test(tc, displaces_the_oldest);
    tcase_add_test(tc, forgets_those_who_leave))
