/* SPDX-License-Identifier: ISC */
/* bench: the functions that the measuring programs share. */
#include "config.h"

#include "bench.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>

void
bench_die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(1);
}

uint64_t
bench_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

long long
bench_date_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (long long)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

void
bench_watch(int epoll_fd, int op, int fd, uint32_t events, void *ptr)
{
	struct epoll_event ev = { .events = events, .data.ptr = ptr };

	if (epoll_ctl(epoll_fd, op, fd, &ev) < 0)
		bench_die("epoll_ctl: %s", strerror(errno));
}

void
bench_put_request(FILE *f, size_t n, char *const *words)
{
	fprintf(f, "*%zu\r\n", n);
	for (size_t i = 0; i < n; i++)
		fprintf(f, "$%zu\r\n%s\r\n", strlen(words[i]), words[i]);
}

long
bench_number(const char *text, const char *what, long max)
{
	char *end;
	long n;

	errno = 0;
	n = strtol(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0' || n < 1 || n > max)
		bench_die("%s: a number from 1 to %ld is needed, not \"%s\"", what, max, text);
	return n;
}
