/* SPDX-License-Identifier: ISC */
/* bench: the functions that the measuring programs share. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

__attribute__((noreturn, format(printf, 1, 2))) void bench_die(const char *fmt, ...);

/* Nanoseconds on the monotonic clock. */
uint64_t bench_now(void);

/* Milliseconds as from date. */
long long bench_date_ms(void);

/* epoll_ctl(2); what fails ends the program. */
void bench_watch(int epoll_fd, int op, int fd, uint32_t events, void *ptr);

/* The words as a request in RESP. */
void bench_put_request(FILE *f, size_t n, char *const *words);

/* A whole number from 1 to max; anything else ends the program. */
long bench_number(const char *text, const char *what, long max);
