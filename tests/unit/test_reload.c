/* SPDX-License-Identifier: ISC */
/*
 * The transaction of a reload.
 */
#include "config.h"

#include "master/reload.h"

#include <sys/mman.h>
#include <syslog.h>

#include "base/clock.h"
#include "ipc/roster.h"
#include "master-peer.h"

/* Everybody has got PREPARE, and as many as are asked for have answered. */
static void
begin(size_t n_answers)
{
	reload_start(m);
	for (size_t i = 0; i < N_PROCESSES; i++)
		expect(i, FRAME_PREPARE, 2);
	for (size_t i = 0; i < n_answers; i++)
		answer(i, FRAME_PREPARED, 2);
}

START_TEST(workers_commit_last)
{
	begin(5);
	expect_nothing(RUNNER);
	answer(WORKER_1, FRAME_PREPARED, 2);
	expect(LOG, FRAME_COMMIT, 2);
	expect(RUNNER, FRAME_COMMIT, 2);
	expect(CONTROL, FRAME_COMMIT, 2);
	expect_nothing(WORKER_0);
	answer(LOG, FRAME_COMMITTED, 2);
	answer(CONTROL, FRAME_COMMITTED, 2);
	expect_nothing(WORKER_0);
	expect_nothing(BROKER);
	answer(RUNNER, FRAME_COMMITTED, 2);
	expect_nothing(WORKER_0);
	expect(BROKER, FRAME_COMMIT, 2);
	answer(BROKER, FRAME_COMMITTED, 2);
	expect(WORKER_0, FRAME_COMMIT, 2);
	expect(WORKER_1, FRAME_COMMIT, 2);
	answer(WORKER_0, FRAME_COMMITTED, 2);
	ck_assert_int_eq(m->reload.phase, RELOAD_COMMIT);
	answer(WORKER_1, FRAME_COMMITTED, 2);
	ck_assert_uint_eq(m->now.conf->generation, 2);
	ck_assert_int_eq(m->reload.phase, RELOAD_IDLE);
	ck_assert(exists(new_socket));
	for (size_t i = 0; i < N_PROCESSES; i++)
		ck_assert(is_alive(i));
}
END_TEST

START_TEST(who_refuses_ends_the_reload_and_nobody_else)
{
	begin(1);
	answer(BROKER, FRAME_REFUSED, 2);
	ck_assert_int_eq(m->reload.phase, RELOAD_IDLE);
	for (size_t i = 0; i < N_PROCESSES; i++)
		expect(i, FRAME_ABORT, 2);
	/* The others do not know yet that it is over. */
	answer(WORKER_1, FRAME_REFUSED, 2);
	answer(BROKER, FRAME_REFUSED, 2);
	answer(WORKER_0, FRAME_PREPARED, 2);
	answer(LOG, FRAME_COMMITTED, 2);
	for (size_t i = 0; i < N_PROCESSES; i++) {
		ck_assert(is_alive(i));
		expect_nothing(i);
	}
	ck_assert_uint_eq(m->now.conf->generation, 1);
	ck_assert(!exists(new_socket));

	/* And their late words are not taken for answers to the next one. */
	reload_start(m);
	answer(BROKER, FRAME_REFUSED, 3);
	ck_assert_int_eq(m->reload.phase, RELOAD_PREPARE);
}
END_TEST

/*
 * A process that starts finishes the generation that it was given, and gets the
 * new one as soon as that is in force.
 */
START_TEST(who_comes_in_the_middle_follows)
{
	struct process *late = process(WORKER_1);

	late->state = PROCESS_PREPARING;
	late->offered = 1;
	reload_start(m);
	expect_nothing(WORKER_1);
	/* Before the first COMMIT, or after. */
	if (_i == 0)
		answer(WORKER_1, FRAME_PREPARED, 1), answer(WORKER_1, FRAME_COMMITTED, 1);
	for (size_t i = 0; i < WORKER_1; i++) {
		expect(i, FRAME_PREPARE, 2);
		answer(i, FRAME_PREPARED, 2);
	}
	if (_i == 1)
		answer(WORKER_1, FRAME_PREPARED, 1), answer(WORKER_1, FRAME_COMMITTED, 1);
	expect(WORKER_1, FRAME_COMMIT, 1);
	expect(WORKER_1, FRAME_PREPARE, 2);
	ck_assert_int_eq(late->state, PROCESS_PREPARING);
	/* The broker does not know yet what the worker would tell next. */
	answer(WORKER_1, FRAME_PREPARED, 2);
	expect_nothing(WORKER_1);
	answer(LOG, FRAME_COMMITTED, 2);
	answer(RUNNER, FRAME_COMMITTED, 2);
	answer(CONTROL, FRAME_COMMITTED, 2);
	answer(BROKER, FRAME_COMMITTED, 2);
	expect(WORKER_1, FRAME_COMMIT, 2);
	answer(WORKER_1, FRAME_COMMITTED, 2);
	ck_assert_int_eq(late->state, PROCESS_SERVING);
	ck_assert_uint_eq(late->generation, 2);
	answer(WORKER_0, FRAME_COMMITTED, 2);
	ck_assert_int_eq(m->reload.phase, RELOAD_IDLE);
	ck_assert(is_alive(WORKER_1));
	expect_nothing(WORKER_1);
}
END_TEST

/*
 * A process that starts after the first COMMIT has to understand those that
 * have committed.
 */
START_TEST(who_starts_in_the_middle_gets_the_new_one)
{
	begin(6);
	if (_i == 0) {
		die(RUNNER);
	} else {
		answer(LOG, FRAME_COMMITTED, 2), answer(RUNNER, FRAME_COMMITTED, 2);
		answer(CONTROL, FRAME_COMMITTED, 2);
		answer(BROKER, FRAME_COMMITTED, 2);
		answer(WORKER_0, FRAME_COMMITTED, 2);
		die(RUNNER);
	}
	ck_assert_int_eq(m->reload.phase, RELOAD_COMMIT);
	answer(RUNNER, FRAME_READY, 0);
	ck_assert_int_eq(process(RUNNER)->state, PROCESS_PREPARING);
	ck_assert_uint_eq(process(RUNNER)->offered, 2);
	ck_assert_uint_eq(m->now.conf->generation, 2);
	answer(LOG, FRAME_COMMITTED, 2);
	answer(CONTROL, FRAME_COMMITTED, 2);
	answer(BROKER, FRAME_COMMITTED, 2);
	answer(WORKER_0, FRAME_COMMITTED, 2);
	answer(WORKER_1, FRAME_COMMITTED, 2);
	ck_assert_int_eq(m->reload.phase, RELOAD_IDLE);
	/* Before it, the old one is in force. */
	reload_start(m);
	die(WORKER_1);
	answer(WORKER_1, FRAME_READY, 0);
	ck_assert_uint_eq(process(WORKER_1)->offered, 2);
	ck_assert_int_eq(m->reload.phase, RELOAD_PREPARE);
}
END_TEST

/*
 * A process that has no reason to refuse cannot keep rights in force that are
 * to be taken away: it is replaced, and no other process notices.
 */
START_TEST(who_may_not_refuse_is_replaced)
{
	size_t who = _i < 2 ? WORKER_0 : LOG;

	begin(0);
	for (size_t i = 0; i < N_PROCESSES; i++) {
		if (i != who)
			answer(i, FRAME_PREPARED, 2);
	}
	ck_assert_int_eq(m->reload.phase, RELOAD_PREPARE);
	if (_i % 2 == 0)
		answer(who, FRAME_REFUSED, 2);
	else
		reload_overdue(m, clock_usec());
	ck_assert_int_eq(m->reload.phase, RELOAD_COMMIT);
	ck_assert_uint_eq(m->now.conf->generation, 2);
	/* Later messages of the process do not count any more. */
	answer(who, FRAME_REFUSED, 2);
	answer(who, FRAME_PREPARED, 2);
	ck_assert_int_eq(waitpid(process(who)->pid, NULL, 0), process(who)->pid);
	for (size_t i = 0; i < N_PROCESSES; i++) {
		if (i == who)
			continue;
		ck_assert(is_alive(i));
		answer(i, FRAME_COMMITTED, 2);
	}
	ck_assert_int_eq(m->reload.phase, RELOAD_IDLE);
	ck_assert(exists(new_socket));
}
END_TEST

/* The broker has reasons: its handlers may not come up, or take their time. */
START_TEST(who_may_refuse_has_its_time)
{
	begin(1);
	answer(WORKER_0, FRAME_PREPARED, 2);
	reload_overdue(m, m->reload.due_usec - 1);
	ck_assert_int_eq(m->reload.phase, RELOAD_PREPARE);
	ck_assert_int_eq(waitpid(process(WORKER_1)->pid, NULL, 0), process(WORKER_1)->pid);
	ck_assert(is_alive(RUNNER));
	reload_overdue(m, m->reload.due_usec);
	ck_assert_int_eq(m->reload.phase, RELOAD_IDLE);
	ck_assert(is_alive(RUNNER));
	ck_assert_uint_eq(m->now.conf->generation, 1);
}
END_TEST

/* In each step: one that does not commit is replaced, however often it is waited for. */
START_TEST(who_does_not_commit_is_replaced)
{
	begin(6);
	for (size_t i = 0; i < N_PROCESSES; i++) {
		if (i != LOG && i != WORKER_1)
			answer(i, FRAME_COMMITTED, 2);
	}
	reload_overdue(m, clock_usec());
	ck_assert(loop_timer_is_armed(&m->reload.timer));
	expect(BROKER, FRAME_COMMIT, 2);
	answer(BROKER, FRAME_COMMITTED, 2);
	expect(WORKER_0, FRAME_COMMIT, 2);
	answer(WORKER_0, FRAME_COMMITTED, 2);
	ck_assert_int_eq(m->reload.phase, RELOAD_COMMIT);
	reload_overdue(m, clock_usec());
	ck_assert_int_eq(m->reload.phase, RELOAD_IDLE);
	ck_assert_int_eq(waitpid(process(LOG)->pid, NULL, 0), process(LOG)->pid);
	ck_assert_int_eq(waitpid(process(WORKER_1)->pid, NULL, 0), process(WORKER_1)->pid);
	ck_assert(is_alive(RUNNER));
	ck_assert(is_alive(WORKER_0));
}
END_TEST

/* In every phase the death of one is no reason for the others to wait. */
START_TEST(a_death_does_not_stop_it)
{
	begin(5);
	if (_i == 0)
		die(WORKER_1);
	else
		answer(WORKER_1, FRAME_PREPARED, 2);
	answer(LOG, FRAME_COMMITTED, 2);
	if (_i == 1)
		die(RUNNER);
	else
		answer(RUNNER, FRAME_COMMITTED, 2);
	answer(CONTROL, FRAME_COMMITTED, 2);
	answer(BROKER, FRAME_COMMITTED, 2);
	answer(WORKER_0, FRAME_COMMITTED, 2);
	if (_i == 2)
		die(WORKER_1);
	else if (_i != 0)
		answer(WORKER_1, FRAME_COMMITTED, 2);
	ck_assert_int_eq(m->reload.phase, RELOAD_IDLE);
	ck_assert_uint_eq(m->now.conf->generation, 2);
	ck_assert_int_eq(process(_i == 1 ? RUNNER : WORKER_1)->state, PROCESS_STARTING);
}
END_TEST

/* A stop in any phase: nothing new is begun, and nothing new stays. */
START_TEST(a_stop_ends_it)
{
	struct process *p;

	begin(_i == 0 ? 2 : 6);
	for (size_t i = 0; _i == 2 && i < WORKER_0; i++)
		answer(i, FRAME_COMMITTED, 2);
	ck_assert_int_eq(m->reload.phase, _i == 0 ? RELOAD_PREPARE : RELOAD_COMMIT);
	ck_assert(_i != 2 || m->reload.step == role_listening_step());
	stop_begin(m);
	ck_assert_int_eq(m->reload.phase, RELOAD_IDLE);
	ck_assert(!exists(new_socket));
	for (size_t i = 0; i < N_PROCESSES; i++) {
		answer(i, FRAME_PREPARED, 2);
		answer(i, FRAME_COMMITTED, 2);
		ck_assert_int_ne(process(i)->state, PROCESS_PREPARING);
	}
	ck_assert_int_eq(process(WORKER_0)->state, PROCESS_STOPPING);
	reload_start(m);
	ck_assert_int_eq(m->reload.phase, RELOAD_IDLE);
	FOR_EACH_PROCESS(p, &m->processes)
		ck_assert(p->pid == 0 || is_one_of_the_test(p));
}
END_TEST

START_TEST(one_that_is_asked_for_meanwhile_comes_after)
{
	begin(6);
	write_conf(false);
	reload_start(m);
	reload_start(m);
	for (size_t i = 0; i < N_PROCESSES; i++)
		expect(i, FRAME_COMMIT, 2), answer(i, FRAME_COMMITTED, 2);
	ck_assert_uint_eq(m->now.conf->generation, 2);
	ck_assert_int_eq(m->reload.phase, RELOAD_PREPARE);
	for (size_t i = 0; i < N_PROCESSES; i++)
		expect(i, FRAME_PREPARE, 3), answer(i, FRAME_PREPARED, 3);
	for (size_t i = 0; i < N_PROCESSES; i++)
		expect(i, FRAME_COMMIT, 3), answer(i, FRAME_COMMITTED, 3);
	ck_assert_uint_eq(m->now.conf->generation, 3);
	ck_assert_int_eq(m->reload.phase, RELOAD_IDLE);
	ck_assert(!exists(new_socket));
}
END_TEST

static void
ask(enum frame_what what, uint64_t id)
{
	struct frame f = { .type = FRAME_ASK, .id = id, .what = (uint8_t)what };

	m->processes.ops->frame(process(CONTROL), &f);
}

/* The answer that control has got, with a NUL behind it; to be freed. */
static void *
expect_told(enum frame_what what, uint64_t id)
{
	int fds[FRAME_MAX_FDS];
	struct frame f;
	const char *data;
	char *copy;
	size_t n, len;

	ck_assert_int_eq(channel_receive(theirs[CONTROL], &f, fds, &n), CHANNEL_OK);
	ck_assert_str_eq(frame_type_name(f.type), "told");
	ck_assert_uint_eq(f.what, what);
	ck_assert_uint_eq(f.id, id);
	ck_assert_uint_eq(n, 1);
	ck_assert_int_eq(fd_map_sealed(fds[0], 1 << 20, &data, &len), 0);
	copy = calloc(1, len + 1);
	ck_assert_ptr_nonnull(copy);
	memcpy(copy, data, len);
	ck_assert_int_eq(munmap((void *)(uintptr_t)data, len), 0);
	channel_close_fds(fds, n);
	return copy;
}

static void
expect_outcome(uint64_t id, const char *part)
{
	char *json = expect_told(WHAT_RELOAD, id);

	ck_assert_msg(strstr(json, part) != NULL, "%s", json);
	free(json);
}

/* Of those that were asked for meanwhile, one is made; its outcome is for all of them. */
START_TEST(an_outcome_is_for_who_asked_before_it_began)
{
	ask(WHAT_RELOAD, 11);
	for (size_t i = 0; i < N_PROCESSES; i++)
		expect(i, FRAME_PREPARE, 2), answer(i, FRAME_PREPARED, 2);
	ask(WHAT_RELOAD, 12);
	ask(WHAT_RELOAD, 15);
	for (size_t i = 0; i < N_PROCESSES; i++)
		expect(i, FRAME_COMMIT, 2), answer(i, FRAME_COMMITTED, 2);
	expect_outcome(11, "\"generation\":2");
	for (size_t i = 0; i < N_PROCESSES; i++)
		expect(i, FRAME_PREPARE, 3), answer(i, FRAME_PREPARED, 3);
	if (_i == 0) {
		for (size_t i = 0; i < N_PROCESSES; i++)
			expect(i, FRAME_COMMIT, 3), answer(i, FRAME_COMMITTED, 3);
		expect_outcome(15, "\"generation\":3");
		expect_nothing(CONTROL);
		return;
	}
	/* Clients that have to wait when reqd stops are told so, too. */
	ask(WHAT_RELOAD, 20);
	stop_begin(m);
	expect(CONTROL, FRAME_COMMIT, 3);
	expect_outcome(15, "reqd is stopping");
	expect_outcome(20, "reqd is stopping");
	ask(WHAT_RELOAD, 21);
	expect_outcome(21, "reqd is stopping");
}
END_TEST

/* Nobody is told who is not there, and nobody waits for that. */
START_TEST(a_reload_goes_on_without_who_asked)
{
	ask(WHAT_RELOAD, 11);
	for (size_t i = 0; i < N_PROCESSES; i++)
		expect(i, FRAME_PREPARE, 2);
	die(CONTROL);
	/* The log gets the successor's records. */
	expect(LOG, FRAME_LINK, 0);
	for (size_t i = 0; i < N_PROCESSES; i++) {
		if (i != CONTROL)
			answer(i, FRAME_PREPARED, 2);
	}
	for (size_t i = 0; i < N_PROCESSES; i++) {
		if (i != CONTROL)
			expect(i, FRAME_COMMIT, 2), answer(i, FRAME_COMMITTED, 2);
	}
	ck_assert_int_eq(m->reload.phase, RELOAD_IDLE);
	ck_assert_uint_eq(m->now.conf->generation, 2);
	ck_assert_int_eq(process(CONTROL)->state, PROCESS_STARTING);
}
END_TEST

START_TEST(the_roster_is_as_it_is_now)
{
	struct roster *r;

	m->started_usec = 17;
	process(WORKER_0)->restarts = 3;
	process(WORKER_1)->state = PROCESS_STOPPING;
	ask(WHAT_ROSTER, 11);
	r = expect_told(WHAT_ROSTER, 11);
	ck_assert_uint_eq(r->started_usec, 17);
	ck_assert_uint_eq(r->pid, (uint32_t)getpid());
	ck_assert_uint_eq(r->state, ROSTER_SERVING);
	ck_assert_str_eq(r->conf_file, conf_file);
	for (size_t i = 0; i < N_PROCESSES; i++) {
		const struct process *p = process(i);
		const struct roster_process *is = &r->processes[process_number(p)];

		ck_assert_uint_eq(is->pid, (uint32_t)p->pid);
		ck_assert_uint_eq(is->restarts, i == WORKER_0 ? 3 : 0);
		ck_assert_uint_eq(is->state, i == WORKER_1 ? PROCESS_STOPPING : PROCESS_SERVING);
	}
	free(r);
}
END_TEST

/* Only control may give orders: a worker that asks is replaced. */
START_TEST(nobody_else_asks)
{
	struct frame f = { .type = FRAME_ASK, .id = 1, .what = WHAT_RELOAD };

	if (_i == 1)
		f = (struct frame){ .type = FRAME_OVERLAY, .id = 1, .overlay.is_last = 1 };
	m->processes.ops->frame(process(WORKER_0), &f);
	ck_assert_int_eq(waitpid(process(WORKER_0)->pid, NULL, 0), process(WORKER_0)->pid);
	ck_assert_int_eq(m->reload.phase, RELOAD_IDLE);
}
END_TEST

/* An order of control about the level of the log. */
static void
set_level(uint8_t level, uint64_t id)
{
	struct frame f = { .type = FRAME_OVERLAY, .id = id };

	f.overlay.what = OVERLAY_LEVEL;
	f.overlay.level = level;
	f.overlay.is_first = f.overlay.is_last = 1;
	m->processes.ops->frame(process(CONTROL), &f);
}

static void
all_prepare(uint32_t generation)
{
	for (size_t i = 0; i < N_PROCESSES; i++)
		expect(i, FRAME_PREPARE, generation), answer(i, FRAME_PREPARED, generation);
}

static void
all_commit(uint32_t generation)
{
	for (size_t i = 0; i < N_PROCESSES; i++)
		expect(i, FRAME_COMMIT, generation), answer(i, FRAME_COMMITTED, generation);
}

static void
expect_set(uint64_t id, const char *part)
{
	char *json = expect_told(WHAT_OVERLAY, id);

	ck_assert_msg(strstr(json, part) != NULL, "%s", json);
	free(json);
}

/* A setting of an administrator does not read the files, and a reload of the files keeps it. */
START_TEST(an_order_is_a_reload_of_its_own)
{
	set_level(LOG_ERR, 11);
	all_prepare(2);
	all_commit(2);
	expect_set(11, "{\"ok\":true,\"generation\":2}");
	ck_assert_int_eq(m->now.conf->log_level, LOG_ERR);
	ck_assert(!exists(new_socket));
	ask(WHAT_RELOAD, 12);
	all_prepare(3);
	all_commit(3);
	expect_outcome(12, "\"generation\":3");
	ck_assert_int_eq(m->now.conf->log_level, LOG_ERR);
	ck_assert_int_eq(m->now.file_level, LOG_EMERG);
	ck_assert(exists(new_socket));
	set_level(OVERLAY_LEVEL_OF_FILES, 13);
	all_prepare(4);
	all_commit(4);
	expect_set(13, "\"generation\":4");
	ck_assert_int_eq(m->now.conf->log_level, LOG_EMERG);
	expect_nothing(CONTROL);
	log_set_level(-1);
}
END_TEST

/* During a reload it follows; also where another one of the files is refused. */
START_TEST(an_order_waits_for_the_reload_before_it)
{
	FILE *f;

	begin(6);
	set_level(LOG_ERR, 11);
	set_level(LOG_CRIT, 12);
	if (_i == 1) {
		f = fopen(conf_file, "w");
		ck_assert_ptr_nonnull(f);
		(void)fputs("nonsense", f);
		(void)fclose(f);
		ask(WHAT_RELOAD, 13);
	}
	all_commit(2);
	if (_i == 1)
		expect_outcome(13, "\"ok\":false");
	ck_assert_int_eq(m->now.conf->log_level, LOG_EMERG);
	all_prepare(3);
	all_commit(3);
	expect_set(12, "\"generation\":3");
	expect_nothing(CONTROL);
	ck_assert_int_eq(m->now.conf->log_level, LOG_CRIT);
	log_set_level(-1);
}
END_TEST

/* A reload of the files that begins meanwhile takes it along. */
START_TEST(an_order_goes_with_the_next_reload)
{
	begin(6);
	set_level(LOG_ERR, 11);
	ask(WHAT_RELOAD, 12);
	all_commit(2);
	all_prepare(3);
	all_commit(3);
	expect_set(11, "\"generation\":3");
	expect_outcome(12, "\"generation\":3");
	ck_assert_int_eq(m->reload.phase, RELOAD_IDLE);
	ck_assert_int_eq(m->now.conf->log_level, LOG_ERR);
	log_set_level(-1);
}
END_TEST

/* Refused by a process, or ended by a stop: nothing has changed, and who asked hears it. */
START_TEST(an_order_that_fails_changes_nothing)
{
	set_level(LOG_ERR, 11);
	for (size_t i = 0; i < N_PROCESSES; i++)
		expect(i, FRAME_PREPARE, 2);
	if (_i == 0) {
		answer(BROKER, FRAME_REFUSED, 2);
		for (size_t i = 0; i < N_PROCESSES; i++)
			expect(i, FRAME_ABORT, 2);
		expect_set(11, "\"ok\":false");
		reload_start(m);
		all_prepare(2);
		all_commit(2);
		ck_assert_int_eq(m->now.conf->log_level, LOG_EMERG);
		return;
	}
	if (_i == 2)
		ask(WHAT_RELOAD, 13);
	stop_begin(m);
	expect_set(11, "reqd is stopping");
	/* Also who has asked for a reload of the files behind it. */
	if (_i == 2)
		expect_outcome(13, "reqd is stopping");
	set_level(LOG_ERR, 12);
	expect_set(12, "reqd is stopping");
	ck_assert_int_eq(m->reload.phase, RELOAD_IDLE);
}
END_TEST

static size_t
n_descriptors(void)
{
	DIR *d = opendir("/proc/self/fd");
	size_t n = 0;

	ck_assert_ptr_nonnull(d);
	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n;
}

/* Asked what it would do: says it, and nobody else hears of it. */
START_TEST(a_check_changes_nothing)
{
	struct buf json = BUF_INIT(0);
	size_t before = n_descriptors();

	reload_check(m, &json);
	ck_assert_ptr_nonnull(strstr(buf_text(&json), "{\"ok\":true,\"check\":true,\"generation\":1,"));
	ck_assert_ptr_nonnull(strstr(buf_text(&json), "new.sock\",\"change\":\"added\"}],\"notes\":[{"));
	/* The one note: the configuration of this test has no service. */
	ck_assert_ptr_nonnull(strstr(buf_text(&json), "no service is declared"));
	ck_assert_ptr_null(strstr(strstr(buf_text(&json), "\"notes\""), "},{"));
	buf_clear(&json);
	/* Both errors are reported where a reload would fail for either. */
	ck_assert_int_eq(mkdir(new_socket, 0700), 0);
	reload_check(m, &json);
	ck_assert_ptr_nonnull(strstr(buf_text(&json), "the path exists and is no socket"));
	ck_assert_int_eq(rmdir(new_socket), 0);
	buf_done(&json);

	ck_assert_uint_eq(n_descriptors(), before);
	ck_assert(!exists(new_socket));
	ck_assert_int_eq(m->reload.phase, RELOAD_IDLE);
	ck_assert_uint_eq(m->now.conf->generation, 1);
	for (size_t i = 0; i < N_PROCESSES; i++)
		expect_nothing(i);
}
END_TEST

/*
 * A process that sends a wrong message, or at a wrong time, harms at most
 * itself.
 */
START_TEST(words_at_the_wrong_time)
{
	static const enum frame_type types[] = {
		FRAME_READY, FRAME_PREPARED, FRAME_REFUSED, FRAME_COMMITTED, FRAME_PONG,
		FRAME_DRAINED,
	};

	for (size_t t = 0; t < sizeof(types) / sizeof(types[0]); t++) {
		for (uint32_t generation = 0; generation < 4; generation++)
			answer(WORKER_0, types[t], generation);
	}
	ck_assert(is_alive(WORKER_0));
	ck_assert_int_eq(process(WORKER_0)->state, PROCESS_SERVING);
	ck_assert_uint_eq(process(WORKER_0)->generation, 1);
	answer(WORKER_0, FRAME_RUN, 1);
	ck_assert_int_eq(waitpid(process(WORKER_0)->pid, NULL, 0), process(WORKER_0)->pid);
	for (size_t i = 0; i < N_PROCESSES; i++)
		ck_assert(i == WORKER_0 || is_alive(i));
}
END_TEST

MASTER_MAIN("reload", tcase_add_test(tc, workers_commit_last);
    tcase_add_loop_test(tc, an_outcome_is_for_who_asked_before_it_began, 0, 2);
    tcase_add_test(tc, a_reload_goes_on_without_who_asked);
    tcase_add_test(tc, the_roster_is_as_it_is_now); tcase_add_loop_test(tc, nobody_else_asks, 0, 2);
    tcase_add_test(tc, an_order_is_a_reload_of_its_own);
    tcase_add_loop_test(tc, an_order_waits_for_the_reload_before_it, 0, 2);
    tcase_add_test(tc, an_order_goes_with_the_next_reload);
    tcase_add_loop_test(tc, an_order_that_fails_changes_nothing, 0, 3);
    tcase_add_test(tc, who_refuses_ends_the_reload_and_nobody_else);
    tcase_add_loop_test(tc, who_comes_in_the_middle_follows, 0, 2);
    tcase_add_loop_test(tc, who_starts_in_the_middle_gets_the_new_one, 0, 2);
    tcase_add_loop_test(tc, who_may_not_refuse_is_replaced, 0, 4);
    tcase_add_test(tc, who_may_refuse_has_its_time);
    tcase_add_test(tc, who_does_not_commit_is_replaced);
    tcase_add_loop_test(tc, a_death_does_not_stop_it, 0, 3);
    tcase_add_loop_test(tc, a_stop_ends_it, 0, 3);
    tcase_add_test(tc, one_that_is_asked_for_meanwhile_comes_after);
    tcase_add_test(tc, a_check_changes_nothing);
    tcase_add_test(tc, words_at_the_wrong_time))
