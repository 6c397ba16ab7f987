/* SPDX-License-Identifier: ISC */
/*
 * runner-peer: the real runner in a child process, and what its neighbours,
 * the master and the workers, say to it and hear from it. Include it after
 * conf_text, the first configuration. Every wait is for an event.
 */
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fd.h"
#include "ipc/channel.h"
#include "ipc/logrec.h"
#include "ipc/roles.h"
#include "ipc/stats.h"
#include "runner/runner.h"
#include "unit.h"

/* No test sees the end of it. */
#define FAR (3600 * USEC_PER_SEC)

/* The runner under test, as its neighbours see it. */
static struct {
	pid_t pid;
	int master;
	int log;
	int worker[2];
	const struct stats *stats;
	bool errors_expected, without_clone3;
} runner;

/* ---------------------------------------------------------------- frames --- */

static inline void
await_readable(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	while (poll(&p, 1, -1) < 0)
		ck_assert_int_eq(errno, EINTR);
}

static inline void
put(int fd, const struct frame *f, const int *fds, size_t n_fds)
{
	ck_assert_int_eq(channel_send(fd, f, fds, n_fds), 0);
}

/* The next frame; the descriptors that come along are the caller's. */
static inline struct frame
get_with_fds(int fd, int fds[static FRAME_MAX_FDS], size_t *ret_n_fds)
{
	struct frame f = { 0 };
	int r;

	do {
		await_readable(fd);
		r = channel_receive(fd, &f, fds, ret_n_fds);
	} while (r == -EAGAIN);
	ck_assert_int_eq(r, CHANNEL_OK);
	return f;
}

/* The same with one, or none: -1. */
static inline struct frame
get_with_fd(int fd, int *ret_fd)
{
	int fds[FRAME_MAX_FDS];
	size_t n_fds;
	struct frame f = get_with_fds(fd, fds, &n_fds);

	ck_assert_uint_le(n_fds, 1);
	*ret_fd = n_fds == 1 ? fds[0] : -1;
	return f;
}

static inline struct frame
get(int fd, unsigned type)
{
	int with;
	struct frame f = get_with_fd(fd, &with);

	/* Faults that the test makes may be reported before. */
	while (runner.errors_expected && f.type == FRAME_FAULT && type != FRAME_FAULT)
		f = get_with_fd(fd, &with);
	ck_assert_msg(f.type == type, "got %s, not %s", frame_type_name(f.type),
	    frame_type_name(type));
	ck_assert_int_eq(with, -1);
	return f;
}

static inline void
expect_closed(int fd)
{
	int fds[FRAME_MAX_FDS];
	struct frame f;
	size_t n_fds;

	await_readable(fd);
	ck_assert_int_eq(channel_receive(fd, &f, fds, &n_fds), CHANNEL_CLOSED);
}

static inline void
tell(unsigned type, uint32_t generation)
{
	put(runner.master, &(struct frame){ .type = (uint16_t)type, .generation = generation },
	    NULL, 0);
}

/* Returns when the runner has done all that was sent to it by the master. */
static inline void
sync_master(void)
{
	put(runner.master, &(struct frame){ .type = FRAME_PING, .id = 4242 }, NULL, 0);
	ck_assert_uint_eq(get(runner.master, FRAME_PONG).id, 4242);
}

/* The same of what worker slot has sent. */
static inline void
sync_worker(uint16_t slot)
{
	struct frame f = { .type = FRAME_CANCEL_OWNED, .id = 1 };

	put(runner.worker[slot], &f, NULL, 0);
	ck_assert_uint_eq(get(runner.worker[slot], FRAME_CANCELLED).cancel.found, 0);
}

static inline void
prepare(uint32_t generation, const char *text)
{
	int fd = fd_sealed("conf", text, strlen(text));

	ck_assert_int_ge(fd, 0);
	put(runner.master,
	    &(struct frame){ .type = FRAME_PREPARE, .generation = generation }, &fd, 1);
	(void)close(fd);
}

static inline void
configure(uint32_t generation, const char *text)
{
	prepare(generation, text);
	ck_assert_uint_eq(get(runner.master, FRAME_PREPARED).generation, generation);
	tell(FRAME_COMMIT, generation);
	ck_assert_uint_eq(get(runner.master, FRAME_COMMITTED).generation, generation);
}

/* By then it has to be over. */
static inline void
stop(uint64_t due_usec)
{
	put(runner.master, &(struct frame){ .type = FRAME_STOP, .id = due_usec }, NULL, 0);
}

/* The worker of this slot; every test has but one in each. */
#define SERIAL(slot) (7000u + (slot))

static inline void
connect_worker(uint16_t slot)
{
	struct frame f = {
		.type = FRAME_LINK, .slot = slot, .link = { .serial = SERIAL(slot) },
	};
	int pair[2];

	ck_assert_int_eq(channel_pair(pair), 0);
	put(runner.master, &f, &pair[1], 1);
	(void)close(pair[1]);
	runner.worker[slot] = pair[0];
	sync_master();
}

/* --------------------------------------------------------------- the role --- */

#define LEAKED_FD 40
#define NOFILE_SOFT 600

/* As near to the value as we may go. */
static inline void
limit_soft(__rlimit_resource_t resource, rlim_t value)
{
	struct rlimit l;

	(void)getrlimit(resource, &l);
	l.rlim_cur = value < l.rlim_max ? value : l.rlim_max;
	(void)setrlimit(resource, &l);
}

/* As older kernels do, and containers with a list of system calls. */
static inline void
refuse_clone3(void)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone3, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { ARRAY_LEN(filter), filter };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
		_exit(ROLE_EXIT_SETUP);
}

/* In the child: the descriptors a role is born with, and nothing else. */
static inline void __attribute__((noreturn))
become_runner(int channel, int log, int stats)
{
	int moved[3] = {
		fcntl(channel, F_DUPFD, 64), fcntl(log, F_DUPFD, 64), fcntl(stats, F_DUPFD, 64),
	};

	(void)dup2(moved[0], ROLE_CHANNEL_FD);
	(void)dup2(moved[1], ROLE_LOG_FD);
	(void)dup2(moved[2], ROLE_STATS_FD);
	(void)close_range(ROLE_N_FDS, ~0U, 0);
	/* As a careless library leaves it: no program may get to see it. */
	(void)dup2(STDIN_FILENO, LEAKED_FD);
	limit_soft(RLIMIT_NOFILE, NOFILE_SOFT);
	limit_soft(RLIMIT_CORE, RLIM_INFINITY);
	if (runner.without_clone3)
		refuse_clone3();
	_exit(runner_main());
}

static inline void
start(void)
{
	int channel[2], log[2], stats;

	/* Whatever the runner should leave behind comes to us. */
	ck_assert_int_eq(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), 0);
	ck_assert_int_eq(channel_pair(channel), 0);
	ck_assert_int_eq(channel_pair(log), 0);
	stats = stats_create();
	ck_assert_int_ge(stats, 0);
	runner.pid = fork();
	ck_assert_int_ge(runner.pid, 0);
	if (runner.pid == 0)
		become_runner(channel[1], log[1], stats);
	(void)close(channel[1]);
	(void)close(log[1]);
	runner.master = channel[0];
	runner.log = log[0];
	runner.stats = stats_map_other(stats);
	ck_assert_ptr_nonnull(runner.stats);
	(void)close(stats);
	runner.errors_expected = false;
	(void)get(runner.master, FRAME_READY);
}

static inline void
setup(void)
{
	start();
	configure(1, conf_text);
	connect_worker(0);
	connect_worker(1);
}

/* Nothing may have been logged that an operator has to look at. */
static inline void
check_log(void)
{
	char data[LOGREC_MAX];
	struct logrec_view v;
	ssize_t n;

	while ((n = recv(runner.log, data, sizeof(data), MSG_DONTWAIT)) > 0) {
		ck_assert_int_eq(logrec_parse((struct slice){ data, (size_t)n }, &v), 0);
		ck_assert_msg(runner.errors_expected || v.level > LOG_WARNING, "logged: %.*s",
		    (int)v.fields[LOG_KEY_MESSAGE].len, v.fields[LOG_KEY_MESSAGE].data);
	}
}

/* The master goes, and with it everything the runner has started. */
static inline void
teardown(void)
{
	int status;

	(void)close(runner.master);
	ck_assert_int_eq(waitpid(runner.pid, &status, 0), runner.pid);
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == ROLE_EXIT_OK,
	    "the runner ended with %#x", status);
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
	ck_assert_int_eq(errno, ECHILD);
	check_log();
}

/* Another one in its place, which knows of nothing yet. */
static inline void
restart(void)
{
	teardown();
	start();
}

/* What can be read up to the end, that is until nobody can write any more. */
static inline const char *
read_all(int fd)
{
	static char text[65536];
	size_t len = 0;
	ssize_t n;

	while ((n = read(fd, text + len, sizeof(text) - 1 - len)) != 0) {
		ck_assert(n > 0 || errno == EINTR);
		len += n > 0 ? (size_t)n : 0;
	}
	text[len] = '\0';
	return text;
}

static inline void
expect_line(int fd, const char *line)
{
	char text[128];
	size_t len = 0;

	while (len < sizeof(text) - 1 && (len == 0 || text[len - 1] != '\n')) {
		ssize_t n = read(fd, text + len, 1);

		ck_assert_msg(n == 1, "end of output before '%s'", line);
		len++;
	}
	text[len - 1] = '\0';
	ck_assert_str_eq(text, line);
}
