/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "ipc/death.h"

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "ipc/frame.h"

void
death_describe(const struct death *d, char *ret, size_t len)
{
	const char *when = d->was_proven ? "" : " before its first answer";

	if (d->stage > STAGE_NONE && d->stage < STAGE_N)
		(void)snprintf(ret, len, "cannot be started: %s: %s",
		    start_stage_name((unsigned)d->stage), strerror(d->error));
	else if (d->status == DEATH_BROKEN)
		(void)snprintf(ret, len, "no proper answer");
	else if (WIFSIGNALED(d->status))
		(void)snprintf(ret, len, "ended by signal %d%s", WTERMSIG(d->status), when);
	else if (WEXITSTATUS(d->status) != 0 || !d->was_proven)
		(void)snprintf(ret, len, "exit status %d%s", WEXITSTATUS(d->status), when);
	else
		(void)snprintf(ret, len, "of no more use");
}
