/* SPDX-License-Identifier: ISC */
/*
 * conversation: one request at a time: replies that are whole, in pieces,
 * wrong, too long or unasked, and stderr.
 */
#include "config.h"

#include "handler-peer.h"
#include "ipc/logrec.h"

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

START_TEST(big_request)
{
	enum { READ, ANSWERED_EARLY, NEVER_READ, CLOSED, DIED, N };

	for (int how = READ; how < N; how++) {
		struct conn *c;
		int a = client_as(&c);
		struct lent l;

		say_big(a, "up");
		l = lend_wanted("up");
		ck_heard(a, "");
		ck_assert_ptr_nonnull(lease_of("up")->conversation.unsent);
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
			ck_heard(a, "-HANDLER the handler answered before it had the whole request\r\n");
		} else if (how == NEVER_READ) {
			later(&call_of(c)->timer, 3600 * USEC_PER_SEC);
			ck_begins(heard(a), "-TIMEOUT ");
		} else if (how == CLOSED) {
			shut(&l.in);
			ck_heard(a, "-HANDLER the handler closed its input in the middle of a request\r\n");
		} else {
			shut(&l.out);
			ck_heard(a, "-HANDLER the handler ended without a reply\r\n");
		}
		is_returned(&l, 0, true);
		gone(&l);
	}
	asked_nothing();
}
END_TEST

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
		char got[8192], want[32];
		ssize_t n;

		if (at < len) {
			n = send(a, text + at, len - at < 4000 ? len - at : 4000, MSG_NOSIGNAL);
			at += n > 0 ? (size_t)n : 0;
		}
		n = read(l.in, got, sizeof(got));
		if (n > 0) {
			int used = snprintf(want, sizeof(want), "%zu\r\n", replies);

			/*
			 * The process gets exactly one request, and then the
			 * next in order.
			 */
			ck_assert_int_eq(strncmp(got + n - used, want, (size_t)used), 0);
			ck_assert_int_gt(dprintf(l.out, ":%zu\r\n", replies), 0);
		}
		one_turn();
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

/* A handler rests while its client does not read; nothing is lost. */
START_TEST(stream_to_a_slow_client)
{
	static char piece[40100];
	struct pair p = called("up", "HELLO 3\r\nCALL --stream up\r\n");
	size_t pushed = 0, got = 0;
	char bytes[65536];
	ssize_t n;

	(void)snprintf(piece, sizeof(piece),
	    ">3\r\n+output\r\n+stdout\r\n$40000\r\n%040000d\r\n", 1);
	while (!lease_of("up")->conversation.paused) {
		answer(&p.lent, piece);
		pushed++;
	}
	answer(&p.lent, ":9\r\n");
	while (call_of(p.conn) != NULL || buf_len(&p.conn->out) > 0) {
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

/* ---------------------------------------------------------------- wrong --- */

START_TEST(wrong_replies)
{
	static const struct {
		const char *said, *heard;
	} table[] = {
		{ "+one\r\n+two\r\n", "-HANDLER the handler answered twice\r\n" },
		{ "+one\r\n+tw", "-HANDLER the handler answered twice\r\n" },
		{ "hello\n", "-HANDLER unknown type\r\n" },
		{ ":1x\r\n", "-HANDLER invalid integer\r\n" },
		{ ">2\r\n+message\r\n+x\r\n", "-HANDLER the handler pushed something other than output\r\n" },
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

/*
 * ... while the broker had the process: these bytes are no reply for the next
 * worker.
 */
START_TEST(answer_from_before_the_lease)
{
	struct frame f = { .lease.is_proven = true };
	struct lent l;
	int a = client();

	say(a, "CALL up\r\n");
	(void)asked(FRAME_WANT);
	for (unsigned probe = 0; probe < 2; probe++) {
		f.lease.is_probe = (uint8_t)probe;
		l = lend_saying("up", &f, "+stale\r\n");
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

/* ... and are noticed in the same turn as a request. */
START_TEST(answer_beside_a_request)
{
	struct pair p = called("up", "CALL up\r\n");

	answer(&p.lent, "+one\r\n");
	ck_heard(p.client, "+one\r\n");
	send_text(p.client, "CALL up\r\n");
	write_text(p.lent.out, "+two\r\n");
	one_turn();
	is_returned(&p.lent, 1, true);
	(void)asked(FRAME_WANT);
	asked_nothing();
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
		{ "", "-HANDLER the handler ended without a reply\r\n" },
		{ "$5\r\nab", "-HANDLER the handler ended in the middle of its reply\r\n" },
	};
	struct pair p;

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		p = called("up", "CALL up\r\n");
		answer(&p.lent, table[i].said);
		gone(&p.lent);
		ck_heard(p.client, table[i].heard);
		is_returned(&p.lent, 0, true);
	}
	/* A process may leave between two requests. */
	p = called("up", "CALL up\r\n");
	answer(&p.lent, ":1\r\n");
	gone(&p.lent);
	ck_heard(p.client, ":1\r\n");
	is_returned(&p.lent, 1, true);
	asked_nothing();
}
END_TEST

/* ---------------------------------------------------------------- words --- */

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

/* Returns the next line of a handler that was logged; "" when there is none. */
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
	(void)strlcpy(id, call_of(p.conn)->id_text, sizeof(id));
	write_text(p.lent.err, "one\ntw");
	ck_assert_str_eq(logged(request), "one");
	ck_assert_str_eq(request, id);
	ck_assert_str_eq(logged(request), "");
	/* The last line of a process belongs to the request that it had. */
	write_text(p.lent.err, "o\nlast");
	gone(&p.lent);
	ck_assert_str_eq(logged(request), "two");
	ck_assert_str_eq(logged(request), "last");
	ck_assert_str_eq(request, id);
	ck_begins(heard(p.client), "-HANDLER ");
	is_returned(&p.lent, 0, true);

	ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
	write_text(fds[1], "dead\n");
	broker_says(&f, fds, 1);
	ck_assert_str_eq(logged(request), "dead");
	ck_assert_str_eq(request, "");
	(void)close(fds[0]);
	(void)close(fds[1]);
	(void)close(log_end);
	log_open(-1);
}
END_TEST

static void
add(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup_handlers, teardown);
	tcase_add_test(tc, reply_byte_by_byte);
	tcase_add_test(tc, big_request);
	tcase_add_test(tc, many_on_one_connection);
	tcase_add_test(tc, stream_to_a_slow_client);
	tcase_add_test(tc, wrong_replies);
	tcase_add_test(tc, answer_that_nobody_asked_for);
	tcase_add_test(tc, answer_from_before_the_lease);
	tcase_add_test(tc, answer_beside_a_request);
	tcase_add_test(tc, too_much);
	tcase_add_test(tc, end_of_file);
	tcase_add_test(tc, words);
}

UNIT_MAIN("talk", add(tc))
