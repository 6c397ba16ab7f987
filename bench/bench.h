/* SPDX-License-Identifier: ISC */
/* bench: what the measuring programs have in common. */
#pragma once

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

__attribute__((noreturn, format(printf, 1, 2))) void bench_die(const char *fmt, ...);

/* Nanoseconds on the monotonic clock. */
uint64_t bench_now(void);

/* A whole number from 1 to max; anything else ends the program. */
long bench_number(const char *text, const char *what, long max);

/* ---------------------------------------------------------- addresses --- */

struct bench_address {
	union {
		struct sockaddr sa;
		struct sockaddr_in in;
		struct sockaddr_un un;
	};
	socklen_t len;
};

/* unix:///PATH or tcp://IPV4:PORT; anything else ends the program. */
void bench_address_parse(const char *url, struct bench_address *ret);

enum bench_sources {
	BENCH_ONE_SOURCE,
	BENCH_MANY_SOURCES,	/* 127.0.0.2 ...: more ports for short connections to 127.* */
};

/* A non-blocking socket to connect to it. */
int bench_socket(const struct bench_address *to, enum bench_sources sources);

/* ------------------------------------------------------------ figures --- */

#define BENCH_HIST_BITS 5	/* 32 steps per power of two: 3% */
#define BENCH_HIST_SIZE (64 << BENCH_HIST_BITS)

/* Times in nanoseconds. */
struct bench_hist {
	uint64_t slots[BENCH_HIST_SIZE], n, max;
};

void bench_hist_add(struct bench_hist *h, uint64_t ns, uint64_t times);

/* The quantile in microseconds. */
double bench_hist_us(const struct bench_hist *h, double q);
