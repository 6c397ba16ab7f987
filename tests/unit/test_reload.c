/* SPDX-License-Identifier: ISC */
/*
 * The transaction of a reload, with the test in the place of the processes:
 * it reads the frames of the master and answers as it likes.
 */
#include "config.h"

#include "master/reload.h"

#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "ipc/channel.h"
#include "ipc/logrec.h"
#include "master/master.h"
#include "master/stop.h"

enum { LOG, RUNNER, WORKER_0, WORKER_1, N_PROCESSES };

static struct master master;
static struct master *const m = &master;
static int theirs[N_PROCESSES];
static char dir[64], conf_file[96], new_socket[96];

static void
write_conf(bool more)
{
	FILE *f = fopen(conf_file, "w");

	ck_assert_ptr_nonnull(f);
	fprintf(f, "listen \"unix://%s/a.sock\" {}\nworkers = 2\n"
	    "runtime-directory = \"%s\"\ndrain-timeout = 1s\nlog {\nlevel = emerg\n}\n", dir, dir);
	if (geteuid() == 0)
		fprintf(f, "user = \"games\"\n");
	if (more)
		fprintf(f, "listen \"unix://%s\" {}\n", new_socket);
	fclose(f);
}

/* A process that serves; what it would do is up to the test. */
static void
serve(size_t i, enum role_kind kind, unsigned slot)
{
	struct process *p = &m->processes[i];
	int pair[2];

	ck_assert_int_eq(process_init(p, m, kind, slot), 0);
	ck_assert_int_eq(channel_pair(pair), 0);
	p->channel = pair[0];
	theirs[i] = pair[1];
	p->state = PROCESS_SERVING;
	p->generation = 1;
	p->pid = fork();
	if (p->pid == 0) {
		for (;;)
			pause();
	}
	ck_assert_int_gt(p->pid, 0);
}

static void
set_up(void)
{
	struct conf_errors errors = { 0 };
	char why[256] = "", *text;

	snprintf(dir, sizeof(dir), "%s", "/tmp/reqd-test-reload.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(conf_file, sizeof(conf_file), "%s/reqd.conf", dir);
	snprintf(new_socket, sizeof(new_socket), "%s/new.sock", dir);
	log_set_level(-1);
	write_conf(false);

	m->options.conf_file = conf_file;
	m->reload.text = m->log_read = m->control.socket.fd = m->reload.control.fd = -1;
	ck_assert_int_ge(sd_event_new(&m->event), 0);
	if (conf_load(conf_file, CONF_DEFAULT, &m->conf, &errors) < 0)
		ck_abort_msg("%s", errors.n > 0 ? errors.list[0].text : "?");
	m->conf->generation = 1;
	text = conf_format(m->conf);
	m->conf_text = fd_sealed("conf", text, strlen(text));
	free(text);
	ck_assert_int_eq(listen_open(m->conf, LISTEN_OPEN, NULL, &m->passed, &m->listeners, &errors), 0);
	ck_assert_int_eq(control_open(&m->control, m, why, sizeof(why)), 0);
	m->n_processes = N_PROCESSES;
	m->ready = true;
	serve(LOG, ROLE_LOG, 0);
	serve(RUNNER, ROLE_RUNNER, 0);
	serve(WORKER_0, ROLE_WORKER, 0);
	serve(WORKER_1, ROLE_WORKER, 1);
	write_conf(true);
}

static void
tear_down(void)
{
	for (size_t i = 0; i < MASTER_MAX_PROCESSES; i++) {
		if (m->processes[i].pid > 0)
			(void)kill(m->processes[i].pid, SIGKILL);
	}
	reload_cancel(m);
	control_close(&m->control);
	listen_close(&m->listeners, NULL);
	(void)unlink(conf_file);
	ck_assert_msg(rmdir(dir) == 0, "left behind in %s: %s", dir, strerror(errno));
}

/* The next frame that a process has got. */
static void
expect(size_t i, enum frame_type type, uint32_t generation)
{
	int fds[FRAME_MAX_FDS];
	struct frame f;
	size_t n;

	ck_assert_int_eq(channel_receive(theirs[i], &f, fds, &n), CHANNEL_OK);
	ck_assert_str_eq(frame_type_name(f.type), frame_type_name(type));
	ck_assert_uint_eq(f.generation, generation);
	channel_close_fds(fds, n);
}

static void
expect_nothing(size_t i)
{
	int fds[FRAME_MAX_FDS];
	struct frame f;
	size_t n;

	ck_assert_int_eq(channel_receive(theirs[i], &f, fds, &n), -EAGAIN);
}

static void
answer(size_t i, enum frame_type type, uint32_t generation)
{
	struct frame f = { .type = (uint16_t)type, .generation = generation };

	master_on_frame(&m->processes[i], &f);
}

static bool
is_alive(size_t i)
{
	pid_t pid = m->processes[i].pid;

	return pid > 0 && waitpid(pid, NULL, WNOHANG) == 0;
}

static bool
exists(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0;
}

static void
die(size_t i)
{
	int status;
	pid_t pid = m->processes[i].pid;

	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	process_died(&m->processes[i], status);
}

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

START_TEST(log_and_runner_commit_before_the_workers)
{
	begin(3);
	expect_nothing(RUNNER);
	answer(WORKER_1, FRAME_PREPARED, 2);
	expect(LOG, FRAME_COMMIT, 2);
	expect(RUNNER, FRAME_COMMIT, 2);
	expect_nothing(WORKER_0);
	answer(LOG, FRAME_COMMITTED, 2);
	expect_nothing(WORKER_0);
	answer(RUNNER, FRAME_COMMITTED, 2);
	expect(WORKER_0, FRAME_COMMIT, 2);
	expect(WORKER_1, FRAME_COMMIT, 2);
	answer(WORKER_0, FRAME_COMMITTED, 2);
	ck_assert_uint_eq(m->conf->generation, 1);
	answer(WORKER_1, FRAME_COMMITTED, 2);
	ck_assert_uint_eq(m->conf->generation, 2);
	ck_assert_int_eq(m->reload.phase, RELOAD_IDLE);
	ck_assert(exists(new_socket));
	for (size_t i = 0; i < N_PROCESSES; i++)
		ck_assert(is_alive(i));
}
END_TEST

START_TEST(who_refuses_ends_the_reload_and_nobody_else)
{
	begin(1);
	answer(WORKER_0, FRAME_REFUSED, 2);
	ck_assert_int_eq(m->reload.phase, RELOAD_IDLE);
	for (size_t i = 0; i < N_PROCESSES; i++)
		expect(i, FRAME_ABORT, 2);
	/* The others do not know yet that it is over. */
	answer(WORKER_1, FRAME_REFUSED, 2);
	answer(RUNNER, FRAME_PREPARED, 2);
	answer(LOG, FRAME_COMMITTED, 2);
	for (size_t i = 0; i < N_PROCESSES; i++) {
		ck_assert(is_alive(i));
		expect_nothing(i);
	}
	ck_assert_uint_eq(m->conf->generation, 1);
	ck_assert(!exists(new_socket));

	/* And their late words are not taken for answers to the next one. */
	reload_start(m);
	answer(WORKER_1, FRAME_REFUSED, 3);
	ck_assert_int_eq(m->reload.phase, RELOAD_PREPARE);
}
END_TEST

START_TEST(who_comes_in_the_middle_follows_at_the_end)
{
	struct process *late = &m->processes[WORKER_1];

	late->state = PROCESS_PREPARING;
	late->offered = 1;
	reload_start(m);
	expect_nothing(WORKER_1);
	for (size_t i = 0; i < WORKER_1; i++) {
		expect(i, FRAME_PREPARE, 2);
		answer(i, FRAME_PREPARED, 2);
	}
	answer(WORKER_1, FRAME_PREPARED, 1);
	expect(WORKER_1, FRAME_COMMIT, 1);
	answer(WORKER_1, FRAME_COMMITTED, 1);
	ck_assert_int_eq(late->state, PROCESS_SERVING);
	answer(LOG, FRAME_COMMITTED, 2);
	answer(RUNNER, FRAME_COMMITTED, 2);
	expect_nothing(WORKER_1);
	answer(WORKER_0, FRAME_COMMITTED, 2);
	ck_assert_uint_eq(m->conf->generation, 2);
	expect(WORKER_1, FRAME_PREPARE, 2);
	answer(WORKER_1, FRAME_PREPARED, 2);
	expect(WORKER_1, FRAME_COMMIT, 2);
	answer(WORKER_1, FRAME_COMMITTED, 2);
	ck_assert_int_eq(late->state, PROCESS_SERVING);
	ck_assert_uint_eq(late->generation, 2);
	ck_assert(is_alive(WORKER_1));
}
END_TEST

/* In every phase the death of one is no reason for the others to wait. */
START_TEST(a_death_does_not_stop_it)
{
	begin(3);
	if (_i == 0)
		die(WORKER_1);
	else
		answer(WORKER_1, FRAME_PREPARED, 2);
	answer(LOG, FRAME_COMMITTED, 2);
	if (_i == 1)
		die(RUNNER);
	else
		answer(RUNNER, FRAME_COMMITTED, 2);
	answer(WORKER_0, FRAME_COMMITTED, 2);
	if (_i == 2)
		die(WORKER_1);
	else if (_i != 0)
		answer(WORKER_1, FRAME_COMMITTED, 2);
	ck_assert_int_eq(m->reload.phase, RELOAD_IDLE);
	ck_assert_uint_eq(m->conf->generation, 2);
	ck_assert_int_eq(m->processes[_i == 1 ? RUNNER : WORKER_1].state, PROCESS_STARTING);
}
END_TEST

/* A stop in any phase: nothing new is begun, and nothing new stays. */
START_TEST(a_stop_ends_it)
{
	begin(_i == 0 ? 2 : 4);
	for (size_t i = 0; _i == 2 && i < WORKER_0; i++)
		answer(i, FRAME_COMMITTED, 2);
	ck_assert_int_eq(m->reload.phase, RELOAD_PREPARE + _i);
	stop_begin(m);
	ck_assert_int_eq(m->reload.phase, RELOAD_IDLE);
	ck_assert(!exists(new_socket));
	for (size_t i = 0; i < N_PROCESSES; i++) {
		answer(i, FRAME_PREPARED, 2);
		answer(i, FRAME_COMMITTED, 2);
		ck_assert_int_ne(m->processes[i].state, PROCESS_PREPARING);
	}
	ck_assert_int_eq(m->processes[WORKER_0].state, PROCESS_STOPPING);
	reload_start(m);
	ck_assert_int_eq(m->reload.phase, RELOAD_IDLE);
	for (size_t i = N_PROCESSES; i < MASTER_MAX_PROCESSES; i++)
		ck_assert_int_eq(m->processes[i].pid, 0);
}
END_TEST

START_TEST(one_that_is_asked_for_meanwhile_comes_after)
{
	begin(4);
	write_conf(false);
	reload_start(m);
	reload_start(m);
	for (size_t i = 0; i < N_PROCESSES; i++)
		expect(i, FRAME_COMMIT, 2), answer(i, FRAME_COMMITTED, 2);
	ck_assert_uint_eq(m->conf->generation, 2);
	ck_assert_int_eq(m->reload.phase, RELOAD_PREPARE);
	for (size_t i = 0; i < N_PROCESSES; i++)
		expect(i, FRAME_PREPARE, 3), answer(i, FRAME_PREPARED, 3);
	for (size_t i = 0; i < N_PROCESSES; i++)
		expect(i, FRAME_COMMIT, 3), answer(i, FRAME_COMMITTED, 3);
	ck_assert_uint_eq(m->conf->generation, 3);
	ck_assert_int_eq(m->reload.phase, RELOAD_IDLE);
	ck_assert_uint_eq(m->n_reloads, 2);
	ck_assert(!exists(new_socket));
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
	ck_assert_ptr_nonnull(strstr(buf_text(&json), "new.sock\",\"change\":\"added\"}],\"notes\":[]}"));
	buf_clear(&json);
	/* Both are told, where a reload would end with either. */
	ck_assert_int_eq(mkdir(new_socket, 0700), 0);
	reload_check(m, &json);
	ck_assert_ptr_nonnull(strstr(buf_text(&json), "the path exists and is no socket"));
	ck_assert_int_eq(rmdir(new_socket), 0);
	buf_done(&json);

	ck_assert_uint_eq(n_descriptors(), before);
	ck_assert(!exists(new_socket));
	ck_assert_int_eq(m->reload.phase, RELOAD_IDLE);
	ck_assert_uint_eq(m->conf->generation, 1);
	ck_assert_uint_eq(m->n_reloads, 0);
	for (size_t i = 0; i < N_PROCESSES; i++)
		expect_nothing(i);
}
END_TEST

/* What a process may not say, or not now, harms itself at most. */
START_TEST(words_at_the_wrong_time)
{
	static const enum frame_type types[] = {
		FRAME_READY, FRAME_PREPARED, FRAME_REFUSED, FRAME_COMMITTED, FRAME_PONG,
		FRAME_LISTED, FRAME_KILLED, FRAME_DRAINED,
	};

	for (size_t t = 0; t < sizeof(types) / sizeof(types[0]); t++) {
		for (uint32_t generation = 0; generation < 4; generation++)
			answer(WORKER_0, types[t], generation);
	}
	ck_assert(is_alive(WORKER_0));
	ck_assert_int_eq(m->processes[WORKER_0].state, PROCESS_SERVING);
	ck_assert_uint_eq(m->processes[WORKER_0].generation, 1);
	answer(WORKER_0, FRAME_RUN, 1);
	ck_assert_int_eq(waitpid(m->processes[WORKER_0].pid, NULL, 0), m->processes[WORKER_0].pid);
	for (size_t i = 0; i < N_PROCESSES; i++)
		ck_assert(i == WORKER_0 || is_alive(i));
}
END_TEST

int
main(int argc, char **argv)
{
	Suite *s = suite_create("reload");
	TCase *tc = tcase_create("reload");
	SRunner *sr;
	int failed;

	/* The master has started this as a role of its own. */
	if (argc > 1 && strncmp(argv[1], "--role=", 7) == 0)
		return 0;
	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, log_and_runner_commit_before_the_workers);
	tcase_add_test(tc, who_refuses_ends_the_reload_and_nobody_else);
	tcase_add_test(tc, who_comes_in_the_middle_follows_at_the_end);
	tcase_add_loop_test(tc, a_death_does_not_stop_it, 0, 3);
	tcase_add_loop_test(tc, a_stop_ends_it, 0, 3);
	tcase_add_test(tc, one_that_is_asked_for_meanwhile_comes_after);
	tcase_add_test(tc, a_check_changes_nothing);
	tcase_add_test(tc, words_at_the_wrong_time);
	tcase_set_timeout(tc, 60);
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
