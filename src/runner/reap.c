/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "runner/reap.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "ipc/logrec.h"
#include "runner/cgroup.h"
#include "base/children.h"
#include "runner/programs.h"
#include "runner/runner.h"
#include "runner/spawn.h"

/* What a turn may reap: a program that forks without end must not hold us. */
#define REAP_BATCH 256
#define RECHECK_USEC (5 * USEC_PER_MSEC)
#define SURVIVAL_USEC USEC_PER_SEC

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

/*
 * By its control group, where there are any: a process cannot leave that, and
 * where /proc is hidden from us there are no marks.
 */
static bool
is_in_group_of(const struct program *p, pid_t pid)
{
	const struct cgroups *c = &p->runner->cgroups;
	size_t slot = program_slot(&p->runner->programs, p);

	return cgroup_exists(c, slot) && cgroup_has(c, slot, pid);
}

static struct program *
stray_owner(struct runner *r, pid_t pid)
{
	struct programs *all = &r->programs;
	pid_t session = getsid(pid);
	struct program *p = programs_find_pid(all, session);
	uint64_t mark;

	if (p != NULL)
		return p;
	mark = spawn_mark_of(pid);
	while ((p = programs_next(all, p)) != NULL) {
		if (p->session == session || (mark != 0 && p->mark == mark) ||
		    is_in_group_of(p, pid))
			break;
	}
	return p;
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
stray_add(struct runner *r, pid_t pid, struct program *owner)
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
	struct program *owner;
	struct stray *s;

	if (programs_find_pid(&r->programs, pid) != NULL || stray_find(&r->strays, pid) != NULL)
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
strays_signal(struct runner *r, const struct program *p, int sig)
{
	struct stray *s;

	if (p->n_strays == 0)
		return;
	RB_FOREACH(s, stray_pids, &r->strays.pids) {
		if (s->owner == p)
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
	struct program *p = programs_find_pid(&r->programs, pid);
	struct stray *s;

	if (p != NULL) {
		program_reap(p);
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
	struct program *p, *next;
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
	for (p = TAILQ_FIRST(&r->programs.lingering); p != NULL; p = next) {
		next = TAILQ_NEXT(p, next);
		if (!program_settle(p) && p->n_strays == 0)
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
	if (programs_find_pid(&r->programs, pid) == NULL || kill(-pid, SIGKILL) < 0)
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
