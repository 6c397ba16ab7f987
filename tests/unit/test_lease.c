/* SPDX-License-Identifier: ISC */
/*
 * Calls of handler services: the test is the client, the runner and the
 * handler, so that every byte comes when it says.
 */
#include "config.h"

#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>

#include "base/cleanup.h"
#include "ipc/logrec.h"

static const char rules[] =
    "listen \"tcp://127.0.0.1:7373\" { max-connections = 100 }\n"
    "role \"local\" { net = {\"unix\"} }\n"
    "service \"up\" { handler = {\"/bin/up\"} allow = {\"local\"} verb = {\"UPPER\"}\n"
    "  input = optional argument \"flag\" { type = flag value = \"-f\" optional = yes }\n"
    "  argument \"text\" { type = text default = \"none\" repeat = yes } }\n"
    "service \"kill\" { handler = {\"/bin/up\"} allow = {\"local\"} on-disconnect = kill }\n"
    "service \"narrow\" { handler = {\"/bin/up\"} allow = {\"local\"} queue = 2\n"
    "  timeout = 60s queue-timeout = 5s output-limit = 1KiB }\n"
    "service \"wide\" { handler = {\"/bin/up\"} allow = {\"local\"} pipeline = 2\n"
    "  input = optional }\n"
    "service \"push\" { handler = {\"/bin/up\"} allow = {\"local\"} input = pushed queue = 2\n"
    "  timeout = 60s queue-timeout = 5s }\n"
    "service \"pile\" { handler = {\"/bin/up\"} allow = {\"local\"} input = pushed pipeline = 2 }\n"
    "service \"context\" { handler = {\"/bin/up\"} allow = {\"local\"} context = yes\n"
    "  argument \"text\" { type = text optional = yes } }\n"
    "service \"echo\" { command = {\"/bin/echo\"} allow = {\"local\"} }\n";

#include "worker-peer.h"

/* --------------------------------------------------------------- handler --- */

/* A process, as the runner sees it. */
struct lent {
	uint64_t id;
	int in, out, err;
};

static uint64_t last_id;

static struct lent
lend_with(const char *service, const struct frame_lease *how)
{
	struct frame f = { .type = FRAME_LEASE, .id = ++last_id, .lease = *how };
	struct lent l = { .id = f.id };
	int in[2], out[2], err[2];

	ck_assert_int_eq(pipe2(in, O_CLOEXEC | O_NONBLOCK), 0);
	ck_assert_int_eq(pipe2(out, O_CLOEXEC | O_NONBLOCK), 0);
	ck_assert_int_eq(pipe2(err, O_CLOEXEC | O_NONBLOCK), 0);
	(void)strlcpy(f.lease.service, service, sizeof(f.lease.service));
	f.lease.pid = 4711;
	ck_assert_int_eq(channel_send(runner, &f, (int[]){ in[1], out[0], err[0] }, 3), 0);
	(void)close(in[1]);
	(void)close(out[0]);
	(void)close(err[0]);
	l.in = in[0];
	l.out = out[1];
	l.err = err[1];
	turns();
	return l;
}

static struct lent
lend(const char *service)
{
	return lend_with(service, &(struct frame_lease){ .is_proven = true });
}

/* It was asked for, and comes. */
static struct lent
lend_wanted(const char *service)
{
	struct asked want = asked(FRAME_WANT);

	ck_assert_str_eq(want.frame.lease.service, service);
	ck_assert_uint_eq(want.frame.generation, w.conf->generation);
	return lend(service);
}

/* All that the process has been sent. */
static const char *
received(const struct lent *l)
{
	static char text[1 << 20];
	size_t len = 0;
	ssize_t n;

	turns();
	while ((n = read(l->in, text + len, sizeof(text) - len - 16)) > 0) {
		len += (size_t)n;
		turns();
	}
	text[len] = '\0';
	if (n == 0)
		(void)strlcat(text, "(closed)", sizeof(text));
	return text;
}

#define ck_received(l, text) ck_assert_str_eq(received(l), text)
#define ck_begins(text, with) ck_assert_int_eq(strncmp(text, with, strlen(with)), 0)

static void
answer(const struct lent *l, const char *text)
{
	ck_assert_int_eq(write(l->out, text, strlen(text)), (ssize_t)strlen(text));
	turns();
}

/* It dies, or what was lent is given up. */
static void
gone(struct lent *l)
{
	(void)close(l->in);
	(void)close(l->out);
	(void)close(l->err);
	turns();
}

static void
is_returned(const struct lent *l, uint32_t requests, bool is_broken)
{
	struct asked a = asked(FRAME_RETURN);

	ck_assert_uint_eq(a.frame.id, l->id);
	ck_assert_uint_eq(a.frame.lease.requests, requests);
	ck_assert_uint_eq(a.frame.lease.is_broken, is_broken);
}

static void
recall(const struct lent *l)
{
	tell(FRAME_RECALL, l->id, -1);
}

static struct lease *
lease_of(const char *service)
{
	return LIST_FIRST(&leases_get(&w, service)->list);
}

/* The lease was not used for so long. */
static void
rested(const char *service, uint64_t usec)
{
	later(&lease_of(service)->timer, usec);
}

#define UP "*2\r\n$2\r\nup\r\n$4\r\nnone\r\n"

/* Both ends of one call: a client and the handler that has its request. */
struct pair {
	int client;
	struct conn *conn;
	struct lent lent;
};

static struct pair
called(const char *service, const char *command)
{
	struct pair p = { .client = client_as(&p.conn) };

	say(p.client, command);
	p.lent = lend_wanted(service);
	ck_assert_int_eq(received(&p.lent)[0], '*');
	return p;
}

static void
setup_handlers(void)
{
	(void)signal(SIGPIPE, SIG_IGN);
	setup();
}

/* ---------------------------------------------------------------- plain --- */

/* The runner hears once of a new process that it is of use. */
START_TEST(first_answer_is_told)
{
	struct lent l;
	int fd = client();

	say(fd, "CALL up\r\nCALL up\r\n");
	(void)asked(FRAME_WANT);
	l = lend_with("up", &(struct frame_lease){ 0 });
	asked_nothing();
	answer(&l, ":1\r\n");
	ck_assert_uint_eq(asked(FRAME_PROVEN).frame.id, l.id);
	answer(&l, ":2\r\n");
	asked_nothing();
	ck_heard(fd, ":1\r\n:2\r\n");
	gone(&l);
	(void)asked(FRAME_RETURN);
}
END_TEST

START_TEST(plain)
{
	struct pair p = called("up", "CALL up\r\nCALL up yes a \"b c\"\r\nUpper no x\r\n");

	answer(&p.lent, "$2\r\nok\r\n");
	ck_heard(p.client, "$2\r\nok\r\n");
	ck_received(&p.lent, "*4\r\n$2\r\nup\r\n$2\r\n-f\r\n$1\r\na\r\n$3\r\nb c\r\n");
	answer(&p.lent, ":7\r\n");
	ck_heard(p.client, ":7\r\n");
	ck_received(&p.lent, "*2\r\n$5\r\nUPPER\r\n$1\r\nx\r\n");
	answer(&p.lent, "+fine\r\n");
	ck_heard(p.client, "+fine\r\n");
	asked_nothing();
	say(p.client, "CALL --stdin up no t in\r\n");
	ck_received(&p.lent, "*3\r\n$2\r\nup\r\n$1\r\nt\r\n$2\r\nin\r\n");
	answer(&p.lent, "_\r\n");
	ck_heard(p.client, "$-1\r\n");
	rested("up", 50 * USEC_PER_MSEC);
	asked_nothing();
	rested("up", 200 * USEC_PER_MSEC);
	is_returned(&p.lent, 4, false);
	ck_received(&p.lent, "(closed)");
	gone(&p.lent);
	ck_assert_uint_eq(stats.service[conf_find_service(w.conf, "up", 2)->number].calls, 4);
}
END_TEST

START_TEST(options_that_handlers_do_not_take)
{
	int a = client();

	say(a, "CALL --id=x up\r\nCALL --stdin kill in\r\nCALL --open kill\r\n");
	ck_heard(a, "-BADARG a handler service takes no --id\r\n"
	    "-BADARG this service takes no input\r\n-BADARG this service takes no input\r\n");
	asked_nothing();
}
END_TEST

START_TEST(values_are_written_for_the_client)
{
	static const char reply[] = "%1\r\n+k\r\n*4\r\n_\r\n#t\r\n,1.5\r\n=5\r\ntxt:x\r\n";
	struct pair p = called("up", "CALL up\r\n");

	answer(&p.lent, reply);
	ck_heard(p.client, "*2\r\n+k\r\n*4\r\n$-1\r\n:1\r\n$3\r\n1.5\r\n$1\r\nx\r\n");
	say(p.client, "HELLO 3\r\n");
	(void)heard(p.client);
	say(p.client, "CALL up\r\n");
	answer(&p.lent, reply);
	ck_heard(p.client, reply);
	gone(&p.lent);
}
END_TEST

START_TEST(errors_pass_but_not_all)
{
	static const struct {
		const char *said, *heard;
		uint64_t failed;
	} table[] = {
		{ "-WRONG it is\r\n", "-WRONG it is\r\n", 1 },
		{ "-MOVED 1 host:1\r\n", "-ERR MOVED 1 host:1\r\n", 2 },
		{ "-BUSY up queue full\r\n", "-ERR BUSY up queue full\r\n", 3 },
		{ "-EXIT 3 three\r\n", "-EXIT 3 three\r\n", 4 },
		{ "*1\r\n-EXIT 3 three\r\n", "*1\r\n-EXIT 3 three\r\n", 4 },
	};
	struct pair p = called("up", "CALL up\r\n");
	uint16_t number = conf_find_service(w.conf, "up", 2)->number;

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		answer(&p.lent, table[i].said);
		ck_heard(p.client, table[i].heard);
		ck_assert_uint_eq(stats.service[number].failed, table[i].failed);
		ck_assert_uint_eq(stats.service[number].outcome[OUTCOME_EXIT], i + 1);
		say(p.client, "CALL up\r\n");
	}
	answer(&p.lent, "$0\r\n\r\n");
	ck_heard(p.client, "$0\r\n\r\n");
	gone(&p.lent);
}
END_TEST

START_TEST(full_and_stream)
{
	struct pair p = called("up", "HELLO 3\r\nCALL --full up\r\n");
	const char *text;

	(void)heard(p.client);
	answer(&p.lent, ">3\r\n+output\r\n+stdout\r\n$1\r\nx\r\n-EXIT 4 four\r\n");
	text = heard(p.client);
	ck_begins(text, "%8\r\n$6\r\nstatus\r\n:4\r\n$6\r\nsignal\r\n_\r\n"
	    "$5\r\nvalue\r\n-EXIT 4 four\r\n$6\r\nstderr\r\n$0\r\n\r\n$9\r\ntruncated\r\n#f\r\n");
	ck_assert_ptr_nonnull(strstr(text, "$7\r\noutcome\r\n$4\r\nexit\r\n"));
	say(p.client, "CALL --stream up\r\n");
	answer(&p.lent, ">3\r\n+output\r\n+stdout\r\n$1\r\nx\r\n>3\r\n+output\r\n");
	text = heard(p.client);
	ck_begins(text, ">4\r\n$6\r\noutput\r\n$16\r\n");
	ck_assert_str_eq(text + strlen(text) - 19, "$6\r\nstdout\r\n$1\r\nx\r\n");
	answer(&p.lent, "+stderr\r\n$1\r\ny\r\n*1\r\n:5\r\n");
	text = heard(p.client);
	ck_begins(text, ">4\r\n");
	ck_assert_ptr_nonnull(strstr(text, "$6\r\nstderr\r\n$1\r\ny\r\n%7\r\n$6\r\nstatus\r\n:0\r\n"
	    "$6\r\nsignal\r\n_\r\n$5\r\nvalue\r\n*1\r\n:5\r\n$9\r\ntruncated\r\n"));
	gone(&p.lent);
}
END_TEST

START_TEST(context)
{
	struct pair p = { .client = client_as(&p.conn) };
	const char *text;

	say(p.client, "CALL --timeout=15000 --meta=k:v context\r\n");
	p.lent = lend_wanted("context");
	text = received(&p.lent);
	ck_begins(text, "*2\r\n$");
	ck_assert_ptr_nonnull(strstr(text, "\r\nid="));
	ck_assert_ptr_nonnull(strstr(text, "\ndeadline-ms=15000\ncaller=uid:12345"));
	ck_assert_ptr_nonnull(strstr(text, "\npeer=unix\nmeta.k=v\n\r\n$7\r\ncontext\r\n"));
	gone(&p.lent);
}
END_TEST

START_TEST(reply_byte_by_byte)
{
	static const char reply[] = "*2\r\n$3\r\nabc\r\n:12\r\n";
	struct pair p = called("up", "CALL up\r\n");

	for (size_t i = 0; i < sizeof(reply) - 1; i++) {
		ck_heard(p.client, "");
		answer(&p.lent, (char[]){ reply[i], '\0' });
	}
	ck_heard(p.client, reply);
	say(p.client, "CALL up\r\n");
	answer(&p.lent, ":1\r\n");
	ck_heard(p.client, ":1\r\n");
	gone(&p.lent);
}
END_TEST

/* ---------------------------------------------------------------- broken --- */

START_TEST(wrong_replies)
{
	static const struct {
		const char *said, *heard;
	} table[] = {
		{ "+one\r\n+two\r\n", "-HANDLER it answered twice\r\n" },
		{ "+one\r\n+tw", "-HANDLER it answered twice\r\n" },
		{ "hello\n", "-HANDLER unknown type\r\n" },
		{ ":1x\r\n", "-HANDLER invalid integer\r\n" },
		{ ">2\r\n+message\r\n+x\r\n", "-HANDLER it pushed something else than output\r\n" },
		{ "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n",
		    "-HANDLER nested too deeply\r\n" },
	};

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct pair p = called("up", "CALL up\r\nPING\r\n");
		char want[200];

		answer(&p.lent, table[i].said);
		(void)snprintf(want, sizeof(want), "%s+PONG\r\n", table[i].heard);
		ck_heard(p.client, want);
		is_returned(&p.lent, 0, true);
		ck_received(&p.lent, "(closed)");
		gone(&p.lent);
	}
}
END_TEST

START_TEST(answer_that_nobody_asked_for)
{
	struct pair p = called("up", "CALL up\r\n");
	int b;

	answer(&p.lent, "+one\r\n");
	answer(&p.lent, "+two\r\n");
	is_returned(&p.lent, 1, true);
	ck_heard(p.client, "+one\r\n");
	gone(&p.lent);
	b = client();
	say(b, "CALL up\r\n");
	(void)asked(FRAME_WANT);
	ck_heard(b, "");
}
END_TEST

/* ... while the runner had it: no reply for who gets it next. */
START_TEST(answer_from_before_the_lease)
{
	struct frame f = { .type = FRAME_LEASE, .lease = { .is_proven = true, .pid = 4711 } };
	struct lent l;
	int a = client();

	(void)strlcpy(f.lease.service, "up", sizeof(f.lease.service));
	say(a, "CALL up\r\n");
	(void)asked(FRAME_WANT);
	for (unsigned probe = 0; probe < 2; probe++) {
		int in[2], out[2], err[2];

		f.id = l.id = ++last_id;
		f.lease.is_probe = (uint8_t)probe;
		ck_assert_int_eq(pipe2(in, O_CLOEXEC | O_NONBLOCK), 0);
		ck_assert_int_eq(pipe2(out, O_CLOEXEC | O_NONBLOCK), 0);
		ck_assert_int_eq(pipe2(err, O_CLOEXEC | O_NONBLOCK), 0);
		ck_assert_int_eq(write(out[1], "+stale\r\n", 8), 8);
		ck_assert_int_eq(channel_send(runner, &f, (int[]){ in[1], out[0], err[0] }, 3), 0);
		(void)close(in[1]);
		(void)close(out[0]);
		(void)close(err[0]);
		l.in = in[0];
		l.out = out[1];
		l.err = err[1];
		ck_received(&l, "(closed)");
		is_returned(&l, 0, true);
		gone(&l);
		ck_heard(a, "");
		if (probe == 0)
			(void)asked(FRAME_WANT);
	}
	l = lend("up");
	answer(&l, "+mine\r\n");
	ck_heard(a, "+mine\r\n");
	gone(&l);
}
END_TEST

/* ... and is seen in the same turn as a request. */
START_TEST(answer_beside_a_request)
{
	struct pair p = called("up", "CALL up\r\n");
	struct loop_timer now = { .fn = wake };

	answer(&p.lent, "+one\r\n");
	ck_heard(p.client, "+one\r\n");
	ck_assert_int_eq(send(p.client, "CALL up\r\n", 9, MSG_NOSIGNAL), 9);
	ck_assert_int_eq(write(p.lent.out, "+two\r\n", 6), 6);
	loop_arm(&w.loop, &now, 1);
	ck_assert_int_eq(loop_turn(&w.loop), 0);
	bury();
	(void)asked(FRAME_WANT);
	is_returned(&p.lent, 1, true);
	gone(&p.lent);
	ck_heard(p.client, "");
	p.lent = lend("up");
	answer(&p.lent, "+three\r\n");
	ck_heard(p.client, "+three\r\n");
	gone(&p.lent);
}
END_TEST

START_TEST(too_much)
{
	static char said[2000];
	struct pair p;

	(void)strlcpy(said, "$1100\r\n", sizeof(said));
	p = called("narrow", "CALL narrow\r\n");
	answer(&p.lent, said);
	ck_heard(p.client, "-TOOBIG output > 1024\r\n");
	is_returned(&p.lent, 0, true);
	gone(&p.lent);
	/* ... in pieces of which each is small. */
	p = called("narrow", "HELLO 3\r\nCALL --stream narrow\r\n");
	(void)snprintf(said, sizeof(said), ">3\r\n+output\r\n+stdout\r\n$500\r\n%0500d\r\n", 1);
	answer(&p.lent, said);
	(void)heard(p.client);
	answer(&p.lent, said);
	ck_assert_ptr_nonnull(strstr(heard(p.client), "$6\r\ntoobig\r\n"));
	is_returned(&p.lent, 0, true);
	gone(&p.lent);
}
END_TEST

START_TEST(end_of_file)
{
	static const struct {
		const char *said, *heard;
	} table[] = {
		{ "", "-HANDLER it ended without a reply\r\n" },
		{ "$5\r\nab", "-HANDLER it ended in the middle of its reply\r\n" },
	};
	struct pair p;

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		p = called("up", "CALL up\r\n");
		answer(&p.lent, table[i].said);
		gone(&p.lent);
		ck_heard(p.client, table[i].heard);
		is_returned(&p.lent, 0, true);
	}
	/* Between two requests it may leave. */
	p = called("up", "CALL up\r\n");
	answer(&p.lent, ":1\r\n");
	gone(&p.lent);
	ck_heard(p.client, ":1\r\n");
	is_returned(&p.lent, 1, true);
	asked_nothing();
}
END_TEST

/* Gone, and we do not know it yet: nothing was written, so another gets it. */
START_TEST(request_that_could_not_be_written)
{
	struct pair p = called("up", "CALL up\r\n");

	answer(&p.lent, ":1\r\n");
	ck_heard(p.client, ":1\r\n");
	(void)close(p.lent.in);
	say(p.client, "CALL up\r\n");
	is_returned(&p.lent, 1, true);
	(void)close(p.lent.out);
	(void)close(p.lent.err);
	ck_heard(p.client, "");
	p.lent = lend_wanted("up");
	ck_received(&p.lent, UP);
	answer(&p.lent, ":2\r\n");
	ck_heard(p.client, ":2\r\n");
	gone(&p.lent);
}
END_TEST

/* A full pipe of a process, so that nothing of a request can be written. */
static void
fill(const struct lent *l)
{
	static const char bytes[4096];
	char path[64];
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", l->in);
	fd = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	while (write(fd, bytes, sizeof(bytes)) > 0)
		;
	(void)close(fd);
}

/* It has been taken once: its time in the queue is over all the same. */
START_TEST(request_put_back_waits_no_longer)
{
	struct pair p = called("narrow", "CALL narrow\r\n");

	answer(&p.lent, ":1\r\n");
	ck_heard(p.client, ":1\r\n");
	fill(&p.lent);
	say(p.client, "CALL narrow\r\n");
	gone(&p.lent);
	is_returned(&p.lent, 1, true);
	ck_assert_uint_eq(p.conn->call->timer.due_usec,
	    p.conn->call->accepted_usec + 5 * USEC_PER_SEC);
	later(&p.conn->call->timer, 4900 * USEC_PER_MSEC);
	ck_heard(p.client, "");
	later(&p.conn->call->timer, 5100 * USEC_PER_MSEC);
	ck_heard(p.client, "-BUSY narrow waited too long in the queue\r\n");
}
END_TEST

/* What it has said before it went belongs to whom it was for. */
START_TEST(answers_before_a_closed_input)
{
	struct pair p = called("wide", "CALL wide\r\n");
	struct loop_timer now = { .fn = wake };
	int b = client();

	/* The request comes first, the answer and the end in the same turn. */
	ck_assert_int_eq(send(b, "CALL wide\r\n", 11, MSG_NOSIGNAL), 11);
	ck_assert_int_eq(write(p.lent.out, ":1\r\n", 4), 4);
	(void)close(p.lent.in);
	loop_arm(&w.loop, &now, 1);
	ck_assert_int_eq(loop_turn(&w.loop), 0);
	bury();
	ck_heard(p.client, ":1\r\n");
	ck_heard(b, "");
	is_returned(&p.lent, 1, true);
	(void)asked(FRAME_WANT);
	(void)close(p.lent.out);
	(void)close(p.lent.err);
	p.lent = lend("wide");
	asked_nothing();
	answer(&p.lent, ":2\r\n");
	ck_heard(b, ":2\r\n");
	gone(&p.lent);
}
END_TEST

#define BIG 300000

/* A request that the pipe does not take at once. */
static size_t
send_big(int fd, const char *service)
{
	static char request[BIG + 100];
	int n = snprintf(request, sizeof(request),
	    "*4\r\n$4\r\nCALL\r\n$7\r\n--stdin\r\n$%zu\r\n%s\r\n$%d\r\n", strlen(service),
	    service, BIG);

	memset(request + n, 'i', BIG);
	(void)memcpy(request + n + BIG, "\r\n", 2);
	for (size_t at = 0, len = (size_t)n + BIG + 2; at < len;) {
		ssize_t sent = send(fd, request + at, len - at, MSG_NOSIGNAL);

		at += sent > 0 ? (size_t)sent : 0;
		turns();
	}
	return BIG;
}

START_TEST(big_request)
{
	enum { READ, ANSWERED_EARLY, NEVER_READ, CLOSED, DIED, N };

	for (int how = READ; how < N; how++) {
		struct conn *c;
		int a = client_as(&c);
		struct lent l;

		(void)send_big(a, "up");
		l = lend_wanted("up");
		ck_heard(a, "");
		ck_assert_ptr_nonnull(lease_of("up")->talk.unsent);
		if (how == READ) {
			/* "*3 $2 up $4 none $300000 ..." */
			ck_assert_uint_eq(strlen(received(&l)), BIG + 33);
			answer(&l, ":1\r\n");
			ck_heard(a, ":1\r\n");
			recall(&l);
			is_returned(&l, 1, false);
			gone(&l);
			continue;
		}
		if (how == ANSWERED_EARLY) {
			answer(&l, ":1\r\n");
			ck_heard(a, "-HANDLER it answered before it had the whole request\r\n");
		} else if (how == NEVER_READ) {
			later(&c->call->timer, 3600 * USEC_PER_SEC);
			ck_begins(heard(a), "-TIMEOUT ");
		} else if (how == CLOSED) {
			(void)close(l.in);
			ck_heard(a, "-HANDLER it closed its input in the middle of a request\r\n");
			l.in = dup(l.out);
		} else {
			(void)close(l.out);
			ck_heard(a, "-HANDLER it ended without a reply\r\n");
			l.out = dup(l.in);
		}
		is_returned(&l, 0, true);
		gone(&l);
	}
	asked_nothing();
}
END_TEST

/* -------------------------------------------------- timeout, cancel, gone --- */

START_TEST(timeout)
{
	struct pair p = called("narrow", "CALL --full --timeout=30000 narrow\r\n");
	const char *text;

	later(&p.conn->call->timer, 31 * USEC_PER_SEC);
	text = heard(p.client);
	ck_begins(text, "*16\r\n$6\r\nstatus\r\n:-1\r\n$6\r\nsignal\r\n$-1\r\n"
	    "$5\r\nvalue\r\n$-1\r\n");
	ck_assert_ptr_nonnull(strstr(text, "$7\r\noutcome\r\n$7\r\ntimeout\r\n"));
	is_returned(&p.lent, 0, true);
	gone(&p.lent);
	p = called("narrow", "CALL --timeout=20000 narrow\r\nCALL narrow\r\n");

	later(&p.conn->call->timer, 10 * USEC_PER_SEC);
	ck_heard(p.client, "");
	later(&p.conn->call->timer, 21 * USEC_PER_SEC);
	ck_heard(p.client, "-TIMEOUT 20000 narrow\r\n");
	is_returned(&p.lent, 0, true);
	gone(&p.lent);
	/* The answer of another one does not come to the wrong request. */
	p.lent = lend_wanted("narrow");
	answer(&p.lent, ":2\r\n");
	ck_heard(p.client, ":2\r\n");
	gone(&p.lent);
}
END_TEST

START_TEST(cancel)
{
	struct pair p = called("up", "CALL up\r\n");
	char text[64];
	int b = client(), c = client();

	say(c, "CALL up\r\n");
	(void)asked(FRAME_WANT);
	(void)snprintf(text, sizeof(text), "CANCEL %s\r\n",
	    TAILQ_FIRST(&leases_get(&w, "up")->waiting)->id_text);
	say(b, text);
	ck_heard(b, ":1\r\n");
	ck_heard(c, "-CANCELLED by the caller\r\n");
	asked_nothing();
	(void)snprintf(text, sizeof(text), "CANCEL %s\r\n", p.conn->call->id_text);
	say(b, text);
	ck_heard(b, ":1\r\n");
	ck_heard(p.client, "-CANCELLED by the caller\r\n");
	is_returned(&p.lent, 0, true);
	gone(&p.lent);
}
END_TEST

START_TEST(cancel_is_for_the_caller)
{
	struct pair p = called("up", "CALL up\r\n");
	struct conn *other;
	char text[64];
	int b = client_as(&other);

	other->caller->uid = 54321;
	(void)snprintf(text, sizeof(text), "CANCEL %s\r\n", p.conn->call->id_text);
	say(b, text);
	(void)asked(FRAME_CANCEL_OWNED);
	call_cancel(p.conn->call, CANCEL_BY_ADMIN);
	ck_heard(p.client, "-CANCELLED by an administrator\r\n");
	is_returned(&p.lent, 0, true);
	gone(&p.lent);
}
END_TEST

/* Nobody takes the reply: the connection is not kept for it. */
START_TEST(cancel_of_a_call_whose_client_is_gone)
{
	struct pair p = called("up", "CALL up\r\n");
	char text[64];
	int b = client();

	(void)close(p.client);
	turns();
	ck_assert(p.conn->hung);
	(void)snprintf(text, sizeof(text), "PING\r\nCANCEL %s\r\n", p.conn->call->id_text);
	say(b, text);
	ck_heard(b, "+PONG\r\n:1\r\n");
	ck_assert_uint_eq(stats.connections_open, 1);
	is_returned(&p.lent, 0, true);
	gone(&p.lent);
}
END_TEST

/* Somebody asks through another worker: the runner asks this one. */
START_TEST(cancel_from_another_worker)
{
	struct pair p = called("up", "CALL up\r\n");
	struct frame f = { .type = FRAME_CANCEL_OWNED, .id = p.conn->call->id, .slot = 7 };
	struct asked a;

	for (unsigned is_owner = 0; is_owner < 3; is_owner++) {
		struct slice owner = is_owner > 0 ? slice_of("uid:12345") : slice_of("uid:54321");

		call_know_client(p.conn->call);
		if (is_owner == 1)
			owner = slice_of(p.conn->call->caller);
		f.cancel.owner = digest_of(&owner, 1);
		f.id += is_owner == 2 ? 100 : 0;
		ck_assert_int_eq(channel_send(runner, &f, NULL, 0), 0);
		a = asked(FRAME_CANCELLED);
		ck_assert_uint_eq(a.frame.slot, 7);
		ck_assert_uint_eq(a.frame.id, f.id);
		ck_assert_uint_eq(a.frame.cancel.found, is_owner == 1);
		if (is_owner != 1) {
			asked_nothing();
			continue;
		}
		is_returned(&p.lent, 0, true);
		ck_heard(p.client, "-CANCELLED by the caller\r\n");
		say(p.client, "CALL up\r\n");
		(void)asked(FRAME_WANT);
	}
	gone(&p.lent);
}
END_TEST

/* ------------------------------------------- one connection at a time --- */

/* What another one has asked next waits until ours has been answered. */
START_TEST(cancel_and_be_killed_for_it)
{
	struct conn *c;
	int a = client_as(&c), next;
	char text[100];
	struct pair p;

	(void)snprintf(text, sizeof(text), "CALL up\r\nCLIENT KILL ID %" PRIu64 "\r\n", c->id);
	p = called("up", text);
	(void)snprintf(text, sizeof(text), "CANCEL %s\r\n", p.conn->call->id_text);
	say(a, text);
	ck_heard(a, ":1\r\n(closed)");
	ck_heard(p.client, "-CANCELLED by the caller\r\n:1\r\n");
	ck_assert_ptr_null(w.writer);
	next = client();
	say(next, "PING\r\n");
	ck_heard(next, "+PONG\r\n");
	is_returned(&p.lent, 0, true);
	gone(&p.lent);
}
END_TEST

/* ... and is not read to where ours is being executed from. */
START_TEST(cancel_while_the_worker_stops)
{
	struct pair p = called("up", "CALL up\r\n");
	struct loop_timer now = { .fn = wake };
	int a = client();
	char text[100];
	int n;

	n = snprintf(text, sizeof(text), "CANCEL %s\r\nPING one\r\nPING two\r\n",
	    p.conn->call->id_text);
	ck_assert_int_eq(send(a, text, (size_t)n, MSG_NOSIGNAL), n);
	memset(text, '\n', sizeof(text));
	ck_assert_int_eq(send(p.client, text, sizeof(text), MSG_NOSIGNAL), sizeof(text));
	w.stopping = true;
	loop_arm(&w.loop, &now, 1);
	ck_assert_int_eq(loop_turn(&w.loop), 0);
	bury();
	ck_heard(a, ":1\r\n$3\r\none\r\n$3\r\ntwo\r\n(closed)");
	(void)asked(FRAME_RETURN);
	w.stopping = w.done = false;
	gone(&p.lent);
}
END_TEST

/* It ends in the middle of its own CALL: that is not executed again. */
START_TEST(call_that_ends_while_it_begins)
{
	struct pair p = called("wide", "CALL wide\r\n");
	uint16_t number = conf_find_service(w.conf, "wide", 4)->number;
	char text[100];
	int a = client();

	(void)snprintf(text, sizeof(text), "CANCEL %016" PRIx64 "\r\n", p.conn->call->id + 1);
	say(p.client, text);
	(void)close(p.lent.in);
	say(a, "CALL wi");
	say(a, "de\r\nPING\r\n");
	is_returned(&p.lent, 0, true);
	(void)asked(FRAME_WANT);
	asked_nothing();
	ck_heard(p.client, "-HANDLER its process was ended because of another request\r\n:1\r\n");
	ck_heard(a, "-CANCELLED by the caller\r\n+PONG\r\n");
	ck_assert_uint_eq(stats.service[number].calls, 2);
	(void)close(p.lent.out);
	(void)close(p.lent.err);
}
END_TEST

/* Each cancels the next: no deeper in the stack for each. */
START_TEST(chain_of_cancels)
{
	enum { N = 40 };
	struct conn *conns[N];
	char text[100];
	int fds[N], a = client();
	uint64_t id = w.id_high | w.id_low;
	struct loop_timer now = { .fn = wake };
	int n;

	for (int i = 0; i < N; i++) {
		fds[i] = client_as(&conns[i]);
		(void)snprintf(text, sizeof(text), "CALL up\r\nCANCEL %016" PRIx64 "\r\n",
		    id + 1 + (uint64_t)i);
		say(fds[i], text);
		(void)asked(FRAME_WANT);
	}
	n = snprintf(text, sizeof(text), "CANCEL %s\r\n", conns[0]->call->id_text);
	ck_assert_int_eq(send(a, text, (size_t)n, MSG_NOSIGNAL), n);
	loop_arm(&w.loop, &now, 1);
	ck_assert_int_eq(loop_turn(&w.loop), 0);
	bury();
	ck_assert_ptr_null(conns[0]->call);
	ck_assert_ptr_nonnull(conns[1]->call);
	ck_heard(a, ":1\r\n");
	for (int i = 0; i < N - 1; i++)
		ck_heard(fds[i], "-CANCELLED by the caller\r\n:1\r\n");
	(void)asked(FRAME_CANCEL_OWNED);
	tell_found(0, false);
	ck_heard(fds[N - 1], "-CANCELLED by the caller\r\n:0\r\n");
}
END_TEST

START_TEST(client_gone_and_service_finishes)
{
	struct pair p = called("up", "CALL up\r\n");
	int b = client();

	(void)close(p.client);
	turns();
	conn_close(p.conn);
	bury();
	ck_assert_uint_eq(stats.running, 1);
	say(b, "CALL up\r\n");
	ck_heard(b, "");
	answer(&p.lent, "+for nobody\r\n");
	ck_assert_uint_eq(stats.running, 1);
	ck_received(&p.lent, UP);
	answer(&p.lent, "+mine\r\n");
	ck_heard(b, "+mine\r\n");
	(void)asked(FRAME_WANT);
	asked_nothing();
	gone(&p.lent);
}
END_TEST

START_TEST(client_gone_and_service_kills)
{
	struct pair p = called("kill", "CALL kill\r\n");
	struct conn *c;
	int b = client_as(&c);

	say(b, "CALL kill\r\n");
	(void)asked(FRAME_WANT);
	conn_close(c);		/* it waits: nothing is killed for it */
	turns();
	asked_nothing();
	ck_assert_uint_eq(stats.running, 1);
	conn_close(p.conn);
	bury();
	is_returned(&p.lent, 0, true);
	ck_assert_uint_eq(stats.running, 0);
	gone(&p.lent);
	(void)close(p.client);
	(void)close(b);
}
END_TEST

/* ------------------------------------------------------------ the runner --- */

START_TEST(one_want_for_each_that_waits)
{
	int a = client(), b = client();
	struct lent x, y;

	say(a, "CALL up no 1\r\n");
	say(b, "CALL up no 2\r\n");
	(void)asked(FRAME_WANT);
	x = lend_wanted("up");
	ck_received(&x, "*2\r\n$2\r\nup\r\n$1\r\n1\r\n");
	/* The first takes the second request too; the second one is only kept. */
	answer(&x, ":1\r\n");
	ck_heard(a, ":1\r\n");
	ck_received(&x, "*2\r\n$2\r\nup\r\n$1\r\n2\r\n");
	y = lend("up");
	answer(&x, ":2\r\n");
	ck_heard(b, ":2\r\n");
	asked_nothing();
	rested("up", 200 * USEC_PER_MSEC);
	is_returned(&y, 0, false);
	gone(&x);
	gone(&y);
}
END_TEST

/* They come for requests that another has answered long since. */
START_TEST(leases_that_come_too_late)
{
	int a = client(), b = client(), c = client();
	struct lent x, y, z;

	say(a, "CALL up\r\n");
	say(b, "CALL up\r\n");
	say(c, "CALL up\r\n");
	for (int i = 0; i < 2; i++)
		(void)asked(FRAME_WANT);
	x = lend_wanted("up");
	for (int i = 0; i < 3; i++)
		answer(&x, ":1\r\n");
	y = lend("up");
	is_returned(&y, 0, false);
	z = lend("up");
	rested("up", 10 * USEC_PER_MSEC);
	is_returned(&z, 0, false);
	asked_nothing();
	say(a, "CALL up\r\n");
	ck_received(&x, UP UP UP UP);
	gone(&x);
	gone(&y);
	gone(&z);
}
END_TEST

/* What reqctl ps shows. */
START_TEST(list)
{
	struct pair p = called("up", "CALL up no text\r\n");
	int b = client(), fds[2];
	char text[2000];
	const char *second;
	ssize_t n;

	say(b, "CALL up no \"more text\"\r\n");
	(void)asked(FRAME_WANT);
	ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
	ck_assert_int_eq(calls_list(&w, fds[1]), 0);
	n = read(fds[0], text, sizeof(text) - 1);
	ck_assert_int_gt(n, 0);
	text[n] = '\0';
	second = strchr(text, '\n');
	ck_assert_ptr_nonnull(second);
	ck_assert_ptr_nonnull(strstr(text, "\"service\":\"up\",\"caller\":\"uid:12345"));
	ck_assert_ptr_nonnull(strstr(text, "\"state\":\"running\""));
	ck_assert_ptr_nonnull(strstr(text, "text=text\"}\n"));
	ck_assert_ptr_nonnull(strstr(second, "\"state\":\"waiting\""));
	(void)close(fds[0]);
	(void)close(fds[1]);
	gone(&p.lent);
}
END_TEST

START_TEST(budget)
{
	struct frame_lease two = { .is_proven = true, .requests = 2 };
	int a = client();
	struct lent l;

	say(a, "CALL up\r\nCALL up\r\nCALL up\r\n");
	(void)asked(FRAME_WANT);
	l = lend_with("up", &two);
	answer(&l, ":1\r\n");
	answer(&l, ":2\r\n");
	ck_heard(a, ":1\r\n:2\r\n");
	is_returned(&l, 2, false);
	gone(&l);
	l = lend_wanted("up");
	answer(&l, ":3\r\n");
	ck_heard(a, ":3\r\n");
	gone(&l);
}
END_TEST

START_TEST(recall_of_an_idle_one)
{
	struct pair p = called("up", "CALL up\r\n");

	answer(&p.lent, ":1\r\n");
	asked_nothing();
	recall(&p.lent);
	is_returned(&p.lent, 1, false);
	ck_received(&p.lent, "(closed)");
	recall(&p.lent);	/* it has crossed the return */
	asked_nothing();
	gone(&p.lent);
}
END_TEST

START_TEST(recall_in_flight)
{
	struct pair p = called("up", "CALL up\r\n");

	recall(&p.lent);
	asked_nothing();
	answer(&p.lent, ":1\r\n");
	ck_heard(p.client, ":1\r\n");
	is_returned(&p.lent, 1, false);
	gone(&p.lent);
}
END_TEST

/* Those who wait are served for 2 ms, then by another process. */
START_TEST(recall_with_others_waiting)
{
	struct pair p = called("up", "CALL up\r\n");
	int b = client(), c = client();

	say(b, "CALL up\r\n");
	say(c, "CALL up\r\n");
	recall(&p.lent);
	lease_of("up")->since_usec = w.loop.now_usec + USEC_PER_SEC;
	answer(&p.lent, ":1\r\n");
	ck_heard(p.client, ":1\r\n");
	ck_received(&p.lent, UP);
	lease_of("up")->since_usec = w.loop.now_usec - 2 * USEC_PER_MSEC;
	answer(&p.lent, ":2\r\n");
	ck_heard(b, ":2\r\n");
	/* One that waits, and two that were asked for. */
	(void)asked(FRAME_WANT);
	(void)asked(FRAME_WANT);
	is_returned(&p.lent, 2, false);
	asked_nothing();
	gone(&p.lent);
	p.lent = lend("up");
	answer(&p.lent, ":3\r\n");
	ck_heard(c, ":3\r\n");
	gone(&p.lent);
}
END_TEST

static void
unable(const char *service)
{
	struct frame f = {
		.type = FRAME_UNABLE,
		.unable = { .reason = UNABLE_FAILING, .death = { .status = 1 << 8 } },
	};

	(void)strlcpy(f.unable.service, service, sizeof(f.unable.service));
	ck_assert_int_eq(channel_send(runner, &f, NULL, 0), 0);
	turns();
}

#define UNSTABLE                                                               \
	"its handler does not stay up: exit status 1 before its first answer; tried again now"

START_TEST(unable_ends_all_that_wait_now)
{
	int a = client(), b = client();
	struct lent l;

	say(a, "CALL up\r\nCALL up\r\n");
	say(b, "CALL up\r\nPING\r\n");
	(void)asked(FRAME_WANT);
	(void)asked(FRAME_WANT);
	unable("up");
	ck_heard(a, "-UNAVAIL up " UNSTABLE "\r\n");
	ck_heard(b, "-UNAVAIL up " UNSTABLE "\r\n+PONG\r\n");
	l = lend_wanted("up");
	asked_nothing();
	answer(&l, ":1\r\n");
	ck_heard(a, ":1\r\n");
	gone(&l);
	unable("absent");
}
END_TEST

START_TEST(unable_says_why)
{
	static const struct {
		struct frame_unable unable;
		const char *words;
	} rows[] = {
		{ { .reason = UNABLE_GONE }, "the configuration has changed, try again" },
		{ { .reason = UNABLE_STOPPING }, "reqd is stopping" },
		{ { .reason = UNABLE_FAILING, .death = { .status = 9, .was_proven = 1 } },
		    "its handler does not stay up: ended by signal 9; tried again now" },
		{ { .reason = UNABLE_FAILING, .death = { .status = DEATH_BROKEN },
		    .retry_usec = 60 * USEC_PER_SEC },
		    "its handler does not stay up: no proper answer; tried again in 60 s" },
		/* A runner in somebody else's hands may send anything. */
		{ { .reason = 77, .death = { .stage = 12345, .status = 2 << 8 } },
		    "its handler does not stay up: exit status 2 before its first answer; "
		    "tried again now" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct frame f = { .type = FRAME_UNABLE, .unable = rows[i].unable };
		char wanted[400];
		int a = client();

		say(a, "CALL up\r\n");
		(void)asked(FRAME_WANT);
		if (f.unable.retry_usec != 0)
			f.unable.retry_usec += clock_usec();
		(void)strlcpy(f.unable.service, "up", sizeof(f.unable.service));
		ck_assert_int_eq(channel_send(runner, &f, NULL, 0), 0);
		turns();
		(void)snprintf(wanted, sizeof(wanted), "-UNAVAIL up %s\r\n", rows[i].words);
		ck_heard(a, wanted);
	}
}
END_TEST

static uint64_t
n_times(const struct histogram *h)
{
	uint64_t n = 0;

	for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++)
		n += h->bucket[i];
	return n;
}

/* Waiting and working are told apart, and who is turned away spoils neither. */
START_TEST(times_in_queue_and_handler)
{
	uint16_t number = conf_find_service(w.conf, "up", 2)->number;
	const struct service_times *t = &stats.times[number];
	struct conn *c;
	int a = client_as(&c);
	struct lent l;

	say(a, "CALL up\r\n");
	c->call->accepted_usec -= 50 * USEC_PER_MSEC;
	l = lend_wanted("up");
	c->call->accepted_usec -= 100 * USEC_PER_MSEC;
	answer(&l, ":1\r\n");
	ck_heard(a, ":1\r\n");
	ck_assert_uint_eq(n_times(&t->all), 1);
	ck_assert_uint_eq(n_times(&t->queue), 1);
	ck_assert_uint_eq(n_times(&t->run), 1);
	ck_assert_uint_ge(t->queue.usec, 50 * USEC_PER_MSEC);
	ck_assert_uint_ge(t->run.usec, 100 * USEC_PER_MSEC);
	ck_assert_uint_eq(t->all.usec, t->queue.usec + t->run.usec);
	gone(&l);
	say(a, "CALL up\r\nCALL up yes a b c d e f g h i j\r\n");
	(void)asked(FRAME_RETURN);
	(void)asked(FRAME_WANT);
	unable("up");
	ck_assert_uint_ge(stats.service[number].calls, 2);
	ck_assert_uint_eq(n_times(&t->all), 1);
	ck_assert_uint_eq(n_times(&t->queue), 1);
	ck_assert_uint_eq(n_times(&t->run), 1);
}
END_TEST

/* Who gives up waiting has waited all the time, and nobody has worked. */
START_TEST(times_of_who_gives_up)
{
	const struct service_times *t = &stats.times[conf_find_service(w.conf, "up", 2)->number];
	char text[64];
	struct conn *c;
	int a = client_as(&c);

	say(a, "CALL up\r\n");
	(void)asked(FRAME_WANT);
	c->call->accepted_usec -= 20 * USEC_PER_MSEC;
	(void)snprintf(text, sizeof(text), "CANCEL %s\r\n", c->call->id_text);
	say(client(), text);
	ck_heard(a, "-CANCELLED by the caller\r\n");
	ck_assert_uint_eq(n_times(&t->queue), 1);
	ck_assert_uint_ge(t->queue.usec, 20 * USEC_PER_MSEC);
	ck_assert_uint_eq(t->all.usec, t->queue.usec);
	ck_assert_uint_eq(n_times(&t->run), 0);
}
END_TEST

START_TEST(probe)
{
	enum { GOOD, GARBAGE, TWO, LATE, DEAD, N };

	for (int how = GOOD; how < N; how++) {
		struct frame_lease f = {
			.is_probe = 1,
			.due_usec = clock_usec() + 5 * USEC_PER_SEC,
		};
		struct lent l = lend_with("up", &f);
		int a = client();

		ck_received(&l, "*1\r\n$4\r\nPING\r\n");
		say(a, "CALL up\r\n");	/* not to this one */
		(void)asked(FRAME_WANT);
		ck_received(&l, "");
		if (how == GOOD) {
			answer(&l, "+PO");
			answer(&l, "NG\r\n");
		} else if (how == GARBAGE) {
			answer(&l, "ready\n");
		} else if (how == TWO) {
			answer(&l, "+PONG\r\n+PONG\r\n");
		} else if (how == LATE) {
			rested("up", 6 * USEC_PER_SEC);
		} else {
			gone(&l);
		}
		is_returned(&l, 0, how != GOOD);
		if (how != DEAD)
			gone(&l);
		ck_heard(a, "");
		unable("up");
		(void)heard(a);
	}
}
END_TEST

#if !defined(__SANITIZE_ADDRESS__) && !defined(__clang__)

void *__libc_calloc(size_t n, size_t size);
static bool no_leases;

void *
calloc(size_t n, size_t size)
{
	if (no_leases && n * size == sizeof(struct lease)) {
		errno = ENOMEM;
		return NULL;
	}
	return __libc_calloc(n, size);
}

/* It stays with nobody, and the call that waits asks again. */
START_TEST(no_memory_for_a_lease)
{
	struct lent l;
	int a = client();

	say(a, "CALL up\r\n");
	no_leases = true;
	l = lend_wanted("up");
	no_leases = false;
	is_returned(&l, 0, true);
	ck_received(&l, "(closed)");
	gone(&l);
	l = lend_wanted("up");
	answer(&l, ":1\r\n");
	ck_heard(a, ":1\r\n");
	gone(&l);
}
END_TEST

#endif

/* The runner may come before the first rules do. */
START_TEST(probe_before_the_first_rules)
{
	static const char *const said[] = { "+PONG\r\n", "garbage\n" };
	struct conf *conf = TAKE_PTR(w.conf);

	for (size_t i = 0; i < ARRAY_LEN(said); i++) {
		struct lent l = lend_with("up", &(struct frame_lease){
			.is_probe = 1,
			.due_usec = clock_usec() + 5 * USEC_PER_SEC,
		});

		ck_received(&l, "*1\r\n$4\r\nPING\r\n");
		ck_assert_int_eq(write(l.err, "words\n", 6), 6);
		answer(&l, said[i]);
		is_returned(&l, 0, i == 1);
		gone(&l);
	}
	w.conf = conf;
}
END_TEST

START_TEST(queue)
{
	struct pair p = called("narrow", "CALL narrow\r\n");
	struct conn *c;
	int a = client_as(&c), b = client(), d = client();

	say(a, "CALL narrow\r\n");
	say(b, "CALL narrow\r\n");
	say(d, "CALL narrow\r\n");
	ck_heard(d, "-BUSY narrow queue full\r\n");
	later(&c->call->timer, 4900 * USEC_PER_MSEC);
	ck_heard(a, "");
	later(&c->call->timer, 5100 * USEC_PER_MSEC);
	ck_heard(a, "-BUSY narrow waited too long in the queue\r\n");
	/* What waits is served next; its deadline is that of its acceptance. */
	answer(&p.lent, ":1\r\n");
	ck_received(&p.lent, "*1\r\n$6\r\nnarrow\r\n");
	answer(&p.lent, ":2\r\n");
	ck_heard(b, ":2\r\n");
	say(a, "CALL --timeout=20000 narrow\r\n");
	gone(&p.lent);
	ck_begins(heard(a), "-HANDLER ");
	say(a, "CALL --timeout=20000 narrow\r\n");
	later(&c->call->timer, 21 * USEC_PER_SEC);
	ck_heard(a, "-TIMEOUT 20000 narrow\r\n");
}
END_TEST

START_TEST(lost_runner)
{
	struct pair p = called("up", "CALL up no x\r\n"), idle = called("kill", "CALL kill\r\n");
	int b = client();
	struct lent l;

	answer(&idle.lent, ":1\r\n");
	ck_heard(idle.client, ":1\r\n");
	say(b, "CALL up\r\n");
	(void)asked(FRAME_WANT);
	(void)close(runner);
	turns();
	ck_received(&idle.lent, "(closed)");
	new_runner();
	/* Its pipes still work. */
	answer(&p.lent, ":1\r\n");
	ck_heard(p.client, ":1\r\n");
	ck_received(&p.lent, "(closed)");
	l = lend_wanted("up");
	asked_nothing();
	ck_received(&l, UP);
	(void)close(runner);
	gone(&l);
	ck_heard(b, "-HANDLER it ended without a reply\r\n");
	new_runner();
	asked_nothing();
	gone(&p.lent);
	gone(&idle.lent);
}
END_TEST

static void
reload(const char *text, uint32_t generation)
{
	struct conf *old = w.conf;

	w.conf = conf_of(text, generation);
	conf_unref(old);
	stats.generation = generation;
	leases_reload(&w);
	turns();
}

START_TEST(reload_keeps_what_waits)
{
	struct pair p = called("up", "CALL up\r\n"), q = called("kill", "CALL kill\r\n");
	int b = client(), c = client();
	char text[sizeof(rules)];
	char *gone_service;

	say(b, "CALL up\r\n");
	say(c, "CALL kill\r\n");
	(void)strlcpy(text, rules, sizeof(text));
	gone_service = strstr(text, "service \"kill\"");
	ck_assert_ptr_nonnull(gone_service);
	memcpy(gone_service, "service \"okay\"", 14);
	reload(text, 2);
	ck_heard(c, "-UNAVAIL kill the configuration has changed\r\n");
	ck_heard(b, "");
	answer(&p.lent, ":1\r\n");
	answer(&q.lent, ":2\r\n");
	ck_heard(p.client, ":1\r\n");
	ck_heard(q.client, ":2\r\n");
	ck_received(&p.lent, UP);
	answer(&p.lent, ":3\r\n");
	ck_heard(b, ":3\r\n");
	gone(&p.lent);
	gone(&q.lent);
}
END_TEST

START_TEST(drain_finishes)
{
	struct pair p = called("up", "CALL up\r\n");
	int b = client();

	say(b, "CALL up\r\nCALL up\r\n");
	(void)asked(FRAME_WANT);
	w.stopping = true;
	answer(&p.lent, ":1\r\n");
	ck_heard(p.client, ":1\r\n(closed)");
	answer(&p.lent, ":2\r\n");
	ck_heard(b, ":2\r\n-LOADING draining\r\n(closed)");
	/* Each is heard out, for a moment, so that none is reset. */
	(void)close(p.client);
	(void)close(b);
	turns();
	ck_assert(w.done);
	w.stopping = w.done = false;
	leases_give_back(&w);
	is_returned(&p.lent, 2, false);
	gone(&p.lent);
}
END_TEST

/* --------------------------------------------------------------- pipeline --- */

START_TEST(pipeline_keeps_the_order)
{
	struct pair p = called("wide", "CALL wide\r\n");
	int b = client(), c = client();

	say(b, "CALL wide\r\n");
	ck_received(&p.lent, "*1\r\n$4\r\nwide\r\n");
	say(c, "CALL wide\r\n");
	ck_received(&p.lent, "");
	answer(&p.lent, ":1\r\n:2\r");
	ck_heard(p.client, ":1\r\n");
	ck_heard(b, "");
	ck_received(&p.lent, "*1\r\n$4\r\nwide\r\n");
	answer(&p.lent, "\n:3\r\n");
	ck_heard(b, ":2\r\n");
	ck_heard(c, ":3\r\n");
	(void)asked(FRAME_WANT);
	asked_nothing();
	gone(&p.lent);
}
END_TEST

/* What the process finds in its pipe without another turn. */
static const char *
in_pipe(const struct lent *l)
{
	static char text[1000];
	ssize_t n = read(l->in, text, sizeof(text) - 1);

	text[n > 0 ? n : 0] = '\0';
	return text;
}

/* Gathered in a turn, sent at its end, in the order of their coming. */
START_TEST(pipeline_sends_a_turn_at_once)
{
	struct pair p = called("wide", "CALL wide\r\n");
	int b;

	answer(&p.lent, ":1\r\n");
	ck_heard(p.client, ":1\r\n");
	b = client();
	ck_assert_int_eq(send(p.client, "CALL wide\r\n", 11, MSG_NOSIGNAL), 11);
	ck_assert_int_eq(send(b, "CALL wide\r\n", 11, MSG_NOSIGNAL), 11);
	turn_begins();
	ck_assert_uint_eq(lease_of("wide")->talk.n_flight, 2);
	ck_assert_str_eq(in_pipe(&p.lent), "");
	bury();
	ck_assert_str_eq(in_pipe(&p.lent), "*1\r\n$4\r\nwide\r\n*1\r\n$4\r\nwide\r\n");
	answer(&p.lent, ":2\r\n:3\r\n");
	ck_heard(p.client, ":2\r\n");
	ck_heard(b, ":3\r\n");
	gone(&p.lent);
}
END_TEST

/* What has not been sent costs the process nothing. */
START_TEST(pipeline_takes_back_what_is_not_sent)
{
	struct pair p = called("wide", "CALL wide\r\n");
	char text[100];
	int b, c;

	answer(&p.lent, ":1\r\n");
	ck_heard(p.client, ":1\r\n");
	b = client();
	c = client();
	(void)snprintf(text, sizeof(text), "CANCEL %016" PRIx64 "\r\n", w.id_high | w.id_low);
	ck_assert_int_eq(send(p.client, "CALL wide\r\n", 11, MSG_NOSIGNAL), 11);
	ck_assert_int_eq(send(b, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
	ck_assert_int_eq(send(c, "CALL wide\r\n", 11, MSG_NOSIGNAL), 11);
	one_turn();
	ck_assert_str_eq(in_pipe(&p.lent), "*1\r\n$4\r\nwide\r\n");
	answer(&p.lent, ":2\r\n");
	ck_heard(p.client, "-CANCELLED by the caller\r\n");
	ck_heard(b, ":1\r\n");
	ck_heard(c, ":2\r\n");
	asked_nothing();
	gone(&p.lent);
}
END_TEST

START_TEST(pipeline_ends_with_one_error_each)
{
	struct pair p = called("wide", "CALL wide\r\n");
	struct conn *c;
	int b = client_as(&c), d = client();

	say(b, "CALL --timeout=20000 wide\r\n");
	ck_received(&p.lent, "*1\r\n$4\r\nwide\r\n");
	say(d, "CALL wide\r\n");
	later(&c->call->timer, 21 * USEC_PER_SEC);
	ck_heard(b, "-TIMEOUT 20000 wide\r\n");
	ck_heard(p.client, "-HANDLER its process was ended because of another request\r\n");
	(void)asked(FRAME_WANT);
	is_returned(&p.lent, 0, true);
	gone(&p.lent);
	p.lent = lend("wide");
	answer(&p.lent, ":1\r\n");
	ck_heard(d, ":1\r\n");
	gone(&p.lent);
}
END_TEST

/* Half of it has been written when the other one ends their process. */
START_TEST(half_a_request_is_not_sent_again)
{
	struct pair p = called("wide", "CALL wide\r\n");
	int b = client();

	(void)send_big(b, "wide");
	ck_assert_ptr_nonnull(lease_of("wide")->talk.unsent);
	call_cancel(p.conn->call, CANCEL_BY_ADMIN);
	ck_heard(p.client, "-CANCELLED by an administrator\r\n");
	ck_heard(b, "-HANDLER its process was ended because of another request\r\n");
	is_returned(&p.lent, 0, true);
	asked_nothing();
	gone(&p.lent);
}
END_TEST

/* The second is in flight, and nothing of it has been written. */
START_TEST(request_behind_a_big_one)
{
	int a = client(), b = client();
	struct lent l;

	(void)send_big(a, "wide");
	say(b, "CALL wide\r\n");
	(void)asked(FRAME_WANT);
	l = lend_wanted("wide");
	ck_assert_uint_eq(lease_of("wide")->talk.n_flight, 2);
	gone(&l);
	ck_begins(heard(a), "-HANDLER it ");
	ck_heard(b, "");
	is_returned(&l, 0, true);
	asked_nothing();
	l = lend("wide");
	ck_heard(b, "");
	answer(&l, ":1\r\n");
	ck_heard(b, ":1\r\n");
	gone(&l);
}
END_TEST

/* The first is answered before all of its input is sent: that comes before the second. */
START_TEST(request_behind_an_early_answer)
{
#define END ">2\r\n$5\r\ninput\r\n$0\r\n\r\n"
	static const char end[] = END "*1\r\n$4\r\npile\r\n" END;
	int a = client(), b = client();
	const char *text;
	struct lent l;

	(void)send_big(a, "pile");
	say(b, "CALL pile\r\n");
	(void)asked(FRAME_WANT);
	l = lend_wanted("pile");
	ck_assert_uint_eq(lease_of("pile")->talk.n_flight, 2);
	answer(&l, ":1\r\n");
	ck_heard(a, ":1\r\n");
	text = received(&l);
	ck_assert_uint_gt(strlen(text), BIG);
	ck_assert_str_eq(text + strlen(text) - strlen(end), end);
	ck_assert(!talk_is_sending(&lease_of("pile")->talk));
	answer(&l, ":2\r\n");
	ck_heard(b, ":2\r\n");
	gone(&l);
#undef END
}
END_TEST

/* ------------------------------------------------------------------ many --- */

#define MANY 10000

START_TEST(many_on_one_connection)
{
	static char text[MANY * 30];
	size_t len = 0, at = 0, replies = 0;
	int a = client();
	struct lent l;

	for (int i = 0; i < MANY; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "CALL up no %d\r\n", i);
	at = 4000;
	say_n(a, text, at);
	l = lend_wanted("up");
	while (replies < MANY) {
		struct loop_timer now = { .fn = wake };
		char got[8192], want[32];
		ssize_t n;

		if (at < len) {
			n = send(a, text + at, len - at < 4000 ? len - at : 4000, MSG_NOSIGNAL);
			at += n > 0 ? (size_t)n : 0;
		}
		n = read(l.in, got, sizeof(got));
		if (n > 0) {
			int used = snprintf(want, sizeof(want), "%zu\r\n", replies);

			/* Exactly one request, and the next in order. */
			ck_assert_int_eq(strncmp(got + n - used, want, (size_t)used), 0);
			ck_assert_int_gt(dprintf(l.out, ":%zu\r\n", replies), 0);
		}
		loop_arm(&w.loop, &now, 1);
		ck_assert_int_eq(loop_turn(&w.loop), 0);
		bury();
		n = recv(a, got, sizeof(got), 0);
		if (n <= 0)
			continue;
		(void)snprintf(want, sizeof(want), ":%zu\r\n", replies);
		ck_assert_int_eq(strncmp(got, want, (size_t)n), 0);
		replies++;
	}
	asked_nothing();
	gone(&l);
	is_returned(&l, MANY, true);
}
END_TEST

/* A client that does not read rests its handler; nothing is lost. */
START_TEST(stream_to_a_slow_client)
{
	static char piece[40100];
	struct pair p = called("up", "HELLO 3\r\nCALL --stream up\r\n");
	size_t pushed = 0, got = 0;
	char bytes[65536];
	ssize_t n;

	(void)snprintf(piece, sizeof(piece),
	    ">3\r\n+output\r\n+stdout\r\n$40000\r\n%040000d\r\n", 1);
	while (!lease_of("up")->talk.paused) {
		answer(&p.lent, piece);
		pushed++;
	}
	answer(&p.lent, ":9\r\n");
	while (p.conn->call != NULL || buf_len(&p.conn->out) > 0) {
		n = recv(p.client, bytes, sizeof(bytes), 0);
		got += n > 0 ? (size_t)n : 0;
		turns();
	}
	while ((n = recv(p.client, bytes, sizeof(bytes), 0)) > 0)
		got += (size_t)n;
	ck_assert_uint_gt(got, pushed * 40000);
	ck_assert_ptr_nonnull(lease_of("up"));
	gone(&p.lent);
}
END_TEST

/* ----------------------------------------------------------------- words --- */

static int log_end;

static void
log_start(void)
{
	int pair[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
	    pair), 0);
	log_open(pair[1]);
	log_end = pair[0];
}

/* The next line of a handler that was logged; "" when there is none. */
static const char *
logged(char request[static CALL_ID_TEXT])
{
	static char line[LOGREC_VALUE_MAX + 1];
	char data[LOGREC_MAX];
	ssize_t n;

	turns();
	while ((n = recv(log_end, data, sizeof(data), 0)) > 0) {
		struct logrec_view v;

		ck_assert_int_eq(logrec_parse((struct slice){ data, (size_t)n }, &v), 0);
		if (v.fields[LOG_KEY_STDERR].data == NULL)
			continue;
		ck_assert(slice_is(v.fields[LOG_KEY_SERVICE], "up"));
		ck_assert(slice_is(v.fields[LOG_KEY_DETAIL], "handler 4711"));
		(void)snprintf(request, CALL_ID_TEXT, "%.*s", (int)v.fields[LOG_KEY_REQUEST].len,
		    v.fields[LOG_KEY_REQUEST].data != NULL ? v.fields[LOG_KEY_REQUEST].data : "");
		(void)snprintf(line, sizeof(line), "%.*s", (int)v.fields[LOG_KEY_STDERR].len,
		    v.fields[LOG_KEY_STDERR].data);
		return line;
	}
	return "";
}

START_TEST(words)
{
	struct frame f = { .type = FRAME_WORDS, .lease = { .pid = 4711, .service = "up" } };
	char id[CALL_ID_TEXT], request[CALL_ID_TEXT];
	struct pair p;
	int fds[2];

	log_start();
	p = called("up", "CALL up\r\n");
	(void)strlcpy(id, p.conn->call->id_text, sizeof(id));
	ck_assert_int_eq(write(p.lent.err, "one\ntw", 6), 6);
	ck_assert_str_eq(logged(request), "one");
	ck_assert_str_eq(request, id);
	ck_assert_str_eq(logged(request), "");
	/* What it says last belongs to the request that it had. */
	ck_assert_int_eq(write(p.lent.err, "o\nlast", 6), 6);
	gone(&p.lent);
	ck_assert_str_eq(logged(request), "two");
	ck_assert_str_eq(logged(request), "last");
	ck_assert_str_eq(request, id);
	ck_begins(heard(p.client), "-HANDLER ");
	is_returned(&p.lent, 0, true);

	ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
	ck_assert_int_eq(write(fds[1], "dead\n", 5), 5);
	ck_assert_int_eq(channel_send(runner, &f, fds, 1), 0);
	ck_assert_str_eq(logged(request), "dead");
	ck_assert_str_eq(request, "");
	(void)close(fds[0]);
	(void)close(fds[1]);
	(void)close(log_end);
	log_open(-1);
}
END_TEST

/* ----------------------------------------------------------------- input --- */

#define PIECE(n, bytes) ">2\r\n$5\r\ninput\r\n$" n "\r\n" bytes "\r\n"
#define PIECE_END PIECE("0", "")
#define PUSH "*1\r\n$4\r\npush\r\n"

static char call_id[CALL_ID_TEXT];

/* "+id" of a call whose input comes next. */
static void
opened(int fd)
{
	const char *text = heard(fd);

	ck_assert_uint_eq(strlen(text), 19);
	ck_assert_int_eq(text[0], '+');
	(void)strlcpy(call_id, text + 1, sizeof(call_id));
}

/* INPUT with these bytes, NULL for the end. */
static void
input_n(int fd, const char *bytes, size_t n)
{
	static char text[1 << 20];
	int len = snprintf(text, sizeof(text), "*%d\r\n$5\r\nINPUT\r\n$16\r\n%s\r\n",
	    bytes != NULL ? 3 : 2, call_id);

	if (bytes != NULL) {
		len += snprintf(text + len, sizeof(text) - (size_t)len, "$%zu\r\n", n);
		memcpy(text + len, bytes, n);
		memcpy(text + len + n, "\r\n", 2);
		len += (int)n + 2;
	}
	for (int at = 0; at < len;) {
		ssize_t sent = send(fd, text + at, (size_t)(len - at), MSG_NOSIGNAL);

		at += sent > 0 ? (int)sent : 0;
		turns();
	}
}

static void
input(int fd, const char *bytes)
{
	input_n(fd, bytes, strlen(bytes));
}

static void
input_end(int fd)
{
	input_n(fd, NULL, 0);
}

/* A call with input under way, and its process. */
static struct pair
pushing(const char *service, const char *command)
{
	struct pair p = { .client = client_as(&p.conn) };

	say(p.client, command);
	ck_heard(p.client, "");
	p.lent = lend_wanted(service);
	opened(p.client);
	ck_assert_int_eq(received(&p.lent)[0], '*');
	return p;
}

/* The last word of a request takes no process before it is whole. */
START_TEST(input_is_gathered)
{
	struct pair p = { .client = client_as(&p.conn) };

	for (unsigned twice = 0; twice < 2; twice++) {
		say(p.client, "CALL --open up no t\r\n");
		opened(p.client);
		input(p.client, "one\r\n");
		ck_heard(p.client, ":5\r\n");
		input(p.client, "");
		ck_heard(p.client, ":0\r\n");
		input(p.client, "two");
		ck_heard(p.client, ":3\r\n");
		if (twice == 0)
			asked_nothing();
		input_end(p.client);
		if (twice == 0)
			p.lent = lend_wanted("up");
		ck_received(&p.lent, "*3\r\n$2\r\nup\r\n$1\r\nt\r\n$8\r\none\r\ntwo\r\n");
		answer(&p.lent, ":8\r\n");
		ck_heard(p.client, ":8\r\n");
	}
	say(p.client, "CALL --open up no\r\n");
	opened(p.client);
	input_end(p.client);
	ck_received(&p.lent, "*3\r\n$2\r\nup\r\n$4\r\nnone\r\n$0\r\n\r\n");
	gone(&p.lent);
	ck_heard(p.client, "-HANDLER it ended without a reply\r\n");
}
END_TEST

/* ... and is no longer than one that comes with the request. */
START_TEST(gathered_input_has_a_limit)
{
	static char chunk[250000];
	int a = client();

	memset(chunk, 'x', sizeof(chunk));
	say(a, "CALL --open up\r\n");
	opened(a);
	for (int i = 0; i < 4; i++) {
		input_n(a, chunk, sizeof(chunk));
		ck_heard(a, ":250000\r\n");
	}
	input_n(a, chunk, sizeof(chunk));
	ck_heard(a, ":0\r\n");
	input_n(a, chunk, 1);
	ck_heard(a, ":0\r\n");
	input_end(a);
	ck_heard(a, "-BADARG the input is longer than a request may be\r\n");
	say(a, "PING\r\n");
	ck_heard(a, "+PONG\r\n");
	asked_nothing();
}
END_TEST

/* Nobody but itself is touched by what becomes of it. */
START_TEST(gathering_ends_otherwise)
{
	struct pair p = called("up", "CALL up\r\n");
	char text[sizeof(rules)];
	struct conn *c;
	int a = client_as(&c), b = client();

	say(a, "CALL --open --timeout=100 up\r\n");
	opened(a);
	later(&c->call->timer, 200 * USEC_PER_MSEC);
	ck_heard(a, "");
	input(a, "x");
	ck_heard(a, ":0\r\n");
	input_end(a);
	ck_heard(a, "-TIMEOUT 100 up\r\n");

	say(a, "CALL --open up\r\n");
	opened(a);
	(void)snprintf(text, sizeof(text), "CANCEL %s\r\n", call_id);
	say(b, text);
	ck_heard(b, ":1\r\n");
	input_end(a);
	ck_heard(a, "-CANCELLED by the caller\r\n");

	say(a, "CALL --open up\r\n");
	opened(a);
	input(a, "half");
	ck_heard(a, ":4\r\n");
	conn_close(c);
	bury();
	ck_assert_uint_eq(stats.running, 1);

	say(b, "CALL --open wide\r\n");
	opened(b);
	(void)strlcpy(text, rules, sizeof(text));
	memcpy(strstr(text, "service \"wide\""), "service \"WIDE\"", 14);
	memcpy(strstr(text, "service \"WIDE\"") + 9, "wid2", 4);
	reload(text, 2);
	ck_heard(b, "");
	input_end(b);
	ck_heard(b, "-UNAVAIL wide the configuration has changed\r\n");

	asked_nothing();
	answer(&p.lent, ":1\r\n");
	ck_heard(p.client, ":1\r\n");
	gone(&p.lent);
	(void)close(a);
}
END_TEST

START_TEST(gathered_input_finds_the_queue_full)
{
	struct pair p = called("wide", "CALL wide\r\n");
	int a = client(), fds[70];

	say(a, "CALL --open wide\r\n");
	opened(a);
	for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
		fds[i] = client();
		say(fds[i], "CALL wide\r\n");
	}
	input_end(a);
	ck_heard(a, "-BUSY wide queue full\r\n");
	gone(&p.lent);
}
END_TEST

START_TEST(pushed_with_the_request)
{
	static const char head[] = "*4\r\n$4\r\nCALL\r\n$7\r\n--stdin\r\n$4\r\npush\r\n$150000\r\n";
	static char text[sizeof(head) + 150002];
	struct pair p = called("push", "CALL push\r\nCALL --stdin push \"a\\r\\nb\"\r\n");
	const char *got;

	answer(&p.lent, ":1\r\n");
	ck_received(&p.lent, PUSH PIECE("4", "a\r\nb") PIECE_END);
	answer(&p.lent, ":2\r\n");
	say(p.client, "CALL --stdin push \"\"\r\nCALL push\r\n");
	ck_received(&p.lent, PUSH PIECE_END);
	answer(&p.lent, ":3\r\n");
	ck_received(&p.lent, PUSH PIECE_END);
	answer(&p.lent, ":4\r\n");
	ck_heard(p.client, ":1\r\n:2\r\n:3\r\n:4\r\n");
	/* No piece is longer than 64 KiB. */
	memset(text, 'y', sizeof(text));
	memcpy(text, head, sizeof(head) - 1);
	memcpy(text + sizeof(text) - 3, "\r\n", 2);
	for (size_t at = 0; at < sizeof(text) - 1;) {
		ssize_t n = send(p.client, text + at, sizeof(text) - 1 - at, MSG_NOSIGNAL);

		at += n > 0 ? (size_t)n : 0;
		turns();
	}
	got = received(&p.lent);
	ck_begins(got, PUSH ">2\r\n$5\r\ninput\r\n$65536\r\nyyy");
	got = strstr(got, "y\r\n>2\r\n$5\r\ninput\r\n$18928\r\nyyy");
	ck_assert_ptr_nonnull(got);
	ck_assert_str_eq(strstr(got, "y\r\n>2\r\n$5\r\ninput\r\n$0\r\n"), "y\r\n" PIECE_END);
	answer(&p.lent, ":5\r\n");
	ck_heard(p.client, ":5\r\n");
	asked_nothing();
	gone(&p.lent);
}
END_TEST

START_TEST(pushed_as_it_comes)
{
	struct pair p = pushing("push", "CALL --open push\r\n");

	input(p.client, "one");
	ck_heard(p.client, ":3\r\n");
	ck_received(&p.lent, PIECE("3", "one"));
	input(p.client, "");
	ck_heard(p.client, ":0\r\n");
	ck_received(&p.lent, "");
	say(p.client, "PING\r\n");
	ck_heard(p.client, "+PONG\r\n");
	input(p.client, "four");
	ck_heard(p.client, ":4\r\n");
	ck_received(&p.lent, PIECE("4", "four"));
	input_end(p.client);
	ck_heard(p.client, "");
	ck_received(&p.lent, PIECE_END);
	answer(&p.lent, ":7\r\n");
	ck_heard(p.client, ":7\r\n");
	say(p.client, "CALL push\r\n");
	ck_received(&p.lent, PUSH PIECE_END);
	answer(&p.lent, ":0\r\n");
	ck_heard(p.client, ":0\r\n");
	asked_nothing();
	gone(&p.lent);
}
END_TEST

/* What the process does not take yet is not asked for either. */
START_TEST(pushed_no_faster_than_it_is_taken)
{
	static char chunk[100000];
	struct pair p = pushing("push", "CALL --full --open push\r\n");
	const char *text;

	memset(chunk, 'x', sizeof(chunk));
	for (int i = 0; i < 3; i++) {
		input_n(p.client, chunk, sizeof(chunk));
		ck_heard(p.client, "");
		ck_assert_uint_ge(strlen(received(&p.lent)), sizeof(chunk));
		ck_heard(p.client, ":100000\r\n");
	}
	fill(&p.lent);
	input(p.client, "x");
	ck_heard(p.client, "");
	ck_assert_uint_lt(p.conn->call->in_data.cap, 2 * sizeof(chunk));
	(void)received(&p.lent);
	ck_heard(p.client, ":1\r\n");
	input_end(p.client);
	ck_received(&p.lent, PIECE_END);
	answer(&p.lent, "+ok\r\n");
	text = heard(p.client);
	ck_begins(text, "*16\r\n");
	ck_assert_ptr_nonnull(strstr(text, "$5\r\nvalue\r\n+ok\r\n"));
	gone(&p.lent);
}
END_TEST

/* The client is told, and the process can be used again. */
START_TEST(answered_before_the_end_of_input)
{
	struct pair p = pushing("push", "CALL --open push\r\n");

	answer(&p.lent, "*2\r\n:1\r\n$3\r\nabc\r\n");
	ck_received(&p.lent, PIECE_END);
	ck_heard(p.client, "");
	say(p.client, "CALL push\r\n");
	ck_begins(heard(p.client), "-BUSY push this connection has an open call");
	input(p.client, "more");
	ck_heard(p.client, ":0\r\n");
	/* In the version that it speaks by then. */
	say(p.client, "HELLO 3\r\n");
	(void)heard(p.client);
	input_end(p.client);
	ck_heard(p.client, "*2\r\n:1\r\n$3\r\nabc\r\n");
	ck_received(&p.lent, "");
	say(p.client, "CALL push\r\nCALL --stream --open push\r\n");
	ck_received(&p.lent, PUSH PIECE_END);
	answer(&p.lent, "_\r\n");
	ck_begins(heard(p.client), "_\r\n+");
	(void)strlcpy(call_id, p.conn->call->id_text, sizeof(call_id));
	ck_received(&p.lent, PUSH);
	answer(&p.lent, "-EXIT 3 three\r\n");
	ck_begins(heard(p.client), ">2\r\n$5\r\nended\r\n$16\r\n");
	input_end(p.client);
	ck_begins(heard(p.client), "%7\r\n$6\r\nstatus\r\n:3\r\n$6\r\nsignal\r\n_\r\n"
	    "$5\r\nvalue\r\n-EXIT 3 three\r\n");
	ck_received(&p.lent, PIECE_END);
	recall(&p.lent);
	is_returned(&p.lent, 3, false);
	asked_nothing();
	gone(&p.lent);
}
END_TEST

/* ... while it has half of a piece: it gets the rest before the next request. */
START_TEST(answered_in_the_middle_of_a_piece)
{
	enum { READS, LATE, RECALLED, LEAVES, LOST, WORKER_ENDS, N };
	static char chunk[200000];

	memset(chunk, 'x', sizeof(chunk));
	for (int how = READS; how < N; how++) {
		struct pair p = pushing("push", "CALL --open push\r\n");
		int b = client();

		input_n(p.client, chunk, sizeof(chunk));
		say(b, "CALL push\r\n");
		(void)asked(FRAME_WANT);
		ck_heard(p.client, "");
		answer(&p.lent, ":1\r\n");
		ck_heard(p.client, ":0\r\n");
		input_end(p.client);
		ck_heard(p.client, ":1\r\n");
		ck_heard(b, "");
		asked_nothing();
		switch (how) {
		case RECALLED:
			recall(&p.lent);
			asked_nothing();
			lease_of("push")->since_usec = 0;
			ck_assert_ptr_nonnull(strstr(received(&p.lent), "x\r\n" PIECE_END));
			is_returned(&p.lent, 1, false);
			gone(&p.lent);
			break;
		case READS:
			ck_assert_ptr_nonnull(strstr(received(&p.lent), "x\r\n" PIECE_END));
			answer(&p.lent, ":2\r\n");
			ck_heard(b, ":2\r\n");
			ck_assert_uint_le(lease_of("push")->timer.due_usec,
			    w.loop.now_usec + USEC_PER_SEC);
			gone(&p.lent);
			is_returned(&p.lent, 2, true);
			leases_get(&w, "push")->n_wanted = 0;
			break;
		case LATE:
			rested("push", 59 * USEC_PER_SEC);
			asked_nothing();
			rested("push", 61 * USEC_PER_SEC);
			is_returned(&p.lent, 1, true);
			gone(&p.lent);
			break;
		case LEAVES:
			gone(&p.lent);
			is_returned(&p.lent, 1, true);
			break;
		case LOST:
			(void)close(runner);
			turns();
			new_runner();
			(void)asked(FRAME_WANT);
			gone(&p.lent);
			break;
		case WORKER_ENDS:
			leases_give_back(&w);
			is_returned(&p.lent, 1, true);
			gone(&p.lent);
			break;
		}
		(void)close(b);
		turns();
		if (how != READS && how != WORKER_ENDS) {
			p.lent = lend("push");
			ck_received(&p.lent, PUSH PIECE_END);
			gone(&p.lent);
			is_returned(&p.lent, 0, true);
		}
		(void)close(p.client);
		turns();
	}
}
END_TEST

/* A call whose process has a full pipe: nothing of it has been written. */
static struct pair
pushing_into_a_full_pipe(void)
{
	struct pair p = { .client = client_as(&p.conn) };

	p.lent = called("push", "CALL push\r\n").lent;
	answer(&p.lent, ":1\r\n");
	fill(&p.lent);
	say(p.client, "CALL --open push\r\n");
	opened(p.client);
	return p;
}

/* Then it has answered something else. */
START_TEST(answered_before_its_request)
{
	struct pair p = pushing_into_a_full_pipe();

	answer(&p.lent, ":2\r\n");
	input_end(p.client);
	ck_heard(p.client, "-HANDLER it answered before it had the whole request\r\n");
	is_returned(&p.lent, 1, true);
	gone(&p.lent);
}
END_TEST

START_TEST(input_breaks_off)
{
	enum { CLIENT_GOES, CANCELLED, EXPIRED, RESET, DIES, CLOSES, TWICE, N };
	static const char *const ends[N] = {
		[CANCELLED] = "-CANCELLED by the caller\r\n", [EXPIRED] = "-TIMEOUT 60000 push\r\n",
		[DIES] = "-HANDLER it ended without a reply\r\n",
		[CLOSES] = "-HANDLER it closed its input in the middle of a request\r\n",
		[TWICE] = "-HANDLER it answered twice\r\n",
	};

	for (int how = CLIENT_GOES; how < N; how++) {
		struct pair p = pushing("push", "CALL --open push\r\n");
		char text[64];
		int b = client();

		input(p.client, "some");
		ck_heard(p.client, ":4\r\n");
		(void)snprintf(text, sizeof(text), "CANCEL %s\r\n", call_id);
		if (how == CLIENT_GOES) {
			conn_close(p.conn);
			bury();
		} else if (how == CANCELLED) {
			say(b, text);
			ck_heard(b, ":1\r\n");
		} else if (how == EXPIRED) {
			later(&p.conn->call->timer, 61 * USEC_PER_SEC);
		} else if (how == RESET) {
			say(p.client, "RESET\r\n");
			ck_heard(p.client, "+RESET\r\n");
		} else if (how == DIES) {
			gone(&p.lent);
		} else if (how == TWICE) {
			answer(&p.lent, ":1\r\n:2\r\n");
		} else {
			(void)close(p.lent.in);
		}
		if (how != CLOSES)
			is_returned(&p.lent, 0, true);
		ck_assert_uint_eq(stats.running, ends[how] != NULL);
		if (ends[how] != NULL) {
			input(p.client, "more");
			ck_heard(p.client, ":0\r\n");
			input_end(p.client);
			ck_heard(p.client, ends[how]);
		}
		if (how == CLOSES)
			is_returned(&p.lent, 0, true);
		if (how != DIES)
			gone(&p.lent);
		(void)close(b);
		(void)close(p.client);
		turns();
		asked_nothing();
	}
}
END_TEST

/* Its answer is in the pipe when it is found to read no more. */
START_TEST(answers_and_reads_no_more)
{
	struct pair p = pushing("push", "CALL --open push\r\n");
	struct loop_timer now = { .fn = wake };
	char text[64];
	int n;

	n = snprintf(text, sizeof(text), "INPUT %s more\r\nINPUT %s\r\n", call_id, call_id);
	ck_assert_int_eq(send(p.client, text, (size_t)n, MSG_NOSIGNAL), n);
	ck_assert_int_eq(write(p.lent.out, ":1\r\n", 4), 4);
	(void)close(p.lent.in);
	loop_arm(&w.loop, &now, 1);
	ck_assert_int_eq(loop_turn(&w.loop), 0);
	bury();
	ck_heard(p.client, ":0\r\n:1\r\n");
	is_returned(&p.lent, 1, true);
	(void)close(p.lent.out);
	(void)close(p.lent.err);
}
END_TEST

/* The next request of a pipeline goes when all of the input has gone. */
START_TEST(input_in_a_pipeline)
{
	struct pair p = pushing("pile", "CALL --open pile\r\n");
	int b = client();

	say(b, "CALL pile\r\n");
	(void)asked(FRAME_WANT);
	input(p.client, "one");
	ck_received(&p.lent, PIECE("3", "one"));
	input_end(p.client);
	ck_received(&p.lent, PIECE_END "*1\r\n$4\r\npile\r\n" PIECE_END);
	answer(&p.lent, ":1\r\n:2\r\n");
	ck_heard(p.client, ":3\r\n:1\r\n");
	ck_heard(b, ":2\r\n");
	gone(&p.lent);
}
END_TEST

/* Nothing of it was written: with what has come of its input it goes to another. */
START_TEST(input_goes_to_another_process)
{
	struct pair p = pushing_into_a_full_pipe();

	input(p.client, "one");
	ck_heard(p.client, "");
	gone(&p.lent);
	is_returned(&p.lent, 1, true);
	ck_heard(p.client, "");
	p.lent = lend_wanted("push");
	ck_heard(p.client, ":3\r\n");
	ck_received(&p.lent, PUSH PIECE("3", "one"));
	input_end(p.client);
	ck_received(&p.lent, PIECE_END);
	answer(&p.lent, ":3\r\n");
	ck_heard(p.client, ":3\r\n");
	gone(&p.lent);
}
END_TEST

/* One that waits for a process has not begun. */
START_TEST(input_waits_for_a_process)
{
	struct pair p = called("push", "CALL push\r\n");
	struct conn *c;
	int a = client_as(&c), b = client();
	char text[64];

	say(a, "CALL --open push\r\nPING\r\n");
	(void)asked(FRAME_WANT);
	ck_heard(a, "");
	later(&c->call->timer, 6 * USEC_PER_SEC);
	ck_heard(a, "-BUSY push waited too long in the queue\r\n+PONG\r\n");
	say(a, "CALL --open push\r\n");
	(void)snprintf(text, sizeof(text), "CANCEL %s\r\n", c->call->id_text);
	say(b, text);
	ck_heard(b, ":1\r\n");
	ck_heard(a, "-CANCELLED by the caller\r\n");
	say(a, "CALL --open push\r\nPING\r\n");
	answer(&p.lent, ":1\r\n");
	ck_heard(p.client, ":1\r\n");
	ck_begins(heard(a), "+abcdef");
	(void)strlcpy(call_id, c->call->id_text, sizeof(call_id));
	ck_received(&p.lent, PUSH);
	input_end(a);
	ck_received(&p.lent, PIECE_END);
	answer(&p.lent, ":2\r\n");
	ck_heard(a, ":2\r\n");
	asked_nothing();
	gone(&p.lent);
}
END_TEST

/* Requests that were made under other rules go to no process of the new ones. */
START_TEST(reload_changes_the_form_of_input)
{
	struct pair p = pushing("push", "CALL --open push\r\n"), q;
	struct frame late = { .type = FRAME_LEASE, .generation = 1, .id = 1000 };
	char text[sizeof(rules)], *word;
	int b = client(), c = client(), fds[2];

	say(b, "CALL push\r\n");
	(void)asked(FRAME_WANT);
	(void)strlcpy(text, rules, sizeof(text));
	word = strstr(strstr(text, "service \"push\""), "pushed");
	memcpy(word, "  none", 6);
	reload(text, 2);
	ck_heard(b, "-UNAVAIL push the configuration has changed\r\n");
	/* Whatever has been begun goes on. */
	input(p.client, "one");
	ck_received(&p.lent, PIECE("3", "one"));
	say(c, "CALL push\r\n");
	(void)asked(FRAME_WANT);
	input_end(p.client);
	ck_received(&p.lent, PIECE_END);
	answer(&p.lent, ":3\r\n");
	ck_heard(p.client, ":3\r\n:3\r\n");
	is_returned(&p.lent, 1, false);
	gone(&p.lent);
	/* A process of the old rules that was on its way. */
	(void)strlcpy(late.lease.service, "push", sizeof(late.lease.service));
	ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
	ck_assert_int_eq(channel_send(runner, &late, (int[]){ fds[1], fds[0], fds[0] }, 3), 0);
	is_returned(&(struct lent){ .id = 1000 }, 0, false);
	channel_close_fds(fds, 2);
	q.lent = lend_wanted("push");
	ck_received(&q.lent, PUSH);
	answer(&q.lent, ":4\r\n");
	ck_heard(c, ":4\r\n");
	gone(&q.lent);
}
END_TEST

/* Nobody is behind what is owed any more: it has its time all the same. */
START_TEST(early_answer_and_nobody_behind)
{
	struct conn *c;
	int a = client(), b = client_as(&c), d = client();
	struct lent l;

	(void)send_big(a, "pile");
	say(b, "CALL pile\r\n");
	(void)asked(FRAME_WANT);
	l = lend_wanted("pile");
	ck_assert_uint_eq(lease_of("pile")->talk.n_flight, 2);
	answer(&l, ":1\r\n");
	ck_heard(a, ":1\r\n");
	call_cancel(c->call, CANCEL_BY_ADMIN);
	ck_heard(b, "-CANCELLED by an administrator\r\n");
	ck_assert(talk_is_sending(&lease_of("pile")->talk));
	say(d, "CALL pile\r\n");
	rested("pile", 3600 * USEC_PER_SEC);
	is_returned(&l, 1, true);
	gone(&l);
	l = lend("pile");
	answer(&l, ":2\r\n");
	ck_heard(d, ":2\r\n");
	gone(&l);
}
END_TEST

/* What is taken back after a reload was made for processes that are no more. */
START_TEST(reload_changes_the_form_of_what_is_taken_back)
{
	char text[sizeof(rules)], *word;
	struct conn *c;
	int a = client_as(&c), b = client();
	struct lent l;

	(void)send_big(a, "pile");
	say(b, "CALL pile\r\n");
	(void)asked(FRAME_WANT);
	l = lend_wanted("pile");
	ck_assert_uint_eq(lease_of("pile")->talk.n_flight, 2);
	(void)strlcpy(text, rules, sizeof(text));
	word = strstr(strstr(text, "service \"pile\""), "input = pushed");
	memcpy(word, "context = yes ", 14);
	reload(text, 2);
	call_cancel(c->call, CANCEL_BY_ADMIN);
	ck_heard(a, "-CANCELLED by an administrator\r\n");
	ck_heard(b, "-UNAVAIL pile the configuration has changed\r\n");
	is_returned(&l, 0, true);
	asked_nothing();
	gone(&l);
}
END_TEST

/* The runner is a moment ahead: its processes wait for rules that fit them. */
START_TEST(process_of_rules_to_come)
{
	struct frame early = { .type = FRAME_LEASE, .generation = 2, .id = 1001 };
	char text[sizeof(rules)], *word;
	int b = client(), in[2], out[2];
	struct lent l;

	say(b, "CALL push\r\n");
	(void)asked(FRAME_WANT);
	(void)strlcpy(early.lease.service, "push", sizeof(early.lease.service));
	ck_assert_int_eq(pipe2(in, O_CLOEXEC | O_NONBLOCK), 0);
	ck_assert_int_eq(pipe2(out, O_CLOEXEC), 0);
	ck_assert_int_eq(channel_send(runner, &early, (int[]){ in[1], out[0], out[0] }, 3), 0);
	channel_close_fds(&in[1], 1);
	l = (struct lent){ .id = 1001, .in = in[0], .out = out[1], .err = out[0] };
	ck_received(&l, "(closed)");
	is_returned(&l, 0, false);
	asked_nothing();
	gone(&l);
	(void)strlcpy(text, rules, sizeof(text));
	word = strstr(strstr(text, "service \"push\""), "pushed");
	memcpy(word, "  none", 6);
	reload(text, 2);
	ck_heard(b, "-UNAVAIL push the configuration has changed\r\n");
}
END_TEST

/* Output that is not its own reaches no request that has not even been sent. */
START_TEST(output_beside_a_request_not_sent)
{
	struct pair p = called("wide", "CALL wide\r\n");
	struct loop_timer now = { .fn = wake };
	int b = client();

	say(b, "HELLO 3\r\n");
	(void)heard(b);
	ck_assert_int_eq(send(b, "CALL --stream wide\r\n", 20, MSG_NOSIGNAL), 20);
	ck_assert_int_gt(write(p.lent.out, ":1\r\n>3\r\n+output\r\n+stdout\r\n+secret\r\n", 35), 0);
	loop_arm(&w.loop, &now, 1);
	ck_assert_int_eq(loop_turn(&w.loop), 0);
	bury();
	ck_assert_ptr_null(strstr(heard(b), "secret"));
	ck_heard(p.client, ":1\r\n");
	is_returned(&p.lent, 1, true);
	gone(&p.lent);
}
END_TEST

static void
add(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup_handlers, teardown);
	tcase_add_test(tc, first_answer_is_told);
	tcase_add_test(tc, plain);
	tcase_add_test(tc, options_that_handlers_do_not_take);
	tcase_add_test(tc, values_are_written_for_the_client);
	tcase_add_test(tc, errors_pass_but_not_all);
	tcase_add_test(tc, full_and_stream);
	tcase_add_test(tc, context);
	tcase_add_test(tc, reply_byte_by_byte);
	tcase_add_test(tc, wrong_replies);
	tcase_add_test(tc, answer_that_nobody_asked_for);
	tcase_add_test(tc, answer_from_before_the_lease);
	tcase_add_test(tc, answer_beside_a_request);
	tcase_add_test(tc, too_much);
	tcase_add_test(tc, end_of_file);
	tcase_add_test(tc, request_that_could_not_be_written);
	tcase_add_test(tc, request_put_back_waits_no_longer);
	tcase_add_test(tc, answers_before_a_closed_input);
	tcase_add_test(tc, big_request);
	tcase_add_test(tc, timeout);
	tcase_add_test(tc, cancel);
	tcase_add_test(tc, cancel_is_for_the_caller);
	tcase_add_test(tc, cancel_of_a_call_whose_client_is_gone);
	tcase_add_test(tc, cancel_from_another_worker);
	tcase_add_test(tc, cancel_and_be_killed_for_it);
	tcase_add_test(tc, cancel_while_the_worker_stops);
	tcase_add_test(tc, call_that_ends_while_it_begins);
	tcase_add_test(tc, chain_of_cancels);
	tcase_add_test(tc, client_gone_and_service_finishes);
	tcase_add_test(tc, client_gone_and_service_kills);
	tcase_add_test(tc, one_want_for_each_that_waits);
	tcase_add_test(tc, leases_that_come_too_late);
	tcase_add_test(tc, list);
	tcase_add_test(tc, budget);
	tcase_add_test(tc, recall_of_an_idle_one);
	tcase_add_test(tc, recall_in_flight);
	tcase_add_test(tc, recall_with_others_waiting);
	tcase_add_test(tc, unable_ends_all_that_wait_now);
	tcase_add_test(tc, unable_says_why);
	tcase_add_test(tc, times_in_queue_and_handler);
	tcase_add_test(tc, times_of_who_gives_up);
	tcase_add_test(tc, probe);
	tcase_add_test(tc, probe_before_the_first_rules);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__clang__)
	tcase_add_test(tc, no_memory_for_a_lease);
#endif
	tcase_add_test(tc, queue);
	tcase_add_test(tc, lost_runner);
	tcase_add_test(tc, reload_keeps_what_waits);
	tcase_add_test(tc, drain_finishes);
	tcase_add_test(tc, pipeline_keeps_the_order);
	tcase_add_test(tc, pipeline_sends_a_turn_at_once);
	tcase_add_test(tc, pipeline_takes_back_what_is_not_sent);
	tcase_add_test(tc, pipeline_ends_with_one_error_each);
	tcase_add_test(tc, half_a_request_is_not_sent_again);
	tcase_add_test(tc, request_behind_a_big_one);
	tcase_add_test(tc, request_behind_an_early_answer);
	tcase_add_test(tc, many_on_one_connection);
	tcase_add_test(tc, stream_to_a_slow_client);
	tcase_add_test(tc, words);
	tcase_add_test(tc, input_is_gathered);
	tcase_add_test(tc, gathered_input_has_a_limit);
	tcase_add_test(tc, gathering_ends_otherwise);
	tcase_add_test(tc, gathered_input_finds_the_queue_full);
	tcase_add_test(tc, pushed_with_the_request);
	tcase_add_test(tc, pushed_as_it_comes);
	tcase_add_test(tc, pushed_no_faster_than_it_is_taken);
	tcase_add_test(tc, answered_before_the_end_of_input);
	tcase_add_test(tc, answered_in_the_middle_of_a_piece);
	tcase_add_test(tc, answered_before_its_request);
	tcase_add_test(tc, input_breaks_off);
	tcase_add_test(tc, answers_and_reads_no_more);
	tcase_add_test(tc, input_in_a_pipeline);
	tcase_add_test(tc, input_goes_to_another_process);
	tcase_add_test(tc, input_waits_for_a_process);
	tcase_add_test(tc, reload_changes_the_form_of_input);
	tcase_add_test(tc, early_answer_and_nobody_behind);
	tcase_add_test(tc, reload_changes_the_form_of_what_is_taken_back);
	tcase_add_test(tc, process_of_rules_to_come);
	tcase_add_test(tc, output_beside_a_request_not_sent);
}

UNIT_MAIN("lease", add(tc))
