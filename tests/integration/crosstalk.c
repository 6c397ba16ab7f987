/* SPDX-License-Identifier: ISC */
/*
 * crosstalk: checks that every reply reaches the client that asked, and that
 * nothing is done twice, when clients go away and handlers die.
 *
 *	crosstalk handler LEDGER
 *	crosstalk drive SOCKET SERVICE LEDGER REQUESTS
 *
 * Every request has a number of its own and random bytes, and the handler
 * returns both. The handler also counts, in a file that all processes map, how
 * often it has seen each number. Of the clients one in ten goes away after its
 * request, one in twenty asks for work that takes longer than the client waits,
 * and one in a thousand asks for something that kills the handler.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "client/reqd.h"

#define CONNS 200
#define NUMBER 12		/* digits of a request's number */
#define PAYLOAD_MAX (256u << 10)
#define TIMEOUT_MS "2"
#define SLOW_USEC 20000

static void __attribute__((noreturn, format(printf, 1, 2)))
die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vfprintf(stderr, fmt, ap);
	va_end(ap);
	(void)fputc('\n', stderr);
	exit(1);
}

static uint8_t *
ledger_map(const char *path, size_t *ret_len)
{
	struct stat st;
	int fd = open(path, O_RDWR | O_CLOEXEC);
	void *p;

	if (fd < 0 || fstat(fd, &st) < 0)
		die("%s: %s", path, strerror(errno));
	p = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		die("%s: %s", path, strerror(errno));
	(void)close(fd);
	*ret_len = (size_t)st.st_size;
	return p;
}

/* --------------------------------------------------------------- handler --- */

static uint8_t *ledger;
static size_t ledger_len;

static void
handle(void *arg, struct reqd_request *req)
{
	unsigned long number;

	(void)arg;
	if (req->argc != 4) {
		reqd_reply_error(req, "ERR", "not for me");
		return;
	}
	number = strtoul(req->argv[1], NULL, 10);
	if (number < ledger_len)
		__atomic_add_fetch(&ledger[number], 1, __ATOMIC_SEQ_CST);
	if (strcmp(req->argv[2], "die") == 0)
		(void)kill(getpid(), SIGKILL);
	if (strcmp(req->argv[2], "slow") == 0)
		(void)usleep(SLOW_USEC);
	reqd_reply_array(req, 2);
	reqd_reply_bulk(req, req->argv[1], req->lens[1]);
	reqd_reply_bulk(req, req->argv[3], req->lens[3]);
}

/* ---------------------------------------------------------------- driver --- */

enum kind { NORMAL, SLOW, DIE, VANISH, VANISH_EARLY };

struct conn {
	int fd;
	enum kind kind;
	unsigned long number;
	char *out;
	size_t out_len, sent;
	char *want;		/* the one right reply */
	size_t want_len;
	char *in;
	size_t in_len;
};

static struct conn conns[CONNS];
static struct sockaddr_un address = { .sun_family = AF_UNIX };
static unsigned long next_number, total, running;
static unsigned long right, timeouts, handlers, busy, unable, vanished;
static uint8_t *acknowledged;
static int epoll_fd;
static const char *service;
static char noise[PAYLOAD_MAX];

static void
conn_connect(struct conn *c)
{
	struct epoll_event ev = { .events = EPOLLIN | EPOLLOUT, .data.ptr = c };

	c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->fd < 0)
		die("socket: %s", strerror(errno));
	while (connect(c->fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		if (errno != EAGAIN)
			die("connect: %s", strerror(errno));
		(void)usleep(100);
	}
	if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, c->fd, &ev) < 0)
		die("epoll_ctl: %s", strerror(errno));
}

static enum kind
any_kind(void)
{
	uint32_t dice = arc4random_uniform(1000);

	return dice < 1 ? DIE : dice < 51 ? SLOW : dice < 131 ? VANISH : dice < 151 ? VANISH_EARLY : NORMAL;
}

static void
conn_ask(struct conn *c)
{
	static const char *const words[] = { "echo", "slow", "die", "echo", "echo" };
	uint32_t len = arc4random_uniform(arc4random_uniform(100) == 0 ? PAYLOAD_MAX : 200);
	const char *payload = noise + arc4random_uniform(PAYLOAD_MAX - len);
	const char *word;
	int head;

	if (next_number == total) {
		if (c->fd >= 0)
			(void)close(c->fd);
		c->fd = -1;
		return;
	}
	if (c->fd < 0)
		conn_connect(c);
	running++;
	c->kind = any_kind();
	word = words[c->kind];
	c->number = next_number++;
	c->sent = c->in_len = 0;
	head = sprintf(c->out, "*%d\r\n$4\r\nCALL\r\n%s$%zu\r\n%s\r\n$%d\r\n%0*lu\r\n$%zu\r\n%s\r\n$%u\r\n",
	    c->kind == SLOW ? 6 : 5, c->kind == SLOW ? "$11\r\n--timeout=" TIMEOUT_MS "\r\n" : "",
	    strlen(service), service, NUMBER, NUMBER, c->number, strlen(word), word, len);
	memcpy(c->out + head, payload, len);
	memcpy(c->out + head + len, "\r\n", 2);
	c->out_len = (size_t)head + len + 2;
	if (c->kind == VANISH_EARLY)
		c->out_len = 1 + arc4random_uniform((uint32_t)c->out_len - 1);
	head = sprintf(c->want, "*2\r\n$%d\r\n%0*lu\r\n$%u\r\n", NUMBER, NUMBER, c->number, len);
	memcpy(c->want + head, payload, len);
	memcpy(c->want + head + len, "\r\n", 2);
	c->want_len = (size_t)head + len + 2;
}

static void
conn_again(struct conn *c, bool close_it)
{
	running--;
	if (close_it) {
		(void)close(c->fd);
		c->fd = -1;
	}
	conn_ask(c);
}

static bool
starts(const struct conn *c, const char *with)
{
	return c->in_len >= strlen(with) && memcmp(c->in, with, strlen(with)) == 0;
}

/* Checks that a whole error line is one that may come. */
static void
conn_error(struct conn *c)
{
	if (c->in[c->in_len - 1] != '\n')
		return;
	if (starts(c, "-TIMEOUT "))
		timeouts++;
	else if (starts(c, "-HANDLER "))
		handlers++;
	else if (starts(c, "-BUSY "))
		busy++;
	else if (starts(c, "-UNAVAIL "))
		unable++;
	else
		die("request %lu: %.*s", c->number, (int)c->in_len, c->in);
	conn_again(c, false);
}

static void
conn_read(struct conn *c)
{
	ssize_t n = read(c->fd, c->in + c->in_len, PAYLOAD_MAX + 4096 - c->in_len);

	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0)
		die("request %lu: the connection was cut", c->number);
	c->in_len += (size_t)n;
	if (c->in[0] == '-') {
		conn_error(c);
		return;
	}
	if (c->in_len > c->want_len || memcmp(c->in, c->want, c->in_len) != 0)
		die("request %lu got the reply of another: %.60s", c->number, c->in);
	if (c->in_len < c->want_len)
		return;
	right++;
	acknowledged[c->number] = 1;
	conn_again(c, false);
}

static void
on_event(struct conn *c)
{
	if (c->fd >= 0 && c->sent < c->out_len) {
		ssize_t n = write(c->fd, c->out + c->sent, c->out_len - c->sent);

		if (n < 0 && errno != EAGAIN)
			die("request %lu: write: %s", c->number, strerror(errno));
		c->sent += n > 0 ? (size_t)n : 0;
	}
	if (c->fd >= 0 && c->sent == c->out_len && (c->kind == VANISH || c->kind == VANISH_EARLY)) {
		vanished++;
		conn_again(c, true);
	} else if (c->fd >= 0) {
		conn_read(c);
	}
	if (c->fd >= 0) {
		/*
		 * Wait for room to write only while there are bytes to write.
		 */
		struct epoll_event ev = { .data.ptr = c };

		ev.events = EPOLLIN | (c->sent < c->out_len ? EPOLLOUT : 0);
		(void)epoll_ctl(epoll_fd, EPOLL_CTL_MOD, c->fd, &ev);
	}
}

static void
check_ledger(void)
{
	unsigned long done = 0;

	for (unsigned long i = 0; i < total; i++) {
		done += ledger[i] > 0;
		if (ledger[i] > 1)
			die("request %lu was executed %u times", i, ledger[i]);
		if (acknowledged[i] && ledger[i] != 1)
			die("request %lu was answered but not executed", i);
	}
	printf("%lu requests: %lu right, %lu timeouts, %lu handlers died, %lu busy, %lu unable, %lu vanished; "
	    "%lu executed, none twice\n", total, right, timeouts, handlers, busy, unable, vanished,
	    done);
	if (right < total / 2)
		die("too few right replies");
}

static void
drive(const char *path, const char *ledger_path)
{
	struct epoll_event events[CONNS];

	ledger = ledger_map(ledger_path, &ledger_len);
	if (ledger_len < total)
		die("the ledger is too short");
	acknowledged = calloc(total, 1);
	(void)strlcpy(address.sun_path, path, sizeof(address.sun_path));
	arc4random_buf(noise, sizeof(noise));
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	for (size_t i = 0; i < CONNS; i++) {
		struct conn *c = &conns[i];

		c->fd = -1;
		c->out = malloc(PAYLOAD_MAX + 4096);
		c->want = malloc(PAYLOAD_MAX + 4096);
		c->in = malloc(PAYLOAD_MAX + 4096);
		if (c->out == NULL || c->want == NULL || c->in == NULL || acknowledged == NULL)
			die("out of memory");
		conn_ask(c);
	}
	while (running > 0) {
		int n = epoll_wait(epoll_fd, events, CONNS, 60000);

		if (n == 0)
			die("%lu requests without an answer for a minute", running);
		for (int i = 0; i < n; i++)
			on_event(events[i].data.ptr);
	}
	check_ledger();
}

int
main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "handler") == 0) {
		ledger = ledger_map(argv[2], &ledger_len);
		return reqd_serve(handle, NULL);
	}
	if (argc != 6 || strcmp(argv[1], "drive") != 0)
		die("usage: crosstalk handler LEDGER | drive SOCKET SERVICE LEDGER REQUESTS");
	service = argv[3];
	total = strtoul(argv[5], NULL, 10);
	drive(argv[2], argv[4]);
	return 0;
}
