/* SPDX-License-Identifier: ISC */
/*
 * command-peer: services with commands, all of them the shell, and requests
 * for them beside the runner of runner-peer: the test is the worker, which
 * has the other ends of the program's pipes.
 */
#pragma once

#define LISTEN "listen \"unix:///tmp/reqd-test-runner.sock\" {}\n"

/* Services in the order of their numbers: the parser sorts them by name. */
enum {
	S_LIMITED, S_MISSING, S_NODIR, S_PATIENT, S_QUICK, S_SINGLE, S_STUBBORN, S_WIDE, S_N,
};

static const char conf_text[] =
    LISTEN
    "kill-grace = 20ms\n"
    "service \"limited\" { command = {\"/bin/sh\"} directory = \"/tmp\" umask = 027\n"
    "  limits { files = 33  cpu = 7s } }\n"
    "service \"missing\" { command = {\"/nonexistent/program\"} }\n"
    "service \"nodir\" { command = {\"/bin/sh\"} directory = \"/nonexistent\" }\n"
    "service \"patient\" { command = {\"/bin/sh\"} concurrency = 1 queue = 2\n"
    "  queue-timeout = 1ms }\n"
    "service \"quick\" { command = {\"/bin/sh\"} timeout = 30ms kill-grace = 1h }\n"
    "service \"single\" { command = {\"/bin/sh\"} concurrency = 1 queue = 2 queue-timeout = 1h\n"
    "  timeout = 1h kill-grace = 1h }\n"
    "service \"stubborn\" { command = {\"/bin/sh\"} timeout = 50ms kill-grace = 20ms }\n"
    "service \"wide\" { command = {\"/bin/sh\"} concurrency = 4096 queue = 16 queue-timeout = 1h\n"
    "  timeout = 1h kill-grace = 1h }\n";

#include "base/buf.h"
#include "ipc/job.h"
#include "proto/outcome.h"
#include "runner-peer.h"

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

static inline int
make_job(const char *script, uint64_t id)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(0);
	const char *argv[] = { "sh", "-c", script };
	int fd;

	for (size_t i = 0; i < ARRAY_LEN(argv); i++)
		(void)buf_append(&b, argv[i], strlen(argv[i]) + 1);
	(void)buf_append(&b, "PATH=/usr/bin:/bin", sizeof("PATH=/usr/bin:/bin"));
	(void)buf_printf(&b, "REQD_REQUEST_ID=%016llx", (unsigned long long)id);
	(void)buf_append_char(&b, '\0');
	ck_assert(!buf_failed(&b));
	fd = job_seal(&b, ARRAY_LEN(argv), 2);
	ck_assert_int_ge(fd, 0);
	return fd;
}

struct order {
	uint16_t worker, service;
	const char *script;
	uint32_t generation;	/* 0: 1 */
	uint64_t timeout_usec;	/* 0: far */
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
	};

	f.run.flags = (o->no_input ? 0 : RUN_HAS_INPUT) | (o->want_started ? RUN_WANT_STARTED : 0);
	return f;
}

static inline struct call
call_with_job(const struct order *o, uint64_t id, int job)
{
	struct frame f = run_frame(o, id);
	int in[2], out[2], err[2];

	ck_assert_int_eq(pipe2(in, O_CLOEXEC), 0);
	ck_assert_int_eq(pipe2(out, O_CLOEXEC), 0);
	ck_assert_int_eq(pipe2(err, O_CLOEXEC), 0);
	put(runner.worker[o->worker], &f, (int[]){ job, out[1], err[1], in[0] },
	    o->no_input ? 3 : 4);
	(void)close(job);
	(void)close(in[0]);
	(void)close(out[1]);
	(void)close(err[1]);
	return (struct call){ o->worker, id, in[1], out[0], err[0] };
}

static inline struct call
call(const struct order *o)
{
	uint64_t id = request_id(o->worker);

	return call_with_job(o, id, make_job(o->script, id));
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

	put(runner.worker[c->worker], &f, NULL, 0);
}

/* --------------------------------------------------------------- answers --- */

static inline void
expect_started(const struct call *c)
{
	ck_assert_uint_eq(get(runner.worker[c->worker], FRAME_STARTED).id, c->id);
}

static inline struct frame_ended
expect_end(const struct call *c, enum outcome_kind outcome)
{
	struct frame f = get(runner.worker[c->worker], FRAME_ENDED);
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

/* Nobody holds the other end of its output: all of it is gone. */
static inline void
expect_gone(struct call *c)
{
	(void)read_all(c->out);
	(void)read_all(c->err);
	call_done(c);
}

/* It ends like this, and leaves nothing. */
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

/* What reads a line goes on. */
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

/* cat(1) has nothing more to do. */
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
