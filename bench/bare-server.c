/* SPDX-License-Identifier: ISC */
/*
 * bare-server: the least that a server can do which runs a program for each
 * CALL, as another account, and replies with what the program has written.
 *
 * One process: epoll, accept, RESP, two pipes, fork, in the child a session,
 * descriptors, limits and the account, then exec; both pipes to their end, wait,
 * reply. Each connection has one request at a time, and each request starts the one
 * program that the server was given. There is no queue, no deadline, no log, and
 * nobody ends what a program leaves behind. Its rate is the limit for reqd.
 *
 *	bare-server PORT PROGRAM [ARG]...
 */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/queue.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

#define REQUEST_MAX 512
#define OUTPUT_MAX 4096
#define NOBODY 65534

struct client;

/* A descriptor that is watched. */
struct end {
	struct client *client;
	int fd;
};

struct client {
	struct end socket, out, err;
	LIST_ENTRY(client) link;
	char request[REQUEST_MAX], output[OUTPUT_MAX];
	size_t n_request, n_output;
	pid_t pid;	/* 0: reaped */
};

static LIST_HEAD(, client) clients = LIST_HEAD_INITIALIZER(clients);
static char **program;
static int epoll_fd, null_fd;
static struct rlimit nofile;

/* ------------------------------------------------------------- programs --- */

static _Noreturn void
child(int out, int err)
{
	struct rlimit none = { 0 };

	sigset_t no_signals;

	(void)setsid();
	(void)sigemptyset(&no_signals);
	(void)sigprocmask(SIG_SETMASK, &no_signals, NULL);
	if (dup2(null_fd, 0) < 0 || dup2(out, 1) < 0 || dup2(err, 2) < 0 ||
	    close_range(3, ~0u, 0) < 0 || setrlimit(RLIMIT_CORE, &none) < 0 ||
	    setrlimit(RLIMIT_NOFILE, &nofile) < 0)
		_exit(126);
	if (getuid() == 0 && (setgroups(0, NULL) < 0 || setresgid(NOBODY, NOBODY, NOBODY) < 0 ||
	    setresuid(NOBODY, NOBODY, NOBODY) < 0))
		_exit(126);
	(void)execv(program[0], program);
	_exit(127);
}

static void
watch_pipe(struct client *c, struct end *end, int fd)
{
	*end = (struct end){ c, fd };
	if (fcntl(fd, F_SETFL, O_NONBLOCK) < 0)
		bench_die("fcntl: %s", strerror(errno));
	bench_watch(epoll_fd, EPOLL_CTL_ADD, fd, EPOLLIN, end);
}

static void
start(struct client *c)
{
	int out[2], err[2];

	if (pipe2(out, O_CLOEXEC) < 0 || pipe2(err, O_CLOEXEC) < 0)
		bench_die("pipe: %s", strerror(errno));
	c->n_output = 0;
	c->pid = fork();
	if (c->pid == 0)
		child(out[1], err[1]);
	if (c->pid < 0)
		bench_die("fork: %s", strerror(errno));
	(void)close(out[1]);
	(void)close(err[1]);
	watch_pipe(c, &c->out, out[0]);
	watch_pipe(c, &c->err, err[0]);
}

/* When the program has ended and all that it has written is read. */
static void
reply(struct client *c)
{
	char text[OUTPUT_MAX + 32];
	int head;

	if (c->out.fd >= 0 || c->err.fd >= 0 || c->pid != 0)
		return;
	head = snprintf(text, 32, "$%zu\r\n", c->n_output);
	memcpy(text + head, c->output, c->n_output);
	memcpy(text + head + c->n_output, "\r\n", 2);
	(void)!send(c->socket.fd, text, (size_t)head + c->n_output + 2, MSG_NOSIGNAL);
}

static void
on_pipe(struct client *c, struct end *end)
{
	char dropped[OUTPUT_MAX];
	bool is_out = end == &c->out;
	ssize_t n = read(end->fd, is_out ? c->output + c->n_output : dropped,
	    OUTPUT_MAX - (is_out ? c->n_output : 0));

	if (n < 0 && errno == EAGAIN)
		return;
	if (n > 0) {
		c->n_output += is_out ? (size_t)n : 0;
		return;
	}
	/* A child that has not come to exec has it, too, so that close() is not enough. */
	bench_watch(epoll_fd, EPOLL_CTL_DEL, end->fd, 0, NULL);
	(void)close(end->fd);
	end->fd = -1;
	reply(c);
}

static void
on_sigchld(int fd)
{
	struct signalfd_siginfo si;
	struct client *c;
	int status;
	pid_t pid;

	(void)!read(fd, &si, sizeof(si));
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (status != 0)
			bench_die("%s: wait status %d", program[0], status);
		LIST_FOREACH(c, &clients, link) {
			if (c->pid == pid)
				break;
		}
		if (c == NULL)
			continue;
		c->pid = 0;
		reply(c);
	}
}

/* -------------------------------------------------------------- clients --- */

/* The number after this sign, with its line end, at *at. -1: it is not whole. */
static long
take_number(const char **at, const char *end, char sign)
{
	const char *eol = memchr(*at, '\n', (size_t)(end - *at));
	long n;

	if (eol == NULL)
		return -1;
	if (**at != sign)
		bench_die("not a request");
	n = strtol(*at + 1, NULL, 10);
	*at = eol + 1;
	return n;
}

static bool
is_whole(const struct client *c)
{
	const char *at = c->request, *end = c->request + c->n_request;
	long words = take_number(&at, end, '*');

	for (long i = 0; i < words; i++) {
		long len = take_number(&at, end, '$');

		if (len < 0 || end - at < len + 2)
			return false;
		if (i == 0 && (len != 4 || memcmp(at, "CALL", 4) != 0))
			bench_die("not a CALL");
		at += len + 2;
	}
	return words > 0;
}

static void
on_client(struct client *c)
{
	ssize_t n = recv(c->socket.fd, c->request + c->n_request, REQUEST_MAX - c->n_request, 0);

	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0) {
		/* The load waits for its replies, so nothing of it runs. */
		bench_watch(epoll_fd, EPOLL_CTL_DEL, c->socket.fd, 0, NULL);
		(void)close(c->socket.fd);
		LIST_REMOVE(c, link);
		free(c);
		return;
	}
	c->n_request += (size_t)n;
	if (!is_whole(c))
		return;
	c->n_request = 0;
	start(c);
}

static void
on_listener(int listen_fd)
{
	struct client *c;
	int fd, one = 1;

	fd = accept4(listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd < 0)
		return;
	c = calloc(1, sizeof(*c));
	if (c == NULL)
		bench_die("calloc: %s", strerror(errno));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	c->socket = (struct end){ c, fd };
	c->out.fd = c->err.fd = -1;
	LIST_INSERT_HEAD(&clients, c, link);
	bench_watch(epoll_fd, EPOLL_CTL_ADD, fd, EPOLLIN, &c->socket);
}

static int
listen_on(long port)
{
	struct sockaddr_in sin = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons((uint16_t)port),
	};
	int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0 ||
	    bind(fd, (struct sockaddr *)&sin, sizeof(sin)) < 0 || listen(fd, 4096) < 0)
		bench_die("port %ld: %s", port, strerror(errno));
	return fd;
}

int
main(int argc, char **argv)
{
	struct epoll_event events[128];
	struct end listener, children;
	sigset_t chld;

	if (argc < 3)
		bench_die("usage: bare-server PORT PROGRAM [ARG]...");
	program = argv + 2;
	/* If the parent ignored SIGCHLD, children could not be waited for. */
	(void)sigaction(SIGCHLD, &(struct sigaction){ .sa_handler = SIG_DFL }, NULL);
	(void)sigemptyset(&chld);
	(void)sigaddset(&chld, SIGCHLD);
	(void)sigprocmask(SIG_BLOCK, &chld, NULL);
	listener.fd = listen_on(bench_number(argv[1], "port", 65535));
	children.fd = signalfd(-1, &chld, SFD_CLOEXEC | SFD_NONBLOCK);
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (children.fd < 0 || epoll_fd < 0 || null_fd < 0 ||
	    getrlimit(RLIMIT_NOFILE, &nofile) < 0)
		bench_die("signalfd, epoll_create1, /dev/null: %s", strerror(errno));
	bench_watch(epoll_fd, EPOLL_CTL_ADD, listener.fd, EPOLLIN, &listener);
	bench_watch(epoll_fd, EPOLL_CTL_ADD, children.fd, EPOLLIN, &children);
	for (;;) {
		int n = epoll_wait(epoll_fd, events, 128, -1);

		for (int i = 0; i < n; i++) {
			struct end *end = events[i].data.ptr;

			if (end == &listener)
				on_listener(listener.fd);
			else if (end == &children)
				on_sigchld(children.fd);
			else if (end == &end->client->socket)
				on_client(end->client);
			else
				on_pipe(end->client, end);
		}
	}
}
