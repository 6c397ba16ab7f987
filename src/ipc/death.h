/* SPDX-License-Identifier: ISC */
/*
 * death: how a warm process came to its end, or why one of any kind could not
 * begin, and that in words: the same to a caller, in the log, in the status
 * and in the reason why a service is out of order.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Fixed widths: it is part of a statistics page. */
struct death {
	int32_t status;		/* its wait status, or this: */
#define DEATH_BROKEN (-1)	/* what it said was no reply */
	int32_t stage, error;	/* not STAGE_NONE: it could not be started */
	uint32_t was_proven;	/* it had answered before */
};

/*
 * Of one that could not be started, at which step, why, and where to look: "its
 * program: No such file or directory (try 'reqctl reload --check')"; cut to len.
 * stage: enum start_stage.
 */
void death_describe_start(unsigned stage, int error, char *ret, size_t len);

/* "exit status 1 before its first answer"; cut to len. Trusts no field. */
void death_describe(const struct death *d, char *ret, size_t len);

#define OUTAGE_TEXT 256

/*
 * Of a service that is out of order, and tried next in so long: "its handler
 * does not stay up: exit status 1 before its first answer; tried again in 3 s".
 */
void death_describe_outage(const struct death *d, uint64_t in_usec, char ret[static OUTAGE_TEXT]);
