/* SPDX-License-Identifier: ISC */
/* Counts times in buckets, and computes quantiles from them. */
#include "config.h"

#include "ipc/histogram.h"

#define SUB_BITS 2
#define SUBS (1u << SUB_BITS)

/* The highest bit of usec selects four buckets, the two bits behind it one of the four. */
static size_t
bucket_of(uint64_t usec)
{
	size_t high, b;

	if (usec < SUBS)
		return (size_t)usec;
	high = (size_t)(63 - __builtin_clzll(usec));
	b = SUBS * (high - SUB_BITS + 1) + (size_t)(usec >> (high - SUB_BITS) & (SUBS - 1));
	return b < HISTOGRAM_BUCKETS ? b : HISTOGRAM_BUCKETS - 1;
}

uint64_t
histogram_end(size_t b)
{
	size_t shift = b / SUBS > 0 ? b / SUBS - 1 : 0;
	uint64_t first = b < SUBS ? b : SUBS + b % SUBS;

	return ((first + 1) << shift) - 1;
}

void
histogram_add(struct histogram *h, uint64_t usec)
{
	h->usec += usec;
	h->bucket[bucket_of(usec)]++;
}

void
histogram_merge(struct histogram *sum, const struct histogram *from)
{
	sum->usec += from->usec;
	for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++)
		sum->bucket[i] += from->bucket[i];
}

uint64_t
histogram_count(const struct histogram *h, uint64_t usec)
{
	uint64_t n = 0;

	for (size_t i = 0; i < HISTOGRAM_BUCKETS && (usec == UINT64_MAX || histogram_end(i) < usec); i++)
		n += h->bucket[i];
	return n;
}

uint64_t
histogram_quantile(const struct histogram *h, double q)
{
	uint64_t total = 0, seen = 0;
	size_t b = 0;

	for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++)
		total += h->bucket[i];
	if (total == 0)
		return 0;
	for (; b < HISTOGRAM_BUCKETS - 1; b++) {
		seen += h->bucket[b];
		if (seen > 0 && (double)seen >= q * (double)total)
			break;
	}
	return histogram_end(b);
}
