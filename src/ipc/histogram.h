/* SPDX-License-Identifier: ISC */
/*
 * histogram: how often which time was needed, in microseconds. Four buckets
 * for each power of two: a quantile is never below the true one, and at most
 * a quarter above it. Below 8 us it is exact; from 38 hours on all is one.
 *
 * Part of a statistics page: written by its owner only, read by others while
 * he writes.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define HISTOGRAM_BUCKETS 144

struct histogram {
	uint64_t usec;		/* sum of all */
	uint64_t bucket[HISTOGRAM_BUCKETS];
};

void histogram_add(struct histogram *h, uint64_t usec);

/* Adds from to sum. */
void histogram_merge(struct histogram *sum, const struct histogram *from);

/* The time that this share (0 < q <= 1) did not exceed; 0 when there is none. */
uint64_t histogram_quantile(const struct histogram *h, double q);
