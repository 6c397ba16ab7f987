/* SPDX-License-Identifier: ISC */
/*
 * load: a closed-loop load generator for RESP servers.
 *
 *	load -s URL [-c CONNECTIONS] [-P PIPELINE] [-d SECONDS | -n REQUESTS] [-R]
 *	     [-x] COMMAND [ARG]...
 *	load -s URL -X [-c CONNECTIONS] [-d SECONDS | -n REQUESTS]
 *	load -s URL -i CONNECTIONS PROGRAM [ARG]...
 *
 * Every connection sends PIPELINE requests, waits for all their replies, and
 * begins again. The first reply of all, to a request sent alone, is the
 * reference: every later one must be equal to it byte for byte, and what is
 * not is counted as an error reply or a wrong one.
 *
 * -R	connect again when a connection is lost, and count what was lost;
 *	without it a lost connection ends the run as a failure
 * -x	a new connection for every request
 * -X	a new connection for every request, nothing sent, read to the end
 *	(for servers that start a program per connection)
 * -i	holds idle connections, each of which has got one PING answered, while
 *	PROGRAM runs
 *
 * One line of key=value words comes out. Status 0 only when every reply was
 * right and nothing was lost (with -R: when every reply was right).
 */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"
#include "hist.h"
#include "target.h"

#define READ_SIZE (64u << 10)
#define REPLY_MAX (16u << 20)
#define DEPTH_MAX 8
#define RETRY_MS 2
#define DRAIN_SECONDS 10	/* for the last replies after the time is up */

enum mode { MODE_KEEP, MODE_ONCE, MODE_READ, MODE_IDLE };

enum conn_state { CONN_DOWN, CONN_CONNECTING, CONN_OPEN };

struct conn {
	enum conn_state state;
	int fd;
	unsigned outstanding;
	size_t unsent;		/* bytes of the batch still to be written */
	size_t pos;		/* bytes of the reference seen of this reply */
	char *odd;		/* replies that are not the reference */
	size_t odd_len;
	uint64_t sent_ns;
};

static struct {
	enum mode mode;
	long n_conns, pipeline, seconds, n_requests;
	bool reconnect;
	struct bench_target to;
} opt = { .n_conns = 1, .pipeline = 1, .seconds = 2 };

static char *batch;		/* pipeline times the request */
static size_t request_len;
static char *ref;		/* the reference again and again */
static size_t ref_len;

static struct conn *conns;
static long n_down;		/* of them, not connected nor connecting */
static uint64_t retry_ns;	/* not before: connections are being refused */
static int epoll_fd;
static bool over;		/* send nothing more */

static struct {
	uint64_t issued, answered, errors, wrong, lost, reconnects;
	uint64_t last_ns, longest_gap_ns;
	struct bench_hist took;
	char first_error[128];
} count;

/* ------------------------------------------------------------ figures --- */

static double
quantile_us(double q)
{
	return (double)bench_hist_quantile(&count.took, q) / 1e3;
}

static void
note_answers(struct conn *c, size_t n, uint64_t now)
{
	uint64_t took = now - c->sent_ns;

	if (n > c->outstanding)
		bench_die("load: more replies than requests");
	c->outstanding -= (unsigned)n;
	count.answered += n;
	bench_hist_add(&count.took, took, n);
	if (now - count.last_ns > count.longest_gap_ns)
		count.longest_gap_ns = now - count.last_ns;
	count.last_ns = now;
}

/* ------------------------------------------------------------ replies --- */

/* Bytes of the reply at p, 0 when it is not whole; ends the program on nonsense. */
static size_t
reply_length(const char *p, size_t len, unsigned depth)
{
	const char *eol;
	size_t used, child;
	long n;

	if (len == 0)
		return 0;
	eol = memchr(p, '\n', len);
	if (eol == NULL)
		return 0;
	used = (size_t)(eol - p) + 1;
	if (used < 3 || eol[-1] != '\r' || depth > DEPTH_MAX)
		bench_die("load: the server does not speak RESP");

	n = strtol(p + 1, NULL, 10);
	switch (*p) {
	case '+': case '-': case ':': case '_': case '#': case ',':
		return used;
	case '$': case '=':
		if (n < 0)
			return used;
		used += (size_t)n + 2;
		return used <= len ? used : 0;
	case '%':
		n *= 2;
		break;
	case '*': case '~': case '>':
		break;
	default:
		bench_die("load: the server does not speak RESP");
	}
	for (; n > 0; n--) {
		child = reply_length(p + used, len - used, depth + 1);
		if (child == 0)
			return 0;
		used += child;
	}
	return used;
}

static void
note_odd_reply(const char *reply, size_t len)
{
	if (len == ref_len && memcmp(reply, ref, len) == 0)
		return;
	if (count.errors + count.wrong == 0)
		snprintf(count.first_error, sizeof(count.first_error), "%.*s",
		    (int)strcspn(reply, "\r"), reply);
	if (*reply == '-')
		count.errors++;
	else
		count.wrong++;
}

static void
take_odd(struct conn *c, const char *data, size_t n, uint64_t now)
{
	size_t used, at = 0;

	if (c->odd_len + n > REPLY_MAX)
		bench_die("load: a reply of more than %u bytes", REPLY_MAX);
	c->odd = realloc(c->odd, c->odd_len + n + 1);
	if (c->odd == NULL)
		bench_die("load: no memory");
	memcpy(c->odd + c->odd_len, data, n);
	c->odd_len += n;
	c->odd[c->odd_len] = '\0';

	while ((used = reply_length(c->odd + at, c->odd_len - at, 0)) > 0) {
		note_odd_reply(c->odd + at, used);
		note_answers(c, 1, now);
		at += used;
	}
	c->odd_len -= at;
	memmove(c->odd, c->odd + at, c->odd_len + 1);
}

static void
take_bytes(struct conn *c, const char *data, size_t n, uint64_t now)
{
	size_t same = 0, replies;

	if (c->odd_len == 0) {
		if (memcmp(data, ref + c->pos, n) == 0)
			same = n;
		else
			while (data[same] == ref[c->pos + same])
				same++;
		c->pos += same;
		replies = c->pos / ref_len;
		c->pos %= ref_len;
		if (replies > 0)
			note_answers(c, replies, now);
		if (same == n)
			return;
		take_odd(c, ref, c->pos, now);
		c->pos = 0;
	}
	take_odd(c, data + same, n - same, now);
}

/* -------------------------------------------------------- connections --- */

static void
watch(struct conn *c, int op, uint32_t events)
{
	bench_watch(epoll_fd, op, c->fd, events, c);
}

static int
open_socket(void)
{
	return bench_socket(&opt.to, opt.mode == MODE_KEEP ? BENCH_ONE_SOURCE : BENCH_MANY_SOURCES);
}

/* Begins to connect; a refusal leaves the connection down. */
static void
conn_connect(struct conn *c, uint64_t now)
{
	int fd = open_socket(), error = bench_connect(&opt.to, fd);

	if (error != 0) {
		if (!opt.reconnect || (error != ECONNREFUSED && error != EAGAIN && error != ENOENT))
			bench_die("load: connect: %s", strerror(error));
		close(fd);
		return;
	}
	c->fd = fd;
	c->state = CONN_CONNECTING;
	n_down--;
	c->sent_ns = now;
	watch(c, EPOLL_CTL_ADD, EPOLLOUT);
}

static void
conn_close(struct conn *c)
{
	close(c->fd);
	c->state = CONN_DOWN;
	n_down++;
	c->outstanding = 0;
	c->unsent = c->pos = c->odd_len = 0;
}

static void
conn_lose(struct conn *c, const char *why)
{
	if (!opt.reconnect)
		bench_die("load: connection lost after %llu replies: %s",
		    (unsigned long long)count.answered, why);
	count.lost += c->outstanding;
	count.reconnects++;
	retry_ns = bench_now() + RETRY_MS * 1000000;
	conn_close(c);
}

static void
conn_write(struct conn *c)
{
	size_t len = c->outstanding * request_len;
	ssize_t r;

	r = send(c->fd, batch + len - c->unsent, c->unsent, MSG_NOSIGNAL);
	if (r < 0 && errno != EAGAIN) {
		conn_lose(c, strerror(errno));
		return;
	}
	if (r > 0)
		c->unsent -= (size_t)r;
	if (c->unsent > 0)
		watch(c, EPOLL_CTL_MOD, EPOLLOUT);
}

/* Sends the next batch, if there is one to be sent. */
static void
conn_issue(struct conn *c, uint64_t now)
{
	uint64_t n = (uint64_t)opt.pipeline;

	if (opt.n_requests > 0 && n > (uint64_t)opt.n_requests - count.issued)
		n = (uint64_t)opt.n_requests - count.issued;
	if (over || n == 0)
		return;
	count.issued += n;
	c->outstanding = (unsigned)n;
	c->unsent = n * request_len;
	if (opt.mode == MODE_KEEP)
		c->sent_ns = now;
	if (c->unsent > 0)
		conn_write(c);
}

static void
on_connected(struct conn *c, uint64_t now)
{
	int error = bench_connected(c->fd);

	if (error != 0) {
		conn_lose(c, strerror(error));
		return;
	}
	c->state = CONN_OPEN;
	watch(c, EPOLL_CTL_MOD, EPOLLIN);
	conn_issue(c, now);
}

static void
on_writable(struct conn *c)
{
	conn_write(c);
	if (c->state == CONN_OPEN && c->unsent == 0)
		watch(c, EPOLL_CTL_MOD, EPOLLIN);
}

static void
on_readable(struct conn *c, uint64_t now)
{
	static char buf[READ_SIZE];
	ssize_t r;

	r = recv(c->fd, buf, sizeof(buf), 0);
	if (r < 0 && errno == EAGAIN)
		return;
	if (r == 0 && opt.mode == MODE_READ && c->odd_len == 0 && c->outstanding == 0) {
		conn_close(c);
		return;
	}
	if (r <= 0) {
		conn_lose(c, r == 0 ? "closed by the server" : strerror(errno));
		return;
	}
	take_bytes(c, buf, (size_t)r, now);
	if (c->outstanding > 0 || opt.mode == MODE_READ)
		return;
	if (opt.mode == MODE_ONCE)
		conn_close(c);
	else
		conn_issue(c, now);
}

/* ---------------------------------------------------------------- run --- */

static bool
is_done(void)
{
	if (!over && (opt.n_requests == 0 || count.issued < (uint64_t)opt.n_requests))
		return false;
	for (long i = 0; i < opt.n_conns; i++)
		if (conns[i].outstanding > 0)
			return false;
	return true;
}

static void
connect_all(uint64_t now)
{
	for (long i = 0; i < opt.n_conns; i++)
		if (conns[i].state == CONN_DOWN)
			conn_connect(&conns[i], now);
}

static void
turn(uint64_t end)
{
	struct epoll_event events[256];
	struct conn *c;
	uint64_t now;
	int n, wait_ms;

	now = bench_now();
	over = over || (opt.n_requests == 0 && now >= end);
	if (over && now >= end + DRAIN_SECONDS * 1000000000ull)
		bench_die("load: no reply for %d s", DRAIN_SECONDS);
	if (!over && n_down > 0 && now >= retry_ns)
		connect_all(now);

	wait_ms = over ? 100 : 10;
	if (!over && opt.reconnect && n_down > 0)
		wait_ms = RETRY_MS;
	n = epoll_wait(epoll_fd, events, 256, wait_ms);
	now = bench_now();
	for (int i = 0; i < n; i++) {
		c = events[i].data.ptr;
		if (c->state == CONN_CONNECTING)
			on_connected(c, now);
		else if (events[i].events & EPOLLOUT && c->unsent > 0)
			on_writable(c);
		else
			on_readable(c, now);
	}
}

static int
run(void)
{
	uint64_t started, end;
	double elapsed;

	conns = calloc((size_t)opt.n_conns, sizeof(*conns));
	n_down = opt.n_conns;
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (conns == NULL || epoll_fd < 0)
		bench_die("load: %s", strerror(errno));

	started = bench_now();
	end = started + (uint64_t)opt.seconds * 1000000000;
	count.last_ns = started;
	while (!is_done())
		turn(end);
	elapsed = (double)(count.last_ns - started) / 1e9;

	printf("requests=%llu seconds=%.3f rate=%.1f p50_us=%.1f p99_us=%.1f max_us=%.1f"
	    " errors=%llu wrong=%llu lost=%llu reconnects=%llu longest_gap_ms=%.1f\n",
	    (unsigned long long)count.answered, elapsed,
	    (double)count.answered / elapsed, quantile_us(0.5), quantile_us(0.99),
	    (double)count.took.max / 1e3, (unsigned long long)count.errors,
	    (unsigned long long)count.wrong, (unsigned long long)count.lost,
	    (unsigned long long)count.reconnects, (double)count.longest_gap_ns / 1e6);
	if (count.errors + count.wrong > 0)
		fprintf(stderr, "load: first wrong reply: %s\n", count.first_error);
	return count.errors + count.wrong > 0 ? 1 : 0;
}

/* ------------------------------------------------------------- set-up --- */

static int
connect_blocking(void)
{
	struct pollfd p = { .events = POLLOUT };
	int error;

	p.fd = open_socket();
	error = bench_connect(&opt.to, p.fd);
	if (error == 0) {
		poll(&p, 1, -1);
		error = bench_connected(p.fd);
	}
	if (error != 0)
		bench_die("load: connect: %s", strerror(error));
	return p.fd;
}

/* Asks once, alone, and makes the reply the reference. */
static void
learn_reference(void)
{
	static char buf[READ_SIZE];
	struct pollfd p = { .events = POLLIN };
	size_t len = 0;
	ssize_t r;

	p.fd = connect_blocking();
	if (request_len > 0 && send(p.fd, batch, request_len, MSG_NOSIGNAL) != (ssize_t)request_len)
		bench_die("load: the first request could not be sent");
	do {
		poll(&p, 1, -1);
		r = recv(p.fd, buf + len, sizeof(buf) - 1 - len, 0);
		if (r < 0)
			bench_die("load: first reply: %s", strerror(errno));
		len += (size_t)r;
		buf[len] = '\0';
		if (opt.mode != MODE_READ)
			ref_len = reply_length(buf, len, 0);
		else if (r == 0)
			ref_len = len;
	} while (ref_len == 0 && r > 0 && len < sizeof(buf) - 1);
	close(p.fd);

	if (ref_len == 0 || ref_len != len)
		bench_die("load: no usable first reply (%zu bytes)", len);
	if (*buf == '-')
		bench_die("load: %.*s", (int)strcspn(buf + 1, "\r"), buf + 1);
	ref = malloc(READ_SIZE + 2 * ref_len);
	if (ref == NULL)
		bench_die("load: no memory");
	for (size_t at = 0; at < READ_SIZE + ref_len; at += ref_len)
		memcpy(ref + at, buf, ref_len);
}

static void
make_batch(char **argv)
{
	FILE *f;
	size_t len, argc = 0;
	char *copy;

	while (argv[argc] != NULL)
		argc++;
	if (argc == 0)
		return;
	f = open_memstream(&batch, &request_len);
	if (f == NULL)
		bench_die("load: no memory");
	bench_put_request(f, argc, argv);
	fclose(f);

	len = request_len;
	copy = realloc(batch, len * (size_t)opt.pipeline);
	if (copy == NULL)
		bench_die("load: no memory");
	batch = copy;
	for (long i = 1; i < opt.pipeline; i++)
		memcpy(batch + (size_t)i * len, batch, len);
}

/* Opens connections, gets one PING answered on each, and runs the program. */
static int
hold_idle(char **program)
{
	static const char ping[] = "*1\r\n$4\r\nPING\r\n", pong[] = "+PONG\r\n";
	char buf[sizeof(pong)];
	struct pollfd p = { .events = POLLIN };
	pid_t pid;
	int status;

	for (long i = 0; i < opt.n_conns; i++) {
		p.fd = connect_blocking();
		if (send(p.fd, ping, sizeof(ping) - 1, MSG_NOSIGNAL) < 0)
			bench_die("load: connection %ld: %s", i, strerror(errno));
		poll(&p, 1, -1);
		if (recv(p.fd, buf, sizeof(buf), 0) != sizeof(pong) - 1 ||
		    memcmp(buf, pong, sizeof(pong) - 1) != 0)
			bench_die("load: connection %ld got no PONG", i);
	}
	fflush(stdout);
	pid = fork();
	if (pid < 0)
		bench_die("load: fork: %s", strerror(errno));
	if (pid == 0) {
		execvp(program[0], program);
		_exit(127);
	}
	if (waitpid(pid, &status, 0) < 0)
		return 1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

int
main(int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "+s:c:P:d:n:RxXi:")) != -1) {
		switch (c) {
		case 's': bench_target_parse(&opt.to, optarg); break;
		case 'c': opt.n_conns = bench_number(optarg, "-c", 60000); break;
		case 'P': opt.pipeline = bench_number(optarg, "-P", 100000); break;
		case 'd': opt.seconds = bench_number(optarg, "-d", 86400); break;
		case 'n': opt.n_requests = bench_number(optarg, "-n", 1000000000); break;
		case 'R': opt.reconnect = true; break;
		case 'x': opt.mode = MODE_ONCE; break;
		case 'X': opt.mode = MODE_READ; break;
		case 'i':
			opt.mode = MODE_IDLE;
			opt.n_conns = bench_number(optarg, "-i", 60000);
			break;
		default:
			return 1;
		}
	}
	if (opt.to.len == 0 || (optind == argc) != (opt.mode == MODE_READ))
		bench_die("usage: load -s URL [-c N] [-P N] [-d SECONDS | -n REQUESTS] [-R] [-x] "
		    "COMMAND [ARG]...\n"
		    "       load -s URL -X [-c N] [-d SECONDS | -n REQUESTS]\n"
		    "       load -s URL -i N PROGRAM [ARG]...");
	if (opt.mode == MODE_IDLE)
		return hold_idle(argv + optind);
	if (opt.mode != MODE_KEEP && opt.pipeline != 1)
		bench_die("load: -x and -X send one request per connection");

	make_batch(argv + optind);
	learn_reference();
	return run();
}
