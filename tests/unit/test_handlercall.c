/* SPDX-License-Identifier: ISC */
/*
 * handlercall: a call of a handler as its client sees it: requests, answers, ps
 * and counters.
 */
#include "config.h"

#include "handler-peer.h"

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

/* Writes the beginning of a reply, until so many bytes are written or the pipe is full. */
static size_t
begin_reply(const struct lent *l, size_t n)
{
	static char part[60000];
	size_t done = 0;

	(void)fd_set_nonblock(l->out, true);
	memset(part, 'x', sizeof(part));
	while (done < n) {
		ssize_t r = write(l->out, part, n - done < sizeof(part) ? n - done : sizeof(part));

		if (r <= 0)
			break;
		done += (size_t)r;
		turns();
	}
	return done;
}

/* Of two replies that keep too much together one is read, and the other when that has gone. */
START_TEST(replies_that_keep_too_much)
{
	enum { SIZE = 400000 };
	struct pair a = called("up", "CALL up\r\n"), b = called("up", "CALL up\r\n");
	size_t n;

	w.net.parties.max_bytes = 100000;
	write_text(a.lent.out, "$400000\r\n");
	write_text(b.lent.out, "$400000\r\n");
	ck_assert_uint_eq(begin_reply(&a.lent, SIZE), SIZE);
	n = begin_reply(&b.lent, SIZE);
	ck_assert_uint_lt(n, SIZE);
	ck_assert_uint_eq(w.desk.n_hungry, 1);
	write_text(a.lent.out, "\r\n");
	for (size_t read = 0; read < SIZE;) {
		turns();
		read += strlen(heard(a.client));
	}
	n += begin_reply(&b.lent, SIZE - n);
	ck_assert_uint_eq(n, SIZE);
	ck_assert_uint_eq(w.desk.n_hungry, 0);
	write_text(b.lent.out, "\r\n");
	for (size_t read = 0; read < SIZE;) {
		turns();
		read += strlen(heard(b.client));
	}
	ck_assert_uint_eq(w.net.parties.bytes, 0);
	gone(&a.lent);
	gone(&b.lent);
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

/* The lines of reqctl ps. */
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
	ck_assert_int_eq(calls_list(&w.desk, "", fds[1]), 0);
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

static uint64_t
n_times(const struct histogram *h)
{
	uint64_t n = 0;

	for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++)
		n += h->bucket[i];
	return n;
}

/*
 * Times of waiting and of working are counted apart; a refused call is in
 * neither.
 */
START_TEST(times_in_queue_and_handler)
{
	uint16_t number = conf_find_service(w.conf, "up", 2)->number;
	const struct service_times *t = &stats.times[number];
	struct conn *c;
	int a = client_as(&c);
	struct lent l;

	say(a, "CALL up\r\n");
	call_of(c)->accepted_usec -= 50 * USEC_PER_MSEC;
	l = lend_wanted("up");
	call_of(c)->accepted_usec -= 100 * USEC_PER_MSEC;
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

/* A caller that gives up has waited all the time, and no process has worked. */
START_TEST(times_of_who_gives_up)
{
	const struct service_times *t = &stats.times[conf_find_service(w.conf, "up", 2)->number];
	struct conn *c;
	int a = client_as(&c);

	say(a, "CALL up\r\n");
	(void)asked(FRAME_WANT);
	call_of(c)->accepted_usec -= 20 * USEC_PER_MSEC;
	say_cancel(client(), call_of(c)->id_text);
	ck_heard(a, "-CANCELLED by the caller\r\n");
	ck_assert_uint_eq(n_times(&t->queue), 1);
	ck_assert_uint_ge(t->queue.usec, 20 * USEC_PER_MSEC);
	ck_assert_uint_eq(t->all.usec, t->queue.usec);
	ck_assert_uint_eq(n_times(&t->run), 0);
}
END_TEST

static void
add(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup_handlers, teardown);
	tcase_add_test(tc, plain);
	tcase_add_test(tc, options_that_handlers_do_not_take);
	tcase_add_test(tc, values_are_written_for_the_client);
	tcase_add_test(tc, errors_pass_but_not_all);
	tcase_add_test(tc, full_and_stream);
	tcase_add_test(tc, replies_that_keep_too_much);
	tcase_add_test(tc, context);
	tcase_add_test(tc, list);
	tcase_add_test(tc, times_in_queue_and_handler);
	tcase_add_test(tc, times_of_who_gives_up);
}

UNIT_MAIN("handlercall", add(tc))
