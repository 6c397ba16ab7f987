/* SPDX-License-Identifier: ISC */
/*
 * Clients, handlers and the runner do what they like in any order. Whatever
 * that is: every request gets one reply, in its place, its own or an error;
 * none reaches a handler twice; nothing is left over.
 */
#include "config.h"

#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>

#include "base/cleanup.h"

static const char rules[] =
    "listen \"tcp://127.0.0.1:7373\" { max-connections = 100 }\n"
    "role \"local\" { net = {\"unix\"} }\n"
    "service \"one\" { handler = {\"/bin/up\"} allow = {\"local\"} queue = 5 log = none\n"
    "  argument \"text\" { type = text } }\n"
    "service \"two\" { handler = {\"/bin/up\"} allow = {\"local\"} pipeline = 3 log = none\n"
    "  on-disconnect = kill argument \"text\" { type = text } }\n";

#include "worker-peer.h"

#define CLIENTS 6
#define PROCESSES 12
#define PENDING 8		/* requests a client sends ahead */
#define STEPS 6000
#define NUMBERS (STEPS * 2)
#define CANCEL NUMBERS		/* in the place of a number */

static const char *const services[] = { "one", "two" };

struct model_client {
	int fd;
	struct conn *conn;
	unsigned pending[PENDING], n_pending;
	struct buf heard;
};

/* in -1: there is none at this place. */
struct model_process {
	uint64_t id;
	int in, out, err;
	struct buf got, said;
};

static struct model_client clients[CLIENTS];
static struct model_process processes[PROCESSES];
static unsigned wanted[ARRAY_LEN(services)];
static bool seen[NUMBERS];
static unsigned next_number, n_answers, n_errors;
static uint64_t last_id, seed;

static unsigned
any(unsigned n)
{
	seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (unsigned)(seed >> 33) % n;
}

static void
one_turn(void)
{
	struct loop_timer now = { .fn = wake };

	loop_arm(&w.loop, &now, 1);
	ck_assert_int_eq(loop_turn(&w.loop), 0);
	bury();
}

/* --------------------------------------------------------------- clients --- */

static void
client_new(struct model_client *c)
{
	c->fd = client_as(&c->conn);
	c->n_pending = 0;
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
		c->pending[c->n_pending++] = next_number++;
}

/* Of a call of anybody's, perhaps of one that is still to come. */
static void
client_say_cancel(struct model_client *c)
{
	const struct conn *other = clients[any(CLIENTS)].conn;
	uint64_t id = w.id_high | (w.id_low + any(3));
	char text[64];
	int n;

	if (c->n_pending == PENDING)
		return;
	if (other->call != NULL)
		id = other->call->id + any(2);
	n = snprintf(text, sizeof(text), "CANCEL %016" PRIx64 "\r\n", id);
	if (send(c->fd, text, (size_t)n, MSG_NOSIGNAL) == n)
		c->pending[c->n_pending++] = CANCEL;
}

/* One reply at the start of text; returns its length, 0: not whole. */
static size_t
reply_check(struct model_client *c, struct slice text)
{
	const char *end = memmem(text.data, text.len, "\r\n", 2);
	char want[32];
	int n;

	if (end == NULL)
		return 0;
	ck_assert_uint_gt(c->n_pending, 0);
	ck_assert((c->pending[0] == CANCEL) == (text.data[0] == ':'));
	if (text.data[0] == ':') {
		n = (int)(end - text.data) + 2;
	} else if (text.data[0] == '-') {
		n = (int)(end - text.data) + 2;
		n_errors++;
	} else {
		n = snprintf(want, sizeof(want), "$5\r\n%05u\r\n", c->pending[0]);
		if (text.len < (size_t)n)
			return 0;
		ck_assert_int_eq(memcmp(text.data, want, (size_t)n), 0);
		ck_assert(seen[c->pending[0]]);
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
	/* At once, or when the worker sees it. */
	if (any(2) == 0)
		conn_close(c->conn);
	bury();
	buf_done(&c->heard);
	client_new(c);
}

/* Its time is over. */
static void
client_expire(struct model_client *c)
{
	if (c->conn->call != NULL)
		later(&c->conn->call->timer, any(2) == 0 ? 20 * USEC_PER_SEC : 3600 * USEC_PER_SEC);
}

static void
client_cancel(struct model_client *c)
{
	if (c->conn->call != NULL)
		call_cancel(c->conn->call, CANCEL_BY_ADMIN);
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
	int in[2], out[2], err[2];

	while (p < processes + PROCESSES && p->in >= 0)
		p++;
	if (p == processes + PROCESSES)
		return;
	ck_assert_int_eq(pipe2(in, O_CLOEXEC | O_NONBLOCK), 0);
	ck_assert_int_eq(pipe2(out, O_CLOEXEC | O_NONBLOCK), 0);
	ck_assert_int_eq(pipe2(err, O_CLOEXEC | O_NONBLOCK), 0);
	(void)strlcpy(f.lease.service, services[service], sizeof(f.lease.service));
	f.lease.requests = any(3) == 0 ? 1 + any(4) : 0;
	ck_assert_int_eq(channel_send(runner, &f, (int[]){ in[1], out[0], err[0] }, 3), 0);
	(void)close(in[1]);
	(void)close(out[0]);
	(void)close(err[0]);
	*p = (struct model_process){ .id = f.id, .in = in[0], .out = out[1], .err = err[1],
		.got = BUF_INIT(0), .said = BUF_INIT(0) };
	if (wanted[service] > 0)
		wanted[service]--;
}

/* Each request once, and never half of one behind another. False: its end. */
static bool
process_read(struct model_process *p)
{
	char bytes[4096], reply[32];
	unsigned number;
	ssize_t n;
	int used;

	while ((n = read(p->in, bytes, sizeof(bytes))) > 0)
		ck_assert_int_eq(buf_append(&p->got, bytes, (size_t)n), 0);
	while (buf_len(&p->got) > 0) {
		const char *text = buf_text(&p->got);

		used = 0;
		ck_assert_int_eq(strncmp(text, "*2\r\n$3\r\n", 8), 0);
		ck_assert_int_eq(sscanf(text + 13, "$%*u\r\n%u\r\n%n", &number, &used), 1);
		ck_assert_int_gt(used, 0);
		ck_assert_uint_lt(number, NUMBERS);
		ck_assert(!seen[number]);
		seen[number] = true;
		buf_consume(&p->got, (size_t)used + 13);
		(void)snprintf(reply, sizeof(reply), "$5\r\n%05u\r\n", number);
		ck_assert_int_eq(buf_append_str(&p->said, reply), 0);
	}
	if (n == 0)
		process_end(p);
	return n != 0;
}

/* Answers, all that it has read or a few bytes of it. */
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
	if (p->in < 0 || !process_read(p))
		return;
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

/* ---------------------------------------------------------------- runner --- */

static void
runner_hear(void)
{
	struct asked a;

	while (channel_receive(runner, &a.frame, a.fds, &a.n_fds) == CHANNEL_OK) {
		if (a.frame.type == FRAME_WANT) {
			wanted[strcmp(a.frame.lease.service, services[1]) == 0]++;
			continue;
		}
		if (a.frame.type == FRAME_CANCEL_OWNED) {
			struct frame none = { .type = FRAME_CANCELLED };

			ck_assert_int_eq(channel_send(runner, &none, NULL, 0), 0);
			continue;
		}
		ck_assert_uint_eq(a.frame.type, FRAME_RETURN);
		for (size_t i = 0; i < PROCESSES; i++) {
			if (processes[i].in >= 0 && processes[i].id == a.frame.id)
				process_end(&processes[i]);
		}
	}
}

static void
runner_step(void)
{
	struct frame f = { .type = FRAME_RECALL };
	unsigned service = any(ARRAY_LEN(services));

	runner_hear();
	switch (any(100)) {
	case 0:
		(void)close(runner);
		wanted[0] = wanted[1] = 0;
		one_turn();
		new_runner();
		return;
	case 1:
		f.type = FRAME_UNABLE;
		(void)strlcpy(f.unable.service, services[service], sizeof(f.unable.service));
		wanted[service] = 0;
		ck_assert_int_eq(channel_send(runner, &f, NULL, 0), 0);
		return;
	case 2:
	case 3:
	case 4:
		f.id = processes[any(PROCESSES)].id;
		ck_assert_int_eq(channel_send(runner, &f, NULL, 0), 0);
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
	case 9 ... 38:
		client_call(c);
		break;
	case 39 ... 55:
		runner_step();
		break;
	default:
		process_step(&processes[any(PROCESSES)]);
		break;
	}
	/* Or more happens in the same turn. */
	if (any(3) == 0)
		return;
	one_turn();
	client_hear(c);
}

/* Everybody behaves, until nothing is left to do. */
static void
settle(void)
{
	bool busy = true;

	for (unsigned i = 0; busy; i++) {
		ck_assert_uint_lt(i, 2000);
		runner_hear();
		for (unsigned s = 0; s < ARRAY_LEN(services); s++) {
			if (wanted[s] > 0)
				process_lend(s);
		}
		for (size_t k = 0; k < PROCESSES; k++) {
			if (processes[k].in >= 0 && process_read(&processes[k]))
				process_answer(&processes[k], true);
		}
		turns();
		busy = stats.running > 0;
		for (size_t k = 0; k < CLIENTS; k++) {
			client_hear(&clients[k]);
			busy |= clients[k].n_pending > 0;
		}
	}
}

START_TEST(anything_in_any_order)
{
	(void)signal(SIGPIPE, SIG_IGN);
	seed = (uint64_t)_i * 7919 + 1;
	next_number = n_answers = n_errors = 0;
	wanted[0] = wanted[1] = 0;
	memset(seen, 0, sizeof(seen));
	for (size_t i = 0; i < PROCESSES; i++)
		processes[i] = (struct model_process){ .in = -1 };
	for (size_t i = 0; i < CLIENTS; i++)
		client_new(&clients[i]);
	for (unsigned i = 0; i < STEPS; i++)
		step();
	settle();
	/* Most went well, and much did not. */
	ck_assert_uint_gt(n_answers, STEPS / 20);
	ck_assert_uint_gt(n_errors, STEPS / 60);
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
