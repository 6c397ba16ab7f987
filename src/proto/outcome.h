/* SPDX-License-Identifier: ISC */
/*
 * outcome: how a request ended. One word for each, the same on the wire, in
 * reqctl's exit status, in the log and in the counters.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"
#include "proto/resp.h"

enum outcome_kind {
	OUTCOME_EXIT,		/* the program ended by itself; status */
	OUTCOME_SIGNAL,		/* killed by a signal that was not ours */
	OUTCOME_TIMEOUT,	/* deadline passed; killed */
	OUTCOME_CANCELLED,	/* CANCEL, kill or a vanished client; killed */
	OUTCOME_TOOBIG,		/* output over the limit; killed */
	OUTCOME_BUSY,		/* not started: queue full or waited too long */
	OUTCOME_NOSTART,	/* not started: exec, limits, account, ... failed */
	OUTCOME_LOST,		/* a process of reqd's died while it ran */
	OUTCOME_BADARG,		/* not started: argument or option refused */
	OUTCOME_DENIED,		/* not started: unknown or not allowed */
	OUTCOME_DRAINING,	/* not started: reqd is stopping */
	OUTCOME_UNAVAIL,	/* not started: service cannot serve now */
	OUTCOME_HANDLER,	/* its handler died or broke the protocol; killed */
	OUTCOME_N,
};

struct outcome {
	enum outcome_kind kind;
	int status;		/* EXIT: 0-255; SIGNAL: number */
	uint64_t limit;		/* TIMEOUT: ms; TOOBIG: bytes */
};

/* "exit", "signal", "timeout" ...: the word of log, status and JSON. */
const char *outcome_word(enum outcome_kind k);
/* The kind of that word, or OUTCOME_N. */
enum outcome_kind outcome_from_word(struct slice word);

/* "EXIT", "SIGNAL", "NOSERVICE" ...: the code of the error line. */
const char *outcome_code(enum outcome_kind k);
/* The kind of an error line's code, or OUTCOME_N when it is another error. */
enum outcome_kind outcome_from_code(struct slice code);

static inline bool
outcome_is_success(const struct outcome *o)
{
	return o->kind == OUTCOME_EXIT && o->status == 0;
}

/* May the program have run? What a caller must know before it retries. */
bool outcome_may_have_run(enum outcome_kind k);

/* "SEGV" for 11; "RTMIN+1"; "?" for no signal. Thread-local storage. */
const char *outcome_signal_name(int sig);

/*
 * Appends the error line "-CODE ..." of PROTOCOL.md for an outcome that is
 * no success. detail: first line of stderr, or what failed; may be empty.
 */
void outcome_error(struct buf *b, const struct outcome *o, struct slice service,
    struct slice detail);

/*
 * Appends the answer to WHY: as what a call would be refused, OUTCOME_N for not
 * at all, and the explanation.
 */
void outcome_why(struct buf *b, enum resp_version v, enum outcome_kind k, struct slice text);

/*
 * reqctl's exit status: EXIT 0-125 as it is, EXIT 126-255 as 239 (they would
 * read as a signal or as one of ours), SIGNAL 128+n, the rest one each from
 * 240 on: timeout 240, cancelled 241, too big 242, busy 243, no start 244,
 * lost 245, bad argument 246, denied 247, draining 248, unavailable 249,
 * handler 250.
 */
int outcome_exit_status(const struct outcome *o);

/* Exit statuses of reqctl that are not a request's outcome. */
#define STATUS_USAGE 255	/* wrong arguments of reqctl itself */
#define STATUS_CONNECT 254	/* no server answered */
#define STATUS_PROTOCOL 253	/* the server's bytes made no sense */
#define STATUS_LOCAL 252	/* a local file, memory, ... failed */
#define STATUS_REFUSED 251	/* any other error reply of the server */
