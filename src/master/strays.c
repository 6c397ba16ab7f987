/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "master/strays.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>

#include "base/fd.h"
#include "master/master.h"

static bool
is_ours(const struct master *m, pid_t pid)
{
	for (size_t i = 0; i < MASTER_MAX_PROCESSES; i++) {
		if (m->processes[i].pid == pid)
			return true;
	}
	return false;
}

bool
strays_kill(struct master *m)
{
	char list[4096], *p = list;
	bool found = false;

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
			(void)kill((pid_t)pid, SIGKILL);
			found = true;
		}
	}
	return found;
}
