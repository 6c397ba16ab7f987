/* SPDX-License-Identifier: ISC */
/* bench: what the measuring programs have in common. */
#pragma once

#include <stdint.h>

__attribute__((noreturn, format(printf, 1, 2))) void bench_die(const char *fmt, ...);

/* Nanoseconds on the monotonic clock. */
uint64_t bench_now(void);

/* A whole number from 1 to max; anything else ends the program. */
long bench_number(const char *text, const char *what, long max);
