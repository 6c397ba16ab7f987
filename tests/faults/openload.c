/* SPDX-License-Identifier: ISC */
/*
 * openload: an open load with a ledger, to run beside a fault.
 *
 *	openload -s URL -o PREFIX [-c CONNECTIONS] [-b N] [-k N] [-h N] [-n N]
 *
 * N requests a second are due at fixed times, whatever the server does, and
 * the time of an answer counts from there: -b builtins (ECHO), -k commands
 * (CALL record), -h of a handler (CALL talk), -n ECHO on a new connection.
 * Half of the persistent connections are for builtins, a quarter each for the
 * two others. Every request has a nonce of 128 bits, and the one right answer
 * is that nonce; any other that is no error ends the run at once, as wrong.
 * Runs until SIGTERM, then waits for what is under way.
 *
 * PREFIX.sent	"nonce outcome" of each command and handler's request: acked,
 *		reset, unanswered, or the code of the error; for "ledger check"
 * PREFIX.events	what was out of the ordinary, with the time in ms (as from
 *		date) and the slot of the worker:
 *		lost KIND SLOT MS|idle was a connection, so long after its
 *			request was due
 *		back KIND SLOT MS: so long after, its successor has got an answer
 *		refused KIND 0: a connection was not accepted
 *		error KIND SLOT MS CODE: an answer after MS
 *		slow KIND SLOT MS: a right one after more than a second
 *
 * One line for each kind and one for connections comes out, key=value.
 */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/queue.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "bench/bench.h"
#include "bench/hist.h"
#include "bench/target.h"

#define NONCE 32
#define FRESH_MAX 200		/* new connections at a time */
#define SLOW_NS 1000000000ull
#define DRAIN_NS 30000000000ull
#define RETRY_NS 20000000ull
#define IN_MAX 1024

enum kind { BUILTIN, COMMAND, HANDLER, FRESH, KINDS };

static const char *const kind_names[KINDS] = { "builtin", "command", "handler", "fresh" };

enum state { DOWN, CONNECTING, GREETING, IDLE, BUSY };

struct conn {
	TAILQ_ENTRY(conn) link;		/* idle, or down */
	enum kind kind;
	enum state state;
	int fd;
	unsigned slot;			/* of its worker */
	char nonce[NONCE + 1];
	uint64_t due_ns;		/* of the request */
	uint64_t lost_ns;		/* the connection before this one was lost; 0:
					 * there was none */
	uint64_t retry_ns;
	char in[IN_MAX];
	size_t in_len;
};

TAILQ_HEAD(conn_list, conn);

struct load {
	uint64_t every_ns;		/* 0: none */
	uint64_t next_ns;		/* due of the next */
	struct conn_list idle;
	unsigned long sent, acked, error, reset, unanswered;
	struct bench_hist took;
};

static struct bench_target target;
static struct load loads[KINDS];
static struct conn_list down = TAILQ_HEAD_INITIALIZER(down);
static struct bench_hist back;
static unsigned long refused, lost;
static FILE *sent_file, *events;
static int epoll_fd;
static volatile sig_atomic_t over;

static void
on_term(int sig)
{
	(void)sig;
	over = 1;
}

/* -------------------------------------------------------------- records --- */

static void __attribute__((format(printf, 3, 4)))
event(const char *what, const struct conn *c, const char *fmt, ...)
{
	va_list ap;

	fprintf(events, "%lld %s %s %u", bench_date_ms(), what, kind_names[c->kind], c->slot);
	va_start(ap, fmt);
	vfprintf(events, fmt, ap);
	va_end(ap);
	fputc('\n', events);
}

static void
record(const struct conn *c, const char *outcome)
{
	if (c->kind == COMMAND || c->kind == HANDLER)
		fprintf(sent_file, "%s %s\n", c->nonce, outcome);
}

/* ---------------------------------------------------------- connections --- */

static void
watch(struct conn *c, int op, uint32_t what)
{
	bench_watch(epoll_fd, op, c->fd, what, c);
}

static void
conn_down(struct conn *c, uint64_t retry_ns)
{
	if (c->state == IDLE)
		TAILQ_REMOVE(&loads[c->kind].idle, c, link);
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
	c->in_len = 0;
	c->retry_ns = retry_ns;
	c->state = DOWN;
	if (c->kind == FRESH) {
		c->state = IDLE;
		TAILQ_INSERT_TAIL(&loads[FRESH].idle, c, link);
	} else {
		TAILQ_INSERT_TAIL(&down, c, link);
	}
}

/* The connection ended before its request was answered, or between two. */
static void
conn_lost(struct conn *c)
{
	uint64_t now = bench_now();

	if (c->state == BUSY || (c->kind == FRESH && c->state != IDLE)) {
		loads[c->kind].reset++;
		record(c, "reset");
	}
	if (c->state == BUSY)
		event("lost", c, " %.1f", (double)(now - c->due_ns) / 1e6);
	else
		event("lost", c, " idle");
	lost++;
	if (c->lost_ns == 0)
		c->lost_ns = now;
	conn_down(c, now);
}

static void
conn_refused(struct conn *c, int error)
{
	event("refused", c, " %s", strerror(error));
	refused++;
	if (c->kind == FRESH)
		loads[FRESH].reset++;
	conn_down(c, bench_now() + RETRY_NS);
}

static void
conn_connect(struct conn *c)
{
	int error;

	c->fd = bench_socket(&target, BENCH_ONE_SOURCE);
	c->slot = 0;
	c->state = CONNECTING;
	error = bench_connect(&target, c->fd);
	if (error != 0) {
		conn_refused(c, error);
		return;
	}
	watch(c, EPOLL_CTL_ADD, EPOLLOUT);
}

static void
conn_say(struct conn *c, const char *text, size_t len)
{
	ssize_t n = send(c->fd, text, len, MSG_NOSIGNAL);

	if (n < 0)
		conn_lost(c);
	else if ((size_t)n != len)
		bench_die("openload: a short write");
}

static void
conn_ask(struct conn *c)
{
	char text[256];
	int len;

	c->state = BUSY;
	if (c->kind == COMMAND || c->kind == HANDLER)
		len = snprintf(text, sizeof(text), "*3\r\n$4\r\nCALL\r\n$%d\r\n%s\r\n$%d\r\n%s\r\n",
		    c->kind == COMMAND ? 6 : 4, c->kind == COMMAND ? "record" : "talk", NONCE,
		    c->nonce);
	else
		len = snprintf(text, sizeof(text), "*2\r\n$4\r\nECHO\r\n$%d\r\n%s\r\n", NONCE,
		    c->nonce);
	conn_say(c, text, (size_t)len);
}

/* Issues a due request on a free connection. */
static void
conn_issue(struct conn *c, uint64_t due_ns)
{
	unsigned char random[NONCE / 2];

	TAILQ_REMOVE(&loads[c->kind].idle, c, link);
	if (getrandom(random, sizeof(random), 0) != sizeof(random))
		bench_die("openload: getrandom: %s", strerror(errno));
	for (size_t i = 0; i < sizeof(random); i++)
		snprintf(c->nonce + 2 * i, 3, "%02x", random[i]);
	c->due_ns = due_ns;
	loads[c->kind].sent++;
	if (c->kind == FRESH)
		conn_connect(c);
	else
		conn_ask(c);
}

static void
on_connected(struct conn *c)
{
	static const char greeting[] = "*2\r\n$6\r\nCLIENT\r\n$2\r\nID\r\n";
	int error = bench_connected(c->fd);

	if (error != 0) {
		conn_refused(c, error);
		return;
	}
	watch(c, EPOLL_CTL_MOD, EPOLLIN);
	c->state = GREETING;
	if (c->kind == FRESH)
		conn_ask(c);
	else
		conn_say(c, greeting, sizeof(greeting) - 1);
}

/* -------------------------------------------------------------- answers --- */

/*
 * Reads ":N": the slot of the worker is in the upper bits of the connection's
 * number.
 */
static void
on_greeting(struct conn *c)
{
	uint64_t took;

	if (c->in[0] != ':')
		bench_die("openload: no answer to CLIENT ID: %s", c->in);
	c->slot = (unsigned)(strtoull(c->in + 1, NULL, 10) >> 40);
	if (c->lost_ns != 0) {
		took = bench_now() - c->lost_ns;
		bench_hist_add(&back, took, 1);
		event("back", c, " %.1f", (double)took / 1e6);
		c->lost_ns = 0;
	}
}

static void
on_error(struct conn *c, double ms)
{
	char code[32];
	size_t n = strcspn(c->in + 1, " \r");

	snprintf(code, sizeof(code), "%.*s", (int)n, c->in + 1);
	loads[c->kind].error++;
	record(c, code);
	event("error", c, " %.1f %.*s", ms, (int)strcspn(c->in + 1, "\r"), c->in + 1);
}

static void
on_answer(struct conn *c)
{
	uint64_t took = bench_now() - c->due_ns;
	struct load *l = &loads[c->kind];
	char right[64];

	snprintf(right, sizeof(right), "$%d\r\n%s\r\n", NONCE, c->nonce);
	if (c->in[0] == '-') {
		on_error(c, (double)took / 1e6);
	} else if (strcmp(c->in, right) == 0) {
		l->acked++;
		record(c, "acked");
		bench_hist_add(&l->took, took, 1);
		if (took > SLOW_NS)
			event("slow", c, " %.1f", (double)took / 1e6);
	} else {
		bench_die("openload: the answer to %s %s is wrong: %s", kind_names[c->kind],
		    c->nonce, c->in);
	}
	if (c->kind == FRESH)
		conn_down(c, 0);
}

/* True if one whole answer is there. More than one is wrong in any case. */
static bool
answer_is_whole(const struct conn *c)
{
	const char *end = strstr(c->in, "\r\n");
	size_t len;

	if (end == NULL)
		return false;
	len = (size_t)(end - c->in) + 2;
	if (c->in[0] == '$')
		len += strtoul(c->in + 1, NULL, 10) + 2;
	if (c->in_len > len)
		bench_die("openload: more than was asked for: %s", c->in);
	return c->in_len == len;
}

static void
on_readable(struct conn *c)
{
	ssize_t n = recv(c->fd, c->in + c->in_len, sizeof(c->in) - 1 - c->in_len, 0);

	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0) {
		conn_lost(c);
		return;
	}
	c->in_len += (size_t)n;
	c->in[c->in_len] = '\0';
	if (c->state == IDLE)
		bench_die("openload: an answer that nobody asked for: %s", c->in);
	if (!answer_is_whole(c))
		return;
	if (c->state == GREETING)
		on_greeting(c);
	else
		on_answer(c);
	if (c->kind == FRESH)
		return;
	c->in_len = 0;
	c->state = IDLE;
	TAILQ_INSERT_TAIL(&loads[c->kind].idle, c, link);
}

/* ------------------------------------------------------------------ run --- */

static void
issue_due(uint64_t now)
{
	for (enum kind k = 0; k < KINDS; k++) {
		struct load *l = &loads[k];
		struct conn *c;

		while (l->every_ns != 0 && l->next_ns <= now &&
		    (c = TAILQ_FIRST(&l->idle)) != NULL) {
			conn_issue(c, l->next_ns);
			l->next_ns += l->every_ns;
		}
	}
}

static void
connect_down(uint64_t now)
{
	struct conn *c, *next;
	struct conn_list again = TAILQ_HEAD_INITIALIZER(again);

	TAILQ_CONCAT(&again, &down, link);
	for (c = TAILQ_FIRST(&again); c != NULL; c = next) {
		next = TAILQ_NEXT(c, link);
		TAILQ_REMOVE(&again, c, link);
		if (c->retry_ns <= now)
			conn_connect(c);
		else
			TAILQ_INSERT_TAIL(&down, c, link);
	}
}

/* Returns the time that the kernel may wait for events. */
static struct timespec
rest_of(uint64_t now)
{
	uint64_t until = now + (TAILQ_EMPTY(&down) ? 100000000ull : RETRY_NS), rest;

	for (enum kind k = 0; k < KINDS; k++) {
		const struct load *l = &loads[k];

		if (l->every_ns != 0 && !TAILQ_EMPTY(&l->idle) && l->next_ns < until)
			until = l->next_ns;
	}
	rest = until > now ? until - now : 0;
	return (struct timespec){ 0, (long)rest };
}

static void
turn(void)
{
	struct epoll_event evs[256];
	uint64_t now = bench_now();
	struct timespec rest = { 0, 100000000 };
	int n;

	if (!over) {
		connect_down(now);
		issue_due(now);
		rest = rest_of(now);
	}
	n = epoll_pwait2(epoll_fd, evs, 256, &rest, NULL);
	for (int i = 0; i < n; i++) {
		struct conn *c = evs[i].data.ptr;

		if (c->state == CONNECTING)
			on_connected(c);
		else if (c->fd >= 0)
			on_readable(c);
	}
}

static unsigned long
n_under_way(void)
{
	unsigned long n = 0;

	for (enum kind k = 0; k < KINDS; k++)
		n += loads[k].sent - loads[k].acked - loads[k].error - loads[k].reset;
	return n;
}

static void
report(void)
{
	for (enum kind k = 0; k < KINDS; k++) {
		const struct load *l = &loads[k];
		unsigned long open = l->sent - l->acked - l->error - l->reset;

		if (l->sent == 0)
			continue;
		printf("kind=%s sent=%lu acked=%lu error=%lu reset=%lu unanswered=%lu p50_ms=%.2f "
		    "p99_ms=%.2f p999_ms=%.2f worst_ms=%.1f\n", kind_names[k], l->sent, l->acked,
		    l->error, l->reset, open, (double)bench_hist_quantile(&l->took, 0.5) / 1e6,
		    (double)bench_hist_quantile(&l->took, 0.99) / 1e6,
		    (double)bench_hist_quantile(&l->took, 0.999) / 1e6, (double)l->took.max / 1e6);
	}
	printf("kind=connections lost=%lu refused=%lu back=%llu back_p50_ms=%.2f back_p99_ms=%.2f "
	    "back_worst_ms=%.1f\n", lost, refused, (unsigned long long)back.n,
	    (double)bench_hist_quantile(&back, 0.5) / 1e6,
	    (double)bench_hist_quantile(&back, 0.99) / 1e6, (double)back.max / 1e6);
}

/* ---------------------------------------------------------------- set-up --- */

static FILE *
open_file(const char *prefix, const char *end)
{
	char path[4096];
	FILE *f;

	snprintf(path, sizeof(path), "%s.%s", prefix, end);
	f = fopen(path, "we");
	if (f == NULL)
		bench_die("%s: %s", path, strerror(errno));
	return f;
}

static struct conn *
conns_new(long n_conns)
{
	size_t n = (size_t)n_conns + FRESH_MAX;
	struct conn *conns = calloc(n, sizeof(*conns));

	if (conns == NULL)
		bench_die("openload: no memory");
	for (size_t i = 0; i < n; i++) {
		struct conn *c = &conns[i];

		c->fd = -1;
		/*
		 * Workers take turns in accepting: no worker must get all
		 * connections of a kind.
		 */
		c->kind = i >= (size_t)n_conns ? FRESH :
		    i / 8 % 4 < 2 ? BUILTIN : i / 8 % 4 == 2 ? COMMAND : HANDLER;
		conn_down(c, 0);
	}
	return conns;
}

static void
set_rate(enum kind k, const char *text)
{
	loads[k].every_ns = 1000000000ull / (uint64_t)bench_number(text, kind_names[k], 1000000);
}

int
main(int argc, char **argv)
{
	const char *prefix = NULL;
	long n_conns = 200;
	struct conn *conns;
	uint64_t end;
	int c;

	while ((c = getopt(argc, argv, "s:o:c:b:k:h:n:")) != -1) {
		switch (c) {
		case 's': bench_target_parse(&target, optarg); break;
		case 'o': prefix = optarg; break;
		case 'c': n_conns = bench_number(optarg, "-c", 10000); break;
		case 'b': set_rate(BUILTIN, optarg); break;
		case 'k': set_rate(COMMAND, optarg); break;
		case 'h': set_rate(HANDLER, optarg); break;
		case 'n': set_rate(FRESH, optarg); break;
		default: return 1;
		}
	}
	if (target.len == 0 || prefix == NULL || optind != argc)
		bench_die("usage: openload -s URL -o PREFIX [-c CONNECTIONS] [-b N] [-k N] [-h N] "
		    "[-n N]");
	sent_file = open_file(prefix, "sent");
	events = open_file(prefix, "events");
	setvbuf(events, NULL, _IOLBF, 0);
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	for (enum kind k = 0; k < KINDS; k++) {
		TAILQ_INIT(&loads[k].idle);
		loads[k].next_ns = bench_now();
	}
	(void)sigaction(SIGTERM, &(struct sigaction){ .sa_handler = on_term }, NULL);
	conns = conns_new(n_conns);
	while (!over)
		turn();
	end = bench_now() + DRAIN_NS;
	while (n_under_way() > 0 && bench_now() < end)
		turn();
	for (size_t i = 0; i < (size_t)n_conns; i++)
		if (conns[i].state == BUSY)
			record(&conns[i], "unanswered");
	report();
	free(conns);
	return fclose(sent_file) == 0 && fclose(events) == 0 && n_under_way() == 0 ? 0 : 1;
}
