/* SPDX-License-Identifier: ISC */
/* Reaps programs and strays, and ends strays. */
#include "config.h"

#include "runner/reap.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cgroup.h"
#include "base/children.h"
#include "base/clock.h"
#include "base/mark.h"
#include "ipc/logrec.h"
#include "runner/programs.h"
#include "runner/runner.h"

/*
 * Limit of children reaped in one turn: a program that forks without end must
 * not keep the runner busy.
 */
#define REAP_BATCH 256
#define RECHECK_USEC (5 * USEC_PER_MSEC)

/* ----------------------------------------------------- whose is a stray? --- */

/*
 * True if the process is in the program's control group. A process cannot leave
 * its group; and where /proc is hidden from the runner, there are no marks to
 * read.
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
	mark = mark_of(pid);
	while ((p = programs_next(all, p)) != NULL) {
		if (p->session == session || (mark != 0 && p->mark == mark) ||
		    is_in_group_of(p, pid))
			break;
	}
	return p;
}

/* ----------------------------------------------------------------- strays --- */

static struct stray *
stray_find(struct strays *all, pid_t pid)
{
	for (size_t i = 0; i < all->n; i++) {
		if (all->list[i].pid == pid)
			return &all->list[i];
	}
	return NULL;
}

/* The last stray takes the place of the removed one. */
static void
stray_remove(struct strays *all, struct stray *s)
{
	if (s->owner != NULL)
		s->owner->n_strays--;
	*s = all->list[--all->n];
}

static void
stray_signal(struct runner *r, struct stray *s, int sig)
{
	if (s->phase == KILL_NONE)
		r->stats->strays_killed++;
	if (s->phase == KILL_NONE || sig == SIGKILL)
		s->phase = sig == SIGKILL ? KILL_KILL : KILL_TERM;
	(void)kill(s->pid, sig);
}

/* Sets the time of the next signal to a stray without an owner. */
static void
stray_arm(struct runner *r, struct stray *s, uint64_t in_usec)
{
	struct loop_timer *t = &r->strays.timer;

	s->due_usec = clock_usec() + in_usec;
	if (!loop_timer_is_armed(t) || s->due_usec < t->due_usec)
		loop_arm(&r->loop, t, s->due_usec);
}

static void
stray_advance(struct runner *r, struct stray *s)
{
	s->due_usec = 0;
	if (s->phase == KILL_TERM) {
		stray_signal(r, s, SIGKILL);
		stray_arm(r, s, SURVIVAL_USEC);
	} else if (s->phase == KILL_KILL) {
		log_err("stray process %d survives SIGKILL", s->pid);
		s->phase = KILL_SURVIVED;
	}
}

static void
on_strays_due(struct loop_timer *t)
{
	struct runner *r = CONTAINER_OF(t, struct runner, strays.timer);
	uint64_t now = clock_usec();

	for (size_t i = 0; i < r->strays.n; i++) {
		struct stray *s = &r->strays.list[i];

		if (s->due_usec != 0 && s->due_usec <= now)
			stray_advance(r, s);
		else if (s->due_usec != 0)
			stray_arm(r, s, s->due_usec - now);
	}
}

/* Asks a stray to end, or kills it; a stopped process could not act on the signal. */
static void
stray_end(struct runner *r, struct stray *s, int sig)
{
	struct program *owner = s->owner;

	stray_signal(r, s, sig);
	if (sig != SIGKILL)
		(void)kill(s->pid, SIGCONT);
	if (owner == NULL || owner->pid != 0 || owner->is_group_told ||
	    getpgid(s->pid) != owner->session)
		return;
	/* All processes of the group hear of it at once, not one after the death of another. */
	owner->is_group_told = true;
	(void)kill(-owner->session, sig);
	(void)kill(-owner->session, SIGCONT);
}

/* A new stray gets the signal that its program has got. */
static void
stray_begin(struct runner *r, struct stray *s)
{
	if (s->owner == NULL) {
		stray_end(r, s, SIGTERM);
		stray_arm(r, s, r->member.current == NULL ? 0 :
		    r->member.current->kill_grace_usec);
		return;
	}
	s->owner->n_strays++;
	if (s->owner->phase != KILL_NONE)
		stray_end(r, s, s->owner->phase == KILL_TERM ?
		    s->owner->service->stop_signal : SIGKILL);
}

static void
on_child(pid_t pid, void *arg)
{
	struct runner *r = arg;
	struct strays *all = &r->strays;
	struct stray *s;

	if (programs_find_pid(&r->programs, pid) != NULL || stray_find(all, pid) != NULL ||
	    pid == r->temporary.sweeper)
		return;
	if (all->n == RUNNER_MAX_STRAYS) {
		r->stats->strays_killed++;
		(void)kill(pid, SIGKILL);
		return;
	}
	s = &all->list[all->n++];
	*s = (struct stray){ .pid = pid, .owner = stray_owner(r, pid) };
	stray_begin(r, s);
}

static void
strays_scan(struct runner *r)
{
	r->strays.scanned_usec = r->loop.now_usec;
	children_each(r->strays.children_fd, on_child, r);
}

/* Scans for strays, unless this turn of the loop has done so. */
static void
strays_look(struct runner *r)
{
	if (r->strays.scanned_usec != r->loop.now_usec)
		strays_scan(r);
}

static void
strays_signal(const struct program *p, int sig)
{
	struct runner *r = p->runner;

	if (p->n_strays == 0)
		return;
	for (size_t i = 0; i < r->strays.n; i++) {
		if (r->strays.list[i].owner == p)
			stray_signal(r, &r->strays.list[i], sig);
	}
}

void
strays_init(struct runner *r)
{
	static const struct programs_strays of_programs = {
		.look = strays_look, .signal = strays_signal,
	};

	r->strays.children_fd = children_open();
	r->strays.timer.fn = on_strays_due;
	r->programs.strays = &of_programs;
}

void
strays_cut(struct runner *r)
{
	strays_look(r);
	for (size_t i = 0; i < r->strays.n; i++)
		stray_signal(r, &r->strays.list[i], SIGKILL);
}

/* ---------------------------------------------------------------- reaping --- */

static void
reap(struct runner *r, pid_t pid, int status, const struct rusage *ru)
{
	struct program *p = programs_find_pid(&r->programs, pid);
	struct stray *s = p != NULL ? NULL : stray_find(&r->strays, pid);

	if (p != NULL)
		program_reaped(p, status, ru);
	else if (s != NULL)
		stray_remove(&r->strays, s);
	else if (pid == r->temporary.sweeper)
		r->temporary.sweeper = 0;
}

void
reap_children(struct runner *r)
{
	struct program *p, *next;
	bool again = false;
	int n = 0, status;
	struct rusage ru;
	pid_t pid;

	while (n < REAP_BATCH && (pid = wait4(-1, &status, WNOHANG | __WALL, &ru)) > 0) {
		reap(r, pid, status, &ru);
		n++;
	}
	/*
	 * Children of dead programs are the runner's now; without any, the dead
	 * have left nothing.
	 */
	if (n > 0)
		strays_scan(r);
	for (p = TAILQ_FIRST(&r->programs.lingering); p != NULL; p = next) {
		next = TAILQ_NEXT(p, next);
		if (!program_settle(p) && p->n_strays == 0 && p->pid == 0)
			again = true;	/* the control group is not quite empty yet */
	}
	if (again || n == REAP_BATCH)
		loop_arm(&r->loop, &r->reap_timer, clock_usec() + RECHECK_USEC);
}

static void
on_last_child(pid_t pid, void *arg)
{
	struct runner *r = arg;

	/* A program leads its group; a stray is killed alone. */
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
