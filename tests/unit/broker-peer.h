/* SPDX-License-Identifier: ISC */
/*
 * broker-peer: the real broker in a child process, the real runner in another,
 * and what their neighbours, the master and the workers, say to them and hear
 * from them. Include it after conf_text, the first configuration. Every wait is
 * for an event.
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
#include "broker/broker.h"
#include "ipc/channel.h"
#include "ipc/job.h"
#include "ipc/logrec.h"
#include "ipc/mail.h"
#include "ipc/roles.h"
#include "ipc/stats.h"
#include "runner/runner.h"
#include "unit.h"

/* As few as the master would let it start with, for two workers. */
#define FEW_FILES 69

/* No test sees the end of it. */
#define FAR (3600 * USEC_PER_SEC)

/* A kit as a worker has it: stdout, stderr, stdin. */
struct peer_kit {
	uint32_t number;
	int fds[3];
};

/* A worker's ends, and what has come by them before it was asked for. */
struct peer_worker {
	int pipe;
	struct jobs jobs;
	struct peer_kit kits[2][64];
	size_t n_kits[2];
	struct {
		struct frame frame;
		int fds[FRAME_MAX_FDS];
		size_t n_fds;
	} early[64];
	size_t n_early;
};

/* The broker under test, as its neighbours see it. */
static struct {
	pid_t pid;
	int master;
	int log;
	int worker[2];		/* read ends: messages of a worker */
	struct peer_worker peer[2];
	const struct stats *stats;
	bool errors_expected, without_clone3;
	rlim_t max_files;	/* of both; 0: as many as we may have */
	uint64_t last_serial;
} broker = { .master = -1 };

/* The runner that serves it. */
static struct {
	pid_t pid;
	int master;
	int log;
	const struct stats *stats;
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

static inline struct frame
receive(int fd, int fds[static FRAME_MAX_FDS], size_t *ret_n_fds)
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

/* Sends a frame in the name of a worker. */
static inline void
say(uint16_t slot, const struct frame *f)
{
	ck_assert_int_eq(write(broker.peer[slot].pipe, f, sizeof(*f)), sizeof(*f));
}

/* A kit or the file for jobs has come, or the news that all kits are void. True: that is all it was. */
static inline bool
keep_kit(uint16_t slot, const struct frame *f, int *fds, size_t n_fds)
{
	struct peer_worker *w = &broker.peer[slot];
	struct frame answer = { .type = FRAME_UNKIT, .answers = f->serial };
	struct peer_kit *kit;

	if (f->type == FRAME_UNKIT) {
		for (size_t kind = 0; kind < 2; kind++) {
			while (w->n_kits[kind] > 0)
				channel_close_fds(w->kits[kind][--w->n_kits[kind]].fds, 3);
		}
		say(slot, &answer);
		return true;
	}
	if (f->type == FRAME_JOBS) {
		ck_assert_uint_eq(n_fds, 1);
		ck_assert_int_eq(jobs_open(&w->jobs, TAKE_FD(fds[0])), 0);
		return true;
	}
	if (f->type != FRAME_KIT)
		return false;
	kit = &w->kits[f->kit.has_input][w->n_kits[f->kit.has_input]++];
	*kit = (struct peer_kit){ f->kit.number, { -1, -1, -1 } };
	for (size_t i = 0; i < n_fds; i++)
		kit->fds[i] = fds[i];
	return true;
}

static inline uint16_t
slot_of(int fd)
{
	return fd == broker.worker[0] ? 0 : fd == broker.worker[1] ? 1 : UINT16_MAX;
}

/* The next frame but kits; the descriptors that come along are the caller's. */
static inline struct frame
get_with_fds(int fd, int fds[static FRAME_MAX_FDS], size_t *ret_n_fds)
{
	uint16_t slot = slot_of(fd);
	struct peer_worker *w;
	struct frame f;

	if (slot == UINT16_MAX)
		return receive(fd, fds, ret_n_fds);
	w = &broker.peer[slot];
	if (w->n_early > 0) {
		f = w->early[0].frame;
		memcpy(fds, w->early[0].fds, sizeof(w->early[0].fds));
		*ret_n_fds = w->early[0].n_fds;
		memmove(&w->early[0], &w->early[1], --w->n_early * sizeof(w->early[0]));
		return f;
	}
	do {
		f = receive(fd, fds, ret_n_fds);
	} while (keep_kit(slot, &f, fds, *ret_n_fds));
	return f;
}

/* Reads one frame and keeps it. True: it is one to be asked for, no kit. */
static inline bool
take_in(uint16_t slot)
{
	struct peer_worker *w = &broker.peer[slot];
	int fds[FRAME_MAX_FDS];
	size_t n_fds;
	struct frame f = receive(broker.worker[slot], fds, &n_fds);

	if (keep_kit(slot, &f, fds, n_fds))
		return false;
	ck_assert_uint_lt(w->n_early, ARRAY_LEN(w->early));
	w->early[w->n_early].frame = f;
	memcpy(w->early[w->n_early].fds, fds, sizeof(fds));
	w->early[w->n_early++].n_fds = n_fds;
	return true;
}

/* Takes in the next frame of any worker. Returns the worker's slot. */
static inline uint16_t
take_in_any(void)
{
	struct pollfd p[2] = {
		{ .fd = broker.worker[0], .events = POLLIN },
		{ .fd = broker.worker[1], .events = POLLIN },
	};
	uint16_t slot;

	ck_assert_int_gt(poll(p, 2, -1), 0);
	slot = p[0].revents != 0 ? 0 : 1;
	(void)take_in(slot);
	return slot;
}

/* Waits for a frame of this worker that is no kit, and reads what comes to the other one. */
static inline void
await_early(uint16_t slot)
{
	while (broker.peer[slot].n_early == 0)
		(void)take_in_any();
}

/* The worker that hears something next. */
static inline uint16_t
await_worker(void)
{
	for (;;) {
		for (uint16_t slot = 0; slot < 2; slot++) {
			if (broker.peer[slot].n_early > 0)
				return slot;
		}
		(void)take_in_any();
	}
}

/*
 * A process, which has all it may have open, can open nothing more; or it can again.
 * Meanwhile all workers have to read: an ordinary user's process may send descriptors
 * only while the user has no more in flight than this process may have open.
 */
static inline void
set_starved(pid_t pid, bool is_starved)
{
	struct rlimit l;

	ck_assert_int_eq(prlimit(pid, RLIMIT_NOFILE, NULL, &l), 0);
	l.rlim_cur = is_starved ? 3 : l.rlim_max;
	ck_assert_int_eq(prlimit(pid, RLIMIT_NOFILE, &l, NULL), 0);
}

/* Takes one of a worker's kits, when there is one. */
static inline struct peer_kit
take_kit(uint16_t slot, bool has_input)
{
	struct peer_worker *w = &broker.peer[slot];
	struct peer_kit kit;

	while (w->n_kits[has_input] == 0)
		(void)take_in(slot);
	/* The oldest first. */
	kit = w->kits[has_input][0];
	memmove(&w->kits[has_input][0], &w->kits[has_input][1],
	    --w->n_kits[has_input] * sizeof(kit));
	return kit;
}

/*
 * The same with one, or none: -1. News of requests that wait are left out; their test
 * calls get_with_fds().
 */
static inline struct frame
get_with_fd(int fd, int *ret_fd)
{
	int fds[FRAME_MAX_FDS];
	size_t n_fds;
	struct frame f;

	do
		f = get_with_fds(fd, fds, &n_fds);
	while (f.type == FRAME_WAITING);
	ck_assert_uint_le(n_fds, 1);
	*ret_fd = n_fds == 1 ? fds[0] : -1;
	return f;
}

static inline struct frame
get(int fd, unsigned type)
{
	int with;
	struct frame f = get_with_fd(fd, &with);

	ck_assert_msg(f.type == type, "got %s, not %s: %s", frame_type_name(f.type),
	    frame_type_name(type), f.type == FRAME_FAULT ? f.fault.text : "");
	ck_assert_int_eq(with, -1);
	return f;
}

/* Kits may still be under way. */
static inline void
expect_closed(int fd)
{
	int fds[FRAME_MAX_FDS], r;
	struct frame f;
	size_t n_fds;

	do {
		await_readable(fd);
		r = channel_receive(fd, &f, fds, &n_fds);
		if (r == CHANNEL_OK) {
			ck_assert(f.type == FRAME_KIT || f.type == FRAME_JOBS);
			channel_close_fds(fds, n_fds);
		}
	} while (r == CHANNEL_OK);
	ck_assert_int_eq(r, CHANNEL_CLOSED);
}

/* A worker dies. */
static inline void
leave(uint16_t slot)
{
	struct peer_worker *w = &broker.peer[slot];

	for (size_t kind = 0; kind < 2; kind++) {
		while (w->n_kits[kind] > 0)
			channel_close_fds(w->kits[kind][--w->n_kits[kind]].fds, 3);
	}
	jobs_close(&w->jobs);
	w->n_early = 0;
	(void)close(broker.worker[slot]);
	(void)close(w->pipe);
	broker.worker[slot] = w->pipe = -1;
}

static inline void
tell(unsigned type, uint32_t generation)
{
	struct frame f = { .type = (uint16_t)type, .generation = generation };

	put(runner.master, &f, NULL, 0);
	put(broker.master, &f, NULL, 0);
}

/* Returns when all that was sent by the master is done. */
static inline void
sync_master(void)
{
	int masters[2] = { runner.master, broker.master };

	for (size_t i = 0; i < 2; i++) {
		put(masters[i], &(struct frame){ .type = FRAME_PING, .id = 4242 }, NULL, 0);
		ck_assert_uint_eq(get(masters[i], FRAME_PONG).id, 4242);
	}
}

/* The same of what worker slot has sent. */
static inline void
sync_worker(uint16_t slot)
{
	struct frame f = { .type = FRAME_CANCEL_OWNED, .id = 1 };

	say(slot, &f);
	ck_assert_uint_eq(get(broker.worker[slot], FRAME_CANCELLED).cancel.found, 0);
}

/* The runner has it at once: what it refuses its broker refuses too. */
static inline void
prepare(uint32_t generation, const char *text)
{
	struct frame f = { .type = FRAME_PREPARE, .generation = generation };
	int fd = fd_sealed("conf", text, strlen(text));

	ck_assert_int_ge(fd, 0);
	put(runner.master, &f, &fd, 1);
	(void)receive(runner.master, (int[FRAME_MAX_FDS]){ 0 }, &(size_t){ 0 });
	put(broker.master, &f, &fd, 1);
	(void)close(fd);
}

static inline void
commit(uint32_t generation)
{
	struct frame f = { .type = FRAME_COMMIT, .generation = generation };

	put(runner.master, &f, NULL, 0);
	ck_assert_uint_eq(get(runner.master, FRAME_COMMITTED).generation, generation);
	put(broker.master, &f, NULL, 0);
}

static inline void
configure(uint32_t generation, const char *text)
{
	prepare(generation, text);
	ck_assert_uint_eq(get(broker.master, FRAME_PREPARED).generation, generation);
	commit(generation);
	ck_assert_uint_eq(get(broker.master, FRAME_COMMITTED).generation, generation);
}

/* By then it has to be over. */
static inline void
stop(uint64_t due_usec)
{
	put(broker.master, &(struct frame){ .type = FRAME_STOP, .id = due_usec }, NULL, 0);
}

/* Makes a link between two of them, or of one with us (-1): then our ends. */
static inline struct mail_ends
link_roles(int above, int below, uint16_t slot)
{
	struct frame f = {
		.type = FRAME_LINK, .slot = slot, .link = { .serial = ++broker.last_serial },
	};
	struct mail_ends ends[2];
	int masters[2] = { above, below };

	ck_assert_int_eq(mail_pair(&ends[0], &ends[1]), 0);
	for (size_t i = 0; i < 2; i++) {
		int fds[2] = { ends[i].socket, ends[i].pipe };

		if (masters[i] < 0)
			continue;
		put(masters[i], &f, fds, 2);
		channel_close_fds(fds, 2);
	}
	return ends[1];
}

static inline void
connect_worker(uint16_t slot)
{
	struct mail_ends ours = link_roles(broker.master, -1, slot);

	memset(&broker.peer[slot], 0, sizeof(broker.peer[slot]));
	broker.worker[slot] = ours.socket;
	broker.peer[slot].pipe = ours.pipe;
	(void)fd_set_nonblock(ours.pipe, false);
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
become(int (*role)(void), int channel, int log, int stats)
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
	if (broker.max_files != 0)
		(void)setrlimit(RLIMIT_NOFILE,
		    &(struct rlimit){ broker.max_files, broker.max_files });
	limit_soft(RLIMIT_CORE, RLIM_INFINITY);
	if (broker.without_clone3)
		refuse_clone3();
	_exit(role());
}

static inline pid_t
start_role(int (*role)(void), int *ret_master, int *ret_log, const struct stats **ret_stats)
{
	int channel[2], log[2], stats;
	pid_t pid;

	ck_assert_int_eq(channel_pair(channel), 0);
	ck_assert_int_eq(channel_pair(log), 0);
	stats = stats_create();
	ck_assert_int_ge(stats, 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0)
		become(role, channel[1], log[1], stats);
	(void)close(channel[1]);
	(void)close(log[1]);
	*ret_master = channel[0];
	*ret_log = log[0];
	*ret_stats = stats_map_other(stats);
	ck_assert_ptr_nonnull(*ret_stats);
	(void)close(stats);
	(void)get(*ret_master, FRAME_READY);
	return pid;
}

static inline void
start_runner(void)
{
	runner.pid = start_role(runner_main, &runner.master, &runner.log, &runner.stats);
}

static inline void
start_broker(void)
{
	broker.pid = start_role(broker_main, &broker.master, &broker.log, &broker.stats);
}

static inline void
link_runner(void)
{
	(void)link_roles(runner.master, broker.master, ROLE_PROCESS(ROLE_RUNNER, 0));
}

static inline void
start(void)
{
	/*
	 * Processes that the runner leaves behind become children of this one.
	 */
	ck_assert_int_eq(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), 0);
	start_runner();
	start_broker();
	link_runner();
	broker.errors_expected = false;
}

static inline void
setup(void)
{
	start();
	configure(1, conf_text);
	connect_worker(0);
	connect_worker(1);
}

/* The same with few open files, so that there are few kits. */
static inline void
setup_with_few_files(void)
{
	broker.max_files = FEW_FILES;
	setup();
	broker.max_files = 0;
}

/* Nothing may have been logged that an operator has to look at. */
static inline void
check_log(int log)
{
	char data[LOGREC_MAX];
	struct logrec_view v;
	ssize_t n;

	while ((n = recv(log, data, sizeof(data), MSG_DONTWAIT)) > 0) {
		ck_assert_int_eq(logrec_parse((struct slice){ data, (size_t)n }, &v), 0);
		ck_assert_msg(broker.errors_expected || v.level > LOG_WARNING, "logged: %.*s",
		    (int)v.fields[LOG_KEY_MESSAGE].len, v.fields[LOG_KEY_MESSAGE].data);
	}
}

/* The master of a role ends, and the role ends with it. */
static inline void
end_role(pid_t pid, int master, int log)
{
	int status;

	(void)close(master);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == ROLE_EXIT_OK,
	    "%s ended with %#x", pid == broker.pid ? "the broker" : "the runner", status);
	check_log(log);
	(void)close(log);
}

/* The master goes, and with it everything that was started. */
static inline void
teardown(void)
{
	end_role(broker.pid, broker.master, broker.log);
	end_role(runner.pid, runner.master, runner.log);
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
	ck_assert_int_eq(errno, ECHILD);
}

/* Starts a new broker and a new runner, which know of no request. */
static inline void
restart(void)
{
	teardown();
	start();
}

/* Reads up to the end: until no process can write any more. */
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
