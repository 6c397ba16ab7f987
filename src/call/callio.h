/* SPDX-License-Identifier: ISC */
/*
 * callio: the pipes between a call and its program.
 */
#pragma once

#include <stdbool.h>

#include "call/call.h"

/*
 * Takes the ends of the call's pipes: fds[1] (stdout), fds[2] (stderr) and,
 * when the call has input, fds[3]. 0 or -errno; in any case the ends are
 * released with the call.
 */
int callio_open(struct call *call, int fds[static CALL_FDS]);

/*
 * Reads what a dead program has left. True when all of it has been read, false
 * when the sink must take some of it first.
 */
bool callio_drain(struct call *call);

/* True if there is no output left to read. */
static inline bool
callio_is_done(const struct call *call)
{
	return call->out.io.fd < 0 && call->err.io.fd < 0;
}

/* Starts or resumes reading, unless the sink is too far behind. */
void callio_watch(struct call *call);

/*
 * Passes on the bytes in call->in_data. True when all are passed on; otherwise
 * call_input_taken() follows.
 */
bool callio_feed(struct call *call);

void callio_close_input(struct call *call);

/* Drops the input that is not written. The program that waits for more sees no end. */
void callio_cut_input(struct call *call);
void callio_close(struct call *call);
