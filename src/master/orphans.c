/* SPDX-License-Identifier: ISC */
/* Finds and kills children that a dead runner has left. */
#include "config.h"

#include "master/orphans.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/fd.h"
#include "ipc/logrec.h"

/* Orphans are looked for at growing intervals; a stop waits at most this long for them. */
#define ORPHANS_USEC (10 * USEC_PER_MSEC)
#define ORPHANS_LIMIT_USEC (5 * USEC_PER_SEC)

/* Kills all orphans that exist now. False: there are none. */
static bool
kill_all(struct processes *all)
{
	char list[4096], *p = list;
	bool found = false;
	size_t n_spared = 0;

	/* Children that do not fit into the list show up when these are gone. */
	(void)fd_read_text(AT_FDCWD, "/proc/thread-self/children", list, sizeof(list));
	for (;;) {
		char *end;
		long pid = strtol(p, &end, 10);

		if (end == p || *end == '\0')
			break;
		p = end;
		/* The child is not reaped yet, so no other process can have its number. */
		if (pid > 1 && processes_find(all, (pid_t)pid) == NULL) {
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
on_orphans(struct loop_timer *t)
{
	struct orphans *s = CONTAINER_OF(t, struct orphans, timer);
	uint64_t now = clock_usec(), since = now - s->since_usec, rest;

	rest = ORPHANS_USEC + (since < USEC_PER_SEC ? since : USEC_PER_SEC);
	/* Each orphan may leave children of its own, so the timer runs until none is left. */
	if (kill_all(s->all))
		loop_arm(s->all->loop, t, now + rest);
	s->on_looked(s);
}

void
orphans_begin(struct orphans *s)
{
	s->since_usec = clock_usec();
	s->timer.fn = on_orphans;
	on_orphans(&s->timer);
}

bool
orphans_are_gone(const struct orphans *s)
{
	if (!loop_timer_is_armed(&s->timer))
		return true;
	if (clock_usec() - s->since_usec < ORPHANS_LIMIT_USEC)
		return false;
	log_err("programs survive SIGKILL, leaving them behind");
	return true;
}
