/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "ipc/death.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "base/clock.h"
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

void
death_describe_outage(const struct death *d, uint64_t in_usec, char ret[static OUTAGE_TEXT])
{
	char how[160], when[48] = "now";

	death_describe(d, how, sizeof(how));
	if (in_usec >= USEC_PER_SEC)
		(void)snprintf(when, sizeof(when), "in %" PRIu64 " s",
		    (in_usec + USEC_PER_SEC - 1) / USEC_PER_SEC);
	else if (in_usec > 0)
		(void)snprintf(when, sizeof(when), "in less than 1 s");
	(void)snprintf(ret, OUTAGE_TEXT, "its handler does not stay up: %s; tried again %s", how,
	    when);
}
