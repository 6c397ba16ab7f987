/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "base/oomscore.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define OOMSCORE_MAX 1000
#define OOMSCORE_FILE "/proc/self/oom_score_adj"

void
oomscore_above_own(struct oomscore *s, int more)
{
	CLEANUP_CLOSE int fd = -1;
	char text[16];
	ssize_t n;
	long own;

	*s = (struct oomscore){ .len = 0 };
	fd = geteuid() == 0 ? open(OOMSCORE_FILE, O_RDONLY | O_CLOEXEC) : -1;
	if (fd < 0)
		return;
	n = read(fd, text, sizeof(text) - 1);
	if (n <= 0)
		return;
	text[n] = '\0';
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
