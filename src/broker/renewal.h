/* SPDX-License-Identifier: ISC */
/*
 * renewal: replaces the processes of a pool because somebody has asked for it
 * (reqctl restart), as after a change of the program.
 *
 * A new process is started; when it is up, an old one leaves between two
 * requests, and so on. If a new one does not come up the old ones stay.
 */
#pragma once

#include <stdint.h>

struct pool;

/* All that there are now are old. RESTARTED with this id follows. */
void renewal_begin(struct pool *p, uint64_t id);

/* Answers when the last old one has left, or a new one has not come up. */
void renewal_advance(struct pool *p);

/* The pool itself is replaced, or reqd stops. */
void renewal_cut(struct pool *p);
