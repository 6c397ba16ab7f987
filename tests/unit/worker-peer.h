/* SPDX-License-Identifier: ISC */
/*
 * worker-peer: a real worker in this process, and its neighbours. The test is
 * the client at one end and the broker at the other, so it decides when every
 * event comes. The test reaches deadlines by moving the worker's clock. Include
 * this header after rules, the configuration. With SLOW_STREAM clients come
 * over streams that split and delay every byte.
 */
#pragma once

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fd.h"
#include "conf/conf.h"
#include "ipc/channel.h"
#include "ipc/job.h"
#include "ipc/mail.h"
#include "unit.h"
#ifdef SLOW_STREAM
#include "slow-stream.h"
#endif
#ifdef TLS_STREAM
#include "tls-peer.h"
#endif
#include "call/call.h"
#include "net/conn.h"
#include "net/listener.h"
#include "worker/worker.h"

static struct worker w;
static struct stats stats;
static struct net_listener *listening;
static struct mail_ends broker;	/* the other ends of the worker's link */

/* The program's ends of kits that the worker has: stdout, stderr, stdin. */
static struct {
	uint32_t number;	/* 0: none */
	bool has_input;
	int fds[3];
} kits[64];

/* ---------------------------------------------------------------- clock --- */

/*
 * The time that goes by at each reading of the clock; set anew for each test.
 */
static uint64_t clock_step_usec;

/*
 * Replaces the function of the C library, so that no deadline passes while the
 * machine is busy with other work.
 */
int
clock_gettime(clockid_t id, struct timespec *ts)
{
	static uint64_t now_usec = 1000000 * USEC_PER_SEC;

	if (id != CLOCK_MONOTONIC)
		return (int)syscall(SYS_clock_gettime, id, ts);
	now_usec += clock_step_usec;
	*ts = (struct timespec){
		.tv_sec = (time_t)(now_usec / USEC_PER_SEC),
		.tv_nsec = (long)(now_usec % USEC_PER_SEC) * 1000,
	};
	return 0;
}

/* --------------------------------------------------------------- worker --- */

static inline struct conf *
conf_of(const char *text, uint32_t generation)
{
	struct conf_errors errors = { 0 };
	struct conf *c = NULL;

	if (conf_parse(text, strlen(text), generation, &c, &errors) < 0) {
		conf_errors_print(&errors, stderr);
		ck_abort_msg("the rules of this test are wrong");
	}
	return c;
}

static inline int
listener(void)
{
	struct sockaddr_in any = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&any, sizeof(any)), 0);
	ck_assert_int_eq(listen(fd, 16), 0);
	return fd;
}

static inline void
broker_says(const struct frame *f, const int *fds, size_t n_fds)
{
	ck_assert_int_eq(channel_send(broker.socket, f, fds, n_fds), 0);
}

/* Reads the next frame from the worker; false: there is none. */
static inline bool
broker_hears(struct frame *ret)
{
	ssize_t n = read(broker.pipe, ret, sizeof(*ret));

	ck_assert(n == (ssize_t)sizeof(*ret) || (n < 0 && errno == EAGAIN));
	return n > 0;
}

static inline void turns(void);

static inline void
send_kit(bool has_input)
{
	static uint32_t last;
	struct frame f = { .type = FRAME_KIT, .kit = { .number = ++last, .has_input = has_input } };
	int theirs[3] = { -1, -1, -1 }, pair[2];
	size_t i = 0, n = has_input ? 3 : 2;

	while (kits[i].number != 0)
		i++;
	ck_assert_uint_lt(i, ARRAY_LEN(kits));
	kits[i].number = f.kit.number;
	kits[i].has_input = has_input;
	kits[i].fds[2] = -1;
	for (size_t end = 0; end < n; end++) {
		int own = end == 2;

		ck_assert_int_eq(fd_pipe(pair, own), 0);
		theirs[end] = pair[own];
		kits[i].fds[end] = pair[1 - own];
	}
	broker_says(&f, theirs, n);
	channel_close_fds(theirs, 3);
}

static inline void
broker_dies(void)
{
	(void)close(broker.socket);
	(void)close(broker.pipe);
	broker = (struct mail_ends){ -1, -1 };
	for (size_t i = 0; i < ARRAY_LEN(kits); i++) {
		if (kits[i].number != 0)
			channel_close_fds(kits[i].fds, 3);
		kits[i].number = 0;
	}
}

/* A new broker that has sent no kits yet. */
static inline void
new_broker_without_kits(void)
{
	struct frame f = { .type = FRAME_JOBS };
	int jobs = job_file();
	struct mail_ends theirs;

	ck_assert_int_eq(mail_pair(&broker, &theirs), 0);
	brokerlink_attach(&w, theirs);
	ck_assert_int_ge(jobs, 0);
	broker_says(&f, &jobs, 1);
	(void)close(jobs);
}

static inline void
new_broker(void)
{
	new_broker_without_kits();
	for (int i = 0; i < 8; i++)
		send_kit(false);
	for (int i = 0; i < 4; i++)
		send_kit(true);
	turns();
}

#ifdef TLS_STREAM
static struct tlscontext *tls_peer_context;

static inline void
setup_tls(void)
{
	ck_assert_int_eq(tls_desk_load(&w.tls), 0);
	tls_peer_make_key("EC", TLS_MINIMUM_1_3);
	tls_peer_start(&w.tls);
	tls_peer_context = tlscontext_new(&tls_listener, TLS_CLIENTS_NONE, NULL, NULL);
	ck_assert_ptr_nonnull(tls_peer_context);
}
#endif

static inline void
setup(void)
{
	int fd = listener();

	clock_step_usec = 1;
	memset(&stats, 0, sizeof(stats));
	ck_assert_int_eq(loop_init(&w.loop), 0);
	w.pages.own = &stats;
	worker_wire(&w);
#ifdef TLS_STREAM
	setup_tls();
#endif
	w.net.max_conns = 1000;
	w.desk.id_high = UINT64_C(0xabcdef) << 40;
	(void)worker_set_conf(&w, conf_of(rules, 1));
	stats.generation = 1;
	ck_assert_int_eq(listeners_replace(&w.net, w.conf, &fd, 1), 0);
	listening = LIST_FIRST(&w.net.listeners);
	/* The connections of this listener come from socketpairs. */
	listening->is_unix = true;
	new_broker();
}

static inline void
bury(void)
{
	worker_settle(&w);
	loop_settle(&w.loop);
}

static inline void
teardown(void)
{
#ifdef TLS_STREAM
	tls_peer_context = tlscontext_unref(tls_peer_context);
#endif
	worker_done(&w);
#ifdef TLS_STREAM
	tls_peer_done();
#endif
	if (broker.socket >= 0)
		broker_dies();
	ck_assert_uint_eq(stats.connections_open, 0);
	ck_assert_uint_eq(stats.running, 0);
	ck_assert_uint_eq(stats.connections_closed, stats.connections_total);
	ck_assert_uint_eq(stats.requests_replied + stats.requests_aborted, stats.requests_total);
	ck_assert_uint_eq(stats.port_connections[0], 0);
	ck_assert_ptr_null(w.net.writer);
}

static inline void
wake(struct loop_timer *t)
{
	(void)t;
}

/* Handles the events of one turn of the loop, which has not ended then. */
static inline void
turn_begins(void)
{
	struct loop_timer now = { .fn = wake };

	loop_arm(&w.loop, &now, 1);
	ck_assert_int_eq(loop_turn(&w.loop), 0);
	/*
	 * Timers wait for the next turn when the worker was stopped in this
	 * one.
	 */
	loop_disarm(&w.loop, &now);
}

static inline void
one_turn(void)
{
	turn_begins();
	bury();
#ifdef TLS_STREAM
	tls_peer_turn();
#endif
}

#ifdef SLOW_STREAM
static const bool is_slow = true;
#else
static const bool is_slow = false;
#endif

/* Returns the number of times that streams have moved bytes or tried to. */
static inline uint64_t
moved(void)
{
#ifdef SLOW_STREAM
	return slow_stream_calls;
#elif defined(TLS_STREAM)
	return tls_peer_moves;
#else
	return 0;
#endif
}

/* Runs turns until nothing more can happen now. */
static inline void
turns(void)
{
	uint64_t before = moved();

	for (int i = 0; i < 40; i++) {
		one_turn();
		if (moved() != before)
			i = 0;
		before = moved();
	}
}

/* Rings the timer of a connection or call, as if this time had passed. */
static inline void
later(struct loop_timer *t, uint64_t usec)
{
	ck_assert(loop_timer_is_armed(t));
	w.loop.now_usec = clock_usec() + usec;
	loop_disarm(&w.loop, t);
	t->fn(t);
	loop_run_tasks(&w.loop);
	bury();
	w.loop.now_usec = clock_usec();
}

/* --------------------------------------------------------------- client --- */

/* Returns the call that a connection has. */
static inline struct call *
call_of(struct conn *c)
{
	return session_of(c)->call;
}

/* Connects a client; *ret is the worker's side of it. */
static inline int
client_as(struct conn **ret)
{
	union sockaddr_any peer = { .sa.sa_family = AF_UNIX };
	/* A byte that is sent alone takes the room of some 800 bytes. */
	const int small = is_slow ? 200 << 10 : 4096;
	int pair[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0,
	    pair), 0);
	/* With little room a client that does not read is noticed soon. */
	(void)setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
	conn_open(listening, pair[0], &peer);
	*ret = TAILQ_LAST(&w.net.conns, conns);
	(*ret)->peer.caller->uid = 12345;	/* root may call everything */
#ifdef SLOW_STREAM
	slow_stream_put(&(*ret)->stream);
#endif
#ifdef TLS_STREAM
	ck_assert_int_eq(tlsstream_put(&(*ret)->stream, &w.tls, tls_peer_context,
	    &(struct tls_client){ .peer = &(*ret)->peer }), 0);
	pair[1] = tls_peer_connect(pair[1]);
	turns();
#endif
	return pair[1];
}

static inline int
client(void)
{
	struct conn *c;

	return client_as(&c);
}

/* A client that may call nothing. */
static inline int
stranger(struct conn **ret)
{
	int fd = client_as(ret);

	(*ret)->peer.roles = 0;
	(*ret)->peer.is_admin = false;
	(*ret)->peer.roles_generation = w.conf->generation;
	return fd;
}

/* Sends bytes, which the worker has not read yet. */
static inline void
send_n(int fd, const char *text, size_t n)
{
	ck_assert_int_eq(send(fd, text, n, MSG_NOSIGNAL), (ssize_t)n);
}

static inline void
send_text(int fd, const char *text)
{
	send_n(fd, text, strlen(text));
}

static inline void
say_n(int fd, const char *text, size_t n)
{
	send_n(fd, text, n);
	turns();
}

static inline void
say(int fd, const char *text)
{
	say_n(fd, text, strlen(text));
}

/* Sends more than there is room for at once. */
static inline void
say_all(int fd, const char *text, size_t n)
{
	for (size_t at = 0; at < n;) {
		ssize_t sent = send(fd, text + at, n - at, MSG_NOSIGNAL);

		at += sent > 0 ? (size_t)sent : 0;
		turns();
	}
}

static inline void
say_cancel(int fd, const char *id)
{
	char text[64];

	(void)snprintf(text, sizeof(text), "CANCEL %s\r\n", id);
	say(fd, text);
}

/* Returns all that has come; "" for nothing, "(closed)" at the end. */
static inline const char *
heard(int fd)
{
	static char text[1 << 20];
	size_t len = 0;
	ssize_t n;

	turns();
	while ((n = recv(fd, text + len, sizeof(text) - len - 16, 0)) > 0) {
		len += (size_t)n;
		turns();
	}
	text[len] = '\0';
	if (n == 0 || (errno != EAGAIN && errno != EWOULDBLOCK))
		(void)strlcat(text, "(closed)", sizeof(text));
	return text;
}

#define ck_heard(fd, text) ck_assert_str_eq(heard(fd), text)

/* --------------------------------------------------------------- broker --- */

/*
 * A frame that the worker has sent to the broker. With RUN come the ends of the
 * program.
 */
struct asked {
	struct frame frame;
	int fds[FRAME_MAX_FDS];
	size_t n_fds;
	int paper;		/* of RUN with a token */
};

/* The last question of CANCEL_OWNED. */
static uint32_t asked_serial;

/* Sends the file for the result. */
static inline void
send_paper(struct asked *a)
{
	struct frame f = { .type = FRAME_PAPER, .id = a->frame.id };

	a->paper = memfd_create("result", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	ck_assert_int_eq(ftruncate(a->paper, FRAME_RESULT_BYTES), 0);
	broker_says(&f, &a->paper, 1);
}

/* Takes the program's ends of a kit, and gives the worker another kit. */
static inline void
take_kit(struct asked *a)
{
	for (size_t i = 0; i < ARRAY_LEN(kits); i++) {
		if (kits[i].number != a->frame.run.kit)
			continue;
		memcpy(a->fds, kits[i].fds, sizeof(kits[i].fds));
		a->n_fds = kits[i].has_input ? 3 : 2;
		kits[i].number = 0;
		send_kit(kits[i].has_input);
		if (!digest_is_none(&a->frame.run.token))
			send_paper(a);
		turns();
		return;
	}
	ck_abort_msg("a kit that was never sent");
}

static inline bool
heard_frame(struct asked *a)
{
	a->n_fds = 0;
	if (!broker_hears(&a->frame))
		return false;
	ck_assert(frame_check(&a->frame, sizeof(a->frame), 0));
	if (a->frame.type == FRAME_RUN)
		take_kit(a);
	if (a->frame.type == FRAME_CANCEL_OWNED)
		asked_serial = a->frame.serial;
	return true;
}

static inline struct asked
asked(enum frame_type type)
{
	struct asked a;

	turns();
	ck_assert_msg(heard_frame(&a), "not asked: %s", frame_type_name(type));
	/* Before a broken one comes back the worker may say what it knows of it. */
	if (a.frame.type == FRAME_BROKE && type != FRAME_BROKE) {
		uint64_t id = a.frame.id;

		ck_assert_uint_ne(a.frame.broke.fault, 0);
		ck_assert(heard_frame(&a));
		ck_assert_uint_eq(a.frame.type, FRAME_RETURN);
		ck_assert_uint_eq(a.frame.id, id);
	}
	ck_assert_str_eq(frame_type_name(a.frame.type), frame_type_name(type));
	return a;
}

static inline void
asked_nothing(void)
{
	struct frame f;

	turns();
	ck_assert(!broker_hears(&f));
}

static inline void
tell(uint16_t type, uint64_t id, int fd)
{
	struct frame f = { .type = type, .id = id };

	broker_says(&f, &fd, fd >= 0);
	turns();
}

static inline void
tell_attached(uint64_t id, bool is_awaited)
{
	struct frame f = { .type = FRAME_ATTACHED, .id = id, .is_awaited = is_awaited };

	broker_says(&f, NULL, 0);
	turns();
}

static inline void
tell_found(uint64_t id, bool found)
{
	struct frame f = {
		.type = FRAME_CANCELLED, .id = id, .answers = asked_serial, .cancel.found = found,
	};

	broker_says(&f, NULL, 0);
	turns();
}

/* Sends a new process; the test has its ends of the pipes: in, out and err. */
static inline void
send_lease(const struct frame *f, int ours[static 3])
{
	int in[2], out[2], err[2];

	ck_assert_int_eq(pipe2(in, O_CLOEXEC | O_NONBLOCK), 0);
	ck_assert_int_eq(pipe2(out, O_CLOEXEC | O_NONBLOCK), 0);
	ck_assert_int_eq(pipe2(err, O_CLOEXEC | O_NONBLOCK), 0);
	broker_says(f, (int[]){ in[1], out[0], err[0] }, 3);
	channel_close_fds((int[]){ in[1], out[0], err[0] }, 3);
	ours[0] = in[0];
	ours[1] = out[1];
	ours[2] = err[1];
}

/* The program writes a text. program_ends() ends it with an exit status. */
static inline void
write_out(struct asked *a, const char *text, size_t n)
{
	(void)fd_set_nonblock(a->fds[0], true);
	ck_assert_int_eq(write(a->fds[0], text, n), (ssize_t)n);
	turns();
}

static inline void
program_ends(struct asked *a, int status)
{
	struct frame f = { .type = FRAME_ENDED, .id = a->frame.id };

	f.ended.outcome = OUTCOME_EXIT;
	f.ended.wait_status = status << 8;
	channel_close_fds(a->fds, a->n_fds);
	broker_says(&f, NULL, 0);
	turns();
}

static inline void
is_cancelled(struct asked *a)
{
	ck_assert_uint_eq(asked(FRAME_CANCEL).frame.id, a->frame.id);
}

static inline void
program_is_killed(struct asked *a)
{
	struct frame f = { .type = FRAME_ENDED, .id = a->frame.id };

	f.ended.outcome = OUTCOME_CANCELLED;
	f.ended.reason = CANCEL_BY_DISCONNECT;
	channel_close_fds(a->fds, a->n_fds);
	broker_says(&f, NULL, 0);
	turns();
}
