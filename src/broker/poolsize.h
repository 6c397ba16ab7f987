/* SPDX-License-Identifier: ISC */
/*
 * poolsize: how many processes a pool has: more while somebody waits, fewer
 * when nobody does, another for one that is worn.
 */
#pragma once

#include <stdint.h>

#include "base/clock.h"

struct pool;

/* More is started only when what was started last has had so long to help. */
#define POOLSIZE_GROWTH_USEC (20 * USEC_PER_MSEC)

/* Starts what is missing: up to min always, and step by step up to max. */
void poolsize_fill(struct pool *p, uint64_t now);

/*
 * A worn one may go when there are enough others; or in exchange for the one
 * that is beyond max.
 */
void poolsize_relieve(struct pool *p);

/* Beyond min, those leave that nobody has used for long. */
void poolsize_shrink(struct pool *p, uint64_t now);
