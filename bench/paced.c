/* SPDX-License-Identifier: ISC */
/*
 * paced: an open-loop load generator for RESP and HTTP/1.1, which counts what
 * clients notice: requests are due at fixed times, however the server does.
 *
 *	paced -s URL [-H] [-c CONNECTIONS] [-r RATE] [-k RATE] [-d SECONDS] WORD...
 *
 * -c	connections that are kept; -r requests a second over all of them, one at
 *	a time on each
 * -k	short connections a second: connect, request, reply, close
 * -H	HTTP: WORD is the path; else it is a command with its arguments
 *
 * For the kept (kept_) and the short connections (short_) a line of key=value
 * words says what became of their requests:
 *
 *	answered	got its reply
 *	failed		got another reply than the very first one, or no connection
 *	reset		the connection was reset, before or after it was sent
 *	unanswered	closed in good order without a reply, or none after 10 s
 *	closed		(kept) times that a connection was closed between requests,
 *			announced or not; not a lost request
 *
 * Status 0 only when no request failed, was reset or stayed unanswered.
 */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "bench.h"
#include "hist.h"
#include "target.h"

#define REPLY_MAX 4096
#define SHORT_MAX 4000		/* at the same time; beyond it the pace is not kept */
#define DRAIN_NS UINT64_C(10000000000)
#define RETRY_NS UINT64_C(5000000)
#define TICK_MS 1

enum conn_state { CONN_DOWN, CONN_CONNECTING, CONN_IDLE, CONN_BUSY };

struct conn {
	enum conn_state state;
	bool is_short;
	int fd;
	uint64_t due_ns;	/* when its request was due; DOWN: when to try again */
	size_t sent;
	size_t got_len;
	char got[REPLY_MAX];
};

/* Requests that are due at a steady rate. */
struct pace {
	uint64_t start_ns, issued;
	long rate;
};

struct count {
	uint64_t answered, failed, reset, unanswered, closed;
	struct bench_hist took;
};

enum reply { REPLY_AGAIN, REPLY_GOOD, REPLY_LAST, REPLY_WRONG };

static struct {
	struct bench_target to;
	bool http;
	long n_kept, seconds;
} opt = { .seconds = 5 };

static char *request[2];	/* for kept and for short connections */
static size_t request_len[2];
static char reference[REPLY_MAX];	/* RESP: what every reply is to be */
static size_t reference_len;

static struct conn *conns;	/* the kept ones, then the short ones */
static size_t n_conns;
static size_t next_kept, next_short;	/* index where the search for a free one begins */
static struct pace kept_pace, short_pace;
static struct count counts[2];
static char first_wrong[200];
static int epoll_fd;

/* -------------------------------------------------------------- replies --- */

static enum reply
reply_http(const char *got, size_t len)
{
	const char *end = memmem(got, len, "\r\n\r\n", 4), *line = got;
	size_t head, body = 0;
	bool last = false;

	if (end == NULL)
		return len == REPLY_MAX ? REPLY_WRONG : REPLY_AGAIN;
	head = (size_t)(end - got) + 4;
	if (strncmp(got, "HTTP/1.1 200 ", 13) != 0)
		return REPLY_WRONG;
	for (line = memchr(got, '\n', head); line + 1 < end; line = memchr(line + 1, '\n', head)) {
		if (strncasecmp(line + 1, "Content-Length:", 15) == 0)
			body = strtoul(line + 16, NULL, 10);
		else if (strncasecmp(line + 1, "Connection: close", 17) == 0)
			last = true;
	}
	if (len < head + body)
		return REPLY_AGAIN;
	return len > head + body ? REPLY_WRONG : last ? REPLY_LAST : REPLY_GOOD;
}

static enum reply
reply_resp(const char *got, size_t len)
{
	if (reference_len == 0 || len > reference_len || memcmp(got, reference, len) != 0)
		return REPLY_WRONG;
	return len < reference_len ? REPLY_AGAIN : REPLY_GOOD;
}

/* ---------------------------------------------------------- connections --- */

static struct count *
count_of(const struct conn *c)
{
	return &counts[c->is_short];
}

static void
watch(struct conn *c, int op, uint32_t events)
{
	bench_watch(epoll_fd, op, c->fd, events, c);
}

static void
conn_down(struct conn *c, uint64_t retry_ns)
{
	close(c->fd);
	c->fd = -1;
	c->state = CONN_DOWN;
	c->due_ns = retry_ns;
	c->got_len = c->sent = 0;
}

/* Does it owe the reply to a request? */
static bool
conn_owes(const struct conn *c)
{
	return c->state == CONN_BUSY || (c->is_short && c->state == CONN_CONNECTING);
}

/* Closes a connection: its request, if any, is lost for this reason; 0: an orderly end. */
static void
conn_lose(struct conn *c, int error, uint64_t now)
{
	if (c->state == CONN_CONNECTING)
		count_of(c)->failed++;
	else if (!conn_owes(c))
		count_of(c)->closed++;
	else if (error == 0)
		count_of(c)->unanswered++;
	else
		count_of(c)->reset++;
	conn_down(c, c->state == CONN_CONNECTING ? now + RETRY_NS : now);
}

static void
conn_send(struct conn *c, uint64_t now)
{
	size_t len = request_len[c->is_short];
	ssize_t r;

	r = send(c->fd, request[c->is_short] + c->sent, len - c->sent, MSG_NOSIGNAL);
	if (r < 0 && errno != EAGAIN) {
		conn_lose(c, errno, now);
		return;
	}
	c->sent += r > 0 ? (size_t)r : 0;
	watch(c, EPOLL_CTL_MOD, c->sent < len ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

static void
conn_ask(struct conn *c, uint64_t due, uint64_t now)
{
	c->state = CONN_BUSY;
	c->due_ns = due;
	c->got_len = c->sent = 0;
	conn_send(c, now);
}

static void
conn_connect(struct conn *c, uint64_t due, uint64_t now)
{
	int error;

	c->fd = bench_socket(&opt.to, c->is_short ? BENCH_MANY_SOURCES : BENCH_ONE_SOURCE);
	c->state = CONN_CONNECTING;
	c->due_ns = due;
	c->got_len = c->sent = 0;
	error = bench_connect(&opt.to, c->fd);
	if (error != 0) {
		conn_lose(c, error, now);
		return;
	}
	watch(c, EPOLL_CTL_ADD, EPOLLOUT);
}

static void
on_connected(struct conn *c, uint64_t now)
{
	int error = bench_connected(c->fd);

	if (error != 0) {
		conn_lose(c, error, now);
	} else if (c->is_short) {
		conn_ask(c, c->due_ns, now);
	} else {
		c->state = CONN_IDLE;
		watch(c, EPOLL_CTL_MOD, EPOLLIN);
	}
}

static void
on_reply(struct conn *c, enum reply r, uint64_t now)
{
	if (r == REPLY_WRONG) {
		if (first_wrong[0] == '\0')
			snprintf(first_wrong, sizeof(first_wrong), "%.*s",
			    (int)strcspn(c->got, "\r"), c->got);
		count_of(c)->failed++;
		conn_down(c, now);
		return;
	}
	count_of(c)->answered++;
	bench_hist_add(&count_of(c)->took, now - c->due_ns, 1);
	if (r == REPLY_LAST && !c->is_short)
		count_of(c)->closed++;
	if (r == REPLY_LAST || c->is_short)
		conn_down(c, now);
	else
		c->state = CONN_IDLE;
}

static void
on_readable(struct conn *c, uint64_t now)
{
	ssize_t n = recv(c->fd, c->got + c->got_len, REPLY_MAX - 1 - c->got_len, 0);
	enum reply r;

	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0) {
		conn_lose(c, n == 0 ? 0 : errno, now);
		return;
	}
	c->got_len += (size_t)n;
	c->got[c->got_len] = '\0';
	if (c->state == CONN_IDLE)
		r = REPLY_WRONG;
	else
		r = opt.http ? reply_http(c->got, c->got_len) : reply_resp(c->got, c->got_len);
	if (r != REPLY_AGAIN)
		on_reply(c, r, now);
}

/* ----------------------------------------------------------------- pace --- */

/* The time of the next request, 0 when none is due. */
static uint64_t
pace_due(const struct pace *p, uint64_t now)
{
	uint64_t due;

	if (p->rate == 0)
		return 0;
	due = p->start_ns + p->issued * UINT64_C(1000000000) / (uint64_t)p->rate;
	return due <= now ? due : 0;
}

/* The next connection in that state, of those in turn; NULL: none. */
static struct conn *
next_in(size_t *next, size_t from, size_t n, enum conn_state state)
{
	for (size_t i = 0; i < n; i++) {
		struct conn *c = &conns[from + (*next)++ % n];

		if (c->state == state)
			return c;
	}
	return NULL;
}

static void
issue(uint64_t now)
{
	size_t n_kept = (size_t)opt.n_kept;
	struct conn *c;
	uint64_t due;

	while ((due = pace_due(&kept_pace, now)) != 0 &&
	    (c = next_in(&next_kept, 0, n_kept, CONN_IDLE)) != NULL) {
		kept_pace.issued++;
		conn_ask(c, due, now);
	}
	while ((due = pace_due(&short_pace, now)) != 0 &&
	    (c = next_in(&next_short, n_kept, n_conns - n_kept, CONN_DOWN)) != NULL) {
		short_pace.issued++;
		conn_connect(c, due, now);
	}
}

static void
connect_kept(uint64_t now)
{
	for (long i = 0; i < opt.n_kept; i++) {
		if (conns[i].state == CONN_DOWN && conns[i].due_ns <= now)
			conn_connect(&conns[i], now, now);
	}
}

/* The number of requests that wait for their replies. */
static size_t
n_busy(void)
{
	size_t n = 0;

	for (size_t i = 0; i < n_conns; i++)
		n += conn_owes(&conns[i]);
	return n;
}

static void
serve_events(void)
{
	struct epoll_event events[512];
	int n = epoll_wait(epoll_fd, events, 512, TICK_MS);
	uint64_t now = bench_now();

	for (int i = 0; i < n; i++) {
		struct conn *c = events[i].data.ptr;

		if (c->state == CONN_CONNECTING)
			on_connected(c, now);
		else if (c->state == CONN_BUSY && c->sent < request_len[c->is_short] &&
		    (events[i].events & EPOLLOUT) != 0)
			conn_send(c, now);
		else if (c->state != CONN_DOWN)
			on_readable(c, now);
	}
}

static size_t
n_idle(void)
{
	size_t n = 0;

	for (long i = 0; i < opt.n_kept; i++)
		n += conns[i].state == CONN_IDLE;
	return n;
}

static void
run(void)
{
	uint64_t end, now = bench_now();

	/* The pace begins when all are connected. */
	for (end = now + DRAIN_NS; n_idle() < (size_t)opt.n_kept; now = bench_now()) {
		if (now > end)
			bench_die("paced: cannot connect");
		connect_kept(now);
		serve_events();
	}
	memset(counts, 0, sizeof(counts));
	kept_pace.start_ns = short_pace.start_ns = now;
	end = now + (uint64_t)opt.seconds * 1000000000;
	for (; now < end; now = bench_now()) {
		connect_kept(now);
		issue(now);
		serve_events();
	}
	while (n_busy() > 0 && bench_now() < end + DRAIN_NS)
		serve_events();
	for (size_t i = 0; i < n_conns; i++) {
		if (conn_owes(&conns[i]))
			count_of(&conns[i])->unanswered++;
	}
}

static uint64_t
print_count(const char *kind, const struct count *c)
{
	printf("%s_answered=%llu %s_failed=%llu %s_reset=%llu %s_unanswered=%llu %s_closed=%llu "
	    "%s_p50_us=%.0f %s_p99_us=%.0f %s_max_us=%.0f\n",
	    kind, (unsigned long long)c->answered, kind, (unsigned long long)c->failed,
	    kind, (unsigned long long)c->reset, kind, (unsigned long long)c->unanswered,
	    kind, (unsigned long long)c->closed,
	    kind, (double)bench_hist_quantile(&c->took, 0.5) / 1e3,
	    kind, (double)bench_hist_quantile(&c->took, 0.99) / 1e3,
	    kind, (double)c->took.max / 1e3);
	return c->failed + c->reset + c->unanswered;
}

/* --------------------------------------------------------------- set-up --- */

static void
make_request(char **words, size_t n, bool is_short)
{
	FILE *f = open_memstream(&request[is_short], &request_len[is_short]);

	if (f == NULL)
		bench_die("paced: no memory");
	if (opt.http) {
		fprintf(f, "GET %s HTTP/1.1\r\nHost: localhost\r\n%s\r\n", words[0],
		    is_short ? "Connection: close\r\n" : "");
	} else {
		bench_put_request(f, n, words);
	}
	fclose(f);
}

/* RESP: what comes when it is asked once and the sending side closed. */
static void
learn_reference(void)
{
	struct pollfd p = { .events = POLLOUT };
	int error;
	ssize_t r;

	p.fd = bench_socket(&opt.to, BENCH_ONE_SOURCE);
	error = bench_connect(&opt.to, p.fd);
	if (error != 0)
		bench_die("paced: connect: %s", strerror(error));
	poll(&p, 1, 10000);
	if (send(p.fd, request[0], request_len[0], MSG_NOSIGNAL) != (ssize_t)request_len[0])
		bench_die("paced: the first request could not be sent");
	/* A request that is under way would end with the connection: QUIT comes after it. */
	(void)send(p.fd, "*1\r\n$4\r\nQUIT\r\n", 14, MSG_NOSIGNAL);
	p.events = POLLIN;
	do {
		poll(&p, 1, 10000);
		r = recv(p.fd, reference + reference_len, REPLY_MAX - reference_len, 0);
		reference_len += r > 0 ? (size_t)r : 0;
	} while (r > 0);
	close(p.fd);
	if (reference_len <= 5 || reference_len == REPLY_MAX || *reference == '-')
		bench_die("paced: no usable first reply: %.*s",
		    (int)strcspn(reference, "\r"), reference);
	reference_len -= 5;	/* "+OK\r\n" */
}

int
main(int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "+s:Hc:r:k:d:")) != -1) {
		switch (c) {
		case 's': bench_target_parse(&opt.to, optarg); break;
		case 'H': opt.http = true; break;
		case 'c': opt.n_kept = bench_number(optarg, "-c", 10000); break;
		case 'r': kept_pace.rate = bench_number(optarg, "-r", 1000000); break;
		case 'k': short_pace.rate = bench_number(optarg, "-k", 100000); break;
		case 'd': opt.seconds = bench_number(optarg, "-d", 86400); break;
		default: return 1;
		}
	}
	if (opt.to.len == 0 || optind == argc || (kept_pace.rate > 0) != (opt.n_kept > 0))
		bench_die("usage: paced -s URL [-H] [-c N -r RATE] [-k RATE] [-d SECONDS] WORD...");
	for (int is_short = 0; is_short < 2; is_short++)
		make_request(argv + optind, (size_t)(argc - optind), is_short == 1);
	if (!opt.http)
		learn_reference();

	n_conns = (size_t)opt.n_kept + (short_pace.rate > 0 ? SHORT_MAX : 0);
	conns = calloc(n_conns, sizeof(*conns));
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (conns == NULL || epoll_fd < 0)
		bench_die("paced: %s", strerror(errno));
	for (size_t i = 0; i < n_conns; i++)
		conns[i].is_short = i >= (size_t)opt.n_kept;
	run();
	c = print_count("kept", &counts[0]) + print_count("short", &counts[1]) > 0;
	if (first_wrong[0] != '\0')
		fprintf(stderr, "paced: first wrong reply: %s\n", first_wrong);
	return c;
}
