/* SPDX-License-Identifier: ISC */
/*
 * death: the reason why a warm process ended, or why a program could not start,
 * in words: the same for a caller, in the log, in the status, and as the reason
 * why a service is out of order.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Fixed widths, because the struct is part of a statistics page. */
struct death {
	int32_t status;		/* as of wait(2), or one of these: */
#define DEATH_BROKEN (-1)	/* wrote what is no reply */
#define DEATH_SILENT (-2)	/* did not answer within start-timeout */
#define DEATH_ENDED (-3)	/* a worker has seen the end, and knows no more */
	int32_t stage, error;	/* not STAGE_NONE: the start failed here */
	uint32_t was_proven;	/* an answer had come before */
	uint32_t within_ms;	/* DEATH_SILENT: start-timeout */
};

/* Words of the process, as text that can be printed; "": unknown. */
struct death_words {
	char wrote[30];		/* DEATH_BROKEN: the beginning of what is no reply */
	char line[70];		/* the last line on stderr */
};

/*
 * Describes a failed start: the step, the error and where to look: "its
 * program: No such file or directory (try 'reqctl reload --check')"; cut to
 * len. stage: enum start_stage.
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
 * Describes a service that is out of order, and tried next in so long: "its
 * handler does not stay up: exit status 1 before its first answer; tried again
 * in 3 s".
 */
void death_describe_outage(const struct death *d, uint64_t in_usec, char ret[static OUTAGE_TEXT]);
