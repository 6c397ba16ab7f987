/* SPDX-License-Identifier: ISC */
/*
 * outcome: the ways in which a request can end. Each has one word, which is the
 * same on the wire, in reqctl's exit status, in the log and in the counters.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"
#include "proto/resp.h"

enum outcome_kind {
	OUTCOME_EXIT,		/* the program ended by itself; see status */
	OUTCOME_SIGNAL,		/* killed by a signal that reqd did not send */
	OUTCOME_TIMEOUT,	/* the deadline passed; killed */
	OUTCOME_CANCELLED,	/* CANCEL, kill, or the client has gone; killed */
	OUTCOME_TOOBIG,		/* the output was over the limit; killed */
	OUTCOME_BUSY,		/* not started: the queue was full or the wait too long */
	OUTCOME_NOSTART,	/* not started: exec, limits, account or the like failed */
	OUTCOME_LOST,		/* a process of reqd died while the request ran */
	OUTCOME_BADARG,		/* not started: an argument or option was refused */
	OUTCOME_DENIED,		/* not started: the service is unknown or not allowed */
	OUTCOME_DRAINING,	/* not started: reqd is stopping, or the service is drained */
	OUTCOME_UNAVAIL,	/* not started: the service cannot serve now */
	OUTCOME_HANDLER,	/* the handler process died or broke the protocol; killed */
	OUTCOME_NOAUTH,		/* not started: the login of its caller has gone while it waited */
	OUTCOME_N,
};

struct outcome {
	enum outcome_kind kind;
	int status;		/* EXIT: 0-255; SIGNAL: its number */
	uint64_t limit;		/* TIMEOUT: ms; TOOBIG: bytes */
};

/*
 * Returns "exit", "signal", "timeout" ...: the word in the log, in status and
 * in JSON.
 */
const char *outcome_word(enum outcome_kind k);
/* Returns the outcome of a word, or OUTCOME_N. */
enum outcome_kind outcome_from_word(struct slice word);

/* Returns "EXIT", "SIGNAL", "NOSERVICE" ...: the code of the error line. */
const char *outcome_code(enum outcome_kind k);
/*
 * Returns the outcome of an error line's code, or OUTCOME_N for any other code.
 */
enum outcome_kind outcome_from_code(struct slice code);

static inline bool
outcome_is_success(const struct outcome *o)
{
	return o->kind == OUTCOME_EXIT && o->status == 0;
}

/* True if the program may have run. A caller must know this before a retry. */
bool outcome_may_have_run(enum outcome_kind k);

/*
 * Returns "SEGV" for 11, "RTMIN+1", or "?" for a number that is no signal. The
 * text is in thread-local storage.
 */
const char *outcome_signal_name(int sig);

/*
 * Appends the error line "-CODE ..." of PROTOCOL.md for an outcome that is no
 * success. detail is the first line of stderr, or the step that failed; it may
 * be empty.
 */
void outcome_error(struct buf *b, const struct outcome *o, struct slice service,
    struct slice detail);

/*
 * Appends the answer to WHY: the outcome with which a call would be refused
 * (OUTCOME_N: none), and the explanation.
 */
void outcome_why(struct buf *b, enum resp_version v, enum outcome_kind k, struct slice text);

/*
 * Returns the exit status of reqctl. EXIT 0-125 stays as it is, EXIT 126-255
 * becomes 239 (they would read as a signal or as a status of reqctl), SIGNAL
 * becomes 128+n. Each other outcome has a status of its own from 240 on:
 * timeout 240, cancelled 241, too big 242, busy 243, no start 244, lost 245,
 * bad argument 246, denied 247, draining 248, unavailable 249, handler 250; a login that
 * is missing or gone 251, as every other refusal.
 */
int outcome_exit_status(const struct outcome *o);

/* Exit statuses of reqctl that are no outcome of a request. */
#define STATUS_USAGE 255	/* wrong arguments of reqctl itself */
#define STATUS_CONNECT 254	/* no server answered */
#define STATUS_PROTOCOL 253	/* the bytes of the server were no valid reply */
#define STATUS_LOCAL 252	/* a local file, memory or the like failed */
#define STATUS_REFUSED 251	/* any other error reply of the server */
