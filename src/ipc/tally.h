/* SPDX-License-Identifier: ISC */
/*
 * tally: a count of the connections and calls that sources and callers have of one worker,
 * by the hash of their names, for the other workers to read. Each worker has its own, in its page of statistics.
 *
 * A worker that adds up all tallies keeps limits that hold over all workers. It believes
 * no number: one that is wrong can only make it refuse somebody, or let somebody in.
 *
 * The table has a fixed size. When a source finds no room, it takes that of the one that
 * has least; so who has much is seen, however many others come.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/units.h"

struct digest;
struct stats_pages;

#define TALLY_ROWS 4096
#define TALLY_PROBES 8

struct tally_row {
	uint64_t key;			/* tally_key(); 0: free */
	uint32_t connections;
	uint32_t strangers;		/* of these */
	uint32_t calls;
	uint32_t begun;			/* in the span that ends then: */
	uint32_t until_sec;		/* on the monotonic clock */
};

struct tally {
	uint64_t secret[2];		/* the same in all workers, from the master */
	struct tally_row rows[TALLY_ROWS];
};

/* The key of a source or caller, together with what limits it: a role, a listener. */
uint64_t tally_key(const struct tally *t, const struct digest *who, const char *what);

/* The row of the key; NULL: it has none. */
const struct tally_row *tally_find(const struct tally *t, uint64_t key);

/*
 * The row of the key in our own tally, to write. Where it has none, it takes that of the one
 * which has least, if this one has as much. NULL: all have more.
 */
struct tally_row *tally_take(struct tally *t, uint64_t key, uint64_t has, uint64_t now_usec);

/* The counts of the key in the other workers, as these say. */
struct tally_row tally_of_others(const struct stats_pages *pages, uint64_t key);

/* Writes into our own tally what the key has. */
void tally_set(struct tally *t, uint64_t key, uint32_t connections, uint32_t strangers,
    uint32_t calls, uint64_t now_usec);

/*
 * True if the key may begin now, as it has in all workers begun less than the rate allows,
 * which is some; it is counted then. False: it may after
 * *ret_wait_usec at the latest.
 */
bool tally_begin(const struct stats_pages *pages, uint64_t key, struct rate rate,
    uint64_t now_usec, uint64_t *ret_wait_usec);

/* Forgets all rows, of a worker that is gone. */
void tally_clear(struct tally *t);
