/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "runner/reap.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "ipc/job.h"
#include "ipc/logrec.h"
#include "runner/cgroup.h"
#include "runner/children.h"
#include "runner/entry.h"
#include "runner/runner.h"

/* What a turn may reap: a program that forks without end must not hold us. */
#define REAP_BATCH 256
#define RECHECK_USEC (5 * USEC_PER_MSEC)
#define SURVIVAL_USEC USEC_PER_SEC

#define MARKER JOB_ENV_ID "="
#define MARKER_LEN (sizeof(MARKER) - 1)
#define MARKER_DIGITS 16

static int
pid_compare(const struct stray *a, const struct stray *b)
{
	return a->pid < b->pid ? -1 : a->pid > b->pid;
}

RB_PROTOTYPE_INTERNAL(stray_pids, stray, by_pid, pid_compare,
    __attribute__((unused)) static)
RB_GENERATE_INTERNAL(stray_pids, stray, by_pid, pid_compare,
    __attribute__((unused)) static)

void
strays_init(struct strays *s)
{
	s->children_fd = children_open();
	RB_INIT(&s->pids);
	TAILQ_INIT(&s->free);
}

/* ----------------------------------------------------- whose is a stray? --- */

/* The id in an environment of which this is a part; 0: none. */
static uint64_t
marker_find(const char *text, size_t len, bool is_start)
{
	const char *end = text + len, *p = text;

	while ((p = memmem(p, (size_t)(end - p), MARKER, MARKER_LEN)) != NULL) {
		char digits[MARKER_DIGITS + 1] = "";

		p += MARKER_LEN;
		if (p == text + MARKER_LEN ? !is_start : p[-(ssize_t)MARKER_LEN - 1] != '\0')
			continue;
		if (end - p < MARKER_DIGITS)
			return 0;
		memcpy(digits, p, MARKER_DIGITS);
		return strtoull(digits, NULL, 16);
	}
	return 0;
}

/*
 * The request id a process carries in its environment; 0: none. The kernel
 * reads only memory that needs no file for it, so this cannot block.
 */
static uint64_t
marker_of(pid_t pid)
{
	CLEANUP_CLOSE int fd = -1;
	char path[32], chunk[4096];
	uint64_t id = 0;
	off_t at = 0;
	ssize_t n;

	(void)snprintf(path, sizeof(path), "/proc/%d/environ", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	while (id == 0 && (n = pread(fd, chunk, sizeof(chunk), at)) > 0) {
		id = marker_find(chunk, (size_t)n, at == 0);
		if (n <= (ssize_t)(MARKER_LEN + MARKER_DIGITS))
			break;
		/* So much again that a marker cut in two is whole next time. */
		at += n - (ssize_t)(MARKER_LEN + MARKER_DIGITS);
	}
	return id;
}

static bool
has_processes(const struct entry *e)
{
	return e->state == ENTRY_RUNNING || e->state == ENTRY_LINGERING;
}

/*
 * By its control group, where there are any: a process cannot leave that, and
 * without CAP_SYS_PTRACE another account's environment cannot be read.
 */
static struct entry *
group_owner(struct runner *r, pid_t pid)
{
	struct entry *e = NULL;

	while ((e = table_next(&r->table, e)) != NULL) {
		size_t slot = table_slot(&r->table, e);

		if (has_processes(e) && cgroup_exists(&r->cgroups, slot) &&
		    cgroup_has(&r->cgroups, slot, pid))
			return e;
	}
	return NULL;
}

static struct entry *
stray_owner(struct runner *r, pid_t pid)
{
	pid_t session = getsid(pid);
	struct entry *e;

	e = table_find_pid(&r->table, session);
	if (e != NULL)
		return e;
	TAILQ_FOREACH(e, &r->lingering, next) {
		if (e->session == session)
			return e;
	}
	e = table_find(&r->table, marker_of(pid));
	return e != NULL && has_processes(e) ? e : group_owner(r, pid);
}

/* ----------------------------------------------------------------- strays --- */

static struct stray *
stray_find(struct strays *s, pid_t pid)
{
	struct stray key;

	key.pid = pid;
	return RB_FIND(stray_pids, &s->pids, &key);
}

static void on_stray_due(struct loop_timer *t);

/* A new one in the table, or NULL when that is full. */
static struct stray *
stray_add(struct runner *r, pid_t pid, struct entry *owner)
{
	struct strays *all = &r->strays;
	struct stray *s = TAILQ_FIRST(&all->free);

	if (s != NULL)
		TAILQ_REMOVE(&all->free, s, next);
	else if (all->n_touched < RUNNER_MAX_STRAYS)
		s = &all->slots[all->n_touched++];
	else
		return NULL;
	*s = (struct stray){
		.runner = r, .pid = pid, .owner = owner, .timer.fn = on_stray_due,
	};
	RB_INSERT(stray_pids, &all->pids, s);
	all->n_used++;
	if (owner != NULL)
		owner->n_strays++;
	return s;
}

static void
stray_remove(struct stray *s)
{
	struct strays *all = &s->runner->strays;

	loop_disarm(&s->runner->loop, &s->timer);
	if (s->owner != NULL)
		s->owner->n_strays--;
	RB_REMOVE(stray_pids, &all->pids, s);
	all->n_used--;
	TAILQ_INSERT_HEAD(&all->free, s, next);
}

static void
stray_signal(struct stray *s, int sig)
{
	if (s->phase == KILL_NONE)
		s->runner->stats->strays_killed++;
	if (s->phase == KILL_NONE || sig == SIGKILL)
		s->phase = sig == SIGKILL ? KILL_KILL : KILL_TERM;
	(void)kill(s->pid, sig);
}

static void
stray_terminate(struct stray *s)
{
	const struct conf *c = s->runner->current;

	stray_signal(s, SIGTERM);
	(void)kill(s->pid, SIGCONT);
	loop_arm(&s->runner->loop, &s->timer,
	    clock_usec() + (c == NULL ? 0 : c->kill_grace_usec));
}

static void
on_stray_due(struct loop_timer *t)
{
	struct stray *s = CONTAINER_OF(t, struct stray, timer);

	if (s->phase == KILL_KILL)
		log_err("stray process %d survives SIGKILL", s->pid);
	if (s->phase != KILL_SURVIVED)
		loop_arm(&s->runner->loop, &s->timer, clock_usec() + SURVIVAL_USEC);
	if (s->phase == KILL_TERM)
		stray_signal(s, SIGKILL);
	else
		s->phase = KILL_SURVIVED;
}

static void
on_child(pid_t pid, void *arg)
{
	struct runner *r = arg;
	struct entry *owner;
	struct stray *s;

	if (table_find_pid(&r->table, pid) != NULL || stray_find(&r->strays, pid) != NULL)
		return;
	owner = stray_owner(r, pid);
	s = stray_add(r, pid, owner);
	if (s == NULL) {
		r->stats->strays_killed++;
		(void)kill(pid, SIGKILL);
	} else if (owner == NULL) {
		stray_terminate(s);
	} else if (owner->phase == KILL_TERM) {
		stray_signal(s, SIGTERM);
		stray_signal(s, SIGCONT);
	} else if (owner->phase != KILL_NONE) {
		stray_signal(s, SIGKILL);
	}
}

static void
strays_scan(struct runner *r)
{
	r->strays.scanned_usec = r->loop.now_usec;
	children_each(r->strays.children_fd, on_child, r);
}

void
strays_look(struct runner *r)
{
	if (r->strays.scanned_usec != r->loop.now_usec)
		strays_scan(r);
}

void
strays_signal(struct runner *r, const struct entry *e, int sig)
{
	struct stray *s;

	if (e->n_strays == 0)
		return;
	RB_FOREACH(s, stray_pids, &r->strays.pids) {
		if (s->owner == e)
			stray_signal(s, sig);
	}
}

void
strays_cut(struct runner *r)
{
	struct stray *s;

	strays_look(r);
	RB_FOREACH(s, stray_pids, &r->strays.pids)
		stray_signal(s, SIGKILL);
}

/* ---------------------------------------------------------------- reaping --- */

/* The next of our children that has ended, not reaped yet; 0: none. */
static pid_t
next_zombie(void)
{
	siginfo_t si = { 0 };

	if (waitid(P_ALL, 0, &si, WEXITED | WNOHANG | WNOWAIT | __WALL) < 0)
		return 0;
	return si.si_pid;
}

static void
reap(struct runner *r, pid_t pid)
{
	struct entry *e = table_find_pid(&r->table, pid);
	struct stray *s;

	if (e != NULL) {
		entry_reap(e);
		return;
	}
	s = stray_find(&r->strays, pid);
	if (s != NULL)
		stray_remove(s);
	(void)waitpid(pid, NULL, WNOHANG | __WALL);
}

void
reap_children(struct runner *r)
{
	struct entry *e, *next;
	bool again = false;
	int n = 0;
	pid_t pid;

	while (n < REAP_BATCH && (pid = next_zombie()) != 0) {
		reap(r, pid);
		n++;
	}
	/* Children of the dead are ours now. */
	if (n > 0)
		strays_scan(r);
	for (e = TAILQ_FIRST(&r->lingering); e != NULL; e = next) {
		next = TAILQ_NEXT(e, next);
		if (!entry_settle(e) && e->n_strays == 0)
			again = true;	/* its cgroup is not empty quite yet */
	}
	if (again || n == REAP_BATCH)
		loop_arm(&r->loop, &r->reap_timer, clock_usec() + RECHECK_USEC);
}

static void
on_last_child(pid_t pid, void *arg)
{
	struct runner *r = arg;

	/* A program leads its group; a stray is taken alone. */
	if (table_find_pid(&r->table, pid) == NULL || kill(-pid, SIGKILL) < 0)
		(void)kill(pid, SIGKILL);
}

void
reap_everything(struct runner *r, int sigchld_fd, uint64_t deadline_usec)
{
	struct pollfd p = { .fd = sigchld_fd, .events = POLLIN };
	struct signalfd_siginfo si;
	uint64_t now;

	for (now = clock_usec(); now < deadline_usec; now = clock_usec()) {
		pid_t pid = 1;

		children_each(r->strays.children_fd, on_last_child, r);
		while (pid > 0)
			pid = waitpid(-1, NULL, WNOHANG | __WALL);
		if (pid < 0 && errno == ECHILD)
			return;
		(void)poll(&p, 1, (int)((deadline_usec - now + USEC_PER_MSEC - 1) / USEC_PER_MSEC));
		while (read(sigchld_fd, &si, sizeof(si)) > 0)
			;
	}
}
