/* SPDX-License-Identifier: ISC */
/* bench: what the measuring programs have in common. */
#include "config.h"

#include "bench.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

/* ---------------------------------------------------------- addresses --- */

#define SOURCES 32

void
bench_address_parse(const char *url, struct bench_address *ret)
{
	char host[64], *colon;

	memset(ret, 0, sizeof(*ret));
	if (strncmp(url, "unix://", 7) == 0) {
		ret->un.sun_family = AF_UNIX;
		if (strlen(url + 7) >= sizeof(ret->un.sun_path))
			bench_die("%s: the path is too long", url);
		memcpy(ret->un.sun_path, url + 7, strlen(url + 7) + 1);
		ret->len = sizeof(ret->un);
		return;
	}
	if (strncmp(url, "tcp://", 6) == 0)
		url += 6;
	snprintf(host, sizeof(host), "%s", url);
	colon = strrchr(host, ':');
	if (colon == NULL)
		bench_die("unix:///PATH or tcp://IPV4:PORT is needed");
	*colon = '\0';
	ret->in.sin_family = AF_INET;
	ret->in.sin_port = htons((uint16_t)bench_number(colon + 1, "port", 65535));
	if (inet_pton(AF_INET, host, &ret->in.sin_addr) != 1)
		bench_die("\"%s\" is not an IPv4 address", host);
	ret->len = sizeof(ret->in);
}

int
bench_socket(const struct bench_address *to, enum bench_sources sources)
{
	static unsigned turn;
	struct sockaddr_in from = { .sin_family = AF_INET };
	int fd, one = 1;

	fd = socket(to->sa.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		bench_die("socket: %s", strerror(errno));
	if (to->sa.sa_family == AF_UNIX)
		return fd;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (sources == BENCH_ONE_SOURCE || ntohl(to->in.sin_addr.s_addr) >> 24 != 127)
		return fd;
	setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof(one));
	from.sin_addr.s_addr = htonl(0x7f000002 + turn++ % SOURCES);
	if (bind(fd, (struct sockaddr *)&from, sizeof(from)) < 0)
		bench_die("bind: %s", strerror(errno));
	return fd;
}

/* ------------------------------------------------------------ figures --- */

static size_t
hist_slot(uint64_t v)
{
	int shift;

	if (v < (1u << BENCH_HIST_BITS))
		return (size_t)v;
	shift = 63 - __builtin_clzll(v) - BENCH_HIST_BITS;
	return ((size_t)shift << BENCH_HIST_BITS) + (size_t)(v >> shift);
}

static uint64_t
hist_value(size_t slot)
{
	size_t shift;

	if (slot < (2u << BENCH_HIST_BITS))
		return slot;
	shift = (slot >> BENCH_HIST_BITS) - 1;
	return (uint64_t)(slot - (shift << BENCH_HIST_BITS)) << shift;
}

void
bench_hist_add(struct bench_hist *h, uint64_t ns, uint64_t times)
{
	h->slots[hist_slot(ns)] += times;
	h->n += times;
	if (ns > h->max)
		h->max = ns;
}

double
bench_hist_us(const struct bench_hist *h, double q)
{
	uint64_t left = (uint64_t)((double)h->n * q);

	for (size_t i = 0; i < BENCH_HIST_SIZE; i++) {
		if (h->slots[i] > left)
			return (double)hist_value(i) / 1e3;
		left -= h->slots[i];
	}
	return (double)h->max / 1e3;
}
