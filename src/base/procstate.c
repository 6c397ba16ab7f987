/* SPDX-License-Identifier: ISC */
/*
 * procstate: reads the state of a process from /proc.
 */
#include "config.h"

#include "base/procstate.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"

/* The beginning of /proc/PID/NAME. Empty when there is none. */
static void
read_proc(pid_t pid, const char *name, char *ret, size_t len)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	(void)fd_read_text(AT_FDCWD, path, ret, len);
}

static const char *
state_words(char state)
{
	switch (state) {
	case 'R': return "runs";
	case 'S': return "sleeps";
	case 'D': return "waits in the kernel, uninterruptible";
	case 'T': return "stopped by a signal";
	case 't': return "stopped by a debugger";
	default: return "ends";
	}
}

void
procstate_describe(pid_t pid, struct buf *b)
{
	unsigned long user = 0, system = 0;
	long tick = sysconf(_SC_CLK_TCK);
	char stat[512], wchan[512], state = '\0';
	const char *end;
	int n = 0;

	/* The program's name may hold anything, so the fields are counted from its end. */
	read_proc(pid, "stat", stat, sizeof(stat));
	end = strrchr(stat, ')');
	if (end != NULL)
		n = sscanf(end + 1, " %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &state,
		    &user, &system);
	(void)buf_append_str(b, state_words(state));
	read_proc(pid, "wchan", wchan, sizeof(wchan));
	if (wchan[0] != '\0' && wchan[0] != '0')
		(void)buf_printf(b, " (%s)", wchan);
	if (n == 3 && tick > 0)
		(void)buf_printf(b, ", %.1f s of CPU", (double)(user + system) / (double)tick);
}
