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
 * Ends the renewal when the last old process has left, or a new one has not come up.
 * is_to_learn: the reason of that death may still become known.
 */
void renewal_advance(struct pool *p, bool is_to_learn);

/* Sends the answer of a renewal that has ended. The page of statistics then has the reason. */
void renewal_tell(struct pool *p);

/* Answers an open renewal, because the pool is replaced or reqd stops. */
void renewal_cut(struct pool *p);
