/* SPDX-License-Identifier: ISC */
/*
 * Channels between the processes: who is given one, and what becomes of it when
 * a process is dead or found out.
 */
#include "config.h"

#include "master/links.h"

#include "ipc/mail.h"
#include "master-peer.h"

/* Both ends, as LINK brings them. */
static struct frame
expect_link(size_t i, size_t of, struct mail_ends *ret)
{
	struct frame f;
	int fds[FRAME_MAX_FDS];
	size_t n;

	do {
		ck_assert_int_eq(channel_receive(theirs[i], &f, fds, &n), CHANNEL_OK);
	} while (f.type == FRAME_STATS && close(fds[0]) == 0);
	ck_assert_uint_eq(n, 2);
	*ret = (struct mail_ends){ fds[0], fds[1] };
	ck_assert_int_eq(f.type, FRAME_LINK);
	ck_assert_uint_eq(f.slot, process_number(process(of)));
	ck_assert_uint_eq(f.link.serial, process(of)->serial);
	ck_assert_uint_eq(f.link.pid, (uint32_t)process(of)->pid);
	return f;
}

static void
link_up(size_t i, struct mail_ends ret[4])
{
	process(i)->serial = ++m->processes.n_starts;
	links_open(process(i));
	(void)expect_link(BROKER, i, &ret[0]);
	(void)expect_link(i, BROKER, &ret[1]);
	(void)expect_link(CONTROL, i, &ret[2]);
	(void)expect_link(i, CONTROL, &ret[3]);
}

static void
fault(size_t by, size_t of, uint64_t serial)
{
	struct frame f = { .type = FRAME_FAULT, .slot = process_number(process(of)) };

	f.fault.serial = serial;
	(void)strlcpy(f.fault.text, "nonsense", sizeof(f.fault.text));
	m->processes.ops->frame(process(by), &f);
}

static void
expect_unlink(size_t i, size_t of, uint64_t serial)
{
	struct frame f;

	ck_assert_int_eq(channel_receive_plain(theirs[i], &f), CHANNEL_OK);
	ck_assert_int_eq(f.type, FRAME_UNLINK);
	ck_assert_uint_eq(f.slot, process_number(process(of)));
	ck_assert_uint_eq(f.link.serial, serial);
}

static void
expect_killed(size_t i)
{
	int status;

	ck_assert_int_eq(waitpid(process(i)->pid, &status, 0), process(i)->pid);
	ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	process_died(process(i), status);
}

START_TEST(both_ends_say_whose_the_other_is)
{
	struct frame out = { .type = FRAME_CANCEL }, in;
	int fds[FRAME_MAX_FDS];
	size_t n;
	struct mail_ends ends[4];

	link_up(WORKER_0, ends);
	expect_nothing(LOG);
	/* The broker is above: it writes the socket and reads the pipe. */
	ck_assert_int_eq(channel_send(ends[0].socket, &out, NULL, 0), 0);
	ck_assert_int_eq(channel_receive(ends[1].socket, &in, fds, &n), CHANNEL_OK);
	ck_assert_int_eq(in.type, FRAME_CANCEL);
	ck_assert_int_eq(write(ends[1].pipe, &out, sizeof(out)), sizeof(out));
	ck_assert_int_eq(read(ends[0].pipe, &in, sizeof(in)), sizeof(in));
	ck_assert_int_eq(in.type, FRAME_CANCEL);
}
END_TEST

/* Nobody waits for it to notice, and nobody asks it to leave. */
START_TEST(who_is_found_out_is_killed_and_replaced)
{
	struct mail_ends ends[4];
	uint64_t serial;

	link_up(WORKER_0, ends);
	serial = process(WORKER_0)->serial;
	fault(_i == 0 ? BROKER : CONTROL, WORKER_0, serial);
	/* Other processes may hold the other end. */
	expect_unlink(BROKER, WORKER_0, serial);
	expect_unlink(CONTROL, WORKER_0, serial);
	expect_killed(WORKER_0);
	ck_assert_int_eq(process(WORKER_0)->state, PROCESS_STARTING);
	ck_assert_uint_ne(process(WORKER_0)->serial, serial);
	expect_nothing(BROKER);
	/* Said again, it is not about the successor. */
	fault(BROKER, WORKER_0, serial);
	ck_assert(is_alive(WORKER_0));
	for (size_t i = 0; i < N_PROCESSES; i++)
		ck_assert(is_alive(i));
}
END_TEST

START_TEST(a_death_closes_what_is_linked)
{
	struct mail_ends ends[4];
	uint64_t serial;

	link_up(WORKER_1, ends);
	serial = process(WORKER_1)->serial;
	die(WORKER_1);
	expect_unlink(BROKER, WORKER_1, serial);
	expect_unlink(CONTROL, WORKER_1, serial);
	expect_nothing(BROKER);
	expect_nothing(WORKER_0);
}
END_TEST

/* Control lets clients in when it commits, and they may ask for all workers at once. */
START_TEST(control_has_its_links_before_it_serves)
{
	struct mail_ends ends[2];
	struct process *p = process(CONTROL);

	p->state = PROCESS_STARTING;
	p->generation = 0;
	answer(CONTROL, FRAME_READY, 0);
	(void)expect_link(CONTROL, WORKER_0, &ends[0]);
	(void)expect_link(CONTROL, WORKER_1, &ends[1]);
	expect(CONTROL, FRAME_PREPARE, 1);
	answer(CONTROL, FRAME_PREPARED, 1);
	expect(CONTROL, FRAME_COMMIT, 1);
	answer(CONTROL, FRAME_COMMITTED, 1);
	ck_assert_int_eq(p->state, PROCESS_SERVING);
	expect_nothing(CONTROL);
}
END_TEST

/* A process without a channel to it cannot have found anything out. */
START_TEST(strangers_report_nobody)
{
	fault(WORKER_0, WORKER_1, process(WORKER_1)->serial);
	expect_killed(WORKER_0);
	ck_assert(is_alive(WORKER_1));
	/* Control asks workers, and nobody else. */
	fault(CONTROL, BROKER, process(BROKER)->serial);
	expect_killed(CONTROL);
	fault(LOG, BROKER, process(BROKER)->serial);
	expect_killed(LOG);
	ck_assert(is_alive(BROKER));
}
END_TEST

/* A worker that wants to be rid of the broker. */
START_TEST(the_lower_is_not_reported_by_the_higher)
{
	fault(WORKER_0, BROKER, process(BROKER)->serial);
	ck_assert(is_alive(BROKER));
	expect_killed(WORKER_0);
}
END_TEST

MASTER_MAIN("links", tcase_add_test(tc, both_ends_say_whose_the_other_is);
    tcase_add_loop_test(tc, who_is_found_out_is_killed_and_replaced, 0, 2);
    tcase_add_test(tc, a_death_closes_what_is_linked);
    tcase_add_test(tc, control_has_its_links_before_it_serves);
    tcase_add_test(tc, strangers_report_nobody);
    tcase_add_test(tc, the_lower_is_not_reported_by_the_higher))
