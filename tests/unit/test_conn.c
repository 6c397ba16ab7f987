/* SPDX-License-Identifier: ISC */
/*
 * Connections and calls of a worker, driven from both sides.
 */
#include "config.h"

#include <grp.h>
#include <sys/resource.h>

#include "base/cleanup.h"

static const char rules[] =
    "listen \"tcp://127.0.0.1:7373\" { max-connections = 1000 }\n"
    "role \"local\" { net = {\"unix\"} }\n"
    "role \"other\" { net = {\"10.1.1.1/32\"} }\n"
    "service \"echo\" { command = {\"/bin/echo\", \"{text}\"} allow = {\"local\"}\n"
    "  argument \"text\" { type = text optional = yes } }\n"
    "service \"small\" { command = {\"/bin/true\"} allow = {\"local\"} output-limit = 1KiB }\n"
    "service \"cat\" { command = {\"/bin/cat\"} allow = {\"local\"} input = optional }\n"
    "service \"keep\" { command = {\"/bin/cat\"} allow = {\"local\"} input = optional\n"
    "  on-disconnect = finish }\n"
    "service \"secret\" { command = {\"/bin/true\"} allow = {\"other\"} verb = {\"HIDDEN\"} }\n";

#include "worker-peer.h"

/* ---------------------------------------------------------------- tests --- */

START_TEST(replies_stay_with_their_connection)
{
	int a = client(), b = client();

	say(a, "PING mine\r\nGET / HTTP/1.1\r\n");
	say(b, "PING yours\r\n");
	ck_heard(a, "$4\r\nmine\r\n(closed)");
	ck_heard(b, "$5\r\nyours\r\n");
}
END_TEST

/*
 * While one connection executes, the bytes that it reads from must stay
 * unchanged.
 */
START_TEST(closing_another_leaves_ours_alone)
{
	static char flood[60000], text[200];
	struct conn *victim;
	int a = client(), b = client_as(&victim);
	struct asked run;

	memset(flood, 'x', sizeof(flood));
	say(b, "HELLO 3\r\nCALL --stream echo\r\n");
	run = asked(FRAME_RUN);
	while (!conn_is_congested(victim))
		write_out(&run, flood, sizeof(flood));
	write_out(&run, flood, sizeof(flood));
	program_ends(&run, 0);
	ck_assert_ptr_nonnull(call_of(victim));
	(void)snprintf(text, sizeof(text),
	    "CLIENT KILL ID %llu\r\nPING one\r\nPING two\r\n", (unsigned long long)victim->id);
	say(a, text);
	ck_heard(a, ":1\r\n$3\r\none\r\n$3\r\ntwo\r\n");
	(void)close(b);
}
END_TEST

/* ... ended, not all of it read, with a token; and then its client goes. */
START_TEST(ended_call_with_token_dies_with_its_client)
{
	static char flood[60000];
	struct conn *c;
	int a = client_as(&c);
	struct asked run;

	say(a, "HELLO 3\r\nCALL --stream --id=t echo\r\n");
	run = asked(FRAME_RUN);
	while (!conn_is_congested(c))
		write_out(&run, flood, sizeof(flood));
	write_out(&run, flood, sizeof(flood));
	program_ends(&run, 0);
	ck_assert_uint_eq(stats.running, 1);
	(void)close(a);
	turns();
	ck_assert_uint_eq(stats.running, 0);
	(void)asked(FRAME_DEPOSIT);
	ck_assert_int_ne(fcntl(run.paper, F_GET_SEALS) & F_SEAL_WRITE, 0);
	turns();
}
END_TEST

START_TEST(cancels_are_answered_by_the_broker_that_was_asked)
{
	int a = client(), b = client();

	say(a, "CANCEL one\r\nCANCEL two\r\n");
	(void)asked(FRAME_CANCEL_OWNED);
	broker_dies();
	ck_heard(a, ":0\r\n");	/* the second waits for the next broker */
	new_broker();
	/* The broker gets one cancel at a time. */
	say(b, "CANCEL three\r\n");
	(void)asked(FRAME_CANCEL_OWNED);
	asked_nothing();
	tell_found(0, true);
	ck_heard(a, ":1\r\n");
	ck_heard(b, "");
	(void)asked(FRAME_CANCEL_OWNED);
	asked_nothing();
	tell_found(0, false);
	ck_heard(b, ":0\r\n");
}
END_TEST

/*
 * A broker that has not been told of the first cancel knows nothing of the
 * second.
 */
START_TEST(cancels_that_wait_go_to_the_next_broker)
{
	int a = client(), b = client();

	say(a, "CANCEL one\r\n");
	say(b, "CANCEL two\r\n");
	(void)asked(FRAME_CANCEL_OWNED);
	(void)close(b);
	broker_dies();
	ck_heard(a, ":0\r\n");
	say(a, "CANCEL three\r\n");
	new_broker();
	(void)asked(FRAME_CANCEL_OWNED);
	asked_nothing();
	tell_found(0, true);	/* two, whose client is gone */
	(void)asked(FRAME_CANCEL_OWNED);
	ck_heard(a, "");
	tell_found(0, true);
	ck_heard(a, ":1\r\n");
}
END_TEST

/* 16 hexadecimal digits may be an id or a token: the broker is told both. */
START_TEST(a_cancel_that_looks_like_an_id_may_be_a_token)
{
	static const struct {
		const char *name;
		uint64_t id;
	} names[] = {
		{ "0123456789abcdef", 0x0123456789abcdef }, { "0123456789ABCDEF", 0 },
		{ "0000000000000000", 0 }, { "0123456789abcde", 0 }, { "mine", 0 },
	};
	struct digest seen = { 0 };
	int fd = client();

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		char text[64];
		struct asked run;

		(void)snprintf(text, sizeof(text), "CANCEL %s\r\n", names[i].name);
		say(fd, text);
		run = asked(FRAME_CANCEL_OWNED);
		ck_assert_uint_eq(run.frame.id, names[i].id);
		ck_assert(!digest_is_none(&run.frame.cancel.token));
		ck_assert(!digest_eq(&run.frame.cancel.token, &seen));
		seen = run.frame.cancel.token;
		tell_found(run.frame.id, true);
		ck_heard(fd, ":1\r\n");
	}
}
END_TEST

START_TEST(lost_broker_costs_one_error_each)
{
	int a = client(), b = client();
	struct asked x, y;

	say(a, "CALL echo a\r\nPING\r\nCALL echo later\r\n");
	say(b, "CALL echo b\r\n");
	x = asked(FRAME_RUN);
	y = asked(FRAME_RUN);
	channel_close_fds(x.fds, x.n_fds);
	channel_close_fds(y.fds, y.n_fds);
	broker_dies();
	ck_heard(a, "-LOST echo a process of the server died while it ran\r\n+PONG\r\n");
	ck_heard(b, "-LOST echo a process of the server died while it ran\r\n");
	new_broker();
	x = asked(FRAME_RUN);
	write_out(&x, "later\n", 6);
	program_ends(&x, 0);
	ck_heard(a, "$6\r\nlater\n\r\n");
}
END_TEST

/* No broker ever came: nothing ran, and the client must be told so. */
START_TEST(call_that_was_never_sent_is_busy)
{
	struct conn *c;
	int a = client_as(&c);

	broker_dies();
	turns();
	say(a, "CALL echo a\r\n");
	ck_assert_ptr_nonnull(call_of(c));
	later(&call_of(c)->timer, USEC_PER_SEC * 3600 * 24 * 365);
	ck_heard(a, "-BUSY echo waited too long in the queue\r\n");
}
END_TEST

/* No broker has been asked, so there is no report to wait for. */
START_TEST(call_without_a_kit_waits_until_its_deadline)
{
	struct conn *c;
	int a = client_as(&c);

	broker_dies();
	new_broker_without_kits();
	say(a, "CALL echo a\r\n");
	later(&call_of(c)->timer, 59 * USEC_PER_SEC);
	ck_heard(a, "");
	later(&call_of(c)->timer, 61 * USEC_PER_SEC);
	ck_heard(a, "-BUSY echo waited too long in the queue\r\n");
}
END_TEST

/*
 * No kit can be made: waiting and new calls get an error at once, until there
 * is a kit again.
 */
START_TEST(without_kits_calls_end_at_once)
{
	struct frame none = { .type = FRAME_NO_KIT, .kit.error = EMFILE };
	int a = client(), b = client();
	struct asked run;

	broker_dies();
	new_broker_without_kits();
	say(a, "CALL echo a\r\n");
	ck_heard(a, "");
	broker_says(&none, NULL, 0);
	ck_heard(a, "-NOSTART echo the server: Too many open files\r\n");
	say(b, "CALL echo b\r\nPING\r\n");
	ck_heard(b, "-NOSTART echo the server: Too many open files\r\n+PONG\r\n");
	send_kit(false);
	say(a, "CALL echo c\r\n");
	run = asked(FRAME_RUN);
	program_ends(&run, 0);
	ck_heard(a, "$0\r\n\r\n");
}
END_TEST

/* The worker has no room for a kit: the kit goes back, and the link stays. */
START_TEST(a_kit_without_room_goes_back)
{
	int a = client();
	struct rlimit all, few;
	struct asked back;

	broker_dies();
	new_broker_without_kits();
	say(a, "CALL echo a\r\n");
	send_kit(false);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &all), 0);
	few = (struct rlimit){ 3, all.rlim_max };
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
	turns();
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &all), 0);
	back = asked(FRAME_UNKIT);
	ck_assert_uint_ne(back.frame.kit.number, 0);
	ck_heard(a, "-NOSTART echo the server: Too many open files\r\n");
	send_kit(false);
	say(a, "CALL echo b\r\n");
	back = asked(FRAME_RUN);
	program_ends(&back, 0);
	ck_heard(a, "$0\r\n\r\n");
}
END_TEST

START_TEST(too_much_output_is_never_a_success)
{
	char flood[5000];
	int a = client();
	struct asked run;

	memset(flood, 'o', sizeof(flood));
	say(a, "CALL small\r\nCALL --full small\r\n");
	for (int i = 0; i < 2; i++) {
		run = asked(FRAME_RUN);
		write_out(&run, flood, sizeof(flood));
		is_cancelled(&run);
		program_ends(&run, 0);	/* before it could be killed */
		if (i == 0)
			ck_heard(a, "-TOOBIG output > 1024\r\n");
	}
	ck_assert_ptr_nonnull(strstr(heard(a), "$9\r\ntruncated\r\n:1\r\n"));
}
END_TEST

START_TEST(streamed_stderr_is_not_truncated)
{
	static char flood[60000];
	const char *text;
	int a = client();
	struct asked run;

	memset(flood, 'e', sizeof(flood));
	say(a, "HELLO 3\r\nCALL --stream echo\r\n");
	run = asked(FRAME_RUN);
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(write(run.fds[1], flood, sizeof(flood)), sizeof(flood));
		(void)heard(a);
	}
	program_ends(&run, 0);
	text = heard(a);
	ck_assert_ptr_nonnull(strstr(text, "truncated\r\n#f\r\n"));
}
END_TEST

/* ----------------------------------------------------------- disconnect --- */

#define INPUT_BYTES 300000

START_TEST(finishing_service_gets_all_its_input)
{
	static char request[INPUT_BYTES + 100], got[INPUT_BYTES];
	struct conn *c;
	int a = client_as(&c), n;
	struct asked run;
	size_t have = 0;

	n = snprintf(request, sizeof(request),
	    "*4\r\n$4\r\nCALL\r\n$7\r\n--stdin\r\n$4\r\nkeep\r\n$%d\r\n", INPUT_BYTES);
	memset(request + n, 'i', INPUT_BYTES);
	(void)memcpy(request + n + INPUT_BYTES, "\r\n", 2);
	for (size_t at = 0, len = (size_t)n + INPUT_BYTES + 2; at < len;) {
		ssize_t sent = send(a, request + at, len - at, MSG_NOSIGNAL);

		at += sent > 0 ? (size_t)sent : 0;
		turns();
	}
	run = asked(FRAME_RUN);
	ck_assert_uint_eq(run.n_fds, 3);
	(void)close(a);
	turns();
	later(&c->timer, 2 * USEC_PER_SEC);
	ck_assert_uint_eq(stats.connections_open, 0);
	for (;;) {
		ssize_t r;

		turns();
		r = read(run.fds[2], got + have, sizeof(got) - have);
		if (r <= 0)
			break;
		have += (size_t)r;
	}
	ck_assert_uint_eq(have, INPUT_BYTES);
	program_ends(&run, 0);
	ck_assert_uint_eq(stats.running, 0);
	asked_nothing();
}
END_TEST

START_TEST(open_call_dies_with_its_client)
{
	static const char *const services[] = { "cat", "keep", "--id=x cat" };

	for (size_t i = 0; i < ARRAY_LEN(services); i++) {
		char text[64];
		int a = client();
		struct asked run;

		(void)snprintf(text, sizeof(text), "CALL --open %s\r\n", services[i]);
		say(a, text);
		run = asked(FRAME_RUN);
		tell(FRAME_STARTED, run.frame.id, -1);
		ck_assert_int_eq(heard(a)[0], '+');
		(void)close(a);
		is_cancelled(&run);
		/* The program that copies its input must not take what has come for all of it. */
		(void)fd_set_nonblock(run.fds[2], true);
		ck_assert_int_eq(read(run.fds[2], text, sizeof(text)), -1);
		program_is_killed(&run);
		if (i == 2)
			(void)asked(FRAME_DEPOSIT);
		ck_assert_uint_eq(stats.running, 0);
	}
}
END_TEST

/* A half-closed client has one grace for all its requests. */
START_TEST(grace_is_not_prolonged)
{
	struct conn *c;
	int a = client_as(&c);
	struct asked run;

	say(a, "CALL echo 1\r\nCALL echo 2\r\n");
	run = asked(FRAME_RUN);
	ck_assert_int_eq(shutdown(a, SHUT_WR), 0);
	turns();
	c->end_usec -= USEC_PER_SEC / 2;	/* ... half a second ago */
	program_ends(&run, 0);
	run = asked(FRAME_RUN);
	later(&c->timer, USEC_PER_SEC * 7 / 10);
	ck_heard(a, "$0\r\n\r\n(closed)");
	is_cancelled(&run);
	program_is_killed(&run);
}
END_TEST

/*
 * A reply that a half-closed client is still reading is not cut with the call.
 */
START_TEST(replies_are_finished_after_the_grace)
{
	static char request[40000];
	struct conn *c;
	int a = client_as(&c);
	size_t n = 0, len;
	struct asked run;

	for (int i = 0; i < 200; i++) {
		n += (size_t)snprintf(request + n, sizeof(request) - n, "*2\r\n$4\r\nECHO\r\n$100\r\n");
		memset(request + n, 'e', 100);
		n += 100;
		n += (size_t)snprintf(request + n, sizeof(request) - n, "\r\n");
	}
	n += (size_t)snprintf(request + n, sizeof(request) - n, "CALL echo\r\nPING\r\n");
	say_n(a, request, n);
	run = asked(FRAME_RUN);
	ck_assert(buf_len(&c->out) > 0 || stream_is_unsent(&c->stream));
	ck_assert_int_eq(shutdown(a, SHUT_WR), 0);
	turns();
	later(&c->timer, 2 * USEC_PER_SEC);
	is_cancelled(&run);
	program_is_killed(&run);
	len = strlen(heard(a));
	ck_assert_uint_eq(len, 200 * 108 + strlen("(closed)"));
}
END_TEST

/* A QUIT counts even if it comes far behind other requests. */
START_TEST(quit_behind_many_requests_is_patient)
{
	static char text[200000];
	size_t n = 0, sent = 0;
	struct asked run;
	struct conn *c;
	int a = client_as(&c);

	n = (size_t)snprintf(text, sizeof(text), "CALL echo\r\n");
	while (n < sizeof(text) - 30)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "*0\r\n");
	n += (size_t)snprintf(text + n, sizeof(text) - n, "CALL echo\r\nQUIT\r\n");
	while (sent < n) {
		ssize_t r = send(a, text + sent, n - sent, MSG_NOSIGNAL);

		if (r > 0)
			sent += (size_t)r;
		else
			break;
		turns();
	}
	run = asked(FRAME_RUN);
	/*
	 * Only a limited amount is read ahead while the client may send more.
	 */
	ck_assert_uint_le(buf_len(&c->in), 2 * WORKER_READ);
	ck_assert_int_eq(shutdown(a, SHUT_WR), 0);
	turns();
	ck_assert_uint_eq(sent, n);
	ck_assert_int_eq(c->state, CONN_PATIENT);
	program_ends(&run, 0);
	run = asked(FRAME_RUN);
	program_ends(&run, 0);
	ck_heard(a, "$0\r\n\r\n$0\r\n\r\n+OK\r\n(closed)");
}
END_TEST

/* ------------------------------------------------------------- deadlines --- */

START_TEST(client_that_never_reads_is_cut)
{
	static char flood[60000];
	struct conn *c;
	int a = client_as(&c);
	struct asked run;

	say(a, "HELLO 3\r\nCALL --stream echo\r\n");
	run = asked(FRAME_RUN);
	while (!conn_is_congested(c))
		write_out(&run, flood, sizeof(flood));
	later(&c->timer, 59 * USEC_PER_SEC);
	ck_assert_uint_eq(stats.connections_open, 1);
	later(&c->timer, 61 * USEC_PER_SEC);
	ck_assert_uint_eq(stats.connections_open, 0);
	is_cancelled(&run);
	program_is_killed(&run);
	(void)close(a);
}
END_TEST

/* A byte now and then adds no more than the time for one byte. */
START_TEST(trickled_request_is_cut)
{
	struct conn *c;
	int a = client_as(&c);
	uint64_t began;

	say(a, "*");
	began = c->request_due_usec;
	ck_assert_uint_gt(began, 0);
	say(a, "1");
	say(a, "\r");
	ck_assert_uint_le(c->request_due_usec - began, USEC_PER_MSEC);
	later(&c->timer, 121 * USEC_PER_SEC);
	ck_heard(a, "(closed)");
}
END_TEST

START_TEST(endless_sender_is_cut_after_an_error)
{
	struct conn *c;
	int a = client_as(&c);

	say(a, "*x\r\n");
	ck_assert_int_eq(c->state, CONN_LINGERING);
	c->end_usec -= USEC_PER_SEC / 2;	/* half a second ago */
	say(a, "more and more");
	ck_assert_uint_eq(stats.connections_open, 1);
	later(&c->timer, USEC_PER_SEC * 7 / 10);
	ck_assert_uint_eq(stats.connections_open, 0);
	ck_heard(a, "-ERR Protocol error: invalid multibulk length\r\n(closed)");
}
END_TEST

/* A reply was sent by a clock that had stood still for a minute. */
START_TEST(a_client_has_all_its_time_after_a_stop_of_ours)
{
	const uint64_t idle = 10 * USEC_PER_SEC;
	struct conn *c;
	int a;

	listening->idle_timeout_usec = idle;
	a = client_as(&c);
	say(a, "PING\r\n");
	ck_heard(a, "+PONG\r\n");
	w.loop.now_usec -= 60 * USEC_PER_SEC;
	c->active_usec -= 60 * USEC_PER_SEC;
	loop_arm(&w.loop, &c->timer, c->active_usec + idle);
	one_turn();
	one_turn();
	ck_assert_uint_eq(stats.connections_open, 1);
	later(&c->timer, idle - USEC_PER_SEC);
	ck_assert_uint_eq(stats.connections_open, 1);
	later(&c->timer, idle + USEC_PER_SEC);
	ck_heard(a, "(closed)");
}
END_TEST

/* In the middle of a turn the worker is stopped for a minute. */
static void
on_stop_for_a_minute(struct loop_io *io, uint32_t events)
{
	(void)events;
	loop_remove(&w.loop, io);
	clock_step_usec = 60 * USEC_PER_SEC;
	(void)clock_usec();
	clock_step_usec = 1;
}

/* ... and reads a request afterwards: its time begins then. */
START_TEST(a_call_has_all_its_time_after_a_stop_of_ours)
{
	struct loop_io io = { .fn = on_stop_for_a_minute };
	int a = client(), before[2];
	struct asked run;

	ck_assert_int_eq(pipe(before), 0);
	io.fd = before[0];
	ck_assert_int_eq(loop_add(&w.loop, &io, EPOLLIN), 0);
	ck_assert_int_eq(write(before[1], "x", 1), 1);
	send_text(a, "CALL echo\r\n");
	turns();
	run = asked(FRAME_RUN);
	ck_assert_uint_gt(run.frame.run.deadline_usec, clock_usec());
	ck_heard(a, "");
	program_ends(&run, 0);
	(void)close(before[0]);
	(void)close(before[1]);
}
END_TEST

/*
 * ... and the broker, which was stopped as well, has its time to report the end
 * of a call.
 */
START_TEST(a_broker_has_all_its_time_after_a_stop)
{
	struct conn *c;
	struct asked run;
	int a = client_as(&c);

	say(a, "CALL echo\r\n");
	run = asked(FRAME_RUN);
	worker_on_stall(&w.loop, 3600 * USEC_PER_SEC);
	later(&call_of(c)->timer, 1800 * USEC_PER_SEC);
	ck_heard(a, "");
	later(&call_of(c)->timer, 2 * 3600 * USEC_PER_SEC);
	channel_close_fds(run.fds, run.n_fds);
	ck_heard(a, "-LOST echo a process of the server died while it ran\r\n");
}
END_TEST

/* Sends requests that each look at all connections and take their time. */
static int
busy_client(struct conn **ret, const char *last)
{
	static char text[60000];
	size_t n = 0;
	int fd = client_as(ret);

	for (int i = 0; i < 200; i++)
		(void)client();
	clock_step_usec = USEC_PER_MSEC;
	while (n < sizeof(text) - 30)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "CLIENT KILL ID 0\r\n");
	n += (size_t)snprintf(text + n, sizeof(text) - n, "%s", last);
	ck_assert_int_eq(send(fd, text, n, 0), (ssize_t)n);
	return fd;
}

/* A connection with much to do lets others have their turn. */
START_TEST(long_pipeline_yields)
{
	size_t n = 59970 / strlen("CLIENT KILL ID 0\r\n") + 1, replies = 0;
	struct conn *c;
	int a = busy_client(&c, "");
	bool yielded = false;

	while (replies < n) {
		char got[4096];
		ssize_t r;

		one_turn();
		yielded |= c->wait == CONN_YIELDS;
		r = recv(a, got, sizeof(got), 0);
		replies += r > 0 ? (size_t)r / 4 : 0;
	}
	ck_assert(yielded);
	ck_assert_uint_eq(stats.requests_total, replies);
}
END_TEST

/* ... and is gone when its turn comes. */
START_TEST(client_gone_between_turns)
{
	struct conn *c;
	int a = busy_client(&c, "QUIT\r\n");
	char got[4096];

	while (c->wait != CONN_YIELDS)
		one_turn();
	while (recv(a, got, sizeof(got), 0) > 0)
		;
	(void)close(a);
	turns();
	ck_assert_uint_eq(stats.connections_open, 200);
}
END_TEST

/* ----------------------------------------------------------- kept bytes --- */

/* A request that grows beyond the caller's share is refused, and gives its bytes back. */
START_TEST(half_request_beyond_the_share)
{
	static char part[60000];
	int a = client(), b = client();

	memset(part, 'x', sizeof(part));
	w.net.parties.max_bytes = 120000;
	say(a, "*2\r\n$4\r\nPING\r\n$200000\r\n");
	say_n(a, part, sizeof(part));
	ck_heard(a, "");
	ck_assert_uint_ge(w.net.parties.bytes, sizeof(part));
	/* A small request finds its place all the same. */
	say(b, "*1\r\n$4\r\nPI");
	say(b, "NG\r\n");
	ck_heard(b, "+PONG\r\n");
	say_n(a, part, sizeof(part));
	ck_assert_int_eq(strncmp(heard(a), "-BUSY you have your share of the bytes", 38), 0);
	ck_assert_uint_eq(w.net.parties.bytes, 0);
	ck_assert_uint_ge(stats.over_share, 1);
}
END_TEST

/* Reads what is there of the answer; returns the number of bytes. */
static size_t
read_some(int fd)
{
	static char got[1 << 20];
	ssize_t n = recv(fd, got, sizeof(got), 0);

	return n > 0 ? (size_t)n : 0;
}

/* Of two calls that keep too much together one goes on, and then the other. */
START_TEST(hungry_calls_go_on_one_by_one)
{
	enum { SIZE = 60000, TIMES = 5 };
	static char part[SIZE];
	struct asked run[2];
	int client_of[2] = { client(), client() };
	size_t n_written[2] = { 0, 0 }, n_read[2] = { 0, 0 };
	bool rested = false;

	w.net.parties.max_bytes = 100000;
	for (size_t i = 0; i < 2; i++) {
		say(client_of[i], "CALL echo\r\n");
		run[i] = asked(FRAME_RUN);
		(void)fd_set_nonblock(run[i].fds[0], true);
	}
	while (n_written[0] + n_written[1] < (size_t)2 * TIMES * SIZE) {
		for (size_t i = 0; i < 2; i++) {
			/* A pipe that is full takes nothing: its call is hungry. */
			ssize_t n = n_written[i] == (size_t)TIMES * SIZE ? 0 :
			    write(run[i].fds[0], part, SIZE - n_written[i] % SIZE);

			n_written[i] += n > 0 ? (size_t)n : 0;
			if (n_written[i] == (size_t)TIMES * SIZE && n > 0)
				program_ends(&run[i], 0);
			n_read[i] += read_some(client_of[i]);
		}
		rested |= w.desk.n_hungry == 1;
		ck_assert_uint_le(w.desk.n_hungry, 1);
		one_turn();
	}
	ck_assert(rested);
	turns();
	for (size_t i = 0; i < 2; i++) {
		for (size_t n = 1; n > 0; turns()) {
			n = read_some(client_of[i]);
			n_read[i] += n;
		}
		ck_assert_uint_gt(n_read[i], TIMES * SIZE);
	}
	ck_assert_uint_eq(w.net.parties.bytes, 0);
	ck_assert_uint_eq(w.desk.n_hungry, 0);
	ck_assert_ptr_null(w.desk.favoured);
}
END_TEST

/* ---------------------------------------------------------- other states --- */

START_TEST(open_call_that_has_ended_waits_for_the_end_of_input)
{
	char text[100];
	int a = client();
	struct asked run;

	say(a, "CALL --open cat\r\n");
	run = asked(FRAME_RUN);
	tell(FRAME_STARTED, run.frame.id, -1);
	(void)heard(a);
	write_out(&run, "out", 3);
	program_ends(&run, 0);
	ck_heard(a, "");
	(void)snprintf(text, sizeof(text), "INPUT %016llx more\r\n", (unsigned long long)run.frame.id);
	say(a, text);
	ck_heard(a, ":0\r\n");
	say(a, "CALL echo\r\nINPUT 0123456789abcdef x\r\n");
	ck_assert_int_eq(strncmp(heard(a), "-BUSY echo ", 11), 0);
	(void)snprintf(text, sizeof(text), "INPUT %016llx\r\nPING\r\n", (unsigned long long)run.frame.id);
	say(a, text);
	ck_heard(a, "$3\r\nout\r\n+PONG\r\n");
}
END_TEST

/* The client of the call may be waiting for a user who types. */
START_TEST(end_of_an_open_call_is_pushed_to_a_stream)
{
	struct asked run;
	char text[200];
	int a = client();

	say(a, "HELLO 3\r\n");
	(void)heard(a);
	say(a, "CALL --open --stream cat\r\n");
	run = asked(FRAME_RUN);
	tell(FRAME_STARTED, run.frame.id, -1);
	(void)heard(a);
	program_ends(&run, 0);
	(void)snprintf(text, sizeof(text), ">2\r\n$5\r\nended\r\n$16\r\n%016llx\r\n",
	    (unsigned long long)run.frame.id);
	ck_heard(a, text);
	(void)snprintf(text, sizeof(text), "INPUT %016llx\r\n", (unsigned long long)run.frame.id);
	say(a, text);
	ck_assert_int_eq(heard(a)[0], '%');
}
END_TEST

/* ... or to a client that has asked for it. */
START_TEST(end_of_an_open_call_is_pushed_on_request)
{
	struct asked run;
	char text[200];
	int a = client();

	say(a, "CALL --open --notify cat\r\nHELLO 3\r\n");
	ck_assert_ptr_nonnull(strstr(heard(a), "-NOPROTO --notify needs RESP3: say HELLO 3 first\r\n"));
	say(a, "CALL --open --notify cat\r\n");
	run = asked(FRAME_RUN);
	tell(FRAME_STARTED, run.frame.id, -1);
	(void)heard(a);
	say(a, "HELLO 2\r\n");
	ck_heard(a, "-NOPROTO the open call may push, which needs RESP3\r\n");
	write_out(&run, "out", 3);
	ck_heard(a, "");
	program_ends(&run, 0);
	(void)snprintf(text, sizeof(text), ">2\r\n$5\r\nended\r\n$16\r\n%016llx\r\n",
	    (unsigned long long)run.frame.id);
	ck_heard(a, text);
	(void)snprintf(text, sizeof(text), "INPUT %016llx\r\n", (unsigned long long)run.frame.id);
	say(a, text);
	ck_heard(a, "$3\r\nout\r\n");
}
END_TEST

START_TEST(input_of_a_call_that_is_not_open_is_a_bad_argument)
{
	int a = client();

	say(a, "INPUT 0123456789abcdef x\r\n");
	ck_heard(a, "-BADARG no call of that id is open on this connection\r\n");
}
END_TEST

START_TEST(reset_ends_an_open_call)
{
	int a = client();
	struct asked run;

	say(a, "HELLO 3\r\nCALL --open --stream cat\r\n");
	run = asked(FRAME_RUN);
	tell(FRAME_STARTED, run.frame.id, -1);
	(void)heard(a);
	say(a, "HELLO 2\r\n");
	ck_heard(a, "-NOPROTO the open call may push, which needs RESP3\r\n");
	say(a, "RESET\r\nPING\r\n");
	ck_heard(a, "+RESET\r\n+PONG\r\n");
	is_cancelled(&run);
	write_out(&run, "too late", 8);
	program_is_killed(&run);
	ck_heard(a, "");
}
END_TEST

START_TEST(ended_before_it_has_started)
{
	struct frame f = { .type = FRAME_ENDED };
	int a = client();
	struct asked run;

	say(a, "CALL --open cat\r\nPING\r\n");
	run = asked(FRAME_RUN);
	channel_close_fds(run.fds, run.n_fds);
	f.id = run.frame.id;
	f.ended.outcome = OUTCOME_BUSY;
	f.ended.reason = BUSY_QUEUE_FULL;
	broker_says(&f, NULL, 0);
	ck_heard(a, "-BUSY cat queue full\r\n+PONG\r\n");
}
END_TEST

/*
 * CALL --open with a known token: the final reply comes, and no call is open.
 */
START_TEST(twin_gets_the_result)
{
	static const char *const forms[] = { "", "--open " };
	struct asked original, twin;
	int a = client(), b = client();

	say(a, "CALL --id=n cat\r\n");
	original = asked(FRAME_RUN);
	write_out(&original, "once", 4);
	program_ends(&original, 0);
	(void)asked(FRAME_DEPOSIT);
	ck_heard(a, "$4\r\nonce\r\n");
	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		char text[64];

		(void)snprintf(text, sizeof(text), "CALL --id=n %scat\r\nPING\r\n", forms[i]);
		say(b, text);
		twin = asked(FRAME_RUN);
		ck_assert(digest_eq(&twin.frame.run.token, &original.frame.run.token));
		channel_close_fds(twin.fds, twin.n_fds);
		tell(FRAME_RESULT, twin.frame.id, original.paper);
		ck_heard(b, "$4\r\nonce\r\n+PONG\r\n");
	}
	say(b, "CALL --id=n cat\r\n");
	twin = asked(FRAME_RUN);
	channel_close_fds(twin.fds, twin.n_fds);
	tell(FRAME_RESULT, twin.frame.id, -1);
	ck_assert_int_eq(strncmp(heard(b), "-LOST ", 6), 0);
	asked_nothing();
}
END_TEST

/*
 * The client of a call is gone for a second: the call is cancelled, unless
 * another client waits for it.
 */
START_TEST(named_call_waits_for_its_twin)
{
	enum { NOBODY, TWIN, TWIN_LEAVES };

	for (int who = NOBODY; who <= TWIN_LEAVES; who++) {
		struct asked run;
		struct conn *conn;
		struct call *call;
		int a = client_as(&conn);

		say(a, "CALL --id=n echo\r\n");
		run = asked(FRAME_RUN);
		(void)close(a);
		turns();
		call = call_find(&w.desk, run.frame.id);
		ck_assert_ptr_nonnull(call);
		ck_assert_ptr_eq(call_of(conn), call);	/* the grace of the connection */
		ck_assert_ptr_nonnull(call->sink);
		later(&conn->timer, 1100 * USEC_PER_MSEC);
		ck_assert_ptr_null(call->sink);
		asked_nothing();
		if (who != NOBODY)
			tell_attached(run.frame.id, true);
		later(&call->timer, 2500 * USEC_PER_MSEC);
		if (who == TWIN_LEAVES) {
			asked_nothing();
			tell_attached(run.frame.id, false);
			later(&call->timer, 4000 * USEC_PER_MSEC);
		}
		if (who == TWIN) {
			asked_nothing();
			program_ends(&run, 0);
		} else {
			is_cancelled(&run);
			program_is_killed(&run);
		}
		(void)asked(FRAME_DEPOSIT);
		ck_assert_uint_eq(stats.running, 0);
	}
}
END_TEST

START_TEST(names_are_printable)
{
	int a = client();

	say(a, "HELLO 3 SETNAME \"a\\nid=1\"\r\n");
	ck_assert_int_eq(strncmp(heard(a), "-ERR ", 5), 0);
	say(a, "CLIENT GETNAME\r\n");
	ck_heard(a, "$-1\r\n");	/* nothing has changed */
	say(a, "HELLO 2 SETNAME good\r\n");
	(void)heard(a);
	say(a, "CLIENT GETNAME\r\n");
	ck_heard(a, "$4\r\ngood\r\n");
}
END_TEST

START_TEST(verb_of_a_forbidden_service_is_unknown)
{
	int a = client();

	say(a, "HIDDEN x\r\nABSENT x\r\n");
	ck_heard(a, "-ERR unknown command 'HIDDEN', with args beginning with: 'x'\r\n"
	    "-ERR unknown command 'ABSENT', with args beginning with: 'x'\r\n");
}
END_TEST

/*
 * A client without a role may send only small requests and leave little unread.
 */
START_TEST(strangers_get_little)
{
	static char text[60000];
	size_t n = 0;
	struct conn *c;
	int a = stranger(&c), b;

	while (n < sizeof(text) - 30)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "COMMAND DOCS call\r\n");
	say_n(a, text, n);
	ck_assert_uint_gt(buf_len(&c->out), 0);
	ck_assert_uint_lt(buf_len(&c->out), 2 * NET_OUT_STRANGER);
	b = stranger(&c);
	say(b, "*10\r\n$4\r\nPING\r\n");
	ck_heard(b, "");
	b = stranger(&c);
	say(b, "*11\r\n");
	ck_heard(b, "-ERR Protocol error: invalid multibulk length\r\n(closed)");
	b = stranger(&c);
	say(b, "*2\r\n$4\r\nECHO\r\n$16385\r\n");
	ck_heard(b, "-ERR Protocol error: invalid bulk length\r\n(closed)");
}
END_TEST

/* A call counts under the rules that hold at its end. */
START_TEST(reload_does_not_lose_a_call)
{
	char text[sizeof(rules) + 200];
	struct conf *old = w.conf;
	const struct service *s;
	int a = client();
	struct asked run;

	say(a, "CALL echo\r\n");
	run = asked(FRAME_RUN);
	(void)snprintf(text, sizeof(text), "%s"
	    "service \"a-first\" { command = {\"/bin/true\"} allow = {\"local\"} }\n", rules);
	(void)worker_set_conf(&w, conf_of(text, 2));
	conf_unref(old);
	stats.generation = 2;
	program_ends(&run, 0);
	ck_heard(a, "$0\r\n\r\n");
	s = conf_find_service(w.conf, "echo", 4);
	ck_assert_uint_eq(stats.service[s->number].calls, 1);
	ck_assert_uint_eq(stats.service[s->number].failed, 0);
}
END_TEST

/* A worker that is told to stop ends connections in every state. */
START_TEST(drain)
{
	int idle = client(), part = client(), busy = client();
	struct asked run;

	say(part, "*1\r\n$4\r\nPI");
	say(busy, "CALL echo\r\nCALL echo\r\nPING\r\n");
	run = asked(FRAME_RUN);
	w.net.stopping = true;
	ck_heard(idle, "");
	say(idle, "PING\r\n");
	ck_heard(idle, "+PONG\r\n(closed)");
	say(part, "N");
	ck_heard(part, "(closed)");
	program_ends(&run, 0);
	ck_heard(busy, "$0\r\n\r\n-LOADING draining\r\n+PONG\r\n(closed)");
	/* Each client is listened to for a moment, so that none is reset. */
	(void)close(idle);
	(void)close(part);
	(void)close(busy);
	turns();
	ck_assert(w.done);
	w.net.stopping = w.done = false;
}
END_TEST

/* The kernel tells the groups only if the buffer has room for all. */
START_TEST(callers_of_many_groups_keep_them)
{
	static const size_t counts[] = { 0, 1, 64, 65, 1000 };
	static gid_t groups[1000];

	if (geteuid() != 0)
		return;
	for (size_t i = 0; i < ARRAY_LEN(groups); i++)
		groups[i] = (gid_t)(5000 + i);
	for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
		struct peer peer = { 0 };
		const struct caller *who;
		int pair[2];

		/*
		 * The kernel notes our groups in a pair of sockets when the
		 * pair is made.
		 */
		ck_assert_int_eq(setgroups(counts[i], groups), 0);
		ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
		ck_assert_int_eq(peer_init_unix(&peer, pair[0]), 0);
		who = peer.caller;
		ck_assert(who->is_unix && who->has_uid && who->uid == geteuid());
		ck_assert_uint_eq(who->n_groups, counts[i]);
		if (counts[i] > 0)
			ck_assert_mem_eq(who->groups, groups, counts[i] * sizeof(groups[0]));
		peer_done(&peer);
		(void)close(pair[0]);
		(void)close(pair[1]);
	}
	ck_assert_int_eq(setgroups(0, NULL), 0);
}
END_TEST

/* Each request is counted as answered, as given up, or as still there. */
START_TEST(counters_conserve)
{
	struct conn *cb;
	int a = client(), b = client_as(&cb);
	struct asked x, y;

	say(a, "PING\r\nNONSENSE\r\nCALL echo\r\nPING\r\n");
	say(b, "CALL echo\r\n");
	x = asked(FRAME_RUN);
	y = asked(FRAME_RUN);
	ck_assert_uint_eq(stats.connections_total, 2);
	ck_assert_uint_eq(stats.connections_closed, 0);
	ck_assert_uint_eq(stats.requests_total, 4);
	ck_assert_uint_eq(stats.requests_replied, 2);
	ck_assert_uint_eq(stats.requests_aborted, 0);

	conn_close(cb);
	turns();
	ck_assert_uint_eq(stats.connections_closed, 1);
	ck_assert_uint_eq(stats.requests_aborted, 1);

	is_cancelled(&y);
	program_is_killed(&y);
	program_ends(&x, 0);
	ck_assert_uint_eq(stats.requests_total, 5);
	ck_assert_uint_eq(stats.requests_replied, 4);
	ck_assert_uint_eq(stats.requests_aborted, 1);

	(void)close(a);
	(void)close(b);
	turns();
	ck_assert_uint_eq(stats.connections_open, 0);
	ck_assert_uint_eq(stats.connections_closed, 2);
}
END_TEST

/* The open connections of a dead worker are not counted any more. */
START_TEST(counters_of_the_dead_conserve)
{
	static struct stats s;

	s.connections_open = 3;
	s.connections_total = 10;
	s.connections_closed = 7;
	s.requests_total = 100;
	s.requests_replied = 90;
	s.requests_aborted = 4;
	s.running = 6;

	stats_reset_gauges(&s, CONF_MAX_SERVICES);
	ck_assert_uint_eq(s.connections_open + s.connections_closed, 10);
	ck_assert_uint_eq(s.connections_open, 0);
	ck_assert_uint_eq(s.requests_replied, 90);
	ck_assert_uint_eq(s.requests_aborted, 10);
	ck_assert_uint_eq(s.running, 0);
}
END_TEST

/* Returns the connections that a listener with this limit counts. */
static uint64_t
connections_at(uint64_t max)
{
	return stats_pages_port_connections(&w.pages, 0, w.net.max_conns, max);
}

/*
 * The page of another worker counts only as far as it is possible: impossible
 * numbers count for nothing, so a page of nonsense closes no listener.
 */
START_TEST(a_page_of_nonsense_closes_no_listener)
{
	static struct stats good, bad;

	w.pages.own->port_connections[0] = 5;
	good.port_connections[0] = 7;
	w.pages.others[3] = &good;
	w.pages.others[4] = &bad;
	ck_assert_uint_eq(connections_at(100), 12);
	bad.port_connections[0] = w.net.max_conns + 1;
	ck_assert_uint_eq(connections_at(100), 12);
	bad.port_connections[0] = UINT64_MAX - 11;
	ck_assert_uint_eq(connections_at(100), 12);
	/*
	 * Plausible counts of another worker are used, up to the limit of the
	 * listener.
	 */
	bad.port_connections[0] = w.net.max_conns;
	ck_assert_uint_eq(connections_at(100), 112);
	w.pages.others[3] = w.pages.others[4] = NULL;
	w.pages.own->port_connections[0] = 0;
}
END_TEST

static void
add(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_page_of_nonsense_closes_no_listener);
	tcase_add_test(tc, callers_of_many_groups_keep_them);
	tcase_add_test(tc, replies_stay_with_their_connection);
	tcase_add_test(tc, closing_another_leaves_ours_alone);
	tcase_add_test(tc, ended_call_with_token_dies_with_its_client);
	tcase_add_test(tc, cancels_are_answered_by_the_broker_that_was_asked);
	tcase_add_test(tc, cancels_that_wait_go_to_the_next_broker);
	tcase_add_test(tc, a_cancel_that_looks_like_an_id_may_be_a_token);
	tcase_add_test(tc, lost_broker_costs_one_error_each);
	tcase_add_test(tc, call_that_was_never_sent_is_busy);
	tcase_add_test(tc, call_without_a_kit_waits_until_its_deadline);
	tcase_add_test(tc, without_kits_calls_end_at_once);
	tcase_add_test(tc, a_kit_without_room_goes_back);
	tcase_add_test(tc, too_much_output_is_never_a_success);
	tcase_add_test(tc, streamed_stderr_is_not_truncated);
	tcase_add_test(tc, finishing_service_gets_all_its_input);
	tcase_add_test(tc, open_call_dies_with_its_client);
	tcase_add_test(tc, grace_is_not_prolonged);
	tcase_add_test(tc, replies_are_finished_after_the_grace);
	tcase_add_test(tc, quit_behind_many_requests_is_patient);
	tcase_add_test(tc, client_that_never_reads_is_cut);
	tcase_add_test(tc, trickled_request_is_cut);
	tcase_add_test(tc, endless_sender_is_cut_after_an_error);
	tcase_add_test(tc, a_client_has_all_its_time_after_a_stop_of_ours);
	tcase_add_test(tc, a_call_has_all_its_time_after_a_stop_of_ours);
	tcase_add_test(tc, a_broker_has_all_its_time_after_a_stop);
	/* A stream of single bytes never takes long. */
	if (!is_slow) {
		tcase_add_test(tc, long_pipeline_yields);
		tcase_add_test(tc, client_gone_between_turns);
	tcase_add_test(tc, half_request_beyond_the_share);
	tcase_add_test(tc, hungry_calls_go_on_one_by_one);
	}
	tcase_add_test(tc, open_call_that_has_ended_waits_for_the_end_of_input);
	tcase_add_test(tc, end_of_an_open_call_is_pushed_to_a_stream);
	tcase_add_test(tc, end_of_an_open_call_is_pushed_on_request);
	tcase_add_test(tc, input_of_a_call_that_is_not_open_is_a_bad_argument);
	tcase_add_test(tc, reset_ends_an_open_call);
	tcase_add_test(tc, ended_before_it_has_started);
	tcase_add_test(tc, twin_gets_the_result);
	tcase_add_test(tc, named_call_waits_for_its_twin);
	tcase_add_test(tc, names_are_printable);
	tcase_add_test(tc, verb_of_a_forbidden_service_is_unknown);
	tcase_add_test(tc, strangers_get_little);
	tcase_add_test(tc, reload_does_not_lose_a_call);
	tcase_add_test(tc, drain);
	tcase_add_test(tc, counters_conserve);
	tcase_add_test(tc, counters_of_the_dead_conserve);
}

UNIT_MAIN("conn", add(tc))
