/* SPDX-License-Identifier: ISC */
/*
 * poolsize: the number of processes of a pool: more while a worker waits, fewer
 * when none does, another one for each that is worn.
 */
#pragma once

#include <stdint.h>

#include "base/clock.h"

struct pool;

/* The pool starts more only when the last step has had this long to help. */
#define POOLSIZE_GROWTH_USEC (20 * USEC_PER_MSEC)

/* Starts the missing processes: up to min always, and step by step up to max. */
void poolsize_fill(struct pool *p, uint64_t now);

/* Lets a worn process go when there are enough others, or in exchange for the one beyond max. */
void poolsize_relieve(struct pool *p);

/* Ends the processes beyond min that were not used for long. */
void poolsize_shrink(struct pool *p, uint64_t now);
