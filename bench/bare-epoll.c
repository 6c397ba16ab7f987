/* SPDX-License-Identifier: ISC */
/*
 * bare-epoll: the least that a single-threaded epoll server can do for PING.
 *
 * It knows one request, "*1 $4 PING" of 14 bytes, and one answer. Per batch
 * of requests it makes one read and one write, and it keeps one byte per
 * connection. Its cost per request is the floor for every server on this
 * kernel; it is nothing that anybody could use.
 */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench.h"

#define PING "*1\r\n$4\r\nPING\r\n"
#define PING_LEN (sizeof(PING) - 1)
#define PONG "+PONG\r\n"
#define PONG_LEN (sizeof(PONG) - 1)
#define BATCH 4096	/* requests in one read */
#define MAX_FD 65536

static char replies[BATCH * PONG_LEN];
static uint8_t partial[MAX_FD];	/* bytes of an unfinished request */
static int epoll_fd;

static void
accept_all(int listen_fd)
{
	struct epoll_event ev = { .events = EPOLLIN };
	int fd, one = 1;

	while ((fd = accept4(listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		if (fd >= MAX_FD)
			bench_die("more than %d descriptors", MAX_FD);
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		partial[fd] = 0;
		ev.data.fd = fd;
		if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &ev) < 0)
			bench_die("epoll_ctl: %s", strerror(errno));
	}
	if (errno != EAGAIN)
		bench_die("accept: %s", strerror(errno));
}

static void
serve(int fd)
{
	static char buf[BATCH * PING_LEN];
	size_t have, n;
	ssize_t r;

	have = partial[fd];
	memcpy(buf, PING, have);
	r = read(fd, buf + have, sizeof(buf) - have);
	if (r <= 0) {
		if (r == 0 || errno != EAGAIN)
			close(fd);
		return;
	}
	have += (size_t)r;
	n = have / PING_LEN;
	partial[fd] = (uint8_t)(have % PING_LEN);
	for (size_t i = 0; i < n; i++)
		if (memcmp(buf + i * PING_LEN, PING, PING_LEN) != 0)
			bench_die("not a PING");
	if (memcmp(buf + n * PING_LEN, PING, partial[fd]) != 0)
		bench_die("not the beginning of a PING");

	if (n > 0 && write(fd, replies, n * PONG_LEN) != (ssize_t)(n * PONG_LEN))
		close(fd);
}

int
main(int argc, char **argv)
{
	struct sockaddr_in sin = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	struct epoll_event events[128], ev = { .events = EPOLLIN };
	int fd, n, one = 1;

	if (argc != 2)
		bench_die("usage: bare-epoll PORT");
	sin.sin_port = htons((uint16_t)bench_number(argv[1], "port", 65535));
	for (size_t i = 0; i < BATCH; i++)
		memcpy(replies + i * PONG_LEN, PONG, PONG_LEN);

	fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (fd < 0 || epoll_fd < 0)
		bench_die("socket, epoll_create1: %s", strerror(errno));
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&sin, sizeof(sin)) < 0 || listen(fd, 4096) < 0)
		bench_die("port %s: %s", argv[1], strerror(errno));
	ev.data.fd = fd;
	if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &ev) < 0)
		bench_die("epoll_ctl: %s", strerror(errno));

	for (;;) {
		n = epoll_wait(epoll_fd, events, 128, -1);
		for (int i = 0; i < n; i++) {
			if (events[i].data.fd == fd)
				accept_all(fd);
			else
				serve(events[i].data.fd);
		}
	}
}
