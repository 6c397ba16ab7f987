/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "master/process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/oomscore.h"
#include "base/privilege.h"
#include "ipc/channel.h"
#include "ipc/logrec.h"
#include "ipc/stats.h"
#include "master/links.h"
#include "master/master.h"

/* After the deadline of a stop a process has so long to go. */
#define STOP_SLACK_USEC (500 * USEC_PER_MSEC)

/* Frames read in one go: one process must not keep us from the others. */
#define FRAMES_AT_ONCE 64

void
process_name(const struct process *p, char *ret, size_t len)
{
	if (role_slots(p->kind) > 1)
		(void)snprintf(ret, len, "%s %u", role_name(p->kind), p->slot);
	else
		(void)snprintf(ret, len, "%s", role_name(p->kind));
}

void
process_init(struct process *p, struct master *m, enum role_kind kind, unsigned slot)
{
	*p = (struct process){
		.master = m,
		.kind = kind,
		.rules = &role_rules[kind],
		.slot = slot,
		.io.fd = -1,
		.log_read = -1,
		.stats_fd = -1,
	};
}

/* Its page of statistics, which its successors go on with. 0 or -errno. */
static int
process_open_page(struct process *p)
{
	if (p->rules->page == ROLE_PAGE_NONE || p->stats != NULL)
		return 0;
	p->stats_fd = fd_lift(stats_create(), ROLE_N_FDS);
	if (p->stats_fd < 0)
		return p->stats_fd;
	p->stats = stats_map_own(p->stats_fd);
	if (p->stats == NULL) {
		int r = -errno;

		(void)close(TAKE_FD(p->stats_fd));
		return r;
	}
	return 0;
}

/* --------------------------------------------------------------- child --- */

static _Noreturn void
child_fail(const char *what, int error)
{
	(void)dprintf(STDERR_FILENO, "reqd: cannot start a process: %s: %s\n", what,
	    strerror(error));
	_exit(ROLE_EXIT_SETUP);
}

/*
 * Moves what is inherited to its fixed numbers. The sources were made above
 * those numbers, so that none is overwritten before its turn, and dup2()
 * never meets itself and keeps close-on-exec.
 */
static void
child_descriptors(int channel, int log_write, int stats)
{
	int null = open("/dev/null", O_RDONLY);

	if (null < 0 || dup2(null, STDIN_FILENO) < 0)
		child_fail("stdin", errno);
	if (dup2(channel, ROLE_CHANNEL_FD) < 0)
		child_fail("channel", errno);
	if (log_write >= 0 && dup2(log_write, ROLE_LOG_FD) < 0)
		child_fail("log socket", errno);
	if (stats >= 0 && dup2(stats, ROLE_STATS_FD) < 0)
		child_fail("stats memory", errno);
	if (log_write < 0)
		(void)close(ROLE_LOG_FD);
	if (stats < 0)
		(void)close(ROLE_STATS_FD);
	if (close_range(ROLE_N_FDS, ~0U, 0) < 0)
		child_fail("close_range", errno);
}

/* Who is to go first when memory runs out. */
static void
child_oomscore(const struct process *p)
{
	struct oomscore s;

	oomscore_above_own(&s, p->rules->oomscore);
	oomscore_take(&s);
}

/* What exceeds it is an error of a write, as SIGXFSZ is ignored. */
static void
child_file_limit(void)
{
	struct rlimit l;

	if (getrlimit(RLIMIT_FSIZE, &l) < 0)
		child_fail("limits", errno);
	if (l.rlim_max > ROLE_MAX_FILE)
		l.rlim_max = ROLE_MAX_FILE;
	if (l.rlim_cur > l.rlim_max)
		l.rlim_cur = l.rlim_max;
	if (setrlimit(RLIMIT_FSIZE, &l) < 0)
		child_fail("limits", errno);
}

/* Where the role has no need of root, nothing can give it back. */
static void
child_identity(const struct process *p, pid_t master)
{
	const struct identity *id = &p->master->conf->run_as;
	int r;

	if (p->rules->account == ROLE_AS_USER) {
		if (id->is_set && geteuid() == 0) {
			r = privilege_drop(id->uid, id->gid, id->groups, id->n_groups);
			if (r < 0)
				child_fail("dropping privileges", -r);
		}
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
			child_fail("no-new-privileges", errno);
	}
	if (p->rules->dies_with_master) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != master)
			_exit(ROLE_EXIT_OK);
	}
}

static _Noreturn void
child_main(const struct process *p, pid_t master, int channel, int log_write)
{
	char role[32], slot[32], *argv[] = { (char *)"reqd", role, slot, NULL };
	char *journal = getenv("JOURNAL_STREAM"), env[128];
	char *envp[] = { NULL, NULL };
	sigset_t none;

	if (journal != NULL &&
	    (size_t)snprintf(env, sizeof(env), "JOURNAL_STREAM=%s", journal) < sizeof(env))
		envp[0] = env;
	(void)snprintf(role, sizeof(role), "--role=%s", role_name(p->kind));
	(void)snprintf(slot, sizeof(slot), "--slot=%u", p->slot);
	child_descriptors(channel, log_write, p->stats_fd);
	child_oomscore(p);
	if (p->rules->has_file_limit)
		child_file_limit();
	child_identity(p, master);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	/* The running executable itself: a package upgrade cannot mix versions. */
	(void)execve("/proc/self/exe", argv, envp);
	child_fail("exec", errno);
}

/* -------------------------------------------------------------- master --- */

static void
process_close(struct process *p)
{
	loop_close_shared(&p->master->loop, &p->io);
	if (p->log_read >= 0)
		(void)close(TAKE_FD(p->log_read));
}

/* Told to end, or a worker too many, which ends with its last connection. */
static bool
is_free_to_end(const struct process *p)
{
	return p->state == PROCESS_STOPPING || !master_wants(p);
}

static void
on_channel(struct loop_io *io, uint32_t events)
{
	struct process *p = CONTAINER_OF(io, struct process, io);
	uint64_t serial = p->serial;

	(void)events;
	/* What a frame leads to may close the channel. */
	for (int i = 0; i < FRAMES_AT_ONCE && p->serial == serial && io->fd >= 0; i++) {
		struct frame f;
		int r;

		r = channel_receive_plain(io->fd, &f);
		if (r == -EAGAIN)
			return;
		if (r == CHANNEL_OK) {
			master_on_frame(p, &f);
			continue;
		}
		/* Its death follows. A bad frame costs it its life. */
		loop_remove(&p->master->loop, io);
		if (!is_free_to_end(p) || r == CHANNEL_BAD)
			process_kill(p, r == CHANNEL_BAD ? "sent a bad message" : NULL);
		return;
	}
}

/* A channel with both ends above the fixed numbers. 0 or -errno. */
static int
pair_lifted(int *ret_ours, int *ret_theirs)
{
	int fds[2], r = channel_pair(fds);

	if (r < 0)
		return r;
	*ret_ours = fd_lift(fds[0], ROLE_N_FDS);
	*ret_theirs = fd_lift(fds[1], ROLE_N_FDS);
	return *ret_ours < 0 ? *ret_ours : *ret_theirs < 0 ? *ret_theirs : 0;
}

static int
process_fork(struct process *p)
{
	CLEANUP_CLOSE int ours = -1;
	CLEANUP_CLOSE int theirs = -1;
	CLEANUP_CLOSE int log_read = -1;
	CLEANUP_CLOSE int log_write = -1;
	pid_t pid, master = getpid();
	sigset_t all, old;
	int r;

	r = process_open_page(p);
	if (r >= 0)
		r = pair_lifted(&ours, &theirs);
	if (r >= 0 && p->rules->has_records)
		r = pair_lifted(&log_read, &log_write);
	p->io = (struct loop_io){ .fn = on_channel, .fd = ours };
	/* All that can fail comes before the fork: no child without an owner. */
	if (r >= 0)
		r = loop_add(&p->master->loop, &p->io, EPOLLIN);
	if (r < 0) {
		p->io.fd = -1;
		return r;
	}
	channel_refuse_fds(ours);
	if (log_read >= 0) {
		channel_refuse_fds(log_read);
		(void)shutdown(log_read, SHUT_WR);
	}

	/* No signal may reach the child before it has its own dispositions. */
	(void)sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, &old);
	pid = fork();
	if (pid == 0)
		child_main(p, master, theirs, log_write);
	r = pid < 0 ? -errno : 0;
	(void)sigprocmask(SIG_SETMASK, &old, NULL);
	if (r < 0) {
		loop_remove(&p->master->loop, &p->io);
		p->io.fd = -1;
		return r;
	}
	p->pid = pid;
	p->serial = ++p->master->n_starts;
	(void)TAKE_FD(ours);
	p->log_read = TAKE_FD(log_read);
	return 0;
}

void
process_disarm(struct process *p)
{
	loop_disarm(&p->master->loop, &p->timer);
}

static void
process_arm(struct process *p, loop_timer_fn *fn, uint64_t due_usec)
{
	process_disarm(p);
	p->timer.fn = fn;
	loop_arm(&p->master->loop, &p->timer, due_usec);
}

static void
on_back_off_over(struct loop_timer *t)
{
	process_start(CONTAINER_OF(t, struct process, timer));
}

static void
process_retry(struct process *p, bool served)
{
	uint64_t now = clock_usec(), delay;
	uint32_t random = 0;
	char name[32];

	if (getrandom(&random, sizeof(random), GRND_NONBLOCK) < 0)
		random = (uint32_t)now;
	delay = backoff_after_death(&p->backoff, served, now, random);
	if (delay == 0) {
		process_start(p);
		return;
	}
	process_name(p, name, sizeof(name));
	log_warn("%s keeps failing, starting it again in %llu ms", name,
	    (unsigned long long)(delay / USEC_PER_MSEC));
	process_arm(p, on_back_off_over, now + delay);
}

void
process_start(struct process *p)
{
	char name[32];
	int r;

	process_disarm(p);
	p->state = PROCESS_STARTING;
	p->generation = p->offered = 0;
	p->in_reload = p->is_held = p->is_killed = false;
	p->owing_usec = clock_usec();
	r = process_fork(p);
	if (r >= 0) {
		master_on_started(p);
		return;
	}
	process_name(p, name, sizeof(name));
	log_err("cannot start %s: %s", name, strerror(-r));
	p->state = PROCESS_DOWN;
	if (r != -EAGAIN && r != -ENOMEM)
		master_on_unable(p);
	if (!p->master->stopping)
		process_retry(p, false);
}

int
process_send(struct process *p, const struct frame *f, const int *fds, size_t n_fds)
{
	return p->io.fd < 0 ? -EPIPE : channel_send(p->io.fd, f, fds, n_fds);
}

static void
log_death(const struct process *p, int status)
{
	char name[32];

	process_name(p, name, sizeof(name));
	if (is_free_to_end(p) && WIFEXITED(status) && WEXITSTATUS(status) == 0)
		log_debug("%s (%d) has ended", name, (int)p->pid);
	else if (p->state == PROCESS_STOPPING && WIFSIGNALED(status) &&
	    WTERMSIG(status) == SIGKILL)
		log_notice("%s (%d) was cut short", name, (int)p->pid);
	else if (WIFSIGNALED(status))
		log_event(LOG_EVENT_PROCESS_DIED, LOG_ERR, "%s (%d) was killed by signal %d (%s)",
		    name, (int)p->pid, WTERMSIG(status), strsignal(WTERMSIG(status)));
	else
		log_event(LOG_EVENT_PROCESS_DIED, LOG_ERR, "%s (%d) ended with status %d", name,
		    (int)p->pid, WEXITSTATUS(status));
}

void
process_died(struct process *p, int wait_status)
{
	enum process_state was = p->state;

	log_death(p, wait_status);
	if (WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == ROLE_EXIT_SETUP)
		master_on_unable(p);
	links_close(p);
	process_close(p);
	process_disarm(p);
	p->pid = 0;
	p->state = PROCESS_DOWN;
	if (p->stats != NULL)
		stats_reset_gauges(p->stats);
	master_on_died(p);
	/* What followed may have started it again. */
	if (process_is_up(p) || !master_wants(p))
		return;
	/* What is needed to the end of a stop is started again, but for its own end. */
	if (p->master->stopping &&
	    (p->rules->stop != ROLE_STOP_BY_CLOSING || was == PROCESS_STOPPING))
		return;
	p->restarts++;
	process_retry(p, was == PROCESS_SERVING);
}

static void
on_stop_overdue(struct loop_timer *t)
{
	process_kill(CONTAINER_OF(t, struct process, timer), "did not end in time");
}

/* From now on its death is expected, at the deadline at the latest. */
static bool
process_expect_end(struct process *p, uint64_t deadline_usec)
{
	process_disarm(p);
	p->state = process_is_up(p) ? PROCESS_STOPPING : PROCESS_DOWN;
	if (p->state == PROCESS_DOWN)
		return false;
	process_arm(p, on_stop_overdue, deadline_usec + STOP_SLACK_USEC);
	return true;
}

void
process_stop(struct process *p, uint64_t deadline_usec)
{
	struct frame f = {
		.type = FRAME_STOP, .id = deadline_usec, .sealed = p->master->sealed,
		.generation = p->master->conf == NULL ? 0 : p->master->conf->generation,
	};

	if (process_expect_end(p, deadline_usec) && process_send(p, &f, NULL, 0) < 0)
		process_kill(p, "does not listen");
}

void
process_release(struct process *p)
{
	if (process_expect_end(p, clock_usec()) && p->io.fd >= 0)
		(void)shutdown(p->io.fd, SHUT_RDWR);
}

void
process_kill(struct process *p, const char *why)
{
	char name[32];

	if (!process_is_up(p) || p->is_killed)
		return;
	p->is_killed = true;
	process_name(p, name, sizeof(name));
	if (why != NULL)
		log_event(LOG_EVENT_PROCESS_STUCK, LOG_ERR, "%s (%d) %s, killing it", name,
		    (int)p->pid, why);
	links_close(p);
	/* Not reaped yet, so the number cannot belong to anybody else. */
	if (kill(p->pid, SIGKILL) < 0)
		log_err("cannot kill %s (%d): %s", name, (int)p->pid, strerror(errno));
}
