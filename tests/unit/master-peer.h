/* SPDX-License-Identifier: ISC */
/*
 * master-peer: a master, with the test in the place of its processes: the test
 * reads the frames of the master and answers as it needs.
 */
#pragma once

#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "ipc/channel.h"
#include "ipc/logrec.h"
#include "master/master.h"
#include "master/stop.h"

enum { LOG, RUNNER, CONTROL, BROKER, WORKER_0, WORKER_1, N_PROCESSES };

static const struct {
	enum role_kind kind;
	unsigned slot;
} which[N_PROCESSES] = {
	[LOG] = { ROLE_LOG, 0 },
	[RUNNER] = { ROLE_RUNNER, 0 },
	[BROKER] = { ROLE_BROKER, 0 },
	[CONTROL] = { ROLE_CONTROL, 0 },
	[WORKER_0] = { ROLE_WORKER, 0 },
	[WORKER_1] = { ROLE_WORKER, 1 },
};

static struct master master;
static struct master *const m = &master;
static int theirs[N_PROCESSES];
static char dir[64], conf_file[96], new_socket[96];

static inline void
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

static inline struct process *
process(size_t i)
{
	return process_at(&m->processes, which[i].kind, which[i].slot);
}

/* Makes a process that serves; the test decides its answers. */
static inline void
serve(size_t i)
{
	struct process *p = process(i);
	int pair[2];

	ck_assert_int_eq(channel_pair(pair), 0);
	p->io.fd = pair[0];
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

static inline void
set_up(void)
{
	struct conf_errors errors = { 0 };
	struct master_options options = { .conf_file = conf_file };
	struct reason why;

	snprintf(dir, sizeof(dir), "%s", "/tmp/reqd-test-reload.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(conf_file, sizeof(conf_file), "%s/reqd.conf", dir);
	snprintf(new_socket, sizeof(new_socket), "%s/new.sock", dir);
	log_set_level(-1);
	write_conf(false);

	master_init(m, &options);
	ck_assert_int_ge(loop_init(&m->loop), 0);
	if (edition_load(&m->now, &options, CONF_DEFAULT, 1, &errors) < 0)
		ck_abort_msg("%s", errors.n > 0 ? errors.list[0].text : "?");
	ck_assert_int_eq(listen_open(m->now.conf, LISTEN_OPEN, NULL, &m->passed,
	    &m->now.listeners, &errors), 0);
	ck_assert_int_eq(listen_open_control(m->now.conf, LISTEN_OPEN, NULL, &m->now.control, &why), 0);
	m->ready = true;
	for (size_t i = 0; i < N_PROCESSES; i++)
		serve(i);
	write_conf(true);
}

static inline void
tear_down(void)
{
	struct process *p;

	FOR_EACH_PROCESS(p, &m->processes) {
		if (p->pid > 0)
			(void)kill(p->pid, SIGKILL);
	}
	reload_cancel(m);
	edition_done(&m->now);
	(void)unlink(conf_file);
	ck_assert_msg(rmdir(dir) == 0, "left behind in %s: %s", dir, strerror(errno));
}

/* Expects the next frame that a process gets. */
static inline void
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

static inline void
expect_nothing(size_t i)
{
	int fds[FRAME_MAX_FDS];
	struct frame f;
	size_t n;

	ck_assert_int_eq(channel_receive(theirs[i], &f, fds, &n), -EAGAIN);
}

static inline void
answer(size_t i, enum frame_type type, uint32_t generation)
{
	struct frame f = { .type = (uint16_t)type, .generation = generation };

	m->processes.ops->frame(process(i), &f);
}

static inline bool
is_alive(size_t i)
{
	pid_t pid = process(i)->pid;

	return pid > 0 && waitpid(pid, NULL, WNOHANG) == 0;
}

static inline bool
exists(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0;
}

static inline bool
is_one_of_the_test(const struct process *p)
{
	for (size_t i = 0; i < N_PROCESSES; i++) {
		if (process(i) == p)
			return true;
	}
	return false;
}

static inline void
die(size_t i)
{
	int status;
	pid_t pid = process(i)->pid;

	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	process_died(process(i), status);
}

/*
 * The role of processes that the master starts from this program: it does
 * nothing.
 */
static inline void
role_pause(void)
{
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;)
		pause();
}

#define MASTER_MAIN(noun, add)                                               \
	int main(int argc, char **argv)                                      \
	{                                                                    \
		Suite *s = suite_create(noun);                               \
		TCase *tc = tcase_create(noun);                              \
		SRunner *sr;                                                 \
		int failed;                                                  \
                                                                             \
		if (argc > 1 && strncmp(argv[1], "--role=", 7) == 0)         \
			role_pause();                                        \
		tcase_add_checked_fixture(tc, set_up, tear_down);            \
		add;                                                         \
		tcase_set_timeout(tc, 60);                                   \
		suite_add_tcase(s, tc);                                      \
		sr = srunner_create(s);                                      \
		srunner_run_all(sr, CK_NORMAL);                              \
		failed = srunner_ntests_failed(sr);                          \
		srunner_free(sr);                                            \
		return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;            \
	}
