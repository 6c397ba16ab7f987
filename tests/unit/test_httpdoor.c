/* SPDX-License-Identifier: ISC */
/* httpdoor: requests of HTTP over connections of a worker, driven from both sides. */
#include "config.h"

static const char rules[] =
    "listen \"http://127.0.0.1:7380\" { origins = {\"https://dash.example\"}\n"
    "  request-limit = 2KiB argument-limit = 1KiB max-arguments = 20 }\n"
    "role \"local\" { net = {\"unix\"} }\n"
    "role \"other\" { net = {\"10.1.1.1/32\"} }\n"
    "service \"echo\" { command = {\"/bin/echo\", \"{text}\"} allow = {\"local\"}\n"
    "  argument \"text\" { type = text optional = yes } }\n"
    "service \"look\" { command = {\"/bin/true\", \"{n}\"} allow = {\"local\"} effects = none\n"
    "  argument \"n\" { type = integer optional = yes } }\n"
    "service \"cat\" { command = {\"/bin/cat\"} allow = {\"local\"} input = optional }\n"
    "service \"once\" { command = {\"/bin/true\"} allow = {\"local\"} idempotent = no }\n"
    "service \"hidden\" { command = {\"/bin/true\"} allow = {\"other\"} }\n"
    "service \"resp\" { command = {\"/bin/true\"} allow = {\"local\"} doors = {\"resp\"} }\n"
    "service \"hooked\" { command = {\"/bin/true\"} allow = {\"other\"}\n"
    "  webhook \"gh\" { verify = github secret = {\"/run/hook-secret\"} } }\n";

#include "http-peer.h"

#include "door/http/httpanswer.h"
#include "door/http/httpsession.h"

/* -------------------------------------------------------------- requests --- */

START_TEST(requests_follow_each_other)
{
	int fd = client();

	say(fd, "GET /healthz" HOST "\r\nGET /healthz" HOST "\r\nGET /nothing" HOST "\r\n");
	ck_assert_ptr_nonnull(strstr(answers(fd), "200(ok\n) 200(ok\n) 404({"));
	say(fd, "GET /healthz HTTP/1.0\r\n\r\n");
	ck_answers(fd, "200!(ok\n)(closed)");
}
END_TEST

START_TEST(a_request_may_come_byte_by_byte)
{
	static const char text[] = POST_JSON("/call/echo", "13") "{\"text\":\"hi\"}GET /healthz" HOST "\r\n";
	int fd = client();

	for (size_t i = 0; i + 1 < sizeof(text); i++)
		say_n(fd, text + i, 1);
	program_says("hi\n", 0);
	ck_answers(fd, "200(hi\n) 200(ok\n)");
}
END_TEST

START_TEST(calls_take_json_forms_and_queries)
{
	int fd = client();

	say(fd, POST_JSON("/call/echo", "15") "{\"text\": \"a b\"}"
	    "POST /call/echo" HOST "Content-Type: application/x-www-form-urlencoded\r\n"
	    "Content-Length: 8\r\n\r\ntext=a+b"
	    "POST /call/echo?text=a%20b" HOST "\r\n"
	    "GET /call/look?n=7" HOST "\r\n");
	for (int i = 0; i < 4; i++)
		program_says("x", 0);
	ck_answers(fd, "200(x) 200(x) 200(x) 200(x)");
}
END_TEST

START_TEST(a_body_in_chunks_is_gathered)
{
	struct conn *c;
	int fd = client_as(&c);

	say(fd, "POST /call/echo" HOST "Content-Type: application/json\r\n"
	    "Transfer-Encoding: chunked\r\n\r\n5\r\n{\"tex\r\n");
	asked_nothing();
	ck_assert_uint_eq(c->held, 5);
	ck_assert_uint_ge(c->kept, c->in.end + 5);
	say(fd, "8\r\nt\":\"hi\"}\r\n0\r\n");
	asked_nothing();
	say(fd, "\r\nGET /healthz" HOST "\r\n");
	ck_assert_uint_eq(c->held, 0);
	program_says("hi", 0);
	ck_answers(fd, "200(hi) 200(ok\n)");
}
END_TEST

START_TEST(wrong_requests_start_nothing)
{
	static const struct {
		const char *status, *text;
	} wrong[] = {
		{ "404", "POST /call/nothing" HOST "\r\n" },
		{ "404", "POST /call/hidden" HOST "\r\n" },
		{ "404", "POST /call/resp" HOST "\r\n" },
		{ "404", "POST /call/echo/" HOST "\r\n" },
		{ "404", "POST //call/echo" HOST "\r\n" },
		{ "404", "POST /call" HOST "\r\n" },
		{ "405", "GET /call/echo" HOST "\r\n" },
		{ "405", "PUT /call/echo" HOST "\r\n" },
		{ "405", "POST /healthz" HOST "\r\n" },
		{ "501", "FROB /call/echo" HOST "\r\n" },
		{ "415", "POST /call/echo" HOST "Content-Length: 2\r\n\r\n{}" },
		{ "415", "POST /call/echo" HOST "Content-Type: text/json\r\nContent-Length: 2\r\n\r\n{}" },
		{ "415", "POST /call/cat" HOST "Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}" },
		{ "400", POST_JSON("/call/echo", "3") "{}x" },
		{ "400", POST_JSON("/call/echo?text=a", "12") "{\"text\":\"b\"}" },
		{ "400", "POST /call/echo" HOST "Reqd-Timeout: 0\r\n\r\n" },
		{ "400", "POST /call/echo" HOST "Reqd-Stream: yes\r\n\r\n" },
		{ "400", "POST /call/once" HOST "\r\n" },
		{ "400", "POST /call/once" HOST "Idempotency-Key: \"a b\"\r\n\r\n" },
		{ "422", "GET /call/look?n=x" HOST "\r\n" },
		{ "422", "HEAD /call/look?n=x" HOST "\r\n" },
		{ "422", "POST /call/echo?word=x" HOST "\r\n" },
		{ "403", "POST /call/echo" HOST "Origin: https://evil.example\r\n\r\n" },
		{ "403", "GET /call/look" HOST "Sec-Fetch-Site: cross-site\r\n\r\n" },
		{ "401", "POST /call/echo" HOST "Authorization: Bearer x\r\n\r\n" },
		{ "401", "POST /call/echo" HOST "Authorization: Basic eDp4\r\n\r\n" },
		{ "413", POST_JSON("/call/echo", "2049") },
		{ "413", POST_JSON("/call/echo", "99999999999") },
		{ "400", "POST /call/echo\r\n\r\n" },
		{ "400", "POST /call/echo" HOST "Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}" },
	};

	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		int fd = client();

		say(fd, wrong[i].text);
		ck_assert_msg(strncmp(answers(fd), wrong[i].status, 3) == 0, "%s: %s", wrong[i].text,
		    answers(fd));
		asked_nothing();
		(void)close(fd);
		turns();
	}
}
END_TEST

START_TEST(a_refused_body_is_dropped_and_the_connection_goes_on)
{
	int fd = client();

	say(fd, "POST /call/nothing" HOST "Content-Length: 5\r\n\r\nab");
	ck_status(fd, "404");
	say(fd, "cdeGET /healthz" HOST "\r\nPOST /call/nothing" HOST "Transfer-Encoding: chunked\r\n\r\n"
	    "3\r\nabc\r\n");
	ck_assert_ptr_nonnull(strstr(answers(fd), "200(ok\n) 404({"));
	say(fd, "0\r\n\r\nGET /healthz" HOST "\r\n");
	ck_answers(fd, "200(ok\n)");
}
END_TEST

START_TEST(a_client_that_waits_for_100_is_told_first)
{
	int fd = client();

	say(fd, "POST /call/nothing" HOST "Expect: 100-continue\r\nContent-Length: 5\r\n\r\n");
	ck_assert_ptr_nonnull(strstr(answers(fd), "404!({"));
	fd = client();
	say(fd, "POST /call/echo" HOST "Content-Type: application/json\r\n"
	    "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n");
	ck_heard(fd, "HTTP/1.1 100 Continue\r\n\r\n");
	say(fd, "{}");
	program_says("x", 0);
	ck_answers(fd, "200(x)");
}
END_TEST

START_TEST(other_protocols_get_no_word)
{
	int fd = client();

	say(fd, "*1\r\n$4\r\nPING\r\n");
	ck_heard(fd, "(closed)");
	ck_assert_uint_eq(stats.protocol_errors, 1);
}
END_TEST

/* ---------------------------------------------------------------- results --- */

START_TEST(outcomes_have_a_status)
{
	int fd = client();
	const char *text;

	say(fd, "POST /call/echo" HOST "\r\n");
	program_says("no", 3);
	text = answers(fd);
	ck_assert_ptr_nonnull(strstr(text, "500({\"title\":\"Internal Server Error\",\"status\":500,"
	    "\"code\":\"EXIT\",\"detail\":\"no\",\"ran\":\"yes\",\"result\":{\"status\":3,"));
	say(fd, "POST /call/echo" HOST "Accept: application/json\r\n\r\n");
	program_says("yes\xff", 0);
	text = answers(fd);
	ck_assert_ptr_nonnull(strstr(text, "200({\"status\":0,\"signal\":null,"
	    "\"stdout_base64\":\"eWVz/w==\",\"stderr\":\"\",\"truncated\":false,"));
	ck_assert_ptr_nonnull(strstr(text, "\"outcome\":\"exit\"}\n)"));
	say(fd, "POST /call/echo" HOST "\r\n");
	(void)asked(FRAME_RUN);
	broker_dies();
	ck_assert_ptr_nonnull(strstr(answers(fd), "502({"));
	new_broker();
}
END_TEST

START_TEST(all_outcomes_have_a_status)
{
	for (int kind = 0; kind < OUTCOME_N; kind++) {
		struct outcome o = { .kind = (enum outcome_kind)kind, .status = 1 };

		ck_assert_msg(http_status_of(&o) >= 400, "%s", outcome_word(o.kind));
		ck_assert_msg(http_ran(&o) != NULL, "%s", outcome_word(o.kind));
		ck_assert_msg(strcmp(http_ran(&o), "no") != 0 || !outcome_may_have_run(o.kind), "%s",
		    outcome_word(o.kind));
	}
}
END_TEST

START_TEST(a_login_that_goes_while_the_call_waits_is_asked_for)
{
	struct frame f = { .type = FRAME_ENDED, .ended.outcome = OUTCOME_NOAUTH };
	int fd = client();
	struct asked run;
	const char *text;

	say(fd, "POST /call/echo" HOST "\r\nGET /healthz" HOST "\r\n");
	run = asked(FRAME_RUN);
	f.id = run.frame.id;
	channel_close_fds(run.fds, run.n_fds);
	broker_says(&f, NULL, 0);
	turns();
	text = heard(fd);
	ck_assert_ptr_nonnull(strstr(text, "HTTP/1.1 401 "));
	ck_assert_ptr_nonnull(strstr(text, "\r\nWWW-Authenticate: Bearer "));
	ck_assert_ptr_nonnull(strstr(text, "\r\nReqd-Ran: no\r\n"));
	ck_assert_ptr_nonnull(strstr(text, "\r\n\r\nok\n"));
}
END_TEST

START_TEST(json_that_is_too_long_is_no_success)
{
	static char text[60000];
	int fd = client();
	struct asked run;

	memset(text, '\x01', sizeof(text));
	say(fd, "POST /call/echo" HOST "Accept: application/json\r\n\r\n");
	run = asked(FRAME_RUN);
	write_out(&run, text, sizeof(text));
	program_ends(&run, 0);
	ck_assert_ptr_nonnull(strstr(heard(fd), "HTTP/1.1 200 OK\r\n"));
	/* The memory of a long answer is not kept. */
	ck_assert_uint_le(w.http.body.cap, NET_READ);
	w.http.body.max = 4096;
	for (int status = 0; status < 2; status++) {
		const char *all;

		say(fd, "POST /call/echo" HOST "Accept: application/json\r\n\r\n");
		run = asked(FRAME_RUN);
		write_out(&run, text, 5000);
		program_ends(&run, status);
		all = answers(fd);
		ck_assert_msg(strncmp(all, status == 0 ? "502({" : "500({", 5) == 0, "%s", all);
		ck_assert_ptr_nonnull(strstr(all, "\"ran\":\"yes\"}\n)"));
	}
}
END_TEST

START_TEST(a_head_runs_nothing)
{
	int fd = client();

	say(fd, "HEAD /call/look?n=1" HOST "\r\nHEAD /healthz" HOST "\r\n");
	asked_nothing();
	ck_assert_ptr_nonnull(strstr(heard(fd), "HTTP/1.1 200 OK\r\n"));
}
END_TEST

START_TEST(a_delivery_whose_client_goes_leaves_its_room)
{
	struct hookroom_guest other = { .displace = NULL };
	struct conn *c;
	int fd = client_as(&c);

	say(fd, "POST /hook/hooked/gh" HOST "X-Hub-Signature-256: sha256="
	    "0000000000000000000000000000000000000000000000000000000000000000\r\n"
	    "X-GitHub-Event: push\r\nContent-Length: 100\r\n\r\n{");
	ck_heard(fd, "");
	ck_assert_uint_gt(w.http.room.bytes, 0);
	/* The connection is freed at the end of the turn, and must not be woken before. */
	conn_close(c);
	ck_assert_uint_eq(w.http.room.bytes, 0);
	hookroom_count(&w.http.room, &other, HOOKROOM_MAX);
	hookroom_leave(&w.http.room, &other);
	(void)close(fd);
	turns();
}
END_TEST

START_TEST(events_come_as_they_happen)
{
	int fd = client();
	struct asked run;

	say(fd, "POST /call/echo" HOST "Accept: text/event-stream\r\n\r\n");
	run = asked(FRAME_RUN);
	ck_heard(fd, "");
	write_out(&run, "one", 3);
	ck_answers(fd, "200(35\r\nevent: stdout\ndata: {\"event\":\"stdout\",\"text\":\"one\"}\n\n\r\n)");
	program_ends(&run, 0);
	ck_assert_ptr_nonnull(strstr(heard(fd), "\"outcome\":\"exit\"}\n\n\r\n0\r\n\r\n"));
	say(fd, "GET /healthz" HOST "\r\n");
	ck_answers(fd, "200(ok\n)");
}
END_TEST

START_TEST(silent_events_have_comments)
{
	struct conn *c;
	int fd = client_as(&c);
	struct http_session *s = http_session_of(c);
	struct asked run;

	say(fd, "POST /call/echo" HOST "Accept: text/event-stream\r\n\r\n");
	run = asked(FRAME_RUN);
	ck_heard(fd, "");
	later(&s->beat, 15 * USEC_PER_SEC);
	ck_answers(fd, "200(3\r\n:\n\n\r\n)");
	later(&s->beat, 15 * USEC_PER_SEC);
	ck_heard(fd, "3\r\n:\n\n\r\n");
	program_ends(&run, 0);
	ck_assert(!loop_timer_is_armed(&s->beat));
	ck_assert_ptr_nonnull(strstr(heard(fd), "event: end\n"));
}
END_TEST

START_TEST(a_long_output_is_whole)
{
	static char text[300000], all[400000];
	size_t len = 0;
	int fd = client();
	struct asked run;

	memset(text, 'x', sizeof(text));
	say(fd, "POST /call/echo" HOST "\r\nGET /healthz" HOST "\r\n");
	run = asked(FRAME_RUN);
	for (size_t at = 0; at < sizeof(text); at += 60000)
		write_out(&run, text + at, 60000);
	program_ends(&run, 0);
	for (int i = 0; i < 200 && len < sizeof(text) + 800; i++) {
		ssize_t n = recv(fd, all + len, sizeof(all) - len - 1, 0);

		len += n > 0 ? (size_t)n : 0;
		turns();
	}
	ck_assert_ptr_nonnull(strstr(all, "Content-Length: 300000\r\n"));
	ck_assert_int_eq(memcmp(strstr(all, "\r\n\r\n") + 4, text, sizeof(text)), 0);
	ck_assert_ptr_nonnull(strstr(strstr(all, "\r\n\r\n") + 4 + sizeof(text), "\r\n\r\nok\n"));
}
END_TEST

START_TEST(raw_output_that_was_cut_has_no_end)
{
	struct conn *c;
	int fd = client_as(&c);
	struct asked run;

	say(fd, "POST /call/echo" HOST "Reqd-Stream: raw\r\n\r\n");
	run = asked(FRAME_RUN);
	write_out(&run, "one", 3);
	ck_answers(fd, "200(3\r\none\r\n)");
	program_is_killed(&run);
	ck_heard(fd, "(closed)");
	fd = client();
	say(fd, "POST /call/echo HTTP/1.0\r\nReqd-Stream: raw\r\nConnection: keep-alive\r\n\r\n");
	run = asked(FRAME_RUN);
	write_out(&run, "one", 3);
	ck_answers(fd, "200!(one)");
	program_ends(&run, 0);
	ck_heard(fd, "(closed)");
}
END_TEST

/* ------------------------------------------------------------------ input --- */

START_TEST(input_goes_to_the_program_as_it_comes)
{
	char text[16] = "";
	int fd = client();
	struct asked run;

	say(fd, "POST /call/cat" HOST "Expect: 100-continue\r\nContent-Length: 10\r\n\r\n");
	run = asked(FRAME_RUN);
	ck_assert_uint_ne(run.frame.run.flags & RUN_HAS_INPUT, 0);
	ck_heard(fd, "");
	tell(FRAME_STARTED, run.frame.id, -1);
	ck_heard(fd, "HTTP/1.1 100 Continue\r\n\r\n");
	say(fd, "hello");
	ck_assert_int_eq(read(run.fds[2], text, sizeof(text)), 5);
	ck_assert_str_eq(text, "hello");
	say(fd, "worldGET /healthz" HOST "\r\n");
	ck_assert_int_eq(read(run.fds[2], text, sizeof(text)), 5);
	ck_assert_int_eq(read(run.fds[2], text, sizeof(text)), 0);
	write_out(&run, "done", 4);
	program_ends(&run, 0);
	ck_answers(fd, "200(done) 200(ok\n)");
}
END_TEST

START_TEST(input_in_chunks_goes_to_the_program_as_it_comes)
{
	char text[16] = "";
	int fd = client();
	struct asked run;

	say(fd, "POST /call/cat" HOST "Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n");
	run = asked(FRAME_RUN);
	tell(FRAME_STARTED, run.frame.id, -1);
	ck_assert_int_eq(read(run.fds[2], text, sizeof(text)), 2);
	say(fd, "3\r\ncde\r\n0\r\n\r\n");
	ck_assert_int_eq(read(run.fds[2], text, sizeof(text)), 3);
	ck_assert_str_eq(text, "cde");
	ck_assert_int_eq(read(run.fds[2], text, sizeof(text)), 0);
	program_ends(&run, 0);
	ck_answers(fd, "200()");
}
END_TEST

START_TEST(input_that_nobody_wants_is_dropped)
{
	int fd = client();
	struct asked run;

	say(fd, "POST /call/cat" HOST "Content-Length: 10\r\n\r\nabc");
	run = asked(FRAME_RUN);
	tell(FRAME_STARTED, run.frame.id, -1);
	program_ends(&run, 0);
	ck_answers(fd, "200()");
	say(fd, "defghijGET /healthz" HOST "\r\n");
	ck_answers(fd, "200(ok\n)");
}
END_TEST

START_TEST(an_answer_that_has_begun_gets_no_second_head)
{
	static char piece[3 * PARTY_FREE];
	int fd = client();
	struct asked run;

	memset(piece, 'x', sizeof(piece));
	say(fd, "POST /call/cat" HOST "Reqd-Stream: raw\r\nContent-Length: 100000\r\n\r\n");
	run = asked(FRAME_RUN);
	tell(FRAME_STARTED, run.frame.id, -1);
	write_out(&run, "one", 3);
	ck_answers(fd, "200(3\r\none\r\n)");
	/* Nothing more may be kept. */
	w.net.parties.max_bytes = 1;
	say_n(fd, piece, sizeof(piece));
	ck_heard(fd, "(closed)");
	is_cancelled(&run);
	program_is_killed(&run);
}
END_TEST

START_TEST(a_stream_that_ends_before_its_input_ends_the_connection)
{
	static const char *const bodies[] = {
		"Content-Length: 100000000\r\n\r\nab", "Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n",
	};

	for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
		int fd = client();
		struct asked run;

		say(fd, "POST /call/cat" HOST "Reqd-Stream: raw\r\n");
		say(fd, bodies[i]);
		run = asked(FRAME_RUN);
		tell(FRAME_STARTED, run.frame.id, -1);
		write_out(&run, "one", 3);
		ck_answers(fd, "200(3\r\none\r\n)");
		program_ends(&run, 0);
		ck_heard(fd, "0\r\n\r\n(closed)");
	}
}
END_TEST

START_TEST(a_long_refused_body_leaves_the_answer)
{
	static char chunk[60000] = "C350\r\n";
	struct conn *c;
	int fd = client_as(&c);

	say(fd, "POST /call/nothing" HOST "Transfer-Encoding: chunked\r\n\r\n");
	memset(chunk + 6, 'x', 50000);
	memcpy(chunk + 6 + 50000, "\r\n", 2);
	for (int i = 0; i < 4; i++)
		say_all(fd, chunk, 50008);
	/* The connection waits for the client to close, and reads what still comes. */
	ck_assert_int_eq(c->state, CONN_LINGERING);
	ck_assert_ptr_nonnull(strstr(answers(fd), "404({"));
}
END_TEST

START_TEST(broken_chunks_end_the_call)
{
	int fd = client();
	struct asked run;

	say(fd, "POST /call/cat" HOST "Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n");
	run = asked(FRAME_RUN);
	tell(FRAME_STARTED, run.frame.id, -1);
	say(fd, "0x3\r\n");
	ck_assert_ptr_nonnull(strstr(heard(fd), "HTTP/1.1 400 "));
	is_cancelled(&run);
	program_is_killed(&run);
}
END_TEST

START_TEST(a_client_that_goes_cancels_its_call)
{
	char text[16];
	struct conn *c;
	int fd = client_as(&c);
	struct asked run;

	say(fd, "POST /call/cat" HOST "Content-Length: 10\r\n\r\nabc");
	run = asked(FRAME_RUN);
	tell(FRAME_STARTED, run.frame.id, -1);
	/* The input can never be whole any more. */
	ck_assert_int_eq(shutdown(fd, SHUT_WR), 0);
	is_cancelled(&run);
	/* The program has no reason to believe that it is. */
	(void)fd_set_nonblock(run.fds[2], true);
	ck_assert_int_eq(read(run.fds[2], text, sizeof(text)), 3);
	ck_assert_int_eq(read(run.fds[2], text, sizeof(text)), -1);
	program_is_killed(&run);
	fd = client_as(&c);
	say(fd, "POST /call/echo" HOST "\r\n");
	run = asked(FRAME_RUN);
	ck_assert_int_eq(shutdown(fd, SHUT_WR), 0);
	asked_nothing();
	later(&c->timer, 2 * USEC_PER_SEC);
	is_cancelled(&run);
	program_is_killed(&run);
}
END_TEST

/* -------------------------------------------------------------------- time --- */

START_TEST(slow_senders_are_told_and_cut)
{
	static const char *const starts[] = {
		"GET /hea",
		POST_JSON("/call/echo", "10") "{",
		"POST /call/echo" HOST "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n2",
	};

	for (size_t i = 0; i < ARRAY_LEN(starts); i++) {
		struct conn *c;
		int fd = client_as(&c);

		say(fd, starts[i]);
		ck_heard(fd, "");
		later(&c->timer, i == 0 ? 11 * USEC_PER_SEC : 121 * USEC_PER_SEC);
		ck_assert_msg(strncmp(answers(fd), "408!({", 6) == 0, "%zu", i);
		(void)close(fd);
		turns();
	}
}
END_TEST

/* The connection has told the log why already; to be many is no mistake in the protocol. */
START_TEST(a_limit_is_no_error_of_the_protocol)
{
	struct conn *c;
	int fd = client_as(&c);

	say(fd, "GET /hea");
	c->door->ops->refuse(c, "you are too many");
	conn_flush(c);
	turns();
	ck_assert_ptr_nonnull(strstr(answers(fd), "503!({"));
	ck_assert_uint_eq(stats.protocol_errors, 0);
}
END_TEST

START_TEST(input_that_stalls_is_cut)
{
	for (int is_begun = 0; is_begun < 2; is_begun++) {
		char text[16];
		struct conn *c;
		int fd = client_as(&c);
		struct asked run;

		say(fd, "POST /call/cat" HOST "Reqd-Stream: raw\r\nContent-Length: 10\r\n\r\nab");
		run = asked(FRAME_RUN);
		/* The client is not late: the program has not begun. */
		ck_assert_uint_eq(c->request_due_usec, 0);
		tell(FRAME_STARTED, run.frame.id, -1);
		ck_assert_int_eq(read(run.fds[2], text, sizeof(text)), 2);
		ck_assert_uint_ne(c->request_due_usec, 0);
		/* A byte now and then is not enough. */
		c->request_due_usec -= 100 * USEC_PER_SEC;
		say(fd, "c");
		ck_assert_uint_lt(c->request_due_usec, w.loop.now_usec + 21 * USEC_PER_SEC);
		if (is_begun) {
			write_out(&run, "one", 3);
			ck_answers(fd, "200(3\r\none\r\n)");
		}
		later(&c->timer, 21 * USEC_PER_SEC);
		is_cancelled(&run);
		if (is_begun) {
			ck_heard(fd, "(closed)");
		} else {
			const char *all = heard(fd);

			ck_assert_ptr_nonnull(strstr(all, "HTTP/1.1 408 "));
			ck_assert_ptr_nonnull(strstr(all, "\r\nReqd-Ran: perhaps\r\n"));
		}
		program_is_killed(&run);
	}
}
END_TEST

START_TEST(input_that_was_in_time_leaves_no_deadline)
{
	struct conn *c;
	int fd = client_as(&c);
	struct asked run;

	say(fd, "POST /call/cat" HOST "Content-Length: 3\r\n\r\nab");
	run = asked(FRAME_RUN);
	tell(FRAME_STARTED, run.frame.id, -1);
	say(fd, "c");
	ck_assert_uint_eq(c->request_due_usec, 0);
	program_ends(&run, 0);
	ck_answers(fd, "200()");
	ck_assert_uint_eq(c->request_due_usec, 0);
}
END_TEST

START_TEST(an_idle_client_is_closed_without_a_word)
{
	struct conn *c;
	int fd = client_as(&c);

	say(fd, "GET /healthz" HOST "\r\n");
	ck_answers(fd, "200(ok\n)");
	later(&c->timer, 76 * USEC_PER_SEC);
	ck_heard(fd, "(closed)");
}
END_TEST

START_TEST(drain)
{
	int fd = client(), idle = client();
	struct asked run;

	say(idle, "GET /readyz" HOST "\r\n");
	ck_answers(idle, "200(ok\n)");
	say(fd, "POST /call/echo" HOST "\r\n");
	run = asked(FRAME_RUN);
	net_stop(&w.net);
	turns();
	ck_heard(idle, "(closed)");
	write_out(&run, "x", 1);
	program_ends(&run, 0);
	ck_assert_ptr_nonnull(strstr(answers(fd), "200(x)(closed)"));
}
END_TEST

START_TEST(a_body_that_is_coming_when_the_worker_stops_has_an_answer)
{
	struct conn *c;
	int fd = client_as(&c), late = client_as(&c);

	say(fd, POST_JSON("/call/echo", "13") "{\"text\":");
	say(late, POST_JSON("/call/echo", "13") "{\"text\":");
	net_stop(&w.net);
	turns();
	ck_heard(fd, "");
	say(fd, "\"hi\"");
	ck_heard(fd, "");
	say(fd, "}");
	asked_nothing();
	ck_assert_ptr_nonnull(strstr(answers(fd), "503!({"));
	later(&c->timer, 121 * USEC_PER_SEC);
	ck_assert_ptr_nonnull(strstr(answers(late), "408!({"));
}
END_TEST

/* ------------------------------------------------------------------- pages --- */

START_TEST(a_listed_page_may_ask_and_read)
{
	const char *text;
	int fd = client();

	say(fd, "OPTIONS /call/echo" HOST "Origin: https://dash.example\r\n"
	    "Access-Control-Request-Method: POST\r\n"
	    "Access-Control-Request-Headers: content-type,reqd-meta-a, x-evil\r\n\r\n");
	text = heard(fd);
	ck_assert_ptr_nonnull(strstr(text, "HTTP/1.1 204 No Content\r\n"));
	ck_assert_ptr_nonnull(strstr(text, "\r\nAccess-Control-Allow-Origin: https://dash.example\r\n"));
	ck_assert_ptr_nonnull(strstr(text, "\r\nAccess-Control-Allow-Methods: GET, HEAD, POST, OPTIONS\r\n"));
	ck_assert_ptr_nonnull(strstr(text, ", reqd-meta-a\r\n"));
	ck_assert_ptr_null(strstr(text, "evil"));
	ck_assert_ptr_null(strstr(text, "Credentials"));
	say(fd, "POST /call/echo" HOST "Origin: https://dash.example\r\n\r\n");
	program_says("x", 0);
	text = heard(fd);
	ck_assert_ptr_nonnull(strstr(text, "\r\nAccess-Control-Allow-Origin: https://dash.example\r\n"));
	ck_assert_ptr_nonnull(strstr(text, "\r\nVary: Origin\r\n"));
	/* The next request is not of that page. */
	say(fd, "GET /healthz" HOST "\r\n");
	ck_assert_ptr_null(strstr(heard(fd), "Allow-Origin"));
}
END_TEST

START_TEST(a_page_stays_listed_when_the_listener_has_ended)
{
	int fd = client();

	listeners_close(&w.net);
	conf_unref(worker_set_conf(&w, conf_of("listen \"http://127.0.0.1:7381\" {}\n"
	    "role \"local\" { net = {\"unix\"} }\n"
	    "service \"echo\" { command = {\"/bin/echo\"} allow = {\"local\"} }\n", 2)));
	say(fd, "GET /healthz" HOST "Origin: https://dash.example\r\n\r\n");
	ck_answers(fd, "200!(ok\n)(closed)");
}
END_TEST

static void
add(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, requests_follow_each_other);
	tcase_add_test(tc, a_request_may_come_byte_by_byte);
	tcase_add_test(tc, calls_take_json_forms_and_queries);
	tcase_add_test(tc, a_body_in_chunks_is_gathered);
	tcase_add_test(tc, wrong_requests_start_nothing);
	tcase_add_test(tc, a_refused_body_is_dropped_and_the_connection_goes_on);
	tcase_add_test(tc, a_client_that_waits_for_100_is_told_first);
	tcase_add_test(tc, other_protocols_get_no_word);
	tcase_add_test(tc, outcomes_have_a_status);
	tcase_add_test(tc, all_outcomes_have_a_status);
	tcase_add_test(tc, a_login_that_goes_while_the_call_waits_is_asked_for);
	tcase_add_test(tc, json_that_is_too_long_is_no_success);
	tcase_add_test(tc, a_head_runs_nothing);
	tcase_add_test(tc, a_delivery_whose_client_goes_leaves_its_room);
	tcase_add_test(tc, events_come_as_they_happen);
	tcase_add_test(tc, silent_events_have_comments);
	tcase_add_test(tc, a_long_output_is_whole);
	tcase_add_test(tc, raw_output_that_was_cut_has_no_end);
	tcase_add_test(tc, input_goes_to_the_program_as_it_comes);
	tcase_add_test(tc, input_in_chunks_goes_to_the_program_as_it_comes);
	tcase_add_test(tc, input_that_nobody_wants_is_dropped);
	tcase_add_test(tc, an_answer_that_has_begun_gets_no_second_head);
	tcase_add_test(tc, a_stream_that_ends_before_its_input_ends_the_connection);
	tcase_add_test(tc, a_long_refused_body_leaves_the_answer);
	tcase_add_test(tc, broken_chunks_end_the_call);
	tcase_add_test(tc, a_client_that_goes_cancels_its_call);
	tcase_add_test(tc, slow_senders_are_told_and_cut);
	tcase_add_test(tc, a_limit_is_no_error_of_the_protocol);
	tcase_add_test(tc, input_that_stalls_is_cut);
	tcase_add_test(tc, input_that_was_in_time_leaves_no_deadline);
	tcase_add_test(tc, an_idle_client_is_closed_without_a_word);
	tcase_add_test(tc, drain);
	tcase_add_test(tc, a_body_that_is_coming_when_the_worker_stops_has_an_answer);
	tcase_add_test(tc, a_listed_page_may_ask_and_read);
	tcase_add_test(tc, a_page_stays_listed_when_the_listener_has_ended);
}

UNIT_MAIN("httpdoor", add(tc))
