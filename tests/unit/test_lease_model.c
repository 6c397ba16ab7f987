/* SPDX-License-Identifier: ISC */
/*
 * lease model: clients, handlers and the broker act in any order. In each order
 * every request gets one reply, in its place, its own or an error; no request
 * reaches a handler twice; pushed input reaches the handler whole and in step;
 * nothing is left over.
 */
#include "config.h"

#include <inttypes.h>
#include <signal.h>

#include "base/cleanup.h"

static const char rules[] =
    "listen \"tcp://127.0.0.1:7373\" { max-connections = 100 }\n"
    "role \"local\" { net = {\"unix\"} }\n"
    "service \"one\" { handler = {\"/bin/up\"} allow = {\"local\"} queue = 5 log = none\n"
    "  argument \"text\" { type = text } }\n"
    "service \"two\" { handler = {\"/bin/up\"} allow = {\"local\"} pipeline = 3 log = none\n"
    "  on-disconnect = kill argument \"text\" { type = text } }\n"
    "service \"inp\" { handler = {\"/bin/up\"} allow = {\"local\"} pipeline = 2 log = none\n"
    "  queue = 5 input = pushed argument \"text\" { type = text } }\n";

#include "worker-peer.h"

#define CLIENTS 6
#define PROCESSES 12
#define PENDING 8		/* requests that a client sends ahead */
#define STEPS 8000
#define NUMBERS (STEPS * 2)
#define CHUNK_MAX 30000

static const char *const services[] = { "one", "two", "inp" };
#define INP 2

/* An answer that a client waits for. */
struct pending {
	enum { REPLY, CANCEL, OPEN, CHUNK } kind;
	unsigned number;
};

struct model_client {
	int fd;
	struct conn *conn;
	struct pending pending[PENDING];
	unsigned n_pending;
	struct buf heard;
	char open[CALL_ID_TEXT];	/* "": no call is open */
	unsigned number;		/* number of that call */
};

/* A process of the model; in -1: this place is free. */
struct model_process {
	uint64_t id;
	int in, out, err;
	struct buf got, said;
	bool in_input;			/* input of this number follows, which it has
					 * answered already */
	bool is_early;
	unsigned number;
};

/*
 * Bytes of input that were taken from clients, and bytes that processes have
 * read.
 */
static size_t taken[NUMBERS], read_of[NUMBERS];
static bool early[NUMBERS];

static struct model_client clients[CLIENTS];
static struct model_process processes[PROCESSES];
static unsigned wanted[ARRAY_LEN(services)];
static bool seen[NUMBERS];
static unsigned next_number, n_answers, n_errors, n_opened, n_early;
static uint64_t last_id, seed;

static unsigned
any(unsigned n)
{
	seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (unsigned)(seed >> 33) % n;
}

/* --------------------------------------------------------------- clients --- */

static void
client_new(struct model_client *c)
{
	c->fd = client_as(&c->conn);
	c->n_pending = 0;
	*c->open = '\0';
	c->heard = BUF_INIT(0);
}

static void
client_call(struct model_client *c)
{
	char text[64];
	int n;

	if (c->n_pending == PENDING || next_number == NUMBERS)
		return;
	n = snprintf(text, sizeof(text), "CALL %s %u\r\n", services[any(ARRAY_LEN(services))],
	    next_number);
	if (send(c->fd, text, (size_t)n, MSG_NOSIGNAL) == n)
		c->pending[c->n_pending++] = (struct pending){ REPLY, next_number++ };
}

static void
client_open(struct model_client *c)
{
	char text[64];
	int n;

	if (c->n_pending == PENDING || next_number == NUMBERS)
		return;
	n = snprintf(text, sizeof(text), "CALL --open inp %u\r\n", next_number);
	if (send(c->fd, text, (size_t)n, MSG_NOSIGNAL) == n)
		c->pending[c->n_pending++] = (struct pending){ OPEN, next_number++ };
}

/*
 * Sends a little input, or so much that it does not fit into a pipe for long.
 */
static void
client_input(struct model_client *c)
{
	static char text[CHUNK_MAX + 100];
	unsigned len = 1 + any(any(3) == 0 ? CHUNK_MAX : 50);
	int n;

	if (*c->open == '\0' || c->n_pending > 3)
		return;
	n = snprintf(text, sizeof(text), "*3\r\n$5\r\nINPUT\r\n$16\r\n%s\r\n$%u\r\n", c->open,
	    len);
	memset(text + n, 'a' + (int)(c->number % 26), len);
	memcpy(text + n + len, "\r\n", 2);
	n += (int)len + 2;
	if (send(c->fd, text, (size_t)n, MSG_NOSIGNAL) == n)
		c->pending[c->n_pending++] = (struct pending){ CHUNK, c->number };
	else
		ck_assert_int_eq(errno, EAGAIN);
}

static void
client_input_end(struct model_client *c)
{
	char text[64];
	int n;

	if (*c->open == '\0' || c->n_pending == PENDING)
		return;
	n = snprintf(text, sizeof(text), "INPUT %s\r\n", c->open);
	if (send(c->fd, text, (size_t)n, MSG_NOSIGNAL) != n)
		return;
	c->pending[c->n_pending++] = (struct pending){ REPLY, c->number };
	*c->open = '\0';
}

/* Cancels any client's call, which may be still to come. */
static void
client_say_cancel(struct model_client *c)
{
	struct conn *other = clients[any(CLIENTS)].conn;
	uint64_t id = w.desk.id_high | (w.desk.id_low + any(3));
	char text[64];
	int n;

	if (c->n_pending == PENDING)
		return;
	if (call_of(other) != NULL)
		id = call_of(other)->id + any(2);
	n = snprintf(text, sizeof(text), "CANCEL %016" PRIx64 "\r\n", id);
	if (send(c->fd, text, (size_t)n, MSG_NOSIGNAL) == n)
		c->pending[c->n_pending++] = (struct pending){ CANCEL, 0 };
}

/* Checks one reply at the start of text. Returns its length, 0: not whole. */
static size_t
reply_check(struct model_client *c, struct slice text)
{
	const char *end = memmem(text.data, text.len, "\r\n", 2);
	struct pending first = c->pending[0];
	char want[32];
	int n;

	if (end == NULL)
		return 0;
	ck_assert_uint_gt(c->n_pending, 0);
	ck_assert((first.kind == CANCEL || first.kind == CHUNK) == (text.data[0] == ':'));
	n = (int)(end - text.data) + 2;
	if (text.data[0] == ':') {
		if (first.kind == CHUNK)
			taken[first.number] += strtoul(text.data + 1, NULL, 10);
	} else if (text.data[0] == '-') {
		n_errors++;
	} else if (first.kind == OPEN) {
		ck_assert_int_eq(text.data[0], '+');
		ck_assert_int_eq(n, 19);
		ck_assert(*c->open == '\0');
		memcpy(c->open, text.data + 1, sizeof(c->open) - 1);
		c->open[sizeof(c->open) - 1] = '\0';
		c->number = first.number;
		n_opened++;
	} else {
		n = snprintf(want, sizeof(want), "$5\r\n%05u\r\n", first.number);
		if (text.len < (size_t)n)
			return 0;
		ck_assert_int_eq(memcmp(text.data, want, (size_t)n), 0);
		ck_assert(seen[first.number]);
		ck_assert(early[first.number] || read_of[first.number] == taken[first.number]);
		n_answers++;
	}
	memmove(c->pending, c->pending + 1, --c->n_pending * sizeof(c->pending[0]));
	return (size_t)n;
}

static void
client_hear(struct model_client *c)
{
	char bytes[4096];
	ssize_t n;
	size_t used;

	while ((n = recv(c->fd, bytes, sizeof(bytes), 0)) > 0)
		ck_assert_int_eq(buf_append(&c->heard, bytes, (size_t)n), 0);
	ck_assert_int_lt(n, 0);
	while (buf_len(&c->heard) > 0 && (used = reply_check(c, buf_slice(&c->heard))) > 0)
		buf_consume(&c->heard, used);
}

static void
client_leave(struct model_client *c)
{
	(void)close(c->fd);
	/* Close at once, or when the worker notices. */
	if (any(2) == 0)
		conn_close(c->conn);
	bury();
	buf_done(&c->heard);
	client_new(c);
}

/* The deadline of the client's call has passed. */
static void
client_expire(struct model_client *c)
{
	if (call_of(c->conn) != NULL && loop_timer_is_armed(&call_of(c->conn)->timer))
		later(&call_of(c->conn)->timer, any(2) == 0 ? 20 * USEC_PER_SEC : 3600 * USEC_PER_SEC);
}

static void
client_cancel(struct model_client *c)
{
	if (call_of(c->conn) != NULL)
		call_cancel(call_of(c->conn), CANCEL_BY_ADMIN);
	bury();
}

/* ------------------------------------------------------------- processes --- */

static void
process_end(struct model_process *p)
{
	if (p->in < 0)
		return;
	(void)close(p->in);
	(void)close(p->out);
	(void)close(p->err);
	p->in = -1;
	buf_done(&p->got);
	buf_done(&p->said);
}

static void
process_lend(unsigned service)
{
	struct frame f = { .type = FRAME_LEASE, .id = ++last_id, .lease.is_proven = true };
	struct model_process *p = processes;
	int ours[3];

	while (p < processes + PROCESSES && p->in >= 0)
		p++;
	if (p == processes + PROCESSES)
		return;
	(void)strlcpy(f.lease.service, services[service], sizeof(f.lease.service));
	f.lease.requests = any(3) == 0 ? 1 + any(4) : 0;
	send_lease(&f, ours);
	*p = (struct model_process){ .id = f.id, .in = ours[0], .out = ours[1], .err = ours[2],
		.got = BUF_INIT(0), .said = BUF_INIT(0) };
	if (wanted[service] > 0)
		wanted[service]--;
}

static void
process_reply(struct model_process *p, unsigned number)
{
	char reply[32];

	(void)snprintf(reply, sizeof(reply), "$5\r\n%05u\r\n", number);
	ck_assert_int_eq(buf_append_str(&p->said, reply), 0);
}

/*
 * Checks a request at the start of text, which each process gets once. Returns
 * its length; 0: not whole.
 */
static size_t
request_check(struct model_process *p, struct slice text)
{
	static const char digits[] = "0123456789";
	unsigned number;
	int used = 0;

	ck_assert(!p->in_input);
	if (text.len < 13)
		return 0;
	ck_assert_int_eq(strncmp(text.data, "*2\r\n$3\r\n", 8), 0);
	if (sscanf(text.data + 13, "$%*u\r\n%u\r\n%n", &number, &used) != 1 || used == 0 ||
	    strchr(digits, text.data[13 + used - 3]) == NULL)
		return 0;
	if (text.data[13 + used - 1] != '\n')
		return 0;
	ck_assert_uint_lt(number, NUMBERS);
	ck_assert(!seen[number]);
	seen[number] = true;
	if (strncmp(text.data + 8, services[INP], 3) == 0) {
		p->in_input = true;
		p->is_early = false;
		p->number = number;
	} else {
		process_reply(p, number);
	}
	return (size_t)used + 13;
}

/* Checks a piece of input, which belongs to the request before it. */
static size_t
piece_check(struct model_process *p, struct slice text)
{
	static const char head[] = ">2\r\n$5\r\ninput\r\n$";
	unsigned len;
	int used = 0;

	ck_assert(p->in_input);
	if (text.len < sizeof(head) + 2)
		return 0;
	ck_assert_int_eq(strncmp(text.data, head, sizeof(head) - 1), 0);
	if (sscanf(text.data + sizeof(head) - 1, "%u\r\n%n", &len, &used) != 1 || used == 0)
		return 0;
	if (text.data[sizeof(head) - 2 + (size_t)used] != '\n')
		return 0;
	used += (int)sizeof(head) - 1;
	if (len == 0)
		used = (int)sizeof(head) + 2;
	if (text.len < (size_t)used + len + 2)
		return 0;
	for (unsigned i = 0; i < len; i++)
		ck_assert_int_eq(text.data[used + (int)i], 'a' + (int)(p->number % 26));
	ck_assert_int_eq(memcmp(text.data + used + len, "\r\n", 2), 0);
	read_of[p->number] += len;
	if (len == 0) {
		p->in_input = false;
		if (!p->is_early)
			process_reply(p, p->number);
	}
	return (size_t)used + len + 2;
}

/*
 * Reads; half of a request or piece never stands in front of another. False:
 * the input has ended.
 */
static bool
process_read(struct model_process *p)
{
	char bytes[4096];
	size_t used = 1;
	ssize_t n;

	while ((n = read(p->in, bytes, sizeof(bytes))) > 0)
		ck_assert_int_eq(buf_append(&p->got, bytes, (size_t)n), 0);
	while (buf_len(&p->got) > 0 && used > 0) {
		struct slice text;

		ck_assert_ptr_nonnull(buf_text(&p->got));
		text = buf_slice(&p->got);
		used = text.data[0] == '>' ? piece_check(p, text) : request_check(p, text);
		buf_consume(&p->got, used);
	}
	if (n == 0)
		process_end(p);
	return n != 0;
}

/* Answers before the end of the input; earlier answers go first. */
static void
process_answer_early(struct model_process *p)
{
	if (!p->in_input || p->is_early)
		return;
	p->is_early = early[p->number] = true;
	process_reply(p, p->number);
	n_early++;
}

/* Answers: writes all, or a few bytes. */
static void
process_answer(struct model_process *p, bool all)
{
	size_t n = buf_len(&p->said);

	if (n > 0 && !all)
		n = 1 + any((unsigned)n);
	if (n == 0)
		return;
	if (write(p->out, buf_data(&p->said), n) == (ssize_t)n)
		buf_consume(&p->said, n);
}

static void
process_step(struct model_process *p)
{
	/* A slow process does nothing now. */
	if (p->in < 0 || any(4) == 0 || !process_read(p))
		return;
	if (any(4) == 0)
		process_answer_early(p);
	switch (any(150)) {
	case 0:
		process_end(p);
		return;
	case 1:
		(void)!write(p->out, "hello\n", 6);
		return;
	case 2:
		(void)!write(p->err, "words\n", 6);
		return;
	default:
		process_answer(p, any(3) == 0);
		return;
	}
}

/* ---------------------------------------------------------------- broker --- */

static void
broker_hear(void)
{
	struct asked a;
	uint64_t broke = 0;

	while (heard_frame(&a)) {
		if (a.frame.type == FRAME_WANT) {
			for (size_t i = 0; i < ARRAY_LEN(services); i++)
				wanted[i] += strcmp(a.frame.lease.service, services[i]) == 0;
			continue;
		}
		if (a.frame.type == FRAME_CANCEL_OWNED) {
			struct frame none = {
				.type = FRAME_CANCELLED, .answers = a.frame.serial,
			};

			broker_says(&none, NULL, 0);
			continue;
		}
		/* Followed by the return of the same process, as a broken one. */
		if (a.frame.type == FRAME_BROKE) {
			ck_assert_uint_eq(broke, 0);
			ck_assert_uint_ne(a.frame.broke.fault, 0);
			broke = a.frame.id;
			continue;
		}
		ck_assert_uint_eq(a.frame.type, FRAME_RETURN);
		if (broke != 0) {
			ck_assert_uint_eq(a.frame.id, broke);
			ck_assert_uint_eq(a.frame.lease.is_broken, 1);
		}
		broke = 0;
		for (size_t i = 0; i < PROCESSES; i++) {
			if (processes[i].in >= 0 && processes[i].id == a.frame.id)
				process_end(&processes[i]);
		}
	}
}

static void
broker_step(void)
{
	struct frame f = { .type = FRAME_RECALL };
	unsigned service = any(ARRAY_LEN(services));

	broker_hear();
	switch (any(100)) {
	case 0:
		broker_dies();
		memset(wanted, 0, sizeof(wanted));
		one_turn();
		new_broker();
		return;
	case 1:
		f.type = FRAME_UNABLE;
		(void)strlcpy(f.unable.service, services[service], sizeof(f.unable.service));
		wanted[service] = 0;
		broker_says(&f, NULL, 0);
		return;
	case 2:
	case 3:
	case 4:
		f.id = processes[any(PROCESSES)].id;
		broker_says(&f, NULL, 0);
		return;
	default:
		if (wanted[service] > 0)
			process_lend(service);
		return;
	}
}

/* ------------------------------------------------------------------ model --- */

static void
step(void)
{
	struct model_client *c = &clients[any(CLIENTS)];

	switch (any(100)) {
	case 0:
		client_leave(c);
		break;
	case 1:
		client_expire(c);
		break;
	case 2:
		client_cancel(c);
		break;
	case 3 ... 8:
		client_say_cancel(c);
		break;
	case 9 ... 11:
		client_open(c);
		break;
	case 12 ... 17:
		client_input(c);
		break;
	case 18 ... 23:
		client_input_end(c);
		break;
	case 24 ... 43:
		client_call(c);
		break;
	case 44 ... 60:
		broker_step();
		break;
	default:
		process_step(&processes[any(PROCESSES)]);
		break;
	}
	/* Let more happen in the same turn. */
	if (any(3) == 0)
		return;
	one_turn();
	client_hear(c);
}

/* The time is over that clients which left an open call had. */
static void
leavers_expire(void)
{
	struct conn *c, *next;

	TAILQ_FOREACH_SAFE(c, &w.net.conns, link, next) {
		if (c->state == CONN_OPEN || c->state == CONN_QUITTING ||
		    c->state == CONN_LINGERING || !loop_timer_is_armed(&c->timer))
			continue;
		later(&c->timer, 2 * USEC_PER_SEC);
		return;
	}
}

/* Lets all sides behave until nothing is left to do. */
static void
settle(void)
{
	bool busy = true;

	for (unsigned i = 0; busy; i++) {
		ck_assert_uint_lt(i, 2000);
		broker_hear();
		for (unsigned s = 0; s < ARRAY_LEN(services); s++) {
			if (wanted[s] > 0)
				process_lend(s);
		}
		for (size_t k = 0; k < PROCESSES; k++) {
			if (processes[k].in >= 0 && process_read(&processes[k]))
				process_answer(&processes[k], true);
		}
		turns();
		leavers_expire();
		busy = stats.running > 0;
		for (size_t k = 0; k < CLIENTS; k++) {
			client_input_end(&clients[k]);
			client_hear(&clients[k]);
			busy |= clients[k].n_pending > 0 || *clients[k].open != '\0';
		}
	}
}

START_TEST(anything_in_any_order)
{
	(void)signal(SIGPIPE, SIG_IGN);
	seed = (uint64_t)_i * 7919 + 1;
	next_number = n_answers = n_errors = n_opened = n_early = 0;
	memset(wanted, 0, sizeof(wanted));
	memset(seen, 0, sizeof(seen));
	memset(early, 0, sizeof(early));
	memset(taken, 0, sizeof(taken));
	memset(read_of, 0, sizeof(read_of));
	for (size_t i = 0; i < PROCESSES; i++)
		processes[i] = (struct model_process){ .in = -1 };
	for (size_t i = 0; i < CLIENTS; i++)
		client_new(&clients[i]);
	for (unsigned i = 0; i < STEPS; i++)
		step();
	settle();
	/* Most requests went well, but many did not. */
	ck_assert_uint_gt(n_answers, STEPS / 40);
	ck_assert_uint_gt(n_errors, STEPS / 60);
	ck_assert_uint_gt(n_opened, STEPS / 300);
	ck_assert_uint_gt(n_early, STEPS / 1000);
	for (size_t i = 0; i < CLIENTS; i++) {
		(void)close(clients[i].fd);
		buf_done(&clients[i].heard);
	}
	for (size_t i = 0; i < PROCESSES; i++)
		process_end(&processes[i]);
	turns();
}
END_TEST

static void
add(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, anything_in_any_order, 0, 16);
}

UNIT_MAIN("lease_model", add(tc))
