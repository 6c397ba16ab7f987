/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "target.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "bench.h"

#define SOURCES 32

void
bench_target_parse(struct bench_target *t, const char *url)
{
	char host[64], *colon;

	if (strncmp(url, "unix://", 7) == 0) {
		t->un.sun_family = AF_UNIX;
		if (strlen(url + 7) >= sizeof(t->un.sun_path))
			bench_die("%s: the path is too long", url);
		memcpy(t->un.sun_path, url + 7, strlen(url + 7) + 1);
		t->len = sizeof(t->un);
		return;
	}
	if (strncmp(url, "tcp://", 6) == 0)
		url += 6;
	snprintf(host, sizeof(host), "%s", url);
	colon = strrchr(host, ':');
	if (colon == NULL)
		bench_die("unix:///PATH or tcp://IPV4:PORT is needed");
	*colon = '\0';
	t->in.sin_family = AF_INET;
	t->in.sin_port = htons((uint16_t)bench_number(colon + 1, "port", 65535));
	if (inet_pton(AF_INET, host, &t->in.sin_addr) != 1)
		bench_die("\"%s\" is not an IPv4 address", host);
	t->len = sizeof(t->in);
}

int
bench_socket(const struct bench_target *t, enum bench_sources sources)
{
	static unsigned turn;
	struct sockaddr_in from = { .sin_family = AF_INET };
	int fd, one = 1;

	fd = socket(t->sa.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		bench_die("socket: %s", strerror(errno));
	if (t->sa.sa_family == AF_UNIX)
		return fd;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (sources == BENCH_ONE_SOURCE || ntohl(t->in.sin_addr.s_addr) >> 24 != 127)
		return fd;
	setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof(one));
	from.sin_addr.s_addr = htonl(0x7f000002 + turn++ % SOURCES);
	if (bind(fd, (struct sockaddr *)&from, sizeof(from)) < 0)
		bench_die("bind: %s", strerror(errno));
	return fd;
}

int
bench_connect(const struct bench_target *t, int fd)
{
	return connect(fd, &t->sa, t->len) < 0 && errno != EINPROGRESS ? errno : 0;
}

int
bench_connected(int fd)
{
	socklen_t len = sizeof(int);
	int error = 0;

	getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len);
	return error;
}
