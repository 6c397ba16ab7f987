/* SPDX-License-Identifier: ISC */
/* Scripts of what happens, and who starts because of it. */
#include "config.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "broker/admission.h"

#define N_TICKETS 16
#define N_LANES 4

enum op { END, ASK, LEAVE, LIMIT };

/* One ticket is one letter, 'a' to 'p'. */
struct step {
	enum op op;
	char ticket;
	char service;		/* name of the lane */
	char lock;		/* 0: none */
	uint32_t concurrency, queue;
	enum admission_verdict want;	/* ASK */
	const char *starts;	/* the tickets that start then, in this order */
};

#define ask(t, s, l, c, q, v) { ASK, t, s, l, c, q, ADMISSION_##v, "" }
#define ask_then(t, s, l, c, q, v, starts) { ASK, t, s, l, c, q, ADMISSION_##v, starts }
#define leave(t, starts) { LEAVE, t, 0, 0, 0, 0, 0, starts }
#define limit(s, c, q, starts) { LIMIT, 0, s, 0, c, q, 0, starts }

static const struct {
	const char *name;
	struct step steps[16];
} scripts[] = {
	{ "first come, first served", {
		ask('a', 'x', 0, 1, 2, START),
		ask('b', 'x', 0, 1, 2, QUEUE),
		ask('c', 'x', 0, 1, 2, QUEUE),
		ask('d', 'x', 0, 1, 2, REFUSE),
		leave('a', "b"),
		ask('d', 'x', 0, 1, 2, QUEUE),
		leave('b', "c"),
		leave('c', "d"),
		leave('d', ""),
	} },
	{ "a service is paused and resumed", {
		ask('a', 'x', 0, 2, 2, START),
		limit('x', 0, 2, ""),
		ask('b', 'x', 0, 0, 2, QUEUE),
		ask('c', 'x', 'L', 0, 2, QUEUE),
		ask('d', 'x', 0, 0, 2, REFUSE),
		leave('a', ""),
		ask('e', 'y', 0, 1, 0, START),
		limit('x', 2, 2, "bc"),
		leave('b', ""),
		leave('c', ""),
		leave('e', ""),
	} },
	{ "no queue", {
		ask('a', 'x', 0, 1, 0, START),
		ask('b', 'x', 0, 1, 0, REFUSE),
		leave('a', ""),
		ask('b', 'x', 0, 1, 0, START),
		leave('b', ""),
	} },
	{ "services do not meet", {
		ask('a', 'x', 'L', 1, 0, START),
		ask('b', 'y', 'L', 1, 0, START),
		leave('a', ""),
		leave('b', ""),
	} },
	{ "one at a time by lock", {
		ask('a', 'x', 'L', 4, 4, START),
		ask('b', 'x', 'L', 4, 4, QUEUE),
		ask('c', 'x', 'M', 4, 4, START),
		ask('d', 'x', 'L', 4, 4, QUEUE),
		ask('e', 'x', 0, 4, 4, START),
		leave('c', ""),
		leave('a', "b"),
		leave('b', "d"),
		leave('d', ""),
		leave('e', ""),
	} },
	{ "a held lock lets others pass", {
		ask('a', 'x', 'L', 2, 4, START),
		ask('b', 'x', 0, 2, 4, START),
		ask('c', 'x', 'L', 2, 4, QUEUE),
		ask('d', 'x', 'M', 2, 4, QUEUE),
		leave('b', "d"),
		leave('d', ""),
		leave('a', "c"),
		leave('c', ""),
	} },
	{ "no lock is no common lock", {
		ask('a', 'x', 0, 2, 0, START),
		ask('b', 'x', 0, 2, 0, START),
		leave('a', ""),
		leave('b', ""),
	} },
	{ "who waits may give up", {
		ask('a', 'x', 0, 1, 3, START),
		ask('b', 'x', 0, 1, 3, QUEUE),
		ask('c', 'x', 0, 1, 3, QUEUE),
		leave('b', ""),
		leave('a', "c"),
		leave('c', ""),
	} },
	{ "new limits reach those who wait", {
		ask('a', 'x', 0, 1, 3, START),
		ask('b', 'x', 0, 1, 3, QUEUE),
		ask('c', 'x', 0, 1, 3, QUEUE),
		ask('d', 'x', 0, 1, 3, QUEUE),
		limit('x', 3, 3, "bc"),
		limit('x', 1, 3, ""),
		leave('a', ""),
		leave('b', ""),
		leave('c', "d"),
		leave('d', ""),
	} },
	{ "nobody is overtaken by raised limits", {
		ask('a', 'x', 0, 1, 4, START),
		ask('b', 'x', 0, 1, 4, QUEUE),
		ask_then('c', 'x', 0, 3, 4, QUEUE, "bc"),
		leave('a', ""),
		leave('b', ""),
		leave('c', ""),
	} },
	{ "limits of a lane nobody uses", {
		limit('x', 3, 3, ""),
		ask('a', 'x', 0, 1, 0, START),
		leave('a', ""),
	} },
	{ "leaving twice", {
		ask('a', 'x', 'L', 1, 1, START),
		ask('b', 'x', 'L', 1, 1, QUEUE),
		leave('a', "b"),
		leave('a', ""),
		leave('b', ""),
		leave('b', ""),
	} },
	{ "lanes run out", {
		ask('a', 'v', 0, 1, 0, START),
		ask('b', 'w', 0, 1, 0, START),
		ask('c', 'x', 0, 1, 0, START),
		ask('d', 'y', 0, 1, 0, START),
		ask('e', 'z', 0, 1, 0, REFUSE),
		leave('b', ""),
		ask('e', 'z', 0, 1, 0, START),
		leave('a', ""),
		leave('c', ""),
		leave('d', ""),
		leave('e', ""),
	} },
};

static struct lane pool[N_LANES];
static struct share held[2 * N_TICKETS];
static struct ticket tickets[N_TICKETS];

static void
start(struct admission *a, size_t n_places)
{
	memset(pool, 0, sizeof(pool));
	memset(held, 0, sizeof(held));
	admission_init(a, pool, held, N_LANES);
	a->shares.n_slots = ARRAY_LEN(held);
	a->n_places = n_places;
}

static char
ticket_letter(const struct ticket *t)
{
	return (char)('a' + (t - tickets));
}

static void
step_run(struct admission *a, const struct step *s, const char *script, size_t at)
{
	const char name[2] = { s->service, '\0' };
	struct lane_limits limits = { s->concurrency, s->queue };
	struct ticket *t = s->ticket ? &tickets[s->ticket - 'a'] : NULL;
	char started[N_TICKETS + 1] = "";
	size_t n = 0;

	if (s->op == ASK) {
		*t = (struct ticket){ .lock.bytes[0] = (uint8_t)s->lock };
		ck_assert_msg(admission_ask(a, name, limits, t) == s->want,
		    "%s: step %zu: verdict", script, at);
		ck_assert_msg((t->lane != NULL) == (s->want != ADMISSION_REFUSE),
		    "%s: step %zu: held", script, at);
	} else if (s->op == LEAVE) {
		admission_leave(a, t);
		ck_assert_ptr_null(t->lane);
	} else {
		admission_set_limits(a, name, limits);
	}
	while (n < N_TICKETS) {
		struct ticket *next = admission_next(a);

		if (next == NULL)
			break;
		started[n++] = ticket_letter(next);
	}
	ck_assert_msg(strcmp(started, s->starts) == 0, "%s: step %zu: '%s' started, not '%s'",
	    script, at, started, s->starts);
}

START_TEST(test_script)
{
	struct admission a;

	start(&a, 1000);
	for (size_t i = 0; i < ARRAY_LEN(scripts[_i].steps); i++) {
		if (scripts[_i].steps[i].op == END)
			break;
		step_run(&a, &scripts[_i].steps[i], scripts[_i].name, i);
	}
	ck_assert_uint_eq(a.running, 0);
	ck_assert_uint_eq(a.waiting, 0);
	ck_assert_msg(RB_EMPTY(&a.lanes), "%s: lanes left", scripts[_i].name);
}
END_TEST

/* A name that fits no lane is refused, not cut to another service's. */
START_TEST(test_long_name)
{
	char name[SERVICE_NAME_MAX + 2];
	struct admission a;
	struct ticket t = { 0 };

	start(&a, 1000);
	memset(name, 'x', sizeof(name));
	name[SERVICE_NAME_MAX + 1] = '\0';
	ck_assert_int_eq(admission_ask(&a, name, (struct lane_limits){ 1, 1 }, &t),
	    ADMISSION_REFUSE);
	name[SERVICE_NAME_MAX] = '\0';
	ck_assert_int_eq(admission_ask(&a, name, (struct lane_limits){ 1, 1 }, &t),
	    ADMISSION_START);
}
END_TEST

/* ------------------------------------------------------------- shares --- */

static const struct lane_limits narrow = { 1, 8 }, wide = { 1000, 8 };

static void
by(struct ticket *t, char party)
{
	*t = (struct ticket){ .party.bytes[0] = (uint8_t)party };
}

static enum admission_verdict
ask_by(struct admission *a, struct ticket *t, const char *name, struct lane_limits limits,
    char party)
{
	by(t, party);
	return admission_ask(a, name, limits, t);
}

/* One party gets three quarters of a queue, attached requests included; another finds room. */
START_TEST(test_share_of_a_queue)
{
	struct admission a;
	struct ticket t[10], other, nobody;

	start(&a, 1000);
	ck_assert_int_eq(ask_by(&a, &t[0], "x", narrow, 'A'), ADMISSION_START);
	for (size_t i = 1; i <= 6; i++) {
		by(&t[i], 'A');
		ck_assert_int_eq(i % 2 == 0 ? admission_attach(&a, "x", narrow, &t[i]) :
		    admission_ask(&a, "x", narrow, &t[i]), ADMISSION_QUEUE);
	}
	ck_assert_int_eq(ask_by(&a, &t[7], "x", narrow, 'A'), ADMISSION_CROWDED_QUEUE);
	ck_assert_int_eq(admission_attach(&a, "x", narrow, &t[7]), ADMISSION_CROWDED_QUEUE);
	ck_assert_ptr_null(t[7].lane);
	/* The queue of another service is another one. */
	ck_assert_int_eq(ask_by(&a, &t[7], "y", narrow, 'A'), ADMISSION_START);
	ck_assert_int_eq(ask_by(&a, &t[8], "y", narrow, 'A'), ADMISSION_QUEUE);
	ck_assert_int_eq(ask_by(&a, &other, "x", narrow, 'B'), ADMISSION_QUEUE);
	ck_assert_int_eq(ask_by(&a, &nobody, "x", narrow, 0), ADMISSION_QUEUE);
	ck_assert_int_eq(ask_by(&a, &t[9], "x", narrow, 'C'), ADMISSION_REFUSE);

	/* A ticket that starts, or leaves, gives its seat back. */
	admission_leave(&a, &t[0]);
	ck_assert_ptr_eq(admission_next(&a), &t[1]);
	admission_leave(&a, &other);
	ck_assert_int_eq(ask_by(&a, &t[9], "x", narrow, 'A'), ADMISSION_QUEUE);
	for (size_t i = 1; i <= 9; i++)
		admission_leave(&a, &t[i]);
	admission_leave(&a, &nobody);
	ck_assert_uint_eq(admission_count(&a), 0);
	ck_assert_uint_eq(shares_count(&a.shares, &(struct digest){ .bytes = { 'A' } }, 0), 0);
}
END_TEST

/* No party and no service gets more than three quarters of all places. */
START_TEST(test_share_of_all_places)
{
	struct admission a;
	struct ticket t[14];

	start(&a, 16);
	for (size_t i = 0; i < 12; i++)
		ck_assert_int_eq(ask_by(&a, &t[i], i % 2 == 0 ? "x" : "y", wide, 'A'), ADMISSION_START);
	ck_assert_int_eq(ask_by(&a, &t[12], "z", wide, 'A'), ADMISSION_CROWDED_PARTY);
	by(&t[12], 'A');
	ck_assert_int_eq(admission_attach(&a, "z", wide, &t[12]), ADMISSION_CROWDED_PARTY);
	ck_assert_int_eq(ask_by(&a, &t[12], "z", wide, 'B'), ADMISSION_START);
	for (size_t i = 0; i < 13; i++)
		admission_leave(&a, &t[i]);

	for (size_t i = 0; i < 12; i++)
		ck_assert_int_eq(ask_by(&a, &t[i], "x", wide, (char)('A' + i)), ADMISSION_START);
	ck_assert_int_eq(ask_by(&a, &t[12], "x", wide, 'Z'), ADMISSION_CROWDED_SERVICE);
	ck_assert_int_eq(ask_by(&a, &t[12], "y", wide, 'Z'), ADMISSION_START);
	/* Places that handlers have are not free. */
	a.n_taken = 3;
	ck_assert_int_eq(ask_by(&a, &t[13], "y", wide, 'Z'), ADMISSION_CROWDED_PARTY);
	for (size_t i = 0; i < 13; i++)
		admission_leave(&a, &t[i]);
	ck_assert_uint_eq(admission_count(&a), 0);
}
END_TEST

#define RANDOM_STEPS 20000
#define RANDOM_SERVICES 3

/*
 * Invariants in any order of events: never over a limit, no lock held twice, no
 * ticket waits that could run, all counts add up.
 */
static void
invariants_check(struct admission *a, uint32_t concurrency, uint32_t queue)
{
	uint32_t running = 0, waiting = 0;
	struct lane *l;

	for (size_t i = 0; i < a->n_touched; i++) {
		uint32_t lane_running = 0, lane_waiting = 0;

		l = &a->pool[i];
		for (size_t k = 0; k < N_TICKETS; k++) {
			const struct ticket *t = &tickets[k];

			if (t->lane != l)
				continue;
			ck_assert_int_eq(t->seat != NULL, t->waiting && t->party.bytes[0] != 0);
			if (t->waiting) {
				lane_waiting++;
				continue;
			}
			lane_running++;
			for (size_t m = 0; m < k; m++) {
				ck_assert(tickets[m].lane != l || tickets[m].waiting ||
				    t->lock.bytes[0] == 0 ||
				    !digest_eq(&tickets[m].lock, &t->lock));
			}
		}
		running += lane_running;
		waiting += lane_waiting;
		ck_assert_uint_le(lane_running, concurrency);
		ck_assert_uint_le(lane_waiting, queue);
	}
	ck_assert_uint_eq(a->running, running);
	ck_assert_uint_eq(a->waiting, waiting);

	for (size_t k = 0; k < N_TICKETS; k++) {
		bool is_locked = false;

		l = tickets[k].lane;
		if (l == NULL || !tickets[k].waiting)
			continue;
		for (size_t m = 0; m < N_TICKETS; m++) {
			if (tickets[m].lane == l && !tickets[m].waiting &&
			    tickets[k].lock.bytes[0] != 0 &&
			    digest_eq(&tickets[m].lock, &tickets[k].lock))
				is_locked = true;
		}
		ck_assert(is_locked || l->running >= concurrency);
	}
}

START_TEST(test_random)
{
	static const char *const names[RANDOM_SERVICES] = { "x", "y", "z" };
	const struct lane_limits limits = { 3, 4 };
	struct admission a;
	unsigned seed = 1;

	memset(tickets, 0, sizeof(tickets));
	start(&a, 1000);
	for (int i = 0; i < RANDOM_STEPS; i++) {
		struct ticket *t = &tickets[rand_r(&seed) % N_TICKETS];

		if (t->lane != NULL) {
			admission_leave(&a, t);
		} else {
			*t = (struct ticket){ .lock.bytes[0] = (uint8_t)(rand_r(&seed) % 4) };
			t->party.bytes[0] = (uint8_t)(rand_r(&seed) % 3);
			(void)admission_ask(&a, names[rand_r(&seed) % RANDOM_SERVICES], limits, t);
		}
		while (admission_next(&a) != NULL)
			;
		invariants_check(&a, limits.concurrency, limits.queue);
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("admission");
	TCase *tc = tcase_create("policy");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_loop_test(tc, test_script, 0, ARRAY_LEN(scripts));
	tcase_add_test(tc, test_long_name);
	tcase_add_test(tc, test_share_of_a_queue);
	tcase_add_test(tc, test_share_of_all_places);
	tcase_add_test(tc, test_random);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
