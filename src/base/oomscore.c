/* SPDX-License-Identifier: ISC */
/* oomscore: reads and writes oom_score_adj. */
#include "config.h"

#include "base/oomscore.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fd.h"

#define OOMSCORE_MAX 1000
#define OOMSCORE_FILE "/proc/self/oom_score_adj"

void
oomscore_above_own(struct oomscore *s, int more)
{
	char text[16];
	long own;

	*s = (struct oomscore){ .len = 0 };
	if (geteuid() != 0 || fd_read_text(AT_FDCWD, OOMSCORE_FILE, text, sizeof(text)) <= 0)
		return;
	own = strtol(text, NULL, 10) + more;
	s->len = (size_t)snprintf(s->text, sizeof(s->text), "%ld",
	    own > OOMSCORE_MAX ? OOMSCORE_MAX : own);
}

CHILD_CODE void
oomscore_take(const struct oomscore *s)
{
	CLEANUP_CLOSE int fd = -1;

	if (s->len == 0)
		return;
	fd = open(OOMSCORE_FILE, O_WRONLY | O_CLOEXEC);
	if (fd >= 0)
		(void)!write(fd, s->text, s->len);
}
