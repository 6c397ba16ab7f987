/* SPDX-License-Identifier: ISC */
/* target: the server that is measured. */
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

struct bench_target {
	union {
		struct sockaddr sa;
		struct sockaddr_in in;
		struct sockaddr_un un;
	};
	socklen_t len;
};

/* unix:///PATH or tcp://IPV4:PORT; anything else ends the program. */
void bench_target_parse(struct bench_target *t, const char *url);

enum bench_sources {
	BENCH_ONE_SOURCE,
	BENCH_MANY_SOURCES,	/* 127.0.0.2 ...: more ports for short connections to 127.* */
};

/* A non-blocking socket to connect to it. */
int bench_socket(const struct bench_target *t, enum bench_sources sources);

/* Begins to connect fd. 0, or the error. */
int bench_connect(const struct bench_target *t, int fd);

/* The outcome of bench_connect(), once fd is writable. 0, or the error. */
int bench_connected(int fd);
