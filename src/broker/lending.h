/* SPDX-License-Identifier: ISC */
/*
 * lending: which worker gets a process of a pool, which one is to give one
 * back, and which one hears that it will not get any.
 */
#pragma once

#include <stdint.h>

#include "base/clock.h"

struct pool;

/* A lease that was recalled comes back within this, unless its request is long. */
#define LENDING_RECALL_USEC (20 * USEC_PER_MSEC)

/* Asks the new whether they answer, as soon as there is a worker to ask. */
void lending_probe(struct pool *p);

/* Who waits gets what is idle, each worker in turn. */
void lending_grant(struct pool *p);

/* Who waits with fewer than another has gets one of his. */
void lending_recall(struct pool *p, uint64_t now);

/* Ends those that do not come back. */
void lending_expire(struct pool *p, uint64_t now);

/* Tells those who wait when there is no hope. */
void lending_refuse(struct pool *p);
