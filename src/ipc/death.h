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
#define DEATH_BROKEN (-1)	/* wrote what is no reply */
#define DEATH_SILENT (-2)	/* did not answer within start-timeout */
#define DEATH_ENDED (-3)	/* a worker has seen its end, and knows no more */
	int32_t stage, error;	/* not STAGE_NONE: it could not be started */
	uint32_t was_proven;	/* it had answered before */
	uint32_t within_ms;	/* DEATH_SILENT: start-timeout */
};

/* Words of the process, as text that can be printed; "": unknown. */
struct death_words {
	char wrote[30];		/* DEATH_BROKEN: the beginning of what is no reply */
	char line[70];		/* the last line on stderr */
};

/*
 * Of one that could not be started, at which step, why, and where to look: "its
 * program: No such file or directory (try 'reqctl reload --check')"; cut to len.
 * stage: enum start_stage.
 */
void death_describe_start(unsigned stage, int error, char *ret, size_t len);

/* "exit status 1 before its first answer"; cut to len. Trusts no field. */
void death_describe(const struct death *d, char *ret, size_t len);

#define DEATH_TEXT 400

/*
 * The same for who administers the server: with what the process wrote, which a
 * caller does not get to see. Trusts nothing of words, either.
 */
void death_describe_words(const struct death *d, const struct death_words *words,
    char ret[static DEATH_TEXT]);

#define OUTAGE_TEXT 256

/*
 * Of a service that is out of order, and tried next in so long: "its handler
 * does not stay up: exit status 1 before its first answer; tried again in 3 s".
 */
void death_describe_outage(const struct death *d, uint64_t in_usec, char ret[static OUTAGE_TEXT]);
