/* SPDX-License-Identifier: ISC */
/*
 * stream: connections without calls and without RESP: a door that repeats each
 * line, over plain sockets, over streams that split and delay every byte, and over TLS.
 */
#include "config.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "net/conn.h"
#include "net/listener.h"
#include "slow-stream.h"
#include "tls-peer.h"
#include "unit.h"

static struct loop loop;
static struct net_desk net;
static struct stats stats;
static struct stats_pages pages = { .own = &stats };
static struct conf *conf;
static char scratch[NET_READ];
static struct tls_desk desk_tls;
static struct tlscontext *context;
static unsigned n_less, n_room, n_abandoned;

/* ----------------------------------------------------------------- door --- */

/*
 * "wait" keeps the next line waiting, "bye" ends; every other line is repeated.
 */
static size_t
on_bytes(struct conn *c, struct slice bytes)
{
	size_t used = 0;
	const char *end;

	while (conn_is_ready(c) && used < bytes.len &&
	    (end = memchr(bytes.data + used, '\n', bytes.len - used)) != NULL) {
		struct slice line = { bytes.data + used, (size_t)(end - bytes.data) + 1 - used };

		used += line.len;
		c->request_due_usec = 0;
		if (slice_is(line, "wait\n"))
			c->wait = CONN_WAITS;
		else if (slice_is(line, "bye\n"))
			conn_quit(c);
		else
			(void)buf_append_slice(conn_out(c), line);
	}
	if (c->state <= CONN_PATIENT && used < bytes.len && conn_is_ready(c))
		conn_expect_rest(c);
	return c->state > CONN_PATIENT ? bytes.len : used;
}

static size_t
rest_max(struct conn *c)
{
	(void)c;
	return 100;
}

static bool
on_end(struct conn *c, struct slice bytes)
{
	(void)c;
	return bytes.len > 0 && memmem(bytes.data, bytes.len, "bye", 3) != NULL;
}

static void
on_room(struct conn *c)
{
	(void)c;
	n_room++;
}

static void
abandon(struct conn *c)
{
	n_abandoned += c->wait == CONN_WAITS;
}

static enum door_work
work(const struct conn *c)
{
	return c->active_usec == c->opened_usec ? DOOR_NEW : DOOR_IDLE;
}

static struct conn *
create(struct door *d)
{
	(void)d;
	return calloc(1, sizeof(struct conn));
}

static void
destroy(struct conn *c)
{
	free(c);
}

static const struct door_ops ops = {
	.create = create, .destroy = destroy, .on_bytes = on_bytes, .rest_max = rest_max,
	.on_end = on_end, .on_room = on_room, .abandon = abandon, .work = work,
};
static struct door door = { .ops = &ops };

/* ------------------------------------------------------------- a desk --- */

static void
on_less(struct net_desk *desk)
{
	ck_assert_ptr_eq(desk, &net);
	n_less++;
}

static struct net_listener *listening;

static void
setup(void)
{
	static const char rules[] = "listen \"tcp://127.0.0.1:7373\" {}\n";
	struct sockaddr_in any = { .sin_family = AF_INET };
	struct conf_errors errors = { 0 };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&any, sizeof(any)), 0);
	ck_assert_int_eq(listen(fd, 16), 0);
	ck_assert_int_eq(conf_parse(rules, strlen(rules), 1, &conf, &errors), 0);
	ck_assert_int_eq(loop_init(&loop), 0);
	net_init(&net, &loop, scratch);
	net.pages = &pages;
	net.conf = conf;
	net.doors[PROTOCOL_RESP] = &door;
	tls_desk_init(&desk_tls, &loop);
	net.tls = &desk_tls;
	net.max_conns = 10;
	net.on_less = on_less;
	ck_assert_int_eq(listeners_replace(&net, conf, &fd, 1), 0);
	listening = LIST_FIRST(&net.listeners);
	listening->is_unix = true;
}

/* Only tests over TLS need it; to make it takes time. */
static void
make_context(void)
{
	if (context != NULL)
		return;
	ck_assert_int_eq(tls_desk_load(&desk_tls), 0);
	tls_peer_make_key("EC", TLS_MINIMUM_1_3);
	tls_peer_start(&desk_tls);
	context = tlscontext_new(&tls_listener, TLS_CLIENTS_NONE, NULL, NULL);
	ck_assert_ptr_nonnull(context);
}

static void
teardown(void)
{
	listeners_close(&net);
	net_done(&net);
	net_bury(&net);
	context = tlscontext_unref(context);
	tls_desk_done(&desk_tls);
	tls_peer_done();
	loop_done(&loop);
	conf_unref(conf);
	ck_assert_uint_eq(stats.connections_open, 0);
	ck_assert_uint_eq(stats.connections_closed, stats.connections_total);
	ck_assert_uint_eq(n_less, stats.connections_total);
}

static void
wake(struct loop_timer *t)
{
	(void)t;
}

/* Runs turns until nothing more can happen now. */
static void
turns(void)
{
	uint64_t before = slow_stream_calls + tls_peer_moves;

	for (int i = 0; i < 10; i++) {
		struct loop_timer now = { .fn = wake };

		loop_arm(&loop, &now, 1);
		ck_assert_int_eq(loop_turn(&loop), 0);
		loop_disarm(&loop, &now);
		net_bury(&net);
		tls_peer_turn();
		if (slow_stream_calls + tls_peer_moves != before)
			i = 0;
		before = slow_stream_calls + tls_peer_moves;
	}
}

/* Connects a client, with i = 1 over a slow stream, with i = 2 over TLS. */
static int
client(int i, struct conn **ret)
{
	union sockaddr_any peer = { .sa.sa_family = AF_UNIX };
	int pair[2];

	/* First, as the signer would keep the sockets that are there. */
	if (i == 2)
		make_context();
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0,
	    pair), 0);
	conn_open(listening, pair[0], &peer);
	*ret = TAILQ_LAST(&net.conns, conns);
	if (i == 1)
		slow_stream_put(&(*ret)->stream);
	if (i != 2)
		return pair[1];
	ck_assert_int_eq(tlsstream_put(&(*ret)->stream, &desk_tls, context,
	    &(struct tls_client){ 0 }), 0);
	pair[1] = tls_peer_connect(pair[1]);
	turns();
	return pair[1];
}

static void
say(int fd, const char *text)
{
	ck_assert_int_eq(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
	turns();
}

/* Returns all that has come, "(closed)" at the end. */
static const char *
heard(int fd)
{
	static char text[1 << 19];
	size_t len = 0;
	ssize_t n;

	turns();
	while ((n = recv(fd, text + len, sizeof(text) - len - 16, 0)) > 0) {
		len += (size_t)n;
		turns();
	}
	text[len] = '\0';
	if (n == 0)
		(void)strlcat(text, "(closed)", sizeof(text));
	return text;
}

/* ---------------------------------------------------------------- tests --- */

START_TEST(lines_are_said_again)
{
	struct conn *c;
	int fd = client(_i, &c);

	say(fd, "one\ntwo\nthr");
	ck_assert_str_eq(heard(fd), "one\ntwo\n");
	ck_assert_uint_eq(buf_len(&c->in), 3);
	ck_assert_uint_ne(c->request_due_usec, 0);
	say(fd, "ee\n");
	ck_assert_str_eq(heard(fd), "three\n");
	ck_assert_uint_eq(c->request_due_usec, 0);
	ck_assert_ptr_null(c->in.data);
	ck_assert_ptr_null(c->out.data);
	(void)close(fd);
	turns();
	ck_assert_uint_eq(net.n_conns, 0);
	ck_assert_uint_eq(stats.bytes_in, 14);
	ck_assert_uint_eq(stats.bytes_out, 14);
}
END_TEST

START_TEST(what_waits_is_read_ahead_a_little)
{
	static char flood[8192];
	struct conn *c;
	int fd = client(_i, &c);
	size_t sent = 0;
	ssize_t n;

	memset(flood, 'x', sizeof(flood));
	flood[sizeof(flood) - 1] = '\n';
	say(fd, "wait\n");
	while ((n = send(fd, flood, sizeof(flood), MSG_NOSIGNAL)) > 0) {
		sent += (size_t)n;
		turns();
	}
	ck_assert_int_eq(c->wait, CONN_WAITS);
	ck_assert_uint_le(buf_len(&c->in), 2 * NET_READ);
	ck_assert_uint_gt(sent, buf_len(&c->in));
	conn_resume(c);
	n = 0;
	while (n < (ssize_t)sent) {
		size_t more = strlen(heard(fd));

		ck_assert_uint_gt(more, 0);
		n += (ssize_t)more;
	}
	ck_assert_int_eq(n, (ssize_t)sent);
	ck_assert_uint_gt(n_room, 0);
	(void)close(fd);
	turns();
}
END_TEST

START_TEST(an_end_that_is_asked_for_comes_behind_the_answers)
{
	struct conn *c;
	int fd = client(_i, &c);

	say(fd, "one\nbye\ntwo\n");
	ck_assert_int_eq(c->state, CONN_LINGERING);
	ck_assert_str_eq(heard(fd), "one\n(closed)");
	say(fd, "more\n");
	ck_assert_int_eq(c->state, CONN_LINGERING);
	(void)close(fd);
	turns();
	ck_assert_uint_eq(net.n_conns, 0);
}
END_TEST

/*
 * The peer sends no more while a line waits: it has a moment, or with a "bye"
 * all its time.
 */
START_TEST(a_peer_that_ends_first)
{
	struct conn *leaving, *patient;
	int a = client(_i, &leaving), b = client(_i, &patient);

	say(a, "wait\none\n");
	say(b, "wait\none\nbye\n");
	(void)shutdown(a, SHUT_WR);
	(void)shutdown(b, SHUT_WR);
	turns();
	ck_assert_int_eq(leaving->state, CONN_LEAVING);
	ck_assert_int_eq(patient->state, CONN_PATIENT);
	ck_assert(loop_timer_is_armed(&leaving->timer));
	loop.now_usec = clock_usec() + 2 * USEC_PER_SEC;
	leaving->timer.fn(&leaving->timer);
	patient->timer.fn(&patient->timer);
	loop_run_tasks(&loop);
	net_bury(&net);
	ck_assert_uint_eq(n_abandoned, 1);
	ck_assert_uint_eq(net.n_conns, 1);
	conn_resume(patient);
	ck_assert_str_eq(heard(b), "one\n(closed)");
	ck_assert_uint_eq(net.n_conns, 0);
	(void)close(a);
	(void)close(b);
}
END_TEST

/*
 * Requests that have come are answered, a new client may still send one, and a
 * waiting client goes on waiting.
 */
START_TEST(a_stop)
{
	struct conn *c[3];
	int fd[3];

	for (int i = 0; i < 3; i++)
		fd[i] = client(_i, &c[i]);
	say(fd[0], "one\n");
	ck_assert_str_eq(heard(fd[0]), "one\n");
	say(fd[1], "wait\n");
	net_stop(&net);
	turns();
	ck_assert_str_eq(heard(fd[0]), "(closed)");
	ck_assert_str_eq(heard(fd[1]), "");
	ck_assert_int_eq(c[2]->state, CONN_OPEN);
	ck_assert(conn_is_in_time(c[2], true));
	ck_assert(!conn_is_in_time(c[2], false));
	say(fd[2], "two\n");
	ck_assert_str_eq(heard(fd[2]), "two\n(closed)");
	conn_resume(c[1]);
	ck_assert_str_eq(heard(fd[1]), "(closed)");
	for (int i = 0; i < 3; i++)
		(void)close(fd[i]);
	turns();
	ck_assert_uint_eq(net.n_conns, 0);
}
END_TEST

START_TEST(a_peer_that_is_gone)
{
	struct conn *c;
	int fd = client(_i, &c);

	say(fd, "wait\n");
	(void)close(fd);
	turns();
	/* The peer takes no more replies; waiting lines may still end. */
	ck_assert_int_eq(c->state, CONN_LEAVING);
	ck_assert_uint_eq(c->stream.io.events, 0);
	(void)buf_append_str(conn_out(c), "late\n");
	conn_resume(c);
	turns();
	ck_assert_uint_eq(net.n_conns, 0);
}
END_TEST

static void
add(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, lines_are_said_again, 0, 3);
	tcase_add_loop_test(tc, what_waits_is_read_ahead_a_little, 0, 3);
	tcase_add_loop_test(tc, an_end_that_is_asked_for_comes_behind_the_answers, 0, 3);
	tcase_add_loop_test(tc, a_peer_that_ends_first, 0, 3);
	tcase_add_loop_test(tc, a_stop, 0, 3);
	tcase_add_loop_test(tc, a_peer_that_is_gone, 0, 3);
}

UNIT_MAIN("stream", add(tc))
