/* SPDX-License-Identifier: ISC */
/*
 * lending: decides which worker gets a process of a pool, which one has to give
 * one back, and which one hears that there is none for it.
 */
#pragma once

#include <stdint.h>

#include "base/clock.h"

struct pool;

/* A recalled lease comes back within this time, unless its request is long. */
#define LENDING_RECALL_USEC (20 * USEC_PER_MSEC)

/* Lets workers ask new processes whether they answer, as soon as there is a worker. */
void lending_probe(struct pool *p);

/* Gives idle processes to the workers that want one, in turn. */
void lending_grant(struct pool *p);

/* Recalls a process from a worker that holds more than a waiting worker does. */
void lending_recall(struct pool *p, uint64_t now);

/* Ends processes that workers did not give back in time, and replaces those workers. */
void lending_expire(struct pool *p, uint64_t now);

/* Tells waiting workers when they will get no process. */
void lending_refuse(struct pool *p);
