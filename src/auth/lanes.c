/* SPDX-License-Identifier: ISC */
/* lanes: decides who waits for a check of a password, and who is next. */
#include "config.h"

#include "auth/lanes.h"

#include <string.h>

#include "base/clock.h"

/* The index of the first of the ways in which a pair may be. */
static size_t
set_of(const struct digest *pair)
{
	uint32_t number;

	memcpy(&number, pair->bytes, sizeof(number));
	return (size_t)(number % LANES_SETS) * LANES_WAYS;
}

static bool
is_known(const struct lanes *l, const struct digest *pair)
{
	const size_t set = set_of(pair);

	for (size_t i = set; i < set + LANES_WAYS; i++) {
		if (l->known[i].used != 0 && digest_eq(&l->known[i].pair, pair))
			return true;
	}
	return false;
}

void
lanes_remember(struct lanes *l, const struct digest *pair)
{
	const size_t set = set_of(pair);
	size_t at = set;

	for (size_t i = set; i < set + LANES_WAYS; i++) {
		if (l->known[i].used != 0 && digest_eq(&l->known[i].pair, pair)) {
			at = i;
			break;
		}
		if (l->known[i].used < l->known[at].used)
			at = i;
	}
	l->known[at].pair = *pair;
	l->known[at].used = l->n_put + 1;
}

/* The last one to come of those that are not known. source NULL: of all. -1: none. */
static int
newest_stranger(const struct lanes *l, const struct digest *source)
{
	int at = -1;

	for (size_t i = 0; i < LANES_QUEUE; i++) {
		if (l->places[i].order == 0 || l->places[i].is_known ||
		    (source != NULL && !digest_eq(&l->places[i].source, source)))
			continue;
		if (at < 0 || l->places[i].order > l->places[at].order)
			at = (int)i;
	}
	return at;
}

static size_t
count(const struct lanes *l, const struct digest *source)
{
	size_t n = 0;

	for (size_t i = 0; i < LANES_QUEUE; i++)
		n += l->places[i].order != 0 && digest_eq(&l->places[i].source, source);
	return n;
}

static int
free_place(const struct lanes *l)
{
	for (size_t i = 0; i < LANES_QUEUE; i++) {
		if (l->places[i].order == 0)
			return (int)i;
	}
	return -1;
}

enum lanes_verdict
lanes_put(struct lanes *l, const struct digest *source, const struct digest *pair,
    size_t *ret_place)
{
	enum lanes_verdict verdict = LANES_TAKEN;
	bool known = is_known(l, pair);
	int at;

	if (count(l, source) >= LANES_PER_SOURCE) {
		verdict = LANES_OUSTS;
		at = known ? newest_stranger(l, source) : -1;
	} else {
		at = free_place(l);
		if (at < 0) {
			verdict = LANES_OUSTS;
			at = known ? newest_stranger(l, NULL) : -1;
		}
	}
	if (at < 0)
		return LANES_FULL;
	if (verdict == LANES_TAKEN)
		l->n++;
	l->places[at].source = *source;
	l->places[at].pair = *pair;
	l->places[at].order = ++l->n_put;
	l->places[at].is_known = known;
	*ret_place = (size_t)at;
	return verdict;
}

void
lanes_drop(struct lanes *l, size_t place)
{
	if (l->places[place].order != 0)
		l->n--;
	l->places[place].order = 0;
}

int
lanes_take(struct lanes *l, uint64_t now_usec, uint64_t interval_usec)
{
	int at = -1;

	if (l->n == 0 || now_usec < l->next_usec)
		return -1;
	for (size_t i = 0; i < LANES_QUEUE; i++) {
		if (l->places[i].order == 0)
			continue;
		if (at < 0 || (l->places[i].is_known && !l->places[at].is_known) ||
		    (l->places[i].is_known == l->places[at].is_known &&
			l->places[i].order < l->places[at].order))
			at = (int)i;
	}
	l->next_usec = now_usec + interval_usec;
	lanes_drop(l, (size_t)at);
	return at;
}

uint32_t
lanes_seconds(const struct lanes *l, uint64_t interval_usec)
{
	return (uint32_t)((l->n * interval_usec + USEC_PER_SEC - 1) / USEC_PER_SEC) +
	    (l->n == 0);
}
