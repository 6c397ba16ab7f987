/* SPDX-License-Identifier: ISC */
/* No allocation: the runner uses it. */
#include "config.h"

#include "base/mark.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/sparse.h"

#define MARK_BASE ((rlim_t)(LONG_MAX / 2))

/* The hard limit in a line of /proc/PID/limits that begins so; 0: there is none. */
static rlim_t
limit_in(const char *text, const char *name)
{
	const char *line = strstr(text, name);
	char *end;

	if (line == NULL)
		return 0;
	line += strlen(name);
	(void)strtoull(line, &end, 10);
	return end == line ? 0 : (rlim_t)strtoull(end, NULL, 10);
}

uint64_t
mark_of(pid_t pid)
{
	char path[32], text[2048];
	rlim_t up, down;

	(void)snprintf(path, sizeof(path), "/proc/%d/limits", pid);
	(void)fd_read_text(AT_FDCWD, path, text, sizeof(text));
	up = limit_in(text, "Max file locks");
	down = limit_in(text, "Max realtime timeout");
	return up > MARK_BASE && up - MARK_BASE == MARK_BASE - down ? up - MARK_BASE : 0;
}

CHILD_CODE void
mark_take(uint64_t mark)
{
	struct rlimit up = { MARK_BASE + mark, MARK_BASE + mark };
	struct rlimit down = { MARK_BASE - mark, MARK_BASE - mark };

	(void)setrlimit(RLIMIT_LOCKS, &up);
	(void)setrlimit(RLIMIT_RTTIME, &down);
}
