/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "runner/entry.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "ipc/channel.h"
#include "ipc/logrec.h"
#include "runner/cgroup.h"
#include "runner/handler.h"
#include "runner/link.h"
#include "runner/reap.h"
#include "runner/runner.h"
#include "runner/spawn.h"
#include "runner/token.h"
#include "runner/twin.h"

/* After SIGKILL only the kernel can keep a process; then we say so. */
#define SURVIVAL_USEC USEC_PER_SEC
#define COMPLAIN_USEC (10 * USEC_PER_SEC)

static size_t
slot_of(const struct entry *e)
{
	return table_slot(&e->runner->table, e);
}

/* ------------------------------------------------------- telling the end --- */

void
entry_deliver(struct entry *e, unsigned what)
{
	if (e->link == NULL)
		return;
	e->unsent |= what;
	link_deliver(e->link, e);
}

void
entry_delivered(struct entry *e)
{
	if (e->state != ENTRY_OVER || e->unsent != 0)
		return;
	channel_close_fds(e->fds, ENTRY_N_FDS);
	table_release(&e->runner->table, e);
}

/* Nothing of it runs or waits here any more. */
static void
entry_finish(struct entry *e)
{
	struct runner *r = e->runner;

	loop_disarm(&r->loop, &e->timer);
	admission_leave(&r->admission, &e->ticket);
	e->conf = conf_unref(e->conf);
	e->service = NULL;
	e->state = ENTRY_OVER;
	entry_delivered(e);
}

void
entry_over(struct entry *e, enum outcome_kind outcome, uint8_t reason)
{
	twin_detach(e, outcome, reason);
	channel_close_fds(e->fds, ENTRY_N_FDS);
	e->ended.outcome = (uint8_t)outcome;
	e->ended.reason = reason;
	e->ended.queued_usec = clock_usec() - e->accepted_usec;
	entry_deliver(e, UNSENT_ENDED);
	entry_finish(e);
}

void
entry_result(struct entry *e, int fd)
{
	if (fd >= 0)
		e->fds[0] = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	entry_deliver(e, UNSENT_RESULT);
	entry_finish(e);
}

/* -------------------------------------------------------------- starting --- */

static void on_entry_due(struct loop_timer *t);

static void
entry_arm(struct entry *e, uint64_t due_usec)
{
	loop_arm(&e->runner->loop, &e->timer, due_usec);
}

static uint64_t
earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* Those in force, also for a request that was made just before a reload. */
static struct lane_limits
limits_now(const struct runner *r, const struct entry *e)
{
	const struct service *s = NULL;

	if (e->conf != r->current)
		s = conf_find_service(r->current, e->service->name, strlen(e->service->name));
	if (s == NULL)
		s = e->service;
	return (struct lane_limits){ s->concurrency, s->queue };
}

void
entry_accept(struct entry *e, struct link *l, const struct frame *f, struct conf *conf,
    int *fds, size_t n_fds)
{
	struct runner *r = l->runner;
	const struct service *s = &conf->services[f->run.service];
	uint64_t now = clock_usec();

	e->runner = r;
	e->link = l;
	e->conf = conf_ref(conf);
	e->service = s;
	e->owner = f->run.owner;
	e->flags = f->run.flags;
	e->ticket.lock = f->run.lock;
	e->timer.fn = on_entry_due;
	e->accepted_usec = now;
	/* The worker may ask for less than the service allows, not for more. */
	e->deadline_usec = earlier(f->run.deadline_usec, now + s->timeout_usec);
	e->queue_due_usec = now + s->queue_timeout_usec;

	if (r->is_draining) {
		entry_over(e, OUTCOME_DRAINING, 0);
		return;
	}
	for (size_t i = 0; i < n_fds; i++)
		e->fds[i] = TAKE_FD(fds[i]);
	if (!digest_is_none(&f->run.token) && !twin_first(e, &f->run.token))
		return;

	switch (admission_ask(&r->admission, s->name, limits_now(r, e), &e->ticket)) {
	case ADMISSION_START:
		entry_start(e);
		break;
	case ADMISSION_QUEUE:
		e->state = ENTRY_QUEUED;
		entry_arm(e, earlier(e->deadline_usec, e->queue_due_usec));
		break;
	case ADMISSION_REFUSE:
		entry_over(e, OUTCOME_BUSY, BUSY_QUEUE_FULL);
		break;
	}
}

pid_t
entry_spawn(struct entry *e, struct spawn_order *order)
{
	struct runner *r = e->runner;
	int cgroup = cgroup_enter(&r->cgroups, slot_of(e));
	pid_t pid = cgroup;

	order->cgroup = -1;
	if (cgroup > 0) {
		order->cgroup = cgroup;
		pid = spawn(r->spawner, order);
		if (pid >= 0)
			return pid;
		order->cgroup = -1;
	}
	if (pid < 0 && pid != -EAGAIN && pid != -ENOMEM) {
		log_warn("control groups cannot be used, going on without: %s", strerror(-pid));
		cgroups_done(&r->cgroups);
	}
	return spawn(r->spawner, order);
}

void
entry_begin(struct entry *e, pid_t pid)
{
	e->timer.fn = on_entry_due;
	e->started_usec = clock_usec();
	e->ended.queued_usec = e->started_usec - e->accepted_usec;
	e->state = ENTRY_RUNNING;
	e->session = pid;
	table_set_pid(&e->runner->table, e, pid);
	e->runner->stats->started_total++;
}

static void
entry_fail_fork(struct entry *e, int error)
{
	struct runner *r = e->runner;
	uint64_t now = clock_usec();

	if (now >= r->complain_usec) {
		r->complain_usec = now + COMPLAIN_USEC;
		log_err("service %s: could not be started: fork: %s", e->service->name,
		    strerror(error));
	}
	e->ended.stage = STAGE_FORK;
	e->ended.error = error;
	entry_over(e, OUTCOME_NOSTART, 0);
}

void
entry_start(struct entry *e)
{
	struct spawn_order order = {
		.service = e->service,
		.slot = slot_of(e),
		.job = e->fds[ENTRY_JOB],
		.out = e->fds[ENTRY_OUT],
		.err = e->fds[ENTRY_ERR],
		.in = e->fds[ENTRY_IN],
		.third = -1,
	};
	pid_t pid = entry_spawn(e, &order);

	if (pid < 0) {
		entry_fail_fork(e, -pid);
		return;
	}
	channel_close_fds(&e->fds[ENTRY_JOB], 1);
	channel_close_fds(&e->fds[ENTRY_IN], 1);
	entry_begin(e, pid);
	entry_arm(e, e->deadline_usec);
	if ((e->flags & RUN_WANT_STARTED) != 0)
		entry_deliver(e, UNSENT_STARTED);
}

/* --------------------------------------------------------------- killing --- */

static void
entry_signal(struct entry *e, int sig)
{
	/* A child that has not come to setsid() yet is not its group's leader. */
	if (e->pid != 0 && kill(-e->pid, sig) < 0)
		(void)kill(e->pid, sig);
	strays_signal(e->runner, e, sig);
}

static void
entry_terminate(struct entry *e)
{
	e->phase = KILL_TERM;
	entry_signal(e, SIGTERM);
	entry_signal(e, SIGCONT);	/* what is stopped could not act on it */
	entry_arm(e, clock_usec() + e->service->kill_grace_usec);
}

static void
entry_destroy(struct entry *e)
{
	e->phase = KILL_KILL;
	entry_signal(e, SIGKILL);
	if (cgroup_exists(&e->runner->cgroups, slot_of(e)))
		cgroup_kill(&e->runner->cgroups, slot_of(e));
	entry_arm(e, clock_usec() + SURVIVAL_USEC);
}

void
entry_kill(struct entry *e, enum outcome_kind verdict, uint8_t reason)
{
	switch (e->state) {
	case ENTRY_QUEUED:
	case ENTRY_ATTACHED:
		entry_over(e, verdict, reason);
		break;
	case ENTRY_RUNNING:
		if (e->phase != KILL_NONE)
			break;
		e->verdict = (uint8_t)verdict;
		e->reason = reason;
		strays_look(e->runner);		/* who has left it silently? */
		entry_terminate(e);
		break;
	default:
		break;
	}
}

void
entry_cut(struct entry *e)
{
	bool runs = e->state == ENTRY_RUNNING || e->state == ENTRY_LINGERING;

	if (runs && e->phase < KILL_KILL)
		entry_destroy(e);
}

void
entry_cancel(struct entry *e, uint8_t reason)
{
	entry_kill(e, reason == CANCEL_BY_OUTPUT ? OUTCOME_TOOBIG : OUTCOME_CANCELLED, reason);
}

/* -------------------------------------------------------------- its end --- */

/* Does anything run in its cgroup? */
static bool
entry_is_in_cgroup(struct entry *e)
{
	const struct cgroups *c = &e->runner->cgroups;

	return cgroup_exists(c, slot_of(e)) && cgroup_is_populated(c, slot_of(e));
}

void
entry_note_start(struct entry *e)
{
	struct spawn_report failed = spawn_report_of(e->runner->spawner, slot_of(e));

	e->ended.stage = (uint8_t)failed.stage;
	e->ended.error = failed.error;
}

/* Makes and sends ENDED, once. */
static void
entry_report(struct entry *e, int status, const struct rusage *ru)
{
	uint64_t now = clock_usec();

	if (e->is_reported)
		return;
	e->is_reported = true;
	entry_note_start(e);
	e->ended.wait_status = status;
	e->ended.ran_usec = now - e->started_usec;
	e->ended.cpu_usec = (uint64_t)(ru->ru_utime.tv_sec + ru->ru_stime.tv_sec) * USEC_PER_SEC +
	    (uint64_t)(ru->ru_utime.tv_usec + ru->ru_stime.tv_usec);
	e->ended.max_rss_kb = (uint64_t)ru->ru_maxrss;

	if (e->phase != KILL_NONE) {
		e->ended.outcome = e->verdict;
		e->ended.reason = e->reason;
	} else if (WIFSIGNALED(status)) {
		e->ended.outcome = OUTCOME_SIGNAL;
	} else if (WEXITSTATUS(status) == SPAWN_EXIT_FAILED && e->ended.stage != STAGE_NONE) {
		e->ended.outcome = OUTCOME_NOSTART;
	} else {
		e->ended.outcome = OUTCOME_EXIT;
	}
	if (e->handler.is_handler) {
		handler_on_death(e, status);
		return;
	}
	twin_end(e);
	entry_deliver(e, UNSENT_ENDED);
	/* Only now, so that the end of its output does not wake the worker too. */
	channel_close_fds(e->fds, ENTRY_N_FDS);
}

void
entry_reap(struct entry *e)
{
	struct runner *r = e->runner;
	pid_t pid = e->pid;
	struct rusage ru;
	int status;

	/*
	 * The zombie still holds its number, so the group of that number can
	 * only be its own. After wait4() it might be anybody's.
	 */
	(void)kill(-pid, e->phase < KILL_KILL ? SIGTERM : SIGKILL);
	(void)kill(-pid, SIGCONT);
	if (wait4(pid, &status, WNOHANG | __WALL, &ru) != pid)
		return;
	table_set_pid(&r->table, e, 0);
	entry_report(e, status, &ru);

	e->state = ENTRY_LINGERING;
	TAILQ_INSERT_TAIL(&r->lingering, e, next);
	if (entry_is_in_cgroup(e))
		entry_destroy(e);
	else if (e->phase == KILL_NONE)
		entry_terminate(e);
}

bool
entry_settle(struct entry *e)
{
	struct runner *r = e->runner;

	if (e->n_strays > 0 || entry_is_in_cgroup(e))
		return false;
	TAILQ_REMOVE(&r->lingering, e, next);
	if (e->phase >= KILL_KILL)
		cgroup_retire(&r->cgroups, slot_of(e));
	entry_finish(e);
	return true;
}

/* SIGKILL had no effect. The request is told of now, its place stays taken. */
static void
entry_survives(struct entry *e)
{
	static const struct rusage unknown;

	if (e->phase != KILL_SURVIVED)
		log_err("request %016llx of service %s: processes survive SIGKILL, "
		    "going on without waiting for them",
		    (unsigned long long)e->id, e->service->name);
	entry_destroy(e);
	e->phase = KILL_SURVIVED;
	entry_report(e, SIGKILL, &unknown);
}

static void
on_entry_due(struct loop_timer *t)
{
	struct entry *e = CONTAINER_OF(t, struct entry, timer);

	if (e->phase == KILL_TERM) {
		strays_look(e->runner);
		entry_destroy(e);
	} else if (e->phase != KILL_NONE) {
		entry_survives(e);
	} else if (clock_usec() >= e->deadline_usec) {
		entry_kill(e, OUTCOME_TIMEOUT, 0);
	} else {
		entry_over(e, OUTCOME_BUSY, BUSY_WAITED);
	}
}

/* ----------------------------------------------------- a worker is gone --- */

void
entries_abandon(struct runner *r, struct link *l)
{
	struct entry *e = NULL;

	while ((e = table_next(&r->table, e)) != NULL) {
		if (e->link != l)
			continue;
		link_forget(l, e);
		e->link = NULL;
		if (e->handler.is_handler)
			handler_abandon(e);
		else if (e->state == ENTRY_OVER)
			entry_delivered(e);
		else
			entry_kill(e, OUTCOME_CANCELLED, CANCEL_BY_DISCONNECT);
	}
}
