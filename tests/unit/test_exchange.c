/* SPDX-License-Identifier: ISC */
/*
 * exchange: handler processes without calls and without connections: requests
 * that note their events, and a process whose pipes the test holds.
 */
#include "config.h"

#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "ipc/channel.h"
#include "lease/leases.h"
#include "proto/value.h"
#include "unit.h"

#define LISTEN "listen \"tcp://127.0.0.1:7373\" {}\n"

static struct loop loop;
static struct leases leases;
static struct conf *conf;
static char scratch[LEASES_READ];
static struct frame posted[8];	/* frames to the broker */
static unsigned n_posted;

static int
post(struct leases *ls, const struct frame *f)
{
	ck_assert_ptr_eq(ls, &leases);
	ck_assert_uint_lt(n_posted, ARRAY_LEN(posted));
	posted[n_posted++] = *f;
	return 0;
}

static void
is_posted(unsigned i, enum frame_type type)
{
	ck_assert_uint_lt(i, n_posted);
	ck_assert_str_eq(frame_type_name(posted[i].type), frame_type_name(type));
}

/* -------------------------------------------------------------- request --- */

struct note {
	struct exchange x;
	struct buf heard;
	bool has_room;
};

static struct buf *
heard_by(struct exchange *x)
{
	return &CONTAINER_OF(x, struct note, x)->heard;
}

static void
on_given(struct exchange *x)
{
	(void)buf_append_str(heard_by(x), "given,");
}

static void
on_put_back(struct exchange *x)
{
	(void)buf_append_str(heard_by(x), "back,");
}

static void
on_taken(struct exchange *x)
{
	(void)buf_append_str(heard_by(x), "taken,");
}

static void
on_output(struct exchange *x, enum exchange_stream which, struct slice bytes)
{
	(void)buf_printf(heard_by(x), "%s %.*s,", which == EXCHANGE_STDOUT ? "out" : "err",
	    (int)bytes.len, bytes.data);
}

static bool
has_room(const struct exchange *x)
{
	return CONTAINER_OF(x, struct note, x)->has_room;
}

static void
on_answered(struct exchange *x, const struct value *reply, struct slice bytes)
{
	struct value *again = exchange_reply_again(bytes);

	ck_assert_ptr_nonnull(again);
	ck_assert_int_eq(again->kind, reply->kind);
	(void)value_free(again);
	(void)buf_printf(heard_by(x), "answered %.*s %d,", (int)reply->text.len, reply->text.data,
	    exchange_reply_status(reply));
}

static void
on_ended(struct exchange *x, enum outcome_kind kind, unsigned reason, const char *why)
{
	(void)reason;
	(void)buf_printf(heard_by(x), "%s: %s,", outcome_word(kind), why != NULL ? why : "");
}

static const struct exchange_ops ops = {
	.given = on_given, .put_back = on_put_back, .taken = on_taken, .output = on_output,
	.has_room = has_room, .answered = on_answered, .ended = on_ended,
};

/* Makes a request of these bytes, which waits or goes to a process. */
static struct note *
ask(const char *service, const char *text)
{
	const struct service *s = conf_find_service(conf, service, strlen(service));
	struct lease_set *set = lease_set_get(&leases, service);
	struct note *n = calloc(1, sizeof(*n));

	ck_assert_ptr_nonnull(n);
	n->has_room = true;
	n->x = (struct exchange){ .ops = &ops, .service = s, .id = "0123456789abcdef",
		.reply_max = 1000, .request_len = strlen(text) };
	(void)buf_append_str(&n->x.text, text);
	lease_set_enter(set, &n->x, lease_set_find_free(set, s), &n->x.text);
	return n;
}

static void
ck_note(struct note *n, const char *text)
{
	(void)buf_append_char(&n->heard, '\0');
	ck_assert_str_eq(buf_data(&n->heard), text);
	buf_clear(&n->heard);
}

static void
forget(struct note *n)
{
	buf_done(&n->heard);
	buf_done(&n->x.text);
	free(n);
}

/* -------------------------------------------------------------- process --- */

struct process {
	int in, out, err;
};

static void
wake(struct loop_timer *t)
{
	(void)t;
}

static void
turns(void)
{
	for (int i = 0; i < 5; i++) {
		struct loop_timer now = { .fn = wake };

		loop_arm(&loop, &now, 1);
		ck_assert_int_eq(loop_turn(&loop), 0);
		loop_disarm(&loop, &now);
		leases_flush(&leases);
		leases_bury(&leases);
	}
}

static struct process
lend(const char *service)
{
	struct frame f = { .type = FRAME_LEASE, .id = 7, .generation = 1,
		.lease = { .pid = 4711, .is_proven = true } };
	int in[2], out[2], err[2];

	(void)strlcpy(f.lease.service, service, sizeof(f.lease.service));
	ck_assert_int_eq(pipe2(in, O_CLOEXEC | O_NONBLOCK), 0);
	ck_assert_int_eq(pipe2(out, O_CLOEXEC | O_NONBLOCK), 0);
	ck_assert_int_eq(pipe2(err, O_CLOEXEC | O_NONBLOCK), 0);
	leases_on_granted(&leases, &f, (int[]){ in[1], out[0], err[0] });
	turns();
	return (struct process){ in[0], out[1], err[1] };
}

static void
gone(struct process *p)
{
	channel_close_fds((int[]){ p->in, p->out, p->err }, 3);
	turns();
}

static void
says(const struct process *p, const char *text)
{
	ck_assert_int_eq(write(p->out, text, strlen(text)), (ssize_t)strlen(text));
	turns();
}

static void
ck_received(const struct process *p, const char *text)
{
	char got[256] = "";

	turns();
	(void)!read(p->in, got, sizeof(got) - 1);
	ck_assert_str_eq(got, text);
}

static void
setup(void)
{
	static const char rules[] =
	    LISTEN "service \"up\" { handler = {\"/bin/up\"} }\n"
	    "service \"wide\" { handler = {\"/bin/up\"} pipeline = 2 }\n";
	struct conf_errors errors = { 0 };

	(void)signal(SIGPIPE, SIG_IGN);
	ck_assert_int_eq(conf_parse(rules, strlen(rules), 1, &conf, &errors), 0);
	ck_assert_int_eq(loop_init(&loop), 0);
	leases_init(&leases, &loop, scratch);
	leases.conf = conf;
	leases.post = post;
	n_posted = 0;
}

static void
teardown(void)
{
	leases_done(&leases);
	loop_done(&loop);
	conf_unref(conf);
}

/* ---------------------------------------------------------------- tests --- */

START_TEST(one_request)
{
	struct note *n = ask("up", "*1\r\n$2\r\nup\r\n");
	struct process p;

	ck_note(n, "");
	is_posted(0, FRAME_WANT);
	p = lend("up");
	ck_note(n, "given,");
	ck_assert_uint_eq(n->x.pid, 4711);
	ck_received(&p, "*1\r\n$2\r\nup\r\n");
	says(&p, ">3\r\n+output\r\n+stderr\r\n+hm\r\n-EXIT 3 no\r\n");
	ck_note(n, "err hm,answered EXIT 3 no 3,");
	ck_assert_ptr_null(n->x.lease);
	gone(&p);
	is_posted(n_posted - 1, FRAME_RETURN);
	ck_assert_uint_eq(posted[n_posted - 1].lease.requests, 1);
	forget(n);
}
END_TEST

/* A request that a process has not got goes to another process. */
START_TEST(a_process_that_dies_with_two)
{
	struct note *first = ask("wide", "*1\r\n$1\r\na\r\n"), *second;
	struct process p = lend("wide");

	ck_note(first, "given,");
	ck_received(&p, "*1\r\n$1\r\na\r\n");
	/* The request is in flight in this turn, and not sent. */
	second = ask("wide", "*1\r\n$1\r\nb\r\n");
	ck_note(second, "given,");
	lease_break(first->x.lease, &first->x, OUTCOME_TIMEOUT, 0, NULL);
	ck_note(first, "timeout: ,");
	ck_note(second, "back,");
	leases_bury(&leases);
	gone(&p);
	p = lend("wide");
	ck_note(second, "given,");
	ck_received(&p, "*1\r\n$1\r\nb\r\n");
	gone(&p);
	ck_note(second, "handler: the handler ended without a reply,");
	forget(first);
	forget(second);
}
END_TEST

/* The owner cannot take more output: the process is not read. */
START_TEST(output_rests)
{
	struct note *n = ask("up", "*1\r\n$2\r\nup\r\n");
	struct process p = lend("up");

	n->has_room = false;
	says(&p, ">3\r\n+output\r\n+stdout\r\n+1\r\n>3\r\n+output\r\n+stdout\r\n+2\r\n+OK\r\n");
	ck_note(n, "given,out 1,");
	n->has_room = true;
	conversation_unpause(n->x.lease);
	turns();
	ck_note(n, "out 2,answered OK 0,");
	gone(&p);
	forget(n);
}
END_TEST

/* The new rules do not have the service. */
START_TEST(other_rules)
{
	struct note *n = ask("up", "*1\r\n$2\r\nup\r\n");
	static const char none[] = LISTEN "service \"other\" { handler = {\"/bin/up\"} }\n";
	struct conf_errors errors = { 0 };
	struct conf *old = conf;

	ck_assert_int_eq(conf_parse(none, strlen(none), 2, &conf, &errors), 0);
	leases.conf = conf;
	leases_reload(&leases);
	ck_note(n, "unavail: " LEASES_CHANGED ",");
	conf_unref(old);
	forget(n);
}
END_TEST

static void
add(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, one_request);
	tcase_add_test(tc, a_process_that_dies_with_two);
	tcase_add_test(tc, output_rests);
	tcase_add_test(tc, other_rules);
}

UNIT_MAIN("exchange", add(tc))
