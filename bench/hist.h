/* SPDX-License-Identifier: ISC */
/* hist: counts measured values, exact to 3%. */
#pragma once

#include <stdint.h>

#define BENCH_HIST_BITS 5	/* 32 steps per power of two */
#define BENCH_HIST_SIZE (64 << BENCH_HIST_BITS)

struct bench_hist {
	uint64_t n, max;
	uint64_t slots[BENCH_HIST_SIZE];
};

/* The same value n times. */
void bench_hist_add(struct bench_hist *h, uint64_t value, uint64_t n);

/* The value that a share q of all are not above (0 <= q < 1); 0 without any. */
uint64_t bench_hist_quantile(const struct bench_hist *h, double q);
