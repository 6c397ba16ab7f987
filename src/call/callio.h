/* SPDX-License-Identifier: ISC */
/*
 * callio: the pipes between a call and its program.
 */
#pragma once

#include <stdbool.h>

#include "call/call.h"

/*
 * Takes the ends of its pipes: fds[1] (stdout), fds[2] (stderr) and, when the
 * call has input, fds[3]. 0 or -errno; what was taken is released with the call.
 */
int callio_open(struct call *call, int fds[static CALL_FDS]);

/*
 * The program is dead: reads what it has left. True when all of it has been
 * read, false when the sink must take some of it first.
 */
bool callio_drain(struct call *call);

/* True if there is no output left to read. */
static inline bool
callio_is_done(const struct call *call)
{
	return call->out.io.fd < 0 && call->err.io.fd < 0;
}

/* Reads (again), unless the sink is too far behind. */
void callio_watch(struct call *call);

/*
 * Passes on what call->in_data holds. True when nothing is left of it; else
 * call_input_taken() follows.
 */
bool callio_feed(struct call *call);

void callio_close_input(struct call *call);
void callio_close(struct call *call);
