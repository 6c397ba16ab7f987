/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "hist.h"

#include <stddef.h>

static size_t
slot_of(uint64_t v)
{
	int shift;

	if (v < (1u << BENCH_HIST_BITS))
		return (size_t)v;
	shift = 63 - __builtin_clzll(v) - BENCH_HIST_BITS;
	return ((size_t)shift << BENCH_HIST_BITS) + (size_t)(v >> shift);
}

static uint64_t
value_of(size_t slot)
{
	size_t shift;

	if (slot < (2u << BENCH_HIST_BITS))
		return slot;
	shift = (slot >> BENCH_HIST_BITS) - 1;
	return (uint64_t)(slot - (shift << BENCH_HIST_BITS)) << shift;
}

void
bench_hist_add(struct bench_hist *h, uint64_t value, uint64_t n)
{
	h->slots[slot_of(value)] += n;
	h->n += n;
	if (value > h->max)
		h->max = value;
}

uint64_t
bench_hist_quantile(const struct bench_hist *h, double q)
{
	uint64_t left = (uint64_t)((double)h->n * q);

	for (size_t i = 0; i < BENCH_HIST_SIZE; i++) {
		if (h->slots[i] > left)
			return value_of(i);
		left -= h->slots[i];
	}
	return h->max;
}
