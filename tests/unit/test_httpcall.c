/* SPDX-License-Identifier: ISC */
/* httpcall: paths, types and statuses of services, and calls that nobody waits for. */
#include "config.h"

static const char rules[] =
    "listen \"http://127.0.0.1:7380\" {}\n"
    "watch = {\"watcher\"}\n"
    "role \"local\" { net = {\"unix\"} }\n"
    "role \"other\" { net = {\"10.1.1.1/32\"} }\n"
    "role \"watcher\" { net = {\"10.1.1.2/32\"} }\n"
    "service \"deploy\" { command = {\"/bin/true\", \"{app}\", \"{n}\"} allow = {\"local\"}\n"
    "  argument \"app\" { type = name } argument \"n\" { type = integer optional = yes }\n"
    "  http { path = \"/deploy/{app}\" type = \"text/csv\" status = {\"3=409\", \"4=503\"} } }\n"
    "service \"look\" { command = {\"/bin/true\"} allow = {\"local\"} effects = none\n"
    "  http { path = \"/deploy/all/now\" } }\n"
    "service \"raw\" { command = {\"/bin/true\"} allow = {\"local\"} http { stream = yes } }\n"
    "service \"once\" { command = {\"/bin/true\"} allow = {\"local\"} idempotent = no }\n"
    "service \"hidden\" { command = {\"/bin/true\"} allow = {\"other\"}\n"
    "  http { path = \"/hidden\" } }\n"
    "service \"warm\" { handler = {\"/bin/cat\"} allow = {\"local\"} }\n"
    "service \"cat\" { command = {\"/bin/cat\"} allow = {\"local\"} input = optional }\n";

#include "http-peer.h"

#include <sys/mman.h>

#include "call/result.h"
#include "door/http/httpasync.h"
#include "door/http/httplisten.h"
#include "door/http/httpsession.h"
#include "proto/mcp.h"

/* ------------------------------------------------------------------ paths --- */

START_TEST(a_path_calls_its_service)
{
	int fd = client();
	const char *text;

	say(fd, "POST /deploy/shop?n=7" HOST "\r\n");
	program_says("a,b\n", 0);
	text = heard(fd);
	ck_assert_ptr_nonnull(strstr(text, "HTTP/1.1 200 "));
	ck_assert_ptr_nonnull(strstr(text, "\r\nContent-Type: text/csv\r\n"));
	say(fd, "GET /deploy/all/now" HOST "\r\n");
	program_says("x", 0);
	ck_answers(fd, "200(x)");
	say(fd, POST_JSON("/deploy/shop", "7") "{\"n\":8}");
	program_says("y", 0);
	ck_answers(fd, "200(y)");
	say(fd, "HEAD /deploy/all/now" HOST "\r\n");
	ck_status(fd, "200");
	asked_nothing();
}
END_TEST

START_TEST(a_path_tells_nothing_of_what_is_hidden)
{
	static const char *const methods[] = { "GET", "POST", "PUT", "DELETE", "OPTIONS", "FROB" };
	int fd = client();

	for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
		char text[100], first[2048];

		(void)snprintf(text, sizeof(text), "%s /hidden" HOST "\r\n", methods[i]);
		say(fd, text);
		(void)strlcpy(first, answers(fd), sizeof(first));
		(void)snprintf(text, sizeof(text), "%s /nothing" HOST "\r\n", methods[i]);
		say(fd, text);
		ck_answers(fd, first);
	}
	asked_nothing();
}
END_TEST

START_TEST(paths_that_fit_not_are_refused)
{
	static const struct {
		const char *status, *text;
	} wrong[] = {
		{ "404", "POST /deploy" HOST "\r\n" },
		{ "404", "POST /deploy/" HOST "\r\n" },
		{ "404", "POST /deploy/shop/" HOST "\r\n" },
		{ "404", "POST /deploy/shop/now" HOST "\r\n" },
		{ "404", "POST /Deploy/shop" HOST "\r\n" },
		{ "404", "POST /a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p/q/r/s" HOST "\r\n" },
		{ "404", "POST //deploy" HOST "\r\n" },
		{ "405", "GET /deploy/shop" HOST "\r\n" },
		{ "405", "PUT /deploy/shop" HOST "\r\n" },
		{ "422", "POST /deploy/a%2Fb" HOST "\r\n" },
		{ "400", "POST /deploy/shop?app=x" HOST "\r\n" },
		{ "400", POST_JSON("/deploy/shop", "11") "{\"app\":\"x\"}" },
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

START_TEST(exit_statuses_have_statuses)
{
	int fd = client();

	say(fd, "POST /call/deploy?app=x" HOST "\r\n");
	program_says("", 3);
	ck_status(fd, "409");
	say(fd, "POST /call/deploy?app=x" HOST "\r\n");
	program_says("", 4);
	ck_status(fd, "503");
	say(fd, "POST /call/deploy?app=x" HOST "\r\n");
	program_says("", 5);
	ck_status(fd, "500");
}
END_TEST

START_TEST(a_service_may_stream)
{
	struct asked run;
	int fd = client();

	say(fd, "POST /call/raw" HOST "\r\n");
	run = asked(FRAME_RUN);
	write_out(&run, "one", 3);
	ck_assert_ptr_nonnull(strstr(heard(fd), "\r\n\r\n3\r\none\r\n"));
	program_ends(&run, 0);
	ck_heard(fd, "0\r\n\r\n");
	say(fd, "POST /call/raw" HOST "TE: trailers\r\n\r\n");
	run = asked(FRAME_RUN);
	write_out(&run, "one", 3);
	ck_assert_ptr_nonnull(strstr(heard(fd), "\r\nTrailer: Reqd-Outcome, Reqd-Exit\r\n"));
	program_ends(&run, 3);
	ck_heard(fd, "0\r\nReqd-Outcome: exit\r\nReqd-Exit: 3\r\n\r\n");
	/* A client that asks for JSON gets that. */
	say(fd, "POST /call/raw" HOST "Accept: application/json\r\n\r\n");
	program_says("two", 0);
	ck_assert_ptr_nonnull(strstr(answers(fd), "200({\"status\":0,"));
}
END_TEST

/* ------------------------------------------------------------------- views --- */

START_TEST(why_and_status_tell_what_the_caller_may_know)
{
	struct conn *c;
	int fd = client_as(&c);
	const char *text;

	/* The kernel has said who it is, and the fixture something else. */
	c->peer.roles_generation = 0;
	say(fd, "GET /why/deploy" HOST "\r\n");
	text = answers(fd);
	ck_assert_msg(strstr(text, "200({\"outcome\":null,\"why\":\"You may call deploy: ") != NULL, "%s", text);
	say(fd, "GET /why/hidden" HOST "\r\n");
	text = answers(fd);
	ck_assert_ptr_nonnull(strstr(text, "200({\"outcome\":\"denied\",\"why\":\"You may not call hidden: "));
	say(fd, "GET /status" HOST "\r\n");
	text = answers(fd);
	ck_assert_ptr_nonnull(strstr(text, "\"state\":\"serving\""));
	ck_assert_ptr_nonnull(strstr(text, "{\"name\":\"deploy\","));
	ck_assert_ptr_null(strstr(text, "hidden"));
	ck_assert_ptr_null(strstr(text, "\"workers\""));
	w.net.is_leaving = true;
	say(fd, "GET /readyz" HOST "\r\nGET /healthz" HOST "\r\n");
	ck_answers(fd, "503(draining\n) 200(ok\n)");
	w.net.is_leaving = false;
}
END_TEST

/* ------------------------------------------------------------------- async --- */

START_TEST(preferences_are_read)
{
	static const struct {
		const char *text;
		bool is_async;
		uint64_t wait_sec;
	} rows[] = {
		{ "respond-async", true, 0 }, { "Respond-Async, wait=5", true, 5 },
		{ "wait=5,respond-async", true, 5 }, { "wait=5", false, 5 }, { "", false, 0 },
		{ "return=minimal, respond-async ,", true, 0 }, { "respond-asyncs", false, 0 },
		{ "respond-async, wait=99999999999999999999", true, 600 },
		{ "respond-async, wait=x", true, 0 }, { "respond-async, wait=", true, 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct slice text = slice_of(rows[i].text);
		struct http_prefer p = http_prefer_parse(&text);

		ck_assert_msg(p.is_async == rows[i].is_async, "%s", rows[i].text);
		ck_assert_uint_eq(p.wait_usec, rows[i].wait_sec * USEC_PER_SEC);
	}
	ck_assert(!http_prefer_parse(NULL).is_async);
}
END_TEST

#define ASYNC "Prefer: respond-async\r\nIdempotency-Key: k1\r\n\r\n"

START_TEST(a_call_goes_on_without_its_client)
{
	int fd = client();
	struct asked run;
	const char *text;

	say(fd, "POST /call/deploy?app=x" HOST ASYNC);
	run = asked(FRAME_RUN);
	text = heard(fd);
	ck_assert_ptr_nonnull(strstr(text, "HTTP/1.1 202 "));
	ck_assert_ptr_nonnull(strstr(text, "\r\nLocation: /calls/deploy:k1\r\n"));
	ck_assert_ptr_nonnull(strstr(text, "\r\nPreference-Applied: respond-async\r\n"));
	/* The connection is free, and may end. */
	say(fd, "GET /healthz" HOST "\r\n");
	ck_answers(fd, "200(ok\n)");
	(void)close(fd);
	turns();
	asked_nothing();
	write_out(&run, "out", 3);
	program_ends(&run, 0);
	(void)asked(FRAME_DEPOSIT);
	ck_assert(LIST_EMPTY(&w.http.detached));
}
END_TEST

START_TEST(a_call_that_ends_in_time_is_answered)
{
	int fd = client();
	struct asked run;

	say(fd, "POST /call/deploy?app=x" HOST "Prefer: respond-async, wait=5\r\n\r\n");
	run = asked(FRAME_RUN);
	ck_heard(fd, "");
	write_out(&run, "out", 3);
	program_ends(&run, 0);
	(void)asked(FRAME_DEPOSIT);
	ck_answers(fd, "200(out)");
}
END_TEST

START_TEST(a_call_without_room_is_no_202)
{
	struct frame f = { .type = FRAME_ENDED, .ended.outcome = OUTCOME_BUSY }, run, keeps;
	int fd = client(), paper = memfd_create("paper", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	say(fd, "POST /call/deploy?app=x" HOST ASYNC);
	ck_assert(broker_hears(&run));
	/* The broker keeps the token, and finds no room for the request. */
	keeps = (struct frame){ .type = FRAME_PAPER, .id = run.id };
	f.id = run.id;
	broker_says(&keeps, &paper, 1);
	broker_says(&f, NULL, 0);
	(void)close(paper);
	turns();
	ck_status(fd, "503");
	say(fd, "POST /call/deploy?app=..." HOST ASYNC);
	ck_status(fd, "422");
	/* A token that reqd makes is none of the client's. */
	say(fd, "POST /call/once" HOST "Prefer: respond-async\r\n\r\n");
	ck_status(fd, "400");
	ck_assert(LIST_EMPTY(&w.http.detached));
}
END_TEST

/* The broker answers a question about a call. */
static void
broker_finds(enum look_up what, int result)
{
	struct asked q = asked(FRAME_LOOK_UP);
	struct frame f = { .type = FRAME_FOUND, .id = q.frame.id, .found = (uint8_t)what };

	broker_says(&f, &result, result >= 0 ? 1 : 0);
	if (result >= 0)
		(void)close(result);
	turns();
}

START_TEST(calls_are_looked_at)
{
	struct result res = { .outcome.kind = OUTCOME_EXIT, .out = SLICE("out"), .err = SLICE("err"),
		.id = 7 };
	int fd = client(), paper = memfd_create("paper", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	const char *text;

	say(fd, "GET /calls/deploy:k1" HOST "\r\n");
	broker_finds(LOOK_UP_WAITS, -1);
	ck_answers(fd, "202({\"state\":\"waiting\"}\n)");
	say(fd, "GET /calls/deploy:k1" HOST "\r\n");
	broker_finds(LOOK_UP_RUNS, -1);
	ck_answers(fd, "202({\"state\":\"running\"}\n)");
	say(fd, "GET /calls/deploy:k1" HOST "\r\n");
	broker_finds(LOOK_UP_UNKNOWN, -1);
	ck_status(fd, "404");
	say(fd, "GET /calls/deploy:k1" HOST "\r\n");
	broker_finds(LOOK_UP_SPENT, -1);
	ck_status(fd, "410");
	ck_assert_int_eq(ftruncate(paper, FRAME_RESULT_BYTES), 0);
	ck_assert_int_eq(result_write(paper, &res, 0), 0);
	say(fd, "GET /calls/deploy:k1" HOST "\r\n");
	broker_finds(LOOK_UP_DONE, dup(paper));
	ck_answers(fd, "200(out)");
	say(fd, "GET /calls/deploy:k1" HOST "Accept: application/x-ndjson\r\n\r\n");
	broker_finds(LOOK_UP_DONE, dup(paper));
	text = heard(fd);
	ck_assert_ptr_nonnull(strstr(text, "{\"event\":\"stdout\",\"text\":\"out\"}\n"));
	ck_assert_ptr_nonnull(strstr(text, "{\"event\":\"stderr\",\"text\":\"err\"}\n"));
	ck_assert_ptr_nonnull(strstr(text, "\"outcome\":\"exit\"}\n\r\n0\r\n\r\n"));
	say(fd, "HEAD /calls/deploy:k1" HOST "Accept: application/x-ndjson\r\n\r\n");
	broker_finds(LOOK_UP_DONE, dup(paper));
	text = heard(fd);
	ck_assert_ptr_nonnull(strstr(text, "\r\nContent-Type: application/x-ndjson"));
	ck_assert_str_eq(strstr(text, "\r\n\r\n"), "\r\n\r\n");
	(void)close(paper);
	/* The message has lost its file on the way. */
	say(fd, "GET /calls/deploy:k1" HOST "\r\n");
	broker_finds(LOOK_UP_DONE, -1);
	ck_status(fd, "503");
	say(fd, "GET /calls/deploy:k1" HOST "\r\n");
	(void)asked(FRAME_LOOK_UP);
	broker_dies();
	ck_status(fd, "503");
	new_broker();
	say(fd, "GET /calls/deploy" HOST "\r\nGET /calls/hidden:k" HOST "\r\nGET /calls/warm:k" HOST "\r\n"
	    "GET /calls/deploy:" HOST "\r\nGET /calls/deploy:a%20b" HOST "\r\n");
	ck_status(fd, "404");
	asked_nothing();
	ck_assert_uint_eq(w.desk.n_calls, 0);
}
END_TEST

START_TEST(a_client_that_goes_ends_its_question)
{
	int fd = client();

	say(fd, "GET /calls/deploy:k1" HOST "\r\n");
	(void)asked(FRAME_LOOK_UP);
	(void)close(fd);
	turns();
	broker_dies();
	turns();
	ck_assert_uint_eq(w.desk.n_calls, 0);
	new_broker();
}
END_TEST

START_TEST(calls_are_cancelled)
{
	int fd = client();

	say(fd, "DELETE /calls/deploy:k1" HOST "\r\n");
	(void)asked(FRAME_CANCEL_OWNED);
	tell_found(0, true);
	ck_status(fd, "204");
	say(fd, "DELETE /calls/deploy:k1" HOST "\r\n");
	(void)asked(FRAME_CANCEL_OWNED);
	tell_found(0, false);
	ck_status(fd, "404");
}
END_TEST

/* ------------------------------------------------------------------ tools --- */

/* Sends a message of MCP in a session. */
static void
say_mcp(int fd, const char *message)
{
	char text[1024];

	(void)snprintf(text, sizeof(text), "POST /mcp" HOST "Content-Type: application/json\r\n"
	    "Mcp-Session-Id: s1\r\nContent-Length: %zu\r\n\r\n%s", strlen(message), message);
	say(fd, text);
}

#define CALL_LOOK(id) "{\"jsonrpc\":\"2.0\",\"id\":" id ",\"method\":\"tools/call\"," \
	"\"params\":{\"name\":\"look\"}}"

static size_t
occurrences(const char *text, const char *word)
{
	size_t n = 0;

	for (; (text = strstr(text, word)) != NULL; text++)
		n++;
	return n;
}

START_TEST(a_tool_says_everything_once)
{
	int fd = client();
	struct asked run;
	const char *text;

	say_mcp(fd, CALL_LOOK("1"));
	run = asked(FRAME_RUN);
	write_out(&run, "result", 6);
	ck_assert_int_eq(write(run.fds[1], "plain line\n", 11), 11);
	turns();
	program_ends(&run, 3);
	(void)asked(FRAME_DEPOSIT);
	text = heard(fd);
	ck_assert_msg(occurrences(text, "plain line") == 1, "%s", text);
	ck_assert_msg(occurrences(text, "result\"}") == 1, "%s", text);
}
END_TEST

START_TEST(a_repeated_tool_says_everything_once)
{
	struct result res = {
		.outcome = { .kind = OUTCOME_EXIT, .status = 3 }, .out = SLICE("of before"),
		.err = SLICE("plain line\n"), .id = 7,
	};
	int fd = client(), paper = memfd_create("paper", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	struct frame run, f = { .type = FRAME_RESULT };
	const char *text;

	ck_assert_int_eq(ftruncate(paper, FRAME_RESULT_BYTES), 0);
	ck_assert_int_eq(result_write(paper, &res, 0), 0);
	say_mcp(fd, CALL_LOOK("1"));
	ck_assert(broker_hears(&run));
	f.id = run.id;
	broker_says(&f, &paper, 1);
	(void)close(paper);
	turns();
	text = heard(fd);
	ck_assert_msg(occurrences(text, "plain line") == 1, "%s", text);
	ck_assert_msg(occurrences(text, "of before") == 1, "%s", text);
}
END_TEST

START_TEST(a_notification_waits_for_its_cancel)
{
	static const char cancelled[] = "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\","
	    "\"params\":{\"requestId\":1}}";
	int fd = client();

	say_mcp(fd, cancelled);
	say_mcp(fd, cancelled);
	say_mcp(fd, cancelled);
	ck_heard(fd, "");
	for (int i = 0; i < 3; i++) {
		(void)asked(FRAME_CANCEL_OWNED);
		asked_nothing();
		tell_found(0, i == 0);
		ck_answers(fd, "202()");
	}
	/* A client that goes is told nothing. */
	say_mcp(fd, cancelled);
	(void)asked(FRAME_CANCEL_OWNED);
	(void)close(fd);
	turns();
	tell_found(0, true);
}
END_TEST

#define MCP_KEY "\"io.modelcontextprotocol/"
#define LISTENS "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"subscriptions/listen\",\"params\":{" \
	"\"notifications\":{\"toolsListChanged\":true},\"_meta\":{" MCP_KEY "protocolVersion\":\"" \
	MCP_MODERN "\"," MCP_KEY "clientCapabilities\":{}}}}"

START_TEST(a_worker_that_stops_lets_nobody_listen)
{
	char text[1024];
	int fd = client();

	(void)snprintf(text, sizeof(text), "POST /mcp" HOST "Content-Type: application/json\r\n"
	    "MCP-Protocol-Version: " MCP_MODERN "\r\nMcp-Method: subscriptions/listen\r\n"
	    "Content-Length: %zu\r\n\r\n" LISTENS, sizeof(LISTENS) - 1);
	say(fd, text);
	ck_assert_ptr_nonnull(strstr(heard(fd), "notifications/subscriptions/acknowledged"));
	ck_assert(!LIST_EMPTY(&w.http.listening));
	http_listen_stop(&w.http);
	ck_assert(LIST_EMPTY(&w.http.listening));
	fd = client();
	w.net.stopping = true;
	say(fd, text);
	ck_assert_ptr_nonnull(strstr(heard(fd), "\n\n\r\n0\r\n\r\n(closed)"));
	ck_assert(LIST_EMPTY(&w.http.listening));
	w.net.stopping = false;
}
END_TEST

static void
add(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_path_calls_its_service);
	tcase_add_test(tc, a_path_tells_nothing_of_what_is_hidden);
	tcase_add_test(tc, paths_that_fit_not_are_refused);
	tcase_add_test(tc, exit_statuses_have_statuses);
	tcase_add_test(tc, a_service_may_stream);
	tcase_add_test(tc, why_and_status_tell_what_the_caller_may_know);
	tcase_add_test(tc, preferences_are_read);
	tcase_add_test(tc, a_call_goes_on_without_its_client);
	tcase_add_test(tc, a_call_that_ends_in_time_is_answered);
	tcase_add_test(tc, a_call_without_room_is_no_202);
	tcase_add_test(tc, calls_are_looked_at);
	tcase_add_test(tc, a_client_that_goes_ends_its_question);
	tcase_add_test(tc, calls_are_cancelled);
	tcase_add_test(tc, a_tool_says_everything_once);
	tcase_add_test(tc, a_repeated_tool_says_everything_once);
	tcase_add_test(tc, a_notification_waits_for_its_cancel);
	tcase_add_test(tc, a_worker_that_stops_lets_nobody_listen);
}

UNIT_MAIN("httpcall", add(tc))
