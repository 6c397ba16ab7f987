/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "master/strays.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
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
	CLEANUP_CLOSE int fd = -1;
	char list[4096], *p = list;
	bool found = false;
	ssize_t n;

	fd = open("/proc/thread-self/children", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	/* What does not fit shows up when these are gone. */
	n = read(fd, list, sizeof(list) - 1);
	list[n > 0 ? n : 0] = '\0';
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
