/* SPDX-License-Identifier: ISC */
/*
 * Pools when the configuration changes, and when the runner stops.
 */
#include "config.h"

#include "pool-peer.h"

/* ---------------------------------------------------------------- rising --- */

static const char ping_text[] =
    LISTEN
    "kill-grace = 20ms\n"
    "service \"one\" { handler = {\"/bin/cat\"} ready = ping processes { max = 1 } }\n";

START_TEST(asked_before_it_counts)
{
	struct leased probe, a;

	prepare(2, ping_text);
	probe = get_lease_any("one");
	ck_assert_uint_eq(probe.lease.is_probe, 1);
	ck_assert_uint_gt(probe.lease.due_usec, clock_usec());
	give_back(&probe, 0);
	ck_assert_uint_eq(get(broker.master, FRAME_PREPARED).generation, 2);
	tell(FRAME_COMMIT, 2);
	ck_assert_uint_eq(get(broker.master, FRAME_COMMITTED).generation, 2);
	a = lease(1, "one");
	ck_assert_uint_eq(a.id, probe.id);
	ck_assert_uint_eq(a.lease.is_probe, 0);
	give_back(&a, 1);
}
END_TEST

/* Of services for workers of HTTP; those here speak RESP. */
static const char web_text[] =
    LISTEN
    "kill-grace = 20ms\n"
    "service \"one\" { handler = {\"/bin/cat\"} doors = {\"http\"} processes { max = 1 } }\n";

static void
want_under(uint32_t generation, const char *service)
{
	struct frame f = { .type = FRAME_WANT, .generation = generation };

	(void)strlcpy(f.lease.service, service, sizeof(f.lease.service));
	say(0, &f);
}

START_TEST(other_doors)
{
	prepare(2, web_text);
	ck_assert_uint_eq(get(broker.master, FRAME_PREPARED).generation, 2);
	tell(FRAME_COMMIT, 2);
	ck_assert_uint_eq(get(broker.master, FRAME_COMMITTED).generation, 2);
	/* Under the former rules the service had both doors; the others never were. */
	for (uint32_t generation = 1; generation < 1000; generation += 500) {
		struct frame f;

		want_under(generation, "one");
		f = get(broker.worker[0], FRAME_UNABLE);
		ck_assert_str_eq(f.unable.service, "one");
		ck_assert_int_eq(f.unable.reason, UNABLE_GONE);
	}
}
END_TEST

/* The wishes of workers end with the door. */
START_TEST(door_goes)
{
	struct leased a = lease(1, "one");
	struct frame f;

	want(0, "one");
	expect_recall(&a);
	prepare(2, web_text);
	ck_assert_uint_eq(get(broker.master, FRAME_PREPARED).generation, 2);
	tell(FRAME_COMMIT, 2);
	ck_assert_uint_eq(get(broker.master, FRAME_COMMITTED).generation, 2);
	f = get(broker.worker[0], FRAME_UNABLE);
	ck_assert_int_eq(f.unable.reason, UNABLE_GONE);
	give_back(&a, 1);
}
END_TEST

/*
 * A new process is asked by a worker of a door of its service only, and waits for one that
 * is to come. The first of them come after the reload that brings them, which cannot wait.
 */
START_TEST(asked_by_a_worker_of_the_door)
{
#define WEB "listen \"http://127.0.0.1:1\" {}\n"
#define OF_WEB(word) LISTEN WEB "kill-grace = 20ms\n" \
    "service \"one\" { handler = {\"/bin/cat\", \"" word "\"} ready = ping doors = {\"http\"} " \
    "processes { max = 1 } }\n"
	struct mail_ends web;
	struct leased probe;
	uint16_t other;

	prepare(2, OF_WEB("-u"));
	probe = get_lease_any("one");
	ck_assert_uint_eq(probe.lease.is_probe, 1);
	/* The end of the one that has asked would end what it asked. */
	other = probe.worker == 0 ? 1 : 0;
	give_back(&probe, 0);
	ck_assert_uint_eq(get(broker.master, FRAME_PREPARED).generation, 2);
	commit(2);
	ck_assert_uint_eq(get(broker.master, FRAME_COMMITTED).generation, 2);

	prepare(3, OF_WEB("--"));
	for (size_t i = 0; i < 20; i++) {
		sync_master();
		sync_worker(0);
		sync_worker(1);
	}
	leave(other);
	web = link_roles(broker.master, -1, CONF_MAX_CLASS);
	broker.worker[other] = web.socket;
	broker.peer[other].pipe = web.pipe;
	(void)fd_set_nonblock(web.pipe, false);
	probe = get_lease(other, "one");
	ck_assert_uint_eq(probe.lease.is_probe, 1);
	give_back(&probe, 0);
	ck_assert_uint_eq(get(broker.master, FRAME_PREPARED).generation, 3);
}
END_TEST

START_TEST(does_not_answer)
{
	struct leased old = lease(1, "one"), probe;
	struct frame f;

	broker.errors_expected = true;
	prepare(2, ping_text);
	probe = get_lease_any("one");
	give_back_broken(&probe, 0);
	f = get(broker.master, FRAME_REFUSED);
	ck_assert_uint_eq(f.generation, 2);
	ck_assert_ptr_nonnull(strstr(f.text, "service 'one'"));
	/* The old one goes on. */
	serves(&old);
	old = lease(0, "one");
	give_back(&old, 1);
}
END_TEST

START_TEST(new_one_dies)
{
	static const char text[] =
	    LISTEN
	    "service \"one\" { handler = {\"/bin/sh\", \"-c\", \"exit 7\"} }\n";
	struct leased a = lease(0, "one");
	struct frame f;

	broker.errors_expected = true;
	prepare(2, text);
	f = get(broker.master, FRAME_REFUSED);
	ck_assert_msg(strstr(f.text, "exit status 7") != NULL, "%s", f.text);
	serves(&a);
	a = lease(1, "one");
	serves(&a);
}
END_TEST

START_TEST(given_up_before_it_is_ready)
{
	struct leased probe;

	prepare(2, ping_text);
	probe = get_lease_any("one");
	tell(FRAME_ABORT, 2);
	ck_ends(probe.out);
	give_back(&probe, 0);		/* of what is no more */
	configure(3, conf_text);
}
END_TEST

/* ---------------------------------------------------------------- commit --- */

START_TEST(unchanged_stays_warm)
{
	struct leased a = lease(0, "one"), b;

	give_back(&a, 1);
	configure(2, conf_text);
	b = lease(0, "one");
	ck_assert_uint_eq(b.id, a.id);
	give_back(&b, 1);
}
END_TEST

START_TEST(changed_is_replaced)
{
	static const char text[] =
	    LISTEN
	    "service \"one\" { handler = {\"/bin/cat\", \"-u\"} processes { max = 1 } }\n";
	struct leased a = lease(0, "one"), b, gone = lease(0, "few");

	want(1, "one");
	(void)get(broker.worker[0], FRAME_RECALL);
	configure(2, text);
	b = get_lease(1, "one");	/* the waiting worker gets a new one */
	ck_assert_uint_ne(b.id, a.id);
	expect_recall(&gone);
	ck_echo(&a, "x\n");		/* the running one ends under the old configuration */
	ck_echo(&gone, "x\n");
	give_back(&a, 1);
	give_back(&gone, 1);
	ck_echo(&b, "y\n");
	want(0, "few");
	ck_assert_str_eq(get(broker.worker[0], FRAME_UNABLE).unable.service, "few");
	give_back(&b, 1);
}
END_TEST

/* Also where the service has another number from now on, or another handler. */
START_TEST(numbers_go_on)
{
	static const char text[] =
	    LISTEN
	    "kill-grace = 20ms\n"
	    "service \"a-first\" { handler = {\"/bin/cat\"} processes { min = 0 } }\n"
	    "service \"one\" { handler = {\"/bin/cat\"} processes { max = 1 } }\n"
	    "service \"tidy\" { handler = {\"/bin/cat\", \"-u\"} processes { min = 0 } }\n";
	enum { NOW_FIRST, NOW_ONE, NOW_TIDY };
	struct leased a = lease(0, "one"), b;
	uint64_t died_usec;

	broker.errors_expected = true;
	dies(&a);
	give_back_broken(&a, 0);
	b = lease(0, "one");
	ck_assert_uint_ne(b.id, a.id);
	sync_worker(0);
	ck_assert_uint_eq(stats_of(S_ONE)->started, 2);
	ck_assert_uint_eq(stats_of(S_ONE)->died, 1);
	died_usec = stats_of(S_ONE)->last_usec;
	ck_assert_uint_gt(died_usec, 0);
	ck_assert_uint_ge(stats_of(S_TIDY)->started, 1);
	give_back(&b, 1);
	configure(2, text);
	ck_assert_uint_eq(broker.stats->generation, 2);
	ck_assert_uint_eq(stats_of(NOW_ONE)->started, 2);
	ck_assert_uint_eq(stats_of(NOW_ONE)->died, 1);
	ck_assert_uint_eq(stats_of(NOW_ONE)->last_usec, died_usec);
	ck_assert_uint_eq(stats_of(NOW_ONE)->processes, 1);
	ck_assert_uint_eq(stats_of(NOW_FIRST)->started, 0);
	ck_assert_uint_ge(stats_of(NOW_TIDY)->started, 1);
	ck_assert_uint_eq(stats_of(NOW_TIDY)->processes, 0);
	b = lease(1, "one");
	give_back(&b, 1);
}
END_TEST

START_TEST(stops_with_the_rest)
{
	struct leased a = lease(0, "one");

	stop(clock_usec() + FAR);
	expect_recall(&a);
	ck_echo(&a, "x\n");
	ends_when_back(&a, 1);
	(void)get(broker.master, FRAME_DRAINED);
}
END_TEST

static void
add(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, asked_before_it_counts);
	tcase_add_test(tc, other_doors);
	tcase_add_test(tc, door_goes);
	tcase_add_test(tc, asked_by_a_worker_of_the_door);
	tcase_add_test(tc, does_not_answer);
	tcase_add_test(tc, new_one_dies);
	tcase_add_test(tc, given_up_before_it_is_ready);
	tcase_add_test(tc, unchanged_stays_warm);
	tcase_add_test(tc, changed_is_replaced);
	tcase_add_test(tc, numbers_go_on);
	tcase_add_test(tc, stops_with_the_rest);
}

UNIT_MAIN("pools", add(tc))
