/* SPDX-License-Identifier: ISC */
/*
 * handler-peer: services with handlers, and their processes beside the worker
 * of worker-peer. The test is the client, the broker and the handler, so it
 * decides when every byte comes.
 */
#pragma once

#include <signal.h>

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
    "service \"short\" { handler = {\"/bin/up\"} allow = {\"local\"} input = optional queue = 2 }\n"
    "service \"push\" { handler = {\"/bin/up\"} allow = {\"local\"} input = pushed queue = 2\n"
    "  timeout = 60s queue-timeout = 5s }\n"
    "service \"pile\" { handler = {\"/bin/up\"} allow = {\"local\"} input = pushed pipeline = 2 }\n"
    "service \"context\" { handler = {\"/bin/up\"} allow = {\"local\"} context = yes\n"
    "  argument \"text\" { type = text optional = yes } }\n"
    "service \"echo\" { command = {\"/bin/echo\"} allow = {\"local\"} }\n"
    "service \"cat\" { command = {\"/bin/cat\"} allow = {\"local\"} input = optional }\n";

#include "worker-peer.h"

static inline void
setup_handlers(void)
{
	(void)signal(SIGPIPE, SIG_IGN);
	setup();
}

/* The rules with one word after the service's name replaced by one as long. */
static inline void
reload_with(const char *service, const char *word, const char *other)
{
	struct conf *old = w.conf;
	char text[sizeof(rules)], head[64];
	char *at;

	ck_assert_uint_eq(strlen(word), strlen(other));
	(void)strlcpy(text, rules, sizeof(text));
	(void)snprintf(head, sizeof(head), "service \"%s\"", service);
	at = strstr(strstr(text, head), word);
	ck_assert_ptr_nonnull(at);
	memcpy(at, other, strlen(other));
	(void)worker_set_conf(&w, conf_of(text, old->generation + 1));
	stats.generation = w.conf->generation;
	conf_unref(old);
	leases_reload(&w.leases);
	turns();
}

/* --------------------------------------------------------------- process --- */

/* A handler process, as the broker sees it. */
struct lent {
	uint64_t id;
	int in, out, err;
};

static uint64_t last_id;

static inline void
write_text(int fd, const char *text)
{
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
}

/* Lends a process that has written something before the worker has it. */
static inline struct lent
lend_saying(const char *service, const struct frame *how, const char *said)
{
	struct frame f = *how;
	struct lent l = { .id = ++last_id };
	int ours[3];

	f.type = FRAME_LEASE;
	f.id = l.id;
	f.lease.pid = 4711;
	(void)strlcpy(f.lease.service, service, sizeof(f.lease.service));
	send_lease(&f, ours);
	l.in = ours[0];
	l.out = ours[1];
	l.err = ours[2];
	write_text(l.out, said);
	turns();
	return l;
}

static inline struct lent
lend_with(const char *service, const struct frame_lease *how)
{
	return lend_saying(service, &(struct frame){ .lease = *how }, "");
}

static inline struct lent
lend(const char *service)
{
	return lend_with(service, &(struct frame_lease){ .is_proven = true });
}

/* Lends a process that the worker has asked for. */
static inline struct lent
lend_wanted(const char *service)
{
	struct asked want = asked(FRAME_WANT);

	ck_assert_str_eq(want.frame.lease.service, service);
	ck_assert_uint_eq(want.frame.generation, w.conf->generation);
	return lend(service);
}

/* Returns all that the process has been sent. */
static inline const char *
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

static inline void
answer(const struct lent *l, const char *text)
{
	write_text(l->out, text);
	turns();
}

/* Closes one end of the process. */
static inline void
shut(int *fd)
{
	ck_assert_int_eq(close(*fd), 0);
	*fd = -1;
}

/* The process dies, or the lease is given up. */
static inline void
gone(struct lent *l)
{
	channel_close_fds((int[]){ l->in, l->out, l->err }, 3);
	l->in = l->out = l->err = -1;
	turns();
}

/* Fills the pipe of the process, so that no more bytes go into it. */
static inline void
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

/* ---------------------------------------------------------------- broker --- */

static inline void
is_returned(const struct lent *l, uint32_t requests, bool is_broken)
{
	struct asked a = asked(FRAME_RETURN);

	ck_assert_uint_eq(a.frame.id, l->id);
	ck_assert_uint_eq(a.frame.lease.requests, requests);
	ck_assert_uint_eq(a.frame.lease.is_broken, is_broken);
}

static inline void
recall(const struct lent *l)
{
	tell(FRAME_RECALL, l->id, -1);
}

static inline void
tell_unable(const char *service, const struct frame_unable *why)
{
	struct frame f = { .type = FRAME_UNABLE, .unable = *why };

	(void)strlcpy(f.unable.service, service, sizeof(f.unable.service));
	broker_says(&f, NULL, 0);
	turns();
}

static inline void
unable(const char *service)
{
	tell_unable(service, &(struct frame_unable){
		.reason = UNABLE_FAILING, .death = { .status = 1 << 8 },
	});
}

static inline struct lease *
lease_of(const char *service)
{
	return LIST_FIRST(&lease_set_get(&w.leases, service)->list);
}

/* The lease was not used for this time. */
static inline void
rested(const char *service, uint64_t usec)
{
	later(&lease_of(service)->timer, usec);
}

/* ----------------------------------------------------------------- calls --- */

#define UP "*2\r\n$2\r\nup\r\n$4\r\nnone\r\n"

/* Both ends of one call: a client and the handler that has its request. */
struct pair {
	int client;
	struct conn *conn;
	struct lent lent;
};

static inline struct pair
called(const char *service, const char *command)
{
	struct pair p = { .client = client_as(&p.conn) };

	say(p.client, command);
	p.lent = lend_wanted(service);
	ck_assert_int_eq(received(&p.lent)[0], '*');
	return p;
}

#define BIG 300000

/* Sends a request that the pipe does not take at once. */
static inline void
say_big(int fd, const char *service)
{
	static char request[BIG + 100];
	int n = snprintf(request, sizeof(request),
	    "*4\r\n$4\r\nCALL\r\n$7\r\n--stdin\r\n$%zu\r\n%s\r\n$%d\r\n", strlen(service),
	    service, BIG);

	memset(request + n, 'i', BIG);
	(void)memcpy(request + n + BIG, "\r\n", 2);
	say_all(fd, request, (size_t)n + BIG + 2);
}

/* ----------------------------------------------------------------- input --- */

#define PIECE(n, bytes) ">2\r\n$5\r\ninput\r\n$" n "\r\n" bytes "\r\n"
#define PIECE_END PIECE("0", "")
#define PUSH "*1\r\n$4\r\npush\r\n"

static char call_id[CALL_ID_TEXT];

/* Expects the "+id" of a call whose input comes next. */
static inline void
opened(int fd)
{
	const char *text = heard(fd);

	ck_assert_uint_eq(strlen(text), 19);
	ck_assert_int_eq(text[0], '+');
	(void)strlcpy(call_id, text + 1, sizeof(call_id));
}

/* Sends INPUT with these bytes; NULL for the end. */
static inline void
input_n(int fd, const char *bytes, size_t n)
{
	static char text[1 << 20];
	size_t len = (size_t)snprintf(text, sizeof(text), "*%d\r\n$5\r\nINPUT\r\n$16\r\n%s\r\n",
	    bytes != NULL ? 3 : 2, call_id);

	if (bytes != NULL) {
		len += (size_t)snprintf(text + len, sizeof(text) - len, "$%zu\r\n", n);
		memcpy(text + len, bytes, n);
		memcpy(text + len + n, "\r\n", 2);
		len += n + 2;
	}
	say_all(fd, text, len);
}

static inline void
input(int fd, const char *bytes)
{
	input_n(fd, bytes, strlen(bytes));
}

static inline void
input_end(int fd)
{
	input_n(fd, NULL, 0);
}

/* Makes a call with input on its way, and its process. */
static inline struct pair
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
