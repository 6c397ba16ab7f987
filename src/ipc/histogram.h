/* SPDX-License-Identifier: ISC */
/*
 * histogram: counts times, in microseconds, by size. Four buckets for each
 * power of two: a quantile is never below the true one, and at most a quarter
 * above it. Below 8 us it is exact; from 38 hours on all times share one
 * bucket.
 *
 * Part of a statistics page: only its owner writes it, and others read it
 * meanwhile.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define HISTOGRAM_BUCKETS 144

struct histogram {
	uint64_t usec;		/* sum of all times */
	uint64_t bucket[HISTOGRAM_BUCKETS];
};

void histogram_add(struct histogram *h, uint64_t usec);

/* The longest time that the bucket of this number counts. */
uint64_t histogram_end(size_t bucket);

/* Adds from to sum. */
void histogram_merge(struct histogram *sum, const struct histogram *from);

/*
 * The number of times below this one, which is a power of two: then it is exact.
 * UINT64_MAX: of all times.
 */
uint64_t histogram_count(const struct histogram *h, uint64_t usec);

/* The time that this share (0 < q <= 1) of the calls did not exceed; 0 when there are none. */
uint64_t histogram_quantile(const struct histogram *h, double q);
