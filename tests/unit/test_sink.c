/* SPDX-License-Identifier: ISC */
/*
 * sink: calls of every kind, without a connection and without RESP: driven by a
 * sink that notes its events, and through a door that speaks lines of text.
 */
#include "config.h"

#include "handler-peer.h"
#include "line-door.h"

/* -------------------------------------------------- a sink that takes notes --- */

struct notes {
	struct call_sink sink;
	struct buf heard;	/* one word or two for each event */
	bool has_room;
	unsigned n_ended;
};

static struct notes notes;
static struct peer_identity *who;

static void
on_started(struct call_sink *s, struct call *call)
{
	ck_assert_ptr_eq(call->sink, s);
	(void)buf_append_str(&notes.heard, "started,");
}

static void
on_output(struct call_sink *s, struct call *call, enum call_stream which, struct slice bytes)
{
	ck_assert_ptr_eq(call->sink, s);
	(void)buf_printf(&notes.heard, "%s %zu,", which == CALL_STDOUT ? "out" : "err", bytes.len);
}

static void
on_input_taken(struct call_sink *s, struct call *call, size_t n)
{
	ck_assert_ptr_eq(call->sink, s);
	(void)buf_printf(&notes.heard, "taken %zu,", n);
}

static void
on_input_over(struct call_sink *s, struct call *call)
{
	ck_assert_ptr_eq(call->sink, s);
	(void)buf_append_str(&notes.heard, "over,");
}

static void
on_ended(struct call_sink *s, struct call *call, const struct result *res)
{
	struct slice text = res->value != NULL ? res->value->text : res->out;

	ck_assert_ptr_eq(s, &notes.sink);
	ck_assert(call == NULL || call->finished);
	(void)buf_printf(&notes.heard, "%s %.*s%.*s", outcome_word(res->outcome.kind), (int)text.len,
	    text.data, (int)res->detail.len, res->detail.data);
	notes.n_ended++;
}

static bool
has_room(const struct call_sink *s)
{
	ck_assert_ptr_eq(s, &notes.sink);
	return notes.has_room;
}

static const struct call_sink_ops ops = {
	.started = on_started,
	.output = on_output,
	.input_taken = on_input_taken,
	.input_over = on_input_over,
	.ended = on_ended,
	.has_room = has_room,
};

static void
setup_sink(void)
{
	const struct caller caller = { .is_unix = true, .has_uid = true, .uid = 12345 };

	setup_handlers();
	notes = (struct notes){ .sink.ops = &ops, .has_room = true };
	who = identity_new(&caller, "unix");
	ck_assert_ptr_nonnull(who);
}

static void
teardown_sink(void)
{
	teardown();
	ck_assert_uint_eq(who->refs, 1);
	who = identity_unref(who);
	buf_done(&notes.heard);
}

static struct call *
begin(const char *service, const struct callopt *opt, const struct builtin *builtin)
{
	const struct service *s = conf_find_service(w.conf, service, strlen(service));

	ck_assert_ptr_nonnull(s);
	return call_start(&(struct call_request){
		.desk = &w.desk, .sink = &notes.sink, .who = who, .service = s, .opt = opt,
		.builtin = builtin, .input_limit = 1000, .request_limit = 2000,
	});
}

/* Returns the events that the sink has been told since the last question. */
static const char *
told(void)
{
	static char text[4096];

	turns();
	(void)strlcpy(text, buf_text(&notes.heard), sizeof(text));
	buf_clear(&notes.heard);
	return text;
}

#define ck_told(text) ck_assert_str_eq(told(), text)

/* --------------------------------------------------------------- commands --- */

START_TEST(command)
{
	struct call *call = begin("echo", &(struct callopt){ 0 }, NULL);
	struct asked run = asked(FRAME_RUN);

	ck_assert_uint_eq(run.frame.id, call->id);
	ck_assert(digest_eq(&run.frame.run.owner, &who->digest));
	write_out(&run, "hi", 2);
	ck_told("");
	program_ends(&run, 0);
	ck_told("exit hi");
	ck_assert_uint_eq(notes.n_ended, 1);
	ck_assert_uint_eq(stats.running, 0);
}
END_TEST

START_TEST(command_with_input)
{
	struct call *call = begin("cat", &(struct callopt){ .open = true }, NULL);
	struct asked run = asked(FRAME_RUN);
	char text[16];

	ck_told("");
	tell(FRAME_STARTED, run.frame.id, -1);
	ck_told("started,");
	ck_assert_int_eq(call_input(call, SLICE("some")), 0);
	ck_told("taken 4,");
	ck_assert_int_eq(read(run.fds[2], text, sizeof(text)), 4);
	ck_assert_int_eq(call_input(call, SLICE("")), 0);
	ck_told("taken 0,");
	/*
	 * The program ends before its input does: the outcome waits for that.
	 */
	program_ends(&run, 3);
	ck_told("over,");
	ck_assert_int_eq(call_input(call, SLICE("more")), 0);
	ck_told("taken 0,");
	ck_assert_uint_eq(notes.n_ended, 0);
	call_input_end(call);
	ck_told("exit ");
	ck_assert_uint_eq(notes.n_ended, 1);
}
END_TEST

START_TEST(command_that_streams)
{
	struct call *call = begin("echo", &(struct callopt){ .stream = true }, NULL);
	struct asked run = asked(FRAME_RUN);

	write_out(&run, "one", 3);
	ck_told("out 3,");
	ck_assert_int_eq(write(run.fds[1], "words", 5), 5);
	ck_told("err 5,");
	/*
	 * The call rests when the sink has no room, and ends when the sink has
	 * taken all.
	 */
	notes.has_room = false;
	write_out(&run, "two", 3);
	ck_told("out 3,");
	write_out(&run, "three", 5);
	ck_told("");
	program_ends(&run, 0);
	ck_told("");
	notes.has_room = true;
	call_on_room(call);
	ck_assert_uint_eq(buf_len(&notes.heard), 0);
	ck_told("out 5,exit words");
}
END_TEST

START_TEST(nobody_wants_to_know)
{
	struct call *call = begin("echo", &(struct callopt){ 0 }, NULL);
	struct asked run = asked(FRAME_RUN);

	call_orphan(call);
	is_cancelled(&run);
	program_is_killed(&run);
	ck_told("");
	ck_assert_uint_eq(notes.n_ended, 0);
	ck_assert_uint_eq(stats.running, 0);
}
END_TEST

START_TEST(cancelled)
{
	struct call *call = begin("echo", &(struct callopt){ 0 }, NULL);
	struct asked run = asked(FRAME_RUN);

	call_cancel(call, CANCEL_BY_CLIENT);
	call_cancel(call, CANCEL_BY_CLIENT);
	is_cancelled(&run);
	asked_nothing();
	program_is_killed(&run);
	ck_told("cancelled the client went away");
	ck_assert_uint_eq(notes.n_ended, 1);
}
END_TEST

/* --------------------------------------------------------------- handlers --- */

START_TEST(handler)
{
	struct lent l;

	ck_assert_ptr_nonnull(begin("up", &(struct callopt){ 0 }, NULL));
	l = lend_wanted("up");
	ck_received(&l, UP);
	ck_told("");
	answer(&l, "$4\r\nNONE\r\n");
	ck_told("exit NONE");
	ck_assert_uint_eq(notes.n_ended, 1);
	gone(&l);
}
END_TEST

START_TEST(handler_with_gathered_input)
{
	struct call *call = begin("wide", &(struct callopt){ .open = true }, NULL);
	static char much[1000];
	struct lent l;

	ck_told("started,");
	ck_assert_int_eq(call_input(call, SLICE("some")), 0);
	ck_told("taken 4,");
	asked_nothing();
	call_input_end(call);
	l = lend_wanted("wide");
	ck_received(&l, "*2\r\n$4\r\nwide\r\n$4\r\nsome\r\n");
	answer(&l, "+yes\r\n");
	ck_told("exit yes");

	call = begin("wide", &(struct callopt){ .open = true }, NULL);
	ck_assert_int_eq(call_input(call, SLICE("some")), 0);
	ck_assert_int_eq(call_input(call, (struct slice){ much, sizeof(much) }), 0);
	ck_told("started,taken 4,over,");
	call_input_end(call);
	ck_told("badarg the input is longer than a request may be");
	gone(&l);
}
END_TEST

START_TEST(handler_with_pushed_input)
{
	struct call *call = begin("push", &(struct callopt){ .open = true, .stream = true }, NULL);
	struct lent l;

	ck_told("");
	l = lend_wanted("push");
	ck_told("started,");
	ck_received(&l, PUSH);
	ck_assert_int_eq(call_input(call, SLICE("some")), 0);
	ck_received(&l, PIECE("4", "some"));
	ck_told("taken 4,");
	notes.has_room = false;
	answer(&l, ">3\r\n+output\r\n+stderr\r\n+words\r\n>3\r\n+output\r\n+stdout\r\n+x\r\n:7\r\n");
	ck_told("err 5,");
	notes.has_room = true;
	call_on_room(call);
	ck_assert_uint_eq(buf_len(&notes.heard), 0);
	ck_told("out 1,over,");
	ck_received(&l, PIECE_END);
	call_input_end(call);
	ck_assert_int_eq(strncmp(told(), "exit ", 5), 0);
	ck_assert_uint_eq(notes.n_ended, 1);
	gone(&l);
}
END_TEST

START_TEST(handler_dies)
{
	struct lent l;

	ck_assert_ptr_nonnull(begin("up", &(struct callopt){ 0 }, NULL));
	l = lend_wanted("up");
	ck_received(&l, UP);
	gone(&l);
	ck_told("handler the handler ended without a reply");
}
END_TEST

/* ---------------------------------------------------- builtins and refusals --- */

START_TEST(builtin)
{
	const char *text;

	ck_assert_ptr_null(begin("up", &(struct callopt){ 0 }, &builtin_describe));
	ck_assert_uint_eq(notes.n_ended, 1);
	text = told();
	ck_begins(text, "exit {\"name\":\"up\",\"kind\":\"handler\"");
	ck_assert_uint_eq(stats.running, 0);
	asked_nothing();
}
END_TEST

START_TEST(refused)
{
	const struct slice many[] = { SLICE("a"), SLICE("b") };
	static const struct {
		const char *service;
		struct callopt opt;
		const char *told;
	} calls[] = {
		{ "echo", { .input = true }, "badarg this service takes no input" },
		{ "up", { .token = { "t", 1 } }, "badarg a handler service takes no --id" },
		{ "echo", { .n_args = 2 }, "badarg no arguments are taken" },
	};

	for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
		struct callopt opt = calls[i].opt;

		opt.args = many;
		ck_assert_ptr_null(begin(calls[i].service, &opt, NULL));
		ck_told(calls[i].told);
		ck_assert_uint_eq(notes.n_ended, i + 1);
	}
	asked_nothing();
	ck_assert_uint_eq(stats.running, 0);
}
END_TEST

/* The queue is full: the sink is told before the function returns. */
START_TEST(refused_for_want_of_room)
{
	struct call *calls[2];

	for (size_t i = 0; i < ARRAY_LEN(calls); i++)
		calls[i] = begin("narrow", &(struct callopt){ 0 }, NULL);
	ck_assert_ptr_null(begin("narrow", &(struct callopt){ 0 }, NULL));
	ck_told("busy queue full");
	for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
		call_cancel(calls[i], CANCEL_BY_ADMIN);
		ck_told("cancelled by an administrator");
	}
}
END_TEST

/* ------------------------------------------------------------ another door --- */

START_TEST(a_door_that_speaks_lines)
{
	struct conn *c;
	struct asked run;
	struct lent l;
	int fd = line_client(&c);

	/*
	 * The lines are served one after the other, although they come at once.
	 */
	say(fd, "echo\nup no shout\n? narrow\nnone\necho too many\n");
	run = asked(FRAME_RUN);
	asked_nothing();
	ck_heard(fd, "");
	write_out(&run, "hi", 2);
	program_ends(&run, 0);
	ck_heard(fd, "ok hi\n");
	l = lend_wanted("up");
	ck_received(&l, "*2\r\n$2\r\nup\r\n$5\r\nshout\r\n");
	answer(&l, "+SHOUT\r\n");
	ck_begins(heard(fd), "ok SHOUT\nok {\"name\":\"narrow\",\"kind\":\"handler\"");
	say(fd, "up\n");
	answer(&l, "-EXIT 3 no\r\n");
	ck_heard(fd, "failed exit: EXIT 3 no\n");
	conn_close(c);
	ck_heard(fd, "(closed)");
	gone(&l);
}
END_TEST

/* ... and its client goes while a call runs. */
START_TEST(a_door_that_is_left)
{
	struct conn *c;
	struct asked run;
	int fd = line_client(&c);

	say(fd, "echo\n");
	run = asked(FRAME_RUN);
	conn_close(c);
	is_cancelled(&run);
	program_is_killed(&run);
	(void)close(fd);
	ck_assert_uint_eq(stats.running, 0);
}
END_TEST

/* ... and its client waits for the answers, as the connection does for it. */
START_TEST(a_door_whose_client_is_patient)
{
	struct conn *c;
	struct asked run;
	int fd = line_client(&c);

	say(fd, "echo\nnone\n");
	ck_assert_int_eq(shutdown(fd, SHUT_WR), 0);
	run = asked(FRAME_RUN);
	turns();
	ck_assert_int_eq(c->state, CONN_PATIENT);
	program_ends(&run, 0);
	ck_heard(fd, "ok \nfailed denied: no such service\n(closed)");
	(void)close(fd);
}
END_TEST

/* ... and the end that the client asks for comes behind the answers. */
START_TEST(a_door_that_is_told_to_end)
{
	struct conn *c;
	int fd = line_client(&c);

	say(fd, "none\nbye\nnone\n");
	ck_assert_int_eq(c->state, CONN_LINGERING);
	ck_heard(fd, "failed denied: no such service\n(closed)");
	(void)close(fd);
	turns();
	ck_assert_uint_eq(stats.connections_open, 0);
}
END_TEST

static void
add(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup_sink, teardown_sink);
	tcase_add_test(tc, command);
	tcase_add_test(tc, command_with_input);
	tcase_add_test(tc, command_that_streams);
	tcase_add_test(tc, nobody_wants_to_know);
	tcase_add_test(tc, cancelled);
	tcase_add_test(tc, handler);
	tcase_add_test(tc, handler_with_gathered_input);
	tcase_add_test(tc, handler_with_pushed_input);
	tcase_add_test(tc, handler_dies);
	tcase_add_test(tc, builtin);
	tcase_add_test(tc, refused);
	tcase_add_test(tc, refused_for_want_of_room);
	tcase_add_test(tc, a_door_that_speaks_lines);
	tcase_add_test(tc, a_door_that_is_left);
	tcase_add_test(tc, a_door_whose_client_is_patient);
	tcase_add_test(tc, a_door_that_is_told_to_end);
}

UNIT_MAIN("sink", add(tc))
