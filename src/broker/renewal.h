/* SPDX-License-Identifier: ISC */
/*
 * renewal: replaces the processes of a pool because somebody has asked for it
 * (reqctl restart), as after a change of the program.
 *
 * A new process is started; when it is up, an old one leaves between two
 * requests, and so on. If a new one does not come up the old ones stay.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct pool;

/* Marks all processes as old. RESTARTED with this id follows. */
void renewal_begin(struct pool *p, uint64_t id);

/*
 * Ends it when the last old one has left, or a new one has not come up.
 * is_to_learn: it may become known yet how that one has died.
 */
void renewal_advance(struct pool *p, bool is_to_learn);

/* Answers, if it has ended. The page says by then how a new one has died. */
void renewal_tell(struct pool *p);

/* The pool itself is replaced, or reqd stops. */
void renewal_cut(struct pool *p);
