/* SPDX-License-Identifier: ISC */
/*
 * recovery: a child of the master looks again at services that are out of order. The
 * master does not look itself, because a dead file system or account database would
 * hold it up.
 */
#include "config.h"

#include "master/recovery.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "ipc/logrec.h"
#include "master/master.h"

#define FIRST_USEC (5 * USEC_PER_SEC)
#define LONGEST_USEC (30 * USEC_PER_SEC)

#define LOOKER_SAW_CHANGE 1

/* Runs in the child, and closes the master's descriptors, because the child may hang. */
static void __attribute__((noreturn))
look(const struct master *m)
{
	struct conf_errors errors = { 0 };
	struct edition e = EDITION_NONE;
	int text = dup2(m->now.text, STDERR_FILENO + 1), r;
	struct edition now = { .text = text };

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)close_range(STDERR_FILENO + 2, ~0U, 0);
	r = text < 0 ? text : edition_look_again(&e, &now, NULL, 1, &errors);
	_exit(r > 0 ? LOOKER_SAW_CHANGE : 0);
}

static void
on_due(struct loop_timer *t)
{
	struct master *m = CONTAINER_OF(t, struct master, recovery.timer);
	sigset_t all, old;
	pid_t pid;

	if (!m->ready || m->processes.is_stopping || m->reload.phase != RELOAD_IDLE) {
		recovery_plan(m);
		return;
	}
	(void)sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, &old);
	pid = fork();
	if (pid == 0)
		look(m);
	(void)sigprocmask(SIG_SETMASK, &old, NULL);
	if (pid > 0)
		m->recovery.looker = pid;
	else
		recovery_plan(m);
}

void
recovery_plan(struct master *m)
{
	struct recovery *r = &m->recovery;

	if (r->looker != 0 || loop_timer_is_armed(&r->timer))
		return;
	if (m->processes.is_stopping || !conf_is_lacking(m->now.conf)) {
		r->wait_usec = 0;
		return;
	}
	r->wait_usec = r->wait_usec == 0 ? FIRST_USEC : r->wait_usec * 3 / 2;
	if (r->wait_usec > LONGEST_USEC)
		r->wait_usec = LONGEST_USEC;
	r->timer.fn = on_due;
	loop_arm(&m->loop, &r->timer, clock_usec() + r->wait_usec);
}

bool
recovery_reaped(struct master *m, pid_t pid, int status)
{
	if (pid != m->recovery.looker)
		return false;
	m->recovery.looker = 0;
	if (WIFEXITED(status) && WEXITSTATUS(status) == LOOKER_SAW_CHANGE &&
	    !m->processes.is_stopping)
		reload_recover(m);
	recovery_plan(m);
	return true;
}

void
recovery_cancel(struct master *m)
{
	loop_disarm(&m->loop, &m->recovery.timer);
	if (m->recovery.looker != 0)
		(void)kill(m->recovery.looker, SIGKILL);
}
