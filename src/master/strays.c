/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "master/strays.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/fd.h"
#include "ipc/logrec.h"
#include "master/master.h"
#include "master/stop.h"

/* They are looked for at growing intervals; a stop waits so long for them. */
#define STRAYS_USEC (10 * USEC_PER_MSEC)
#define STRAYS_LIMIT_USEC (5 * USEC_PER_SEC)

static bool
is_ours(const struct master *m, pid_t pid)
{
	const struct process *p;

	FOR_EACH_PROCESS(p, m) {
		if (p->pid == pid)
			return true;
	}
	return false;
}

/* Kills those there are. false: there are none. */
static bool
kill_all(struct master *m)
{
	char list[4096], *p = list;
	bool found = false;
	size_t n_spared = 0;

	/* What does not fit shows up when these are gone. */
	(void)fd_read_text(AT_FDCWD, "/proc/thread-self/children", list, sizeof(list));
	for (;;) {
		char *end;
		long pid = strtol(p, &end, 10);

		if (end == p || *end == '\0')
			break;
		p = end;
		/* A child of ours that we have not reaped: the number is its own. */
		if (pid > 1 && !is_ours(m, (pid_t)pid)) {
			if (kill((pid_t)pid, SIGKILL) == 0)
				found = true;
			else if (errno == EPERM)
				n_spared++;
		}
	}
	if (n_spared > 0)
		log_warn("reqd may not end %zu programs that the runner has left", n_spared);
	return found;
}

static void
on_strays(struct loop_timer *t)
{
	struct master *m = CONTAINER_OF(t, struct master, strays);
	uint64_t now = clock_usec(), since = now - m->strays_usec, rest;

	rest = STRAYS_USEC + (since < USEC_PER_SEC ? since : USEC_PER_SEC);
	/* Each of them may leave children of its own: look until none is left. */
	if (kill_all(m))
		loop_arm(&m->loop, t, now + rest);
	stop_advance(m);
}

void
strays_begin(struct master *m)
{
	m->strays_usec = clock_usec();
	m->strays.fn = on_strays;
	on_strays(&m->strays);
}

bool
strays_are_gone(const struct master *m)
{
	if (!loop_timer_is_armed(&m->strays))
		return true;
	if (clock_usec() - m->strays_usec < STRAYS_LIMIT_USEC)
		return false;
	log_err("programs survive SIGKILL, leaving them behind");
	return true;
}
