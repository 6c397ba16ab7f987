/* SPDX-License-Identifier: ISC */
/*
 * command-peer: services with commands, all of them the shell, and requests
 * for them beside the broker of broker-peer: the test is the worker, which
 * has the other ends of the program's pipes.
 */
#pragma once

#define LISTEN "listen \"unix:///tmp/reqd-test-runner.sock\" {}\n"

/* Services in the order of their numbers: the parser sorts them by name. */
enum {
	S_LIMITED, S_MISSING, S_NODIR, S_PATIENT, S_QUICK, S_SINGLE, S_STUBBORN, S_TOLD, S_WIDE, S_N,
};

static const char conf_text[] =
    LISTEN
    "kill-grace = 20ms\n"
    "service \"limited\" { command = {\"/bin/sh\"} directory = \"/tmp\" umask = 027 nice = 19\n"
    "  limits { files = 33  cpu = 7s } }\n"
    "service \"missing\" { command = {\"/nonexistent/program\"} }\n"
    "service \"nodir\" { command = {\"/bin/sh\"} directory = \"/nonexistent\" }\n"
    "service \"patient\" { command = {\"/bin/sh\"} concurrency = 1 queue = 2\n"
    "  queue-timeout = 1ms }\n"
    "service \"quick\" { command = {\"/bin/sh\"} timeout = 30ms kill-grace = 1h }\n"
    "service \"single\" { command = {\"/bin/sh\"} concurrency = 1 queue = 2 queue-timeout = 1h\n"
    "  timeout = 1h kill-grace = 1h }\n"
    "service \"stubborn\" { command = {\"/bin/sh\"} timeout = 50ms kill-grace = 20ms }\n"
    "service \"told\" { command = {\"/bin/sh\"} timeout = 1h kill-grace = 1h stop-signal = USR1 }\n"
    "service \"wide\" { command = {\"/bin/sh\"} concurrency = 4096 queue = 16 queue-timeout = 1h\n"
    "  timeout = 1h kill-grace = 1h }\n";

#include "base/buf.h"
#include "ipc/job.h"
#include "proto/outcome.h"
#include "broker-peer.h"

/* -------------------------------------------------------------- requests --- */

/* One request and the ends of its pipes that are the worker's. */
struct call {
	uint16_t worker;
	uint64_t id;
	int in, out, err;
};

static inline uint64_t
request_id(uint16_t worker)
{
	static uint32_t serial;

	return (uint64_t)(0x123456u << 8 | worker) << 32 | ++serial;
}

/* The number of the job among those of the worker. */
static inline uint32_t
write_job(uint16_t worker, const char *script, uint64_t id)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(0);
	const char *argv[] = { "sh", "-c", script };
	uint32_t job;

	for (size_t i = 0; i < ARRAY_LEN(argv); i++)
		(void)buf_append(&b, argv[i], strlen(argv[i]) + 1);
	(void)buf_append(&b, "PATH=/usr/bin:/bin", sizeof("PATH=/usr/bin:/bin"));
	(void)buf_printf(&b, "REQD_REQUEST_ID=%016llx", (unsigned long long)id);
	(void)buf_append_char(&b, '\0');
	ck_assert(!buf_failed(&b));
	ck_assert_int_eq(jobs_write(&broker.peer[worker].jobs,
	    &(struct job_strings){ buf_slice(&b), ARRAY_LEN(argv), 2, 0 }, &job), 0);
	return job;
}

struct order {
	uint16_t worker, service;
	const char *script;
	uint32_t generation;	/* 0: 1 */
	uint64_t timeout_usec;	/* 0: far */
	uint64_t credential;
	char lock, owner, token;
	bool no_input;
	bool want_started;
};

static inline struct digest
letter(char c)
{
	return (struct digest){ .bytes = { (uint8_t)c } };
}

static inline struct frame
run_frame(const struct order *o, uint64_t id)
{
	struct frame f = {
		.type = FRAME_RUN,
		.generation = o->generation == 0 ? 1 : o->generation,
		.id = id,
		.run.deadline_usec = clock_usec() + (o->timeout_usec == 0 ? FAR : o->timeout_usec),
		.run.lock = letter(o->lock),
		.run.owner = letter(o->owner),
		.run.token = letter(o->token),
		.run.service = o->service,
		.run.credential = o->credential,
	};

	f.run.flags = (o->no_input ? 0 : RUN_HAS_INPUT) | (o->want_started ? RUN_WANT_STARTED : 0);
	return f;
}

/* Sends a request whose job is in the worker's file. */
static inline struct call
call_with_kit(const struct order *o, uint64_t id, struct peer_kit kit, uint32_t job)
{
	struct frame f = run_frame(o, id);

	f.run.kit = kit.number;
	f.run.place = (uint16_t)job_place(job);
	say(o->worker, &f);
	for (size_t i = 0; i < 3; i++) {
		if (kit.fds[i] >= 0)
			(void)fd_set_nonblock(kit.fds[i], false);
	}
	return (struct call){ o->worker, id, kit.fds[2], kit.fds[0], kit.fds[1] };
}

static inline struct call
call_as(const struct order *o, uint64_t id)
{
	struct peer_kit kit = take_kit(o->worker, !o->no_input);

	return call_with_kit(o, id, kit, write_job(o->worker, o->script, id));
}

static inline struct call
call(const struct order *o)
{
	return call_as(o, request_id(o->worker));
}

#define CALL(...) call(&(struct order){ __VA_ARGS__ })

/* Begins a script: leaves its session, and says so. */
#define SLEEPER "(setsid sh -c 'echo escaped; exec sleep 1000' &); "

static inline void
call_done(struct call *c)
{
	(void)close(c->in);
	(void)close(c->out);
	(void)close(c->err);
}

static inline void
cancel(const struct call *c, enum cancel_reason reason)
{
	struct frame f = { .type = FRAME_CANCEL, .id = c->id, .cancel.reason = (uint8_t)reason };

	say(c->worker, &f);
}

/* --------------------------------------------------------------- answers --- */

static inline void
expect_started(const struct call *c)
{
	ck_assert_uint_eq(get(broker.worker[c->worker], FRAME_STARTED).id, c->id);
}

/*
 * Opens the file for the result of c, which comes as soon as the request is
 * accepted.
 */
static inline int
paper(const struct call *c)
{
	int fd;
	struct frame f = get_with_fd(broker.worker[c->worker], &fd);

	ck_assert_str_eq(frame_type_name(f.type), "paper");
	ck_assert_uint_eq(f.id, c->id);
	ck_assert_int_ge(fd, 0);
	return fd;
}

static inline struct frame_ended
expect_end(const struct call *c, enum outcome_kind outcome)
{
	struct frame f = get(broker.worker[c->worker], FRAME_ENDED);
	struct frame_ended e = f.ended;

	ck_assert_uint_eq(f.id, c->id);
	ck_assert_msg(e.outcome == outcome, "%s, not %s (status %#x, stage %u, error %d)",
	    outcome_word(e.outcome), outcome_word(outcome), e.wait_status, e.stage, e.error);
	return e;
}

static inline void
expect_exit(const struct call *c, int status)
{
	struct frame_ended e = expect_end(c, OUTCOME_EXIT);

	ck_assert(WIFEXITED(e.wait_status));
	ck_assert_int_eq(WEXITSTATUS(e.wait_status), status);
}

/*
 * No process holds the other end of the output: all processes of the call are
 * gone.
 */
static inline void
expect_gone(struct call *c)
{
	(void)read_all(c->out);
	(void)read_all(c->err);
	call_done(c);
}

/* The call ends with this outcome, and no process of it is left. */
static inline void
finishes(struct call *c, enum outcome_kind outcome)
{
	(void)expect_end(c, outcome);
	expect_gone(c);
}

static inline void
exits(struct call *c, int status)
{
	expect_exit(c, status);
	expect_gone(c);
}

/* ----------------------------------------------------------------- input --- */

/* Gives the program a line, so that it goes on. */
static inline void
nudge(const struct call *c)
{
	ck_assert_int_eq(write(c->in, "\n", 1), 1);
}

static inline void
end_input(struct call *c)
{
	(void)close(c->in);
	c->in = -1;
}

/* Ends the input of cat(1), which then has nothing more to do. */
static inline void
let_end(struct call *c)
{
	end_input(c);
	expect_exit(c, 0);
}

/* ------------------------------------------------------------- generation --- */

/* A request of this generation is served. */
static inline void
runs(uint32_t generation)
{
	struct call c = CALL(.service = S_WIDE, .script = "exit 3", .generation = generation);

	exits(&c, 3);
}

static inline void
is_unavailable(uint32_t generation)
{
	struct call c = CALL(.service = S_WIDE, .script = "exit 3", .generation = generation);

	finishes(&c, OUTCOME_UNAVAIL);
}
