/* SPDX-License-Identifier: ISC */
/*
 * The real runner in a child process, driven as the master and the workers
 * do, running real programs. Every wait is for an event: a frame, a line of
 * output, the end of a pipe (then nobody holds it any more), a dead child.
 */
#include "config.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <linux/filter.h>
#include <linux/magic.h>
#include <linux/seccomp.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fd.h"
#include "ipc/channel.h"
#include "ipc/job.h"
#include "ipc/logrec.h"
#include "ipc/roles.h"
#include "ipc/stats.h"
#include "proto/outcome.h"
#include "runner/children.h"
#include "runner/runner.h"

#define FAR (3600 * USEC_PER_SEC)

/* Services in the order of their numbers: the parser sorts them by name. */
enum {
	S_LIMITED, S_MISSING, S_NODIR, S_NOQUEUE, S_PATIENT, S_QUICK, S_SINGLE, S_STUBBORN, S_WIDE,
	S_N,
};

static const char conf_text[] =
    "listen \"unix:///tmp/reqd-test-runner.sock\" {}\n"
    "kill-grace = 20ms\n"
    "service \"limited\" { command = {\"/bin/sh\"} directory = \"/tmp\" umask = 027\n"
    "  limits { files = 33  cpu = 7s } }\n"
    "service \"missing\" { command = {\"/nonexistent/program\"} }\n"
    "service \"nodir\" { command = {\"/bin/sh\"} directory = \"/nonexistent\" }\n"
    "service \"noqueue\" { command = {\"/bin/sh\"} concurrency = 1 queue = 0 }\n"
    "service \"patient\" { command = {\"/bin/sh\"} concurrency = 1 queue = 2\n"
    "  queue-timeout = 1ms }\n"
    "service \"quick\" { command = {\"/bin/sh\"} timeout = 30ms kill-grace = 1h }\n"
    "service \"single\" { command = {\"/bin/sh\"} concurrency = 1 queue = 2 queue-timeout = 1h\n"
    "  timeout = 1h kill-grace = 1h }\n"
    "service \"stubborn\" { command = {\"/bin/sh\"} timeout = 50ms kill-grace = 20ms }\n"
    "service \"wide\" { command = {\"/bin/sh\"} concurrency = 4096 queue = 16 queue-timeout = 1h\n"
    "  timeout = 1h kill-grace = 1h }\n";

#include "runner-peer.h"

/* -------------------------------------------------------------- requests --- */

/* One request and the ends of its pipes that are the worker's. */
struct call {
	uint16_t worker;
	uint64_t id;
	int in, out, err;
};

static uint64_t
request_id(uint16_t worker)
{
	static uint32_t serial;

	return (uint64_t)(0x123456u << 8 | worker) << 32 | ++serial;
}

static int
make_job(const char *script, uint64_t id, bool marked)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(0);
	const char *argv[] = { "sh", "-c", script };
	size_t n_env = 1;
	int fd;

	for (size_t i = 0; i < ARRAY_LEN(argv); i++)
		(void)buf_append(&b, argv[i], strlen(argv[i]) + 1);
	(void)buf_append(&b, "PATH=/usr/bin:/bin", sizeof("PATH=/usr/bin:/bin"));
	if (marked) {
		(void)buf_printf(&b, "REQD_REQUEST_ID=%016llx", (unsigned long long)id);
		(void)buf_append_char(&b, '\0');
		n_env++;
	}
	ck_assert(!buf_failed(&b));
	fd = job_seal(&b, ARRAY_LEN(argv), n_env);
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
	bool unmarked;
	bool want_started;
};

static struct digest
letter(char c)
{
	return (struct digest){ .bytes = { (uint8_t)c } };
}

static struct frame
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

static struct call
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

static struct call
call(const struct order *o)
{
	uint64_t id = request_id(o->worker);

	return call_with_job(o, id, make_job(o->script, id, !o->unmarked));
}

#define CALL(...) call(&(struct order){ __VA_ARGS__ })

static void
call_done(struct call *c)
{
	(void)close(c->in);
	(void)close(c->out);
	(void)close(c->err);
}

/* Nobody holds the other end of its output: all of it is gone. */
static void
expect_gone(struct call *c)
{
	(void)read_all(c->out);
	(void)read_all(c->err);
	call_done(c);
}

static struct frame_ended
await_end(const struct call *c)
{
	struct frame f = get(runner.worker[c->worker], FRAME_ENDED);

	ck_assert_uint_eq(f.id, c->id);
	return f.ended;
}

static struct frame_ended
expect_end(const struct call *c, enum outcome_kind outcome)
{
	struct frame_ended e = await_end(c);

	ck_assert_msg(e.outcome == outcome, "%s, not %s (status %#x, stage %u, error %d)",
	    outcome_word(e.outcome), outcome_word(outcome), e.wait_status, e.stage, e.error);
	return e;
}

static void
expect_exit(const struct call *c, int status)
{
	struct frame_ended e = expect_end(c, OUTCOME_EXIT);

	ck_assert(WIFEXITED(e.wait_status));
	ck_assert_int_eq(WEXITSTATUS(e.wait_status), status);
}

static void
cancel(const struct call *c, enum cancel_reason reason)
{
	struct frame f = { .type = FRAME_CANCEL, .id = c->id, .cancel.reason = (uint8_t)reason };

	put(runner.worker[c->worker], &f, NULL, 0);
}

/* ------------------------------------------------------- how it can end --- */

START_TEST(test_exit)
{
	struct call c = CALL(.service = S_WIDE, .script = "echo out; echo err >&2; exit 3");
	struct frame_ended e = expect_end(&c, OUTCOME_EXIT);

	ck_assert(WIFEXITED(e.wait_status));
	ck_assert_int_eq(WEXITSTATUS(e.wait_status), 3);
	ck_assert_uint_gt(e.ran_usec, 0);
	ck_assert_uint_gt(e.max_rss_kb, 0);
	ck_assert_uint_lt(e.queued_usec, 60 * USEC_PER_SEC);
	ck_assert_str_eq(read_all(c.out), "out\n");
	ck_assert_str_eq(read_all(c.err), "err\n");
	call_done(&c);
	ck_assert_uint_eq(runner.stats->started_total, 1);
}
END_TEST

START_TEST(test_signal)
{
	struct call c = CALL(.service = S_WIDE, .script = "kill -SEGV $$");
	struct frame_ended e = expect_end(&c, OUTCOME_SIGNAL);

	ck_assert(WIFSIGNALED(e.wait_status));
	ck_assert_int_eq(WTERMSIG(e.wait_status), SIGSEGV);
	expect_gone(&c);
}
END_TEST

START_TEST(test_cpu_time)
{
	struct call c = CALL(.service = S_WIDE,
	    .script = "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done");
	struct frame_ended e = expect_end(&c, OUTCOME_EXIT);

	ck_assert_uint_gt(e.cpu_usec, 0);
	expect_gone(&c);
}
END_TEST

static const struct {
	uint16_t service;
	enum start_stage stage;
	int error;
} failures[] = {
	{ S_MISSING, STAGE_EXEC, ENOENT },
	{ S_NODIR, STAGE_DIRECTORY, ENOENT },
};

START_TEST(test_start_fails)
{
	struct call c = CALL(.service = failures[_i].service, .script = "exit 0");
	struct frame_ended e = expect_end(&c, OUTCOME_NOSTART);

	ck_assert_uint_eq(e.stage, failures[_i].stage);
	ck_assert_int_eq(e.error, failures[_i].error);
	ck_assert_str_eq(read_all(c.err), "");
	call_done(&c);

	/* The next in the same slot starts from a clean sheet. */
	c = CALL(.service = S_WIDE, .script = "exit 127");
	expect_exit(&c, 127);
	expect_gone(&c);
}
END_TEST

/* A job is judged by the child: whatever it is, the runner only passes it on. */
START_TEST(test_bad_job)
{
	int pipes[2], unsealed = memfd_create("job", MFD_CLOEXEC);
	struct order o = { .service = S_WIDE };
	struct frame_ended e;
	struct call c;

	c = call_with_job(&o, request_id(0), unsealed);
	e = expect_end(&c, OUTCOME_NOSTART);
	ck_assert_uint_eq(e.stage, STAGE_JOB);
	ck_assert_int_eq(e.error, EPERM);
	expect_gone(&c);

	ck_assert_int_eq(pipe2(pipes, O_CLOEXEC), 0);
	c = call_with_job(&o, request_id(0), pipes[0]);
	e = expect_end(&c, OUTCOME_NOSTART);
	ck_assert_uint_eq(e.stage, STAGE_JOB);
	expect_gone(&c);
	(void)close(pipes[1]);

	c = call_with_job(&o, request_id(0), fd_sealed("job", "nonsense", 8));
	e = expect_end(&c, OUTCOME_NOSTART);
	ck_assert_uint_eq(e.stage, STAGE_JOB);
	ck_assert_int_eq(e.error, EBADMSG);
	expect_gone(&c);
}
END_TEST

/* Alone, as the filter stays with the process. */
START_TEST(test_without_clone3)
{
	struct call c;

	runner.without_clone3 = true;
	start();
	configure(1, conf_text);
	connect_worker(0);
	c = CALL(.service = S_WIDE, .script = "echo out; exit 3");
	expect_exit(&c, 3);
	ck_assert_str_eq(read_all(c.out), "out\n");
	call_done(&c);
	teardown();
}
END_TEST

START_TEST(test_input)
{
	struct call c = CALL(.service = S_WIDE, .script = "exec cat");

	ck_assert_int_eq(write(c.in, "abc\n", 4), 4);
	expect_line(c.out, "abc");
	(void)close(c.in);
	expect_exit(&c, 0);
	c.in = -1;
	expect_gone(&c);

	c = CALL(.service = S_WIDE, .script = "cat; echo end", .no_input = true);
	expect_exit(&c, 0);
	ck_assert_str_eq(read_all(c.out), "end\n");
	call_done(&c);
}
END_TEST

START_TEST(test_started)
{
	struct call c = CALL(.service = S_WIDE, .script = "exec cat", .want_started = true);

	ck_assert_uint_eq(get(runner.worker[0], FRAME_STARTED).id, c.id);
	(void)close(c.in);
	c.in = -1;
	expect_exit(&c, 0);
	expect_gone(&c);
}
END_TEST

/* Clean to the bone: descriptors, signals, session, privileges. */
START_TEST(test_child_state)
{
	struct call c = CALL(.service = S_WIDE,
	    .script = "ls /proc/self/fd | tr '\\n' ' '; echo\n"
		      "grep -E '^(SigBlk|SigIgn|NoNewPrivs)' /proc/self/status |\n"
		      "tr -d '\\n\\t'; echo\n"
		      "ulimit -c; pwd; umask\n"
		      "read pid comm state ppid pgrp session tty rest </proc/$$/stat\n"
		      "[ $pid = $pgrp ] && [ $pid = $session ] && [ $tty = 0 ] && echo alone\n"
		      "tr '\\0' '\\n' </proc/$$/environ | grep -vE '^(PATH|REQD_REQUEST_ID)='\n"
		      "ulimit -n");

	expect_exit(&c, 0);
	expect_line(c.out, "0 1 2 3 ");		/* 3 is ls reading the directory */
	expect_line(c.out, "SigBlk:0000000000000000SigIgn:0000000000000000NoNewPrivs:1");
	expect_line(c.out, "0");
	expect_line(c.out, "/");
	expect_line(c.out, "0022");
	expect_line(c.out, "alone");
	expect_line(c.out, "600");
	expect_gone(&c);
}
END_TEST

START_TEST(test_service_state)
{
	struct call c = CALL(.service = S_LIMITED, .script = "pwd; umask; ulimit -n; ulimit -t");

	expect_exit(&c, 0);
	ck_assert_str_eq(read_all(c.out), "/tmp\n0027\n33\n7\n");
	call_done(&c);
}
END_TEST

START_TEST(test_identity)
{
	static const char text[] =
	    "listen \"unix:///tmp/reqd-test-runner.sock\" {}\n"
	    "service \"nobody\" { command = {\"/bin/sh\"} user = \"nobody\"\n"
	    "  ids = \"65533:65533:65533,7,3\" }\n";
	struct frame_ended e;
	struct call c;

	configure(2, text);
	c = CALL(.service = 0, .generation = 2,
	    .script = "grep -E '^(Uid|Gid|Groups|CapEff|CapPrm)' /proc/self/status |\n"
		      "tr '\\t\\n' '  '");
	if (geteuid() != 0) {
		/* An ordinary user can be nobody else, and does not pretend. */
		e = expect_end(&c, OUTCOME_NOSTART);
		ck_assert_uint_eq(e.stage, STAGE_USER);
		ck_assert_int_eq(e.error, EPERM);
	} else {
		expect_exit(&c, 0);
		ck_assert_str_eq(read_all(c.out),
		    "Uid: 65533 65533 65533 65533 Gid: 65533 65533 65533 65533 Groups: 3 7 65533  "
		    "CapPrm: 0000000000000000 CapEff: 0000000000000000 ");
	}
	call_done(&c);
}
END_TEST

/* --------------------------------------------------------------- killing --- */

START_TEST(test_timeout)
{
	struct call c = CALL(.service = S_QUICK, .script = "sleep 1000 & sleep 1000");

	(void)expect_end(&c, OUTCOME_TIMEOUT);
	expect_gone(&c);
}
END_TEST

/* The caller's deadline is the shorter one. */
START_TEST(test_deadline)
{
	struct call c = CALL(.service = S_WIDE, .script = "sleep 1000", .timeout_usec = 1000);

	(void)expect_end(&c, OUTCOME_TIMEOUT);
	expect_gone(&c);
}
END_TEST

START_TEST(test_term_ignored)
{
	struct call c = CALL(.service = S_STUBBORN,
	    .script = "trap '' TERM; (while :; do sleep 1000; done) &\n"
		      "while :; do sleep 1000; done");
	struct frame_ended e = expect_end(&c, OUTCOME_TIMEOUT);

	ck_assert(WIFSIGNALED(e.wait_status));
	ck_assert_int_eq(WTERMSIG(e.wait_status), SIGKILL);
	expect_gone(&c);
}
END_TEST

/* Who handles TERM may end in order: it is the outcome that tells. */
START_TEST(test_term_handled)
{
	struct call c = CALL(.service = S_WIDE,
	    .script = "trap 'echo bye; exit 0' TERM; echo ready; while :; do read x; done");
	struct frame_ended e;

	expect_line(c.out, "ready");
	cancel(&c, CANCEL_BY_CLIENT);
	e = expect_end(&c, OUTCOME_CANCELLED);
	ck_assert(WIFEXITED(e.wait_status));
	expect_line(c.out, "bye");
	expect_gone(&c);
}
END_TEST

START_TEST(test_stopped)
{
	struct call c = CALL(.service = S_WIDE, .script = "echo ready; kill -STOP $$");

	expect_line(c.out, "ready");
	cancel(&c, CANCEL_BY_CLIENT);
	(void)expect_end(&c, OUTCOME_CANCELLED);
	expect_gone(&c);
}
END_TEST

static const struct {
	enum cancel_reason reason;
	enum outcome_kind outcome;
} cancels[] = {
	{ CANCEL_BY_CLIENT, OUTCOME_CANCELLED },
	{ CANCEL_BY_DISCONNECT, OUTCOME_CANCELLED },
	{ CANCEL_BY_ADMIN, OUTCOME_CANCELLED },
	{ CANCEL_BY_OUTPUT, OUTCOME_TOOBIG },
};

START_TEST(test_cancel)
{
	struct call c = CALL(.service = S_WIDE, .script = "echo ready; sleep 1000 | sleep 1000");
	struct frame_ended e;

	expect_line(c.out, "ready");
	cancel(&c, cancels[_i].reason);
	cancel(&c, CANCEL_BY_CLIENT);	/* changes nothing any more */
	e = expect_end(&c, cancels[_i].outcome);
	ck_assert_uint_eq(e.reason, cancels[_i].reason);
	expect_gone(&c);
	cancel(&c, CANCEL_BY_CLIENT);	/* of what is over: nothing */
	sync_worker(0);
	ck_assert_uint_eq(runner.stats->bad_frames, 0);
}
END_TEST

/* Right after RUN, most likely before the child has come anywhere. */
START_TEST(test_cancel_at_once)
{
	for (int i = 0; i < 20; i++) {
		struct call c = CALL(.service = S_WIDE, .script = "sleep 1000");

		cancel(&c, CANCEL_BY_CLIENT);
		(void)expect_end(&c, OUTCOME_CANCELLED);
		expect_gone(&c);
	}
}
END_TEST

/* ---------------------------------------------------------------- strays --- */

#define SLEEPER "(setsid sh -c 'echo escaped; exec sleep 1000' &); "

/* What is left behind is taken down; the reply does not wait for it. */
START_TEST(test_left_behind)
{
	struct call c = CALL(.service = S_WIDE,
	    .script = "(trap '' HUP; echo one; exec sleep 1000) & read x; exit 0");

	expect_line(c.out, "one");
	ck_assert_int_eq(write(c.in, "\n", 1), 1);
	expect_exit(&c, 0);
	expect_gone(&c);
}
END_TEST

/* All of the group hears it at once, not one after the other dies. */
START_TEST(test_left_behind_deep)
{
	struct call c = CALL(.service = S_WIDE,
	    .script = "(trap : TERM; sh -c 'echo one; exec sleep 1000'; echo two) &\n"
		      "read x; exit 0");

	expect_line(c.out, "one");
	ck_assert_int_eq(write(c.in, "\n", 1), 1);
	expect_exit(&c, 0);
	expect_line(c.out, "two");
	expect_gone(&c);
}
END_TEST

/* setsid and double fork: in another session, and nobody's child but ours. */
START_TEST(test_escape_ends_with_request)
{
	struct call c = CALL(.service = S_WIDE, .script = SLEEPER "read x; exit 5");

	expect_line(c.out, "escaped");
	ck_assert_int_eq(write(c.in, "\n", 1), 1);
	expect_exit(&c, 5);
	expect_gone(&c);
}
END_TEST

START_TEST(test_escape_is_cancelled)
{
	struct call c = CALL(.service = S_WIDE, .script = SLEEPER "sleep 1000");

	expect_line(c.out, "escaped");
	cancel(&c, CANCEL_BY_CLIENT);
	(void)expect_end(&c, OUTCOME_CANCELLED);
	expect_gone(&c);
	ck_assert_uint_ge(runner.stats->strays_killed, 1);
}
END_TEST

/* It hears of the cancel as soon as the program does, which takes its time. */
START_TEST(test_escape_is_told)
{
	struct call c = CALL(.service = S_WIDE,
	    .script = "(setsid sh -c 'trap \"echo told; exit\" TERM; echo escaped\n"
		      "while :; do :; done' &)\n"
		      "trap '' TERM; exec cat");

	expect_line(c.out, "escaped");
	cancel(&c, CANCEL_BY_CLIENT);
	expect_line(c.out, "told");
	(void)close(c.in);
	c.in = -1;
	(void)expect_end(&c, OUTCOME_CANCELLED);
	expect_gone(&c);
}
END_TEST

START_TEST(test_escape_ignores_term)
{
	struct call c = CALL(.service = S_STUBBORN,
	    .script = "(setsid sh -c 'trap \"\" TERM; echo escaped\n"
		      "while :; do sleep 1000; done' &)\n"
		      "sleep 1000");

	expect_line(c.out, "escaped");
	(void)expect_end(&c, OUTCOME_TIMEOUT);
	expect_gone(&c);
}
END_TEST

/* Without session and without the mark it is nobody's, and goes at once. */
START_TEST(test_escape_unmarked)
{
	struct call c = CALL(.service = S_WIDE,
	    .script = "(env -i setsid sh -c 'trap \"\" TERM; echo escaped\n"
		      "while :; do sleep 1000; done' &)\n"
		      "read x; exit 0");

	expect_line(c.out, "escaped");
	ck_assert_int_eq(write(c.in, "\n", 1), 1);
	expect_exit(&c, 0);
	expect_gone(&c);
}
END_TEST

/* A stray lives as long as its request does, whoever else ends. */
START_TEST(test_escape_may_live)
{
	struct call c = CALL(.service = S_WIDE,
	    .script = "(setsid cat <&3 >&4 &) 3<&0 4>&1; exec sleep 1000");
	struct call other;

	ck_assert_int_eq(write(c.in, "a\n", 2), 2);
	expect_line(c.out, "a");
	/* Its end makes the runner look for strays. */
	other = CALL(.service = S_WIDE, .script = "exit 0");
	expect_exit(&other, 0);
	expect_gone(&other);
	sync_worker(0);
	ck_assert_int_eq(write(c.in, "b\n", 2), 2);
	expect_line(c.out, "b");
	ck_assert_uint_eq(runner.stats->strays_killed, 0);

	cancel(&c, CANCEL_BY_CLIENT);
	(void)expect_end(&c, OUTCOME_CANCELLED);
	expect_gone(&c);
}
END_TEST

/* Of more strays than the table has room for, the rest is killed at once. */
START_TEST(test_many_strays)
{
	enum { N = RUNNER_MAX_STRAYS + 44 };
	struct call c = CALL(.service = S_WIDE,
	    .script = "exec 3<&0; i=0; trap '' TERM; while [ $i -lt 300 ]; do\n"
		      "(setsid sh -c 'echo up; read x && echo alive' <&3 &); i=$((i+1)); done\n"
		      "trap - TERM; sleep 1000");
	char lines[N];
	size_t alive = 0;

	for (int i = 0; i < N; i++)
		expect_line(c.out, "up");
	cancel(&c, CANCEL_BY_CLIENT);
	(void)expect_end(&c, OUTCOME_CANCELLED);
	memset(lines, '\n', N);
	ck_assert_int_eq(write(c.in, lines, N), N);
	(void)close(c.in);
	c.in = -1;
	for (const char *p = read_all(c.out); (p = strstr(p, "alive")) != NULL; p++)
		alive++;
	ck_assert_uint_eq(alive, RUNNER_MAX_STRAYS);
	call_done(&c);
}
END_TEST

/* What lingers keeps its place: the next starts when all of it is gone. */
START_TEST(test_lingering_counts)
{
	struct call a = CALL(.service = S_SINGLE,
	    .script = "exec 3<&0 4>&1\n"
		      "x=$( (setsid sh -c 'trap \"\" TERM; exec cat <&3 >&4' &) )\n"
		      "echo escaped");
	struct call b;

	expect_line(a.out, "escaped");
	expect_exit(&a, 0);
	b = CALL(.service = S_SINGLE, .script = "exit 4");
	sync_worker(0);
	sync_master();
	ck_assert_uint_eq(runner.stats->running, 1);
	(void)close(a.in);
	a.in = -1;
	expect_gone(&a);
	expect_exit(&b, 4);
}
END_TEST

/* ------------------------------------------------------------- admission --- */

START_TEST(test_queue_order)
{
	struct call c[4];

	for (int i = 0; i < 4; i++)
		c[i] = CALL(.service = S_SINGLE, .script = "exec cat", .want_started = true);
	ck_assert_uint_eq(get(runner.worker[0], FRAME_STARTED).id, c[0].id);
	ck_assert_uint_eq(expect_end(&c[3], OUTCOME_BUSY).reason, BUSY_QUEUE_FULL);
	sync_worker(0);
	sync_master();
	ck_assert_uint_eq(runner.stats->running, 1);
	ck_assert_uint_eq(runner.stats->queued, 2);
	for (int i = 0; i < 3; i++) {
		if (i > 0)
			ck_assert_uint_eq(get(runner.worker[0], FRAME_STARTED).id, c[i].id);
		(void)close(c[i].in);
		expect_exit(&c[i], 0);
	}
	sync_master();
	ck_assert_uint_eq(runner.stats->running, 0);
	ck_assert_uint_eq(runner.stats->queued, 0);
}
END_TEST

START_TEST(test_queue_timeout)
{
	struct call a = CALL(.service = S_PATIENT, .script = "exec cat");
	struct call b = CALL(.service = S_PATIENT, .script = "exit 0");

	ck_assert_uint_eq(expect_end(&b, OUTCOME_BUSY).reason, BUSY_WAITED);
	expect_gone(&b);
	(void)close(a.in);
	expect_exit(&a, 0);
}
END_TEST

START_TEST(test_deadline_in_queue)
{
	struct call a = CALL(.service = S_SINGLE, .script = "exec cat");
	struct call b = CALL(.service = S_SINGLE, .script = "exit 0", .timeout_usec = 1000);

	ck_assert_uint_eq(expect_end(&b, OUTCOME_TIMEOUT).ran_usec, 0);
	expect_gone(&b);
	(void)close(a.in);
	expect_exit(&a, 0);
}
END_TEST

START_TEST(test_cancel_in_queue)
{
	struct call a = CALL(.service = S_SINGLE, .script = "exec cat");
	struct call b = CALL(.service = S_SINGLE, .script = "exit 0");

	cancel(&b, CANCEL_BY_DISCONNECT);
	ck_assert_uint_eq(expect_end(&b, OUTCOME_CANCELLED).reason, CANCEL_BY_DISCONNECT);
	expect_gone(&b);
	(void)close(a.in);
	expect_exit(&a, 0);
}
END_TEST

START_TEST(test_lock)
{
	struct order o = { .service = S_WIDE, .script = "exec cat", .want_started = true };
	struct call a, b, c;

	o.lock = 'L';
	a = call(&o);
	b = call(&o);
	o.lock = 'M';
	c = call(&o);
	ck_assert_uint_eq(get(runner.worker[0], FRAME_STARTED).id, a.id);
	ck_assert_uint_eq(get(runner.worker[0], FRAME_STARTED).id, c.id);
	(void)close(a.in);
	expect_exit(&a, 0);
	ck_assert_uint_eq(get(runner.worker[0], FRAME_STARTED).id, b.id);
	(void)close(b.in);
	expect_exit(&b, 0);
	(void)close(c.in);
	expect_exit(&c, 0);
}
END_TEST

/* ------------------------------------------------------------ the worker --- */

START_TEST(test_worker_gone)
{
	struct call a = CALL(.service = S_SINGLE, .script = SLEEPER "sleep 1000");
	struct call b = CALL(.service = S_SINGLE, .script = "exit 0");
	struct call c = CALL(.worker = 1, .service = S_SINGLE, .script = "exit 9");

	expect_line(a.out, "escaped");
	(void)close(runner.worker[0]);
	expect_gone(&a);
	expect_gone(&b);
	/* The other worker's request has its turn now. */
	expect_exit(&c, 9);
	expect_gone(&c);
}
END_TEST

START_TEST(test_worker_replaced)
{
	struct call a = CALL(.service = S_WIDE, .script = "echo ready; sleep 1000");
	int old = runner.worker[0];

	expect_line(a.out, "ready");
	connect_worker(0);
	expect_closed(old);
	expect_gone(&a);
	a = CALL(.service = S_WIDE, .script = "exit 4");
	expect_exit(&a, 4);
	expect_gone(&a);
}
END_TEST

enum bad { BAD_SLOT, BAD_SERVICE, BAD_TYPE, BAD_CANCEL, BAD_DEPOSIT, BAD_RESULT, BAD_BYTES, BAD_N };

static void
send_bad(enum bad kind)
{
	struct order o = { .service = kind == BAD_SERVICE ? S_N : S_WIDE, .script = "exit 0" };
	struct frame f = { .id = request_id(kind == BAD_RESULT ? 0 : 1) };
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	switch (kind) {
	case BAD_SLOT:
	case BAD_SERVICE:
		f = run_frame(&o, request_id(kind == BAD_SLOT ? 1 : 0));
		put(runner.worker[0], &f, (int[]){ null, null, null, null }, 4);
		break;
	case BAD_TYPE:
		f.type = FRAME_COMMIT;
		put(runner.worker[0], &f, NULL, 0);
		break;
	case BAD_CANCEL:
		f.type = FRAME_CANCEL;
		put(runner.worker[0], &f, NULL, 0);
		break;
	case BAD_DEPOSIT:
	case BAD_RESULT:
		f.type = FRAME_DEPOSIT;
		put(runner.worker[0], &f, &null, 1);
		break;
	default:
		ck_assert_int_eq(send(runner.worker[0], "hello", 5, 0), 5);
		break;
	}
	(void)close(null);
}

/* A bad frame ends its worker, and nothing else. */
START_TEST(test_bad_frame)
{
	struct call c = CALL(.worker = 1, .service = S_WIDE, .script = "exec cat");

	runner.errors_expected = true;
	send_bad((enum bad)_i);
	expect_closed(runner.worker[0]);
	ck_assert_uint_eq(runner.stats->bad_frames, 1);
	(void)close(c.in);
	expect_exit(&c, 0);
}
END_TEST

START_TEST(test_duplicate_id)
{
	struct order o = { .service = S_WIDE, .script = "sleep 1000" };
	uint64_t id = request_id(0);
	struct call a = call_with_job(&o, id, make_job(o.script, id, true));
	struct call b = call_with_job(&o, id, make_job(o.script, id, true));

	runner.errors_expected = true;
	expect_gone(&a);
	expect_gone(&b);
	expect_closed(runner.worker[0]);
	ck_assert_uint_eq(runner.stats->bad_frames, 1);
}
END_TEST

/*
 * Sends n requests that are refused, and reads only when no more can be
 * sent. Returns how often that was so.
 */
static unsigned
flood(unsigned n, uint32_t generation, enum outcome_kind outcome)
{
	struct order o = { .service = S_WIDE, .generation = generation };
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	int fds[4] = { null, null, null, null };
	unsigned sent = 0, full = 0;

	for (unsigned ended = 0; ended < n; ended++) {
		int r = 0;

		while (sent < n && r == 0) {
			struct frame f = run_frame(&o, request_id(0));

			r = channel_send(runner.worker[0], &f, fds, 4);
			ck_assert(r == 0 || r == -EAGAIN);
			sent += r == 0;
			full += r == -EAGAIN;
		}
		ck_assert_uint_eq(get(runner.worker[0], FRAME_ENDED).ended.outcome, outcome);
	}
	(void)close(null);
	return full;
}

/* A worker that does not read for long loses no end of a request. */
START_TEST(test_worker_behind)
{
	struct frame stop = { .type = FRAME_STOP, .id = clock_usec() + FAR };

	/* Neither of one that had no slot in the table, nor of one that had. */
	ck_assert_uint_gt(flood(3000, 99, OUTCOME_UNAVAIL), 0);
	put(runner.master, &stop, NULL, 0);
	(void)get(runner.master, FRAME_DRAINED);
	ck_assert_uint_gt(flood(3000, 1, OUTCOME_DRAINING), 0);
}
END_TEST

/* ------------------------------------------------------------ the master --- */

/* A frame may be overtaken by some reloads, but not by any number. */
START_TEST(test_old_generations)
{
	struct call c;

	for (uint32_t generation = 2; generation < 2 + RUNNER_PAST; generation++)
		configure(generation, conf_text);
	c = CALL(.service = S_WIDE, .script = "exit 1", .generation = 1);
	expect_exit(&c, 1);
	expect_gone(&c);
	configure(2 + RUNNER_PAST, conf_text);
	c = CALL(.service = S_WIDE, .script = "exit 1", .generation = 1);
	(void)expect_end(&c, OUTCOME_UNAVAIL);
	expect_gone(&c);
}
END_TEST

START_TEST(test_generations)
{
	struct call c;

	configure(2, conf_text);
	c = CALL(.service = S_WIDE, .script = "exit 1", .generation = 1);
	expect_exit(&c, 1);
	expect_gone(&c);
	configure(3, conf_text);
	c = CALL(.service = S_WIDE, .script = "exit 1", .generation = 1);
	expect_exit(&c, 1);
	expect_gone(&c);
	c = CALL(.service = S_WIDE, .script = "exit 2", .generation = 2);
	expect_exit(&c, 2);
	expect_gone(&c);
	c = CALL(.service = S_WIDE, .script = "exit 3", .generation = 3);
	expect_exit(&c, 3);
	expect_gone(&c);

	/* Prepared is not in force. */
	prepare(4, conf_text);
	(void)get(runner.master, FRAME_PREPARED);
	c = CALL(.service = S_WIDE, .script = "exit 4", .generation = 4);
	(void)expect_end(&c, OUTCOME_UNAVAIL);
	expect_gone(&c);
	tell(FRAME_ABORT, 4);
	tell(FRAME_COMMIT, 4);
	(void)get(runner.master, FRAME_REFUSED);
}
END_TEST

/*
 * COMMIT was sent before the worker's RUN, so it counts, in whatever order
 * the runner comes to look at them. Here it sees the worker first: that has
 * just been served when both are sent, while another's death keeps the
 * runner busy.
 */
START_TEST(test_commit_before_run)
{
	enum { N = 200 };
	struct frame f = { .type = FRAME_CANCEL_OWNED, .id = 1 }, run;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC), job, fds[3];
	struct order o = { .service = S_WIDE, .generation = 2, .no_input = true };

	for (int i = 0; i < N; i++) {
		struct call c = CALL(.worker = 1, .service = S_WIDE, .script = "exec cat");

		(void)close(c.out);
		(void)close(c.err);
	}
	sync_worker(1);
	prepare(2, conf_text);
	(void)get(runner.master, FRAME_PREPARED);
	run = run_frame(&o, request_id(0));
	job = make_job("exit 3", run.id, true);
	fds[0] = job;
	fds[1] = fds[2] = null;

	ck_assert_int_eq(kill(runner.pid, SIGSTOP), 0);
	put(runner.worker[0], &f, NULL, 0);
	(void)close(runner.worker[1]);
	ck_assert_int_eq(kill(runner.pid, SIGCONT), 0);
	(void)get(runner.worker[0], FRAME_CANCELLED);
	tell(FRAME_COMMIT, 2);
	put(runner.worker[0], &run, fds, 3);

	f = get(runner.worker[0], FRAME_ENDED);
	ck_assert_uint_eq(f.ended.outcome, OUTCOME_EXIT);
	(void)get(runner.master, FRAME_COMMITTED);
	(void)close(job);
	(void)close(null);
}
END_TEST

/* What runs keeps the configuration it was started with. */
START_TEST(test_reload_while_running)
{
	struct call c = CALL(.service = S_SINGLE, .script = "exec cat", .want_started = true);
	struct call waiting = CALL(.service = S_SINGLE, .script = "exit 7", .want_started = true);
	struct call after;

	ck_assert_uint_eq(get(runner.worker[0], FRAME_STARTED).id, c.id);
	for (uint32_t g = 2; g < 5; g++)
		configure(g, conf_text);
	/* One at a time holds across the reload. */
	after = CALL(.service = S_SINGLE, .script = "exit 8", .generation = 4);
	(void)close(c.in);
	expect_exit(&c, 0);
	ck_assert_uint_eq(get(runner.worker[0], FRAME_STARTED).id, waiting.id);
	expect_exit(&waiting, 7);
	expect_exit(&after, 8);
}
END_TEST

static const char roomier[] =
    "listen \"unix:///tmp/reqd-test-runner.sock\" {}\n"
    "service \"single\" { command = {\"/bin/sh\"} concurrency = 2 queue = 2 }\n";

/* More room after a reload: who waits starts at once. */
START_TEST(test_reload_raises_limit)
{
	struct call a = CALL(.service = S_SINGLE, .script = "exec cat");
	struct call b = CALL(.service = S_SINGLE, .script = "exit 7");

	sync_worker(0);
	configure(2, roomier);
	expect_exit(&b, 7);
	(void)close(a.in);
	expect_exit(&a, 0);
}
END_TEST

/* A request made before the reload is admitted by the limits after it. */
START_TEST(test_limits_in_force)
{
	struct call a, b;

	configure(2, roomier);
	a = CALL(.service = S_SINGLE, .script = "exec cat");
	b = CALL(.service = S_SINGLE, .script = "exit 7");
	expect_exit(&b, 7);
	(void)close(a.in);
	expect_exit(&a, 0);
}
END_TEST

START_TEST(test_refused)
{
	int unsealed = memfd_create("conf", MFD_CLOEXEC);
	struct frame f;
	struct call c;

	prepare(2, "service \"x\" { command = }\n");
	f = get(runner.master, FRAME_REFUSED);
	ck_assert_uint_eq(f.generation, 2);
	ck_assert_uint_gt(strlen(f.text), 0);

	put(runner.master, &(struct frame){ .type = FRAME_PREPARE, .generation = 3 }, &unsealed, 1);
	ck_assert_uint_eq(get(runner.master, FRAME_REFUSED).generation, 3);
	(void)close(unsealed);

	c = CALL(.service = S_WIDE, .script = "exit 0");
	expect_exit(&c, 0);
	expect_gone(&c);
}
END_TEST

START_TEST(test_unconfigured)
{
	struct call c;

	start();
	connect_worker(0);
	c = CALL(.service = S_WIDE, .script = "exit 0");
	(void)expect_end(&c, OUTCOME_UNAVAIL);
	expect_gone(&c);
	teardown();
}
END_TEST

START_TEST(test_drain)
{
	struct frame stop = { .type = FRAME_STOP, .id = clock_usec() + FAR };
	struct call a = CALL(.service = S_SINGLE, .script = "exec cat");
	struct call b = CALL(.service = S_SINGLE, .script = "exit 6");
	struct call c;

	sync_worker(0);
	put(runner.master, &stop, NULL, 0);
	sync_master();
	c = CALL(.service = S_WIDE, .script = "exit 0");
	(void)expect_end(&c, OUTCOME_DRAINING);
	expect_gone(&c);
	/* What was accepted is done to the end. */
	(void)close(a.in);
	expect_exit(&a, 0);
	expect_exit(&b, 6);
	(void)get(runner.master, FRAME_DRAINED);
	sync_master();
}
END_TEST

START_TEST(test_drain_deadline)
{
	struct frame stop = { .type = FRAME_STOP, .id = 1 };
	struct call a = CALL(.service = S_SINGLE, .script = SLEEPER "sleep 1000");
	struct call b = CALL(.service = S_SINGLE, .script = "exit 6");
	bool seen[2] = { false, false };

	expect_line(a.out, "escaped");
	sync_worker(0);
	put(runner.master, &stop, NULL, 0);
	for (int i = 0; i < 2; i++) {
		struct frame f = get(runner.worker[0], FRAME_ENDED);
		bool is_a = f.id == a.id;

		ck_assert_uint_eq(f.ended.outcome, is_a ? OUTCOME_CANCELLED : OUTCOME_DRAINING);
		if (is_a)
			ck_assert_uint_eq(f.ended.reason, CANCEL_BY_SHUTDOWN);
		seen[is_a] = true;
	}
	ck_assert(seen[0] && seen[1]);
	expect_gone(&a);
	expect_gone(&b);
	(void)get(runner.master, FRAME_DRAINED);
}
END_TEST

/* It has an hour's grace and ignores TERM: at a stop that does not count. */
START_TEST(test_drain_stubborn)
{
	struct frame stop = { .type = FRAME_STOP, .id = 1 };
	struct call c = CALL(.service = S_SINGLE, .script =
	    "trap '' TERM; (setsid sh -c 'trap \"\" TERM; while :; do sleep 1000; done' &)\n"
	    "echo ready; while :; do sleep 1000; done");
	struct frame_ended e;

	expect_line(c.out, "ready");
	put(runner.master, &stop, NULL, 0);
	e = expect_end(&c, OUTCOME_CANCELLED);
	ck_assert_uint_eq(e.reason, CANCEL_BY_SHUTDOWN);
	expect_gone(&c);
	(void)get(runner.master, FRAME_DRAINED);
}
END_TEST

/* Teardown sees that nothing outlives the runner. */
START_TEST(test_master_gone)
{
	struct call a = CALL(.service = S_WIDE,
	    .script = "trap '' TERM; " SLEEPER "while :; do sleep 1000; done");
	struct call b = CALL(.service = S_WIDE,
	    .script = "(env -i setsid sh -c 'trap \"\" TERM; echo ready\n"
		      "sh -c \"setsid sleep 1000\"; :' &)\n"
		      "sleep 1000");

	expect_line(a.out, "escaped");
	expect_line(b.out, "ready");
	(void)shutdown(runner.master, SHUT_RDWR);
	expect_gone(&a);
	expect_gone(&b);
}
END_TEST

START_TEST(test_signals_ignored)
{
	static const int signals[] = { SIGTERM, SIGINT, SIGHUP, SIGPIPE, SIGUSR1, SIGTSTP };
	struct call c;

	for (size_t i = 0; i < ARRAY_LEN(signals); i++)
		ck_assert_int_eq(kill(runner.pid, signals[i]), 0);
	sync_master();
	c = CALL(.service = S_WIDE, .script = "exit 0");
	expect_exit(&c, 0);
	expect_gone(&c);
}
END_TEST

/* ------------------------------------------------------------------ --id --- */

static void
deposit(const struct call *c, const char *text)
{
	struct frame f = { .type = FRAME_DEPOSIT, .id = c->id };
	int fd = fd_sealed("result", text, strlen(text));

	put(runner.worker[c->worker], &f, &fd, 1);
	(void)close(fd);
}

static void
expect_result(const struct call *c, const char *text)
{
	char got[64] = "";
	int fd;
	struct frame f = get_with_fd(runner.worker[c->worker], &fd);

	ck_assert_uint_eq(f.type, FRAME_RESULT);
	ck_assert_uint_eq(f.id, c->id);
	if (text == NULL) {
		ck_assert_int_eq(fd, -1);
		return;
	}
	ck_assert_int_ge(fd, 0);
	ck_assert_int_ge(pread(fd, got, sizeof(got) - 1, 0), 0);
	ck_assert_str_eq(got, text);
	(void)close(fd);
}

START_TEST(test_twins)
{
	struct call a = CALL(.service = S_SINGLE, .script = "exec cat", .token = 'T');
	struct call b, c, d;

	sync_worker(0);
	/* No room in the queue is needed: they do not run. */
	b = CALL(.worker = 1, .service = S_SINGLE, .script = "echo twice", .token = 'T');
	ck_assert_uint_eq(get(runner.worker[0], FRAME_ATTACHED).id, a.id);
	c = CALL(.worker = 0, .service = S_SINGLE, .script = "echo twice", .token = 'T');
	ck_assert_uint_eq(get(runner.worker[0], FRAME_ATTACHED).id, a.id);
	expect_gone(&b);
	expect_gone(&c);
	(void)close(a.in);
	expect_exit(&a, 0);
	deposit(&a, "the result");
	expect_result(&b, "the result");
	expect_result(&c, "the result");

	/* Later: from what is kept. */
	d = CALL(.worker = 1, .service = S_SINGLE, .script = "echo twice", .token = 'T');
	expect_result(&d, "the result");
	ck_assert_uint_eq(runner.stats->started_total, 1);
	/* A result comes once. */
	deposit(&a, "another");
	d = CALL(.worker = 0, .service = S_SINGLE, .script = "echo twice", .token = 'T');
	expect_result(&d, "the result");
}
END_TEST

START_TEST(test_twin_lost)
{
	struct call a = CALL(.service = S_WIDE, .script = "sleep 1000", .token = 'T');
	struct call b;

	sync_worker(0);
	b = CALL(.worker = 1, .service = S_WIDE, .script = "exit 0", .token = 'T');
	ck_assert_uint_eq(get(runner.worker[0], FRAME_ATTACHED).id, a.id);
	(void)close(runner.worker[0]);
	expect_result(&b, NULL);
	expect_gone(&a);
	/* The id is free again. */
	b = CALL(.worker = 1, .service = S_WIDE, .script = "exit 0", .token = 'T');
	expect_exit(&b, 0);
}
END_TEST

/* Ended, and the worker dies before it brings the result. */
START_TEST(test_twin_lost_after_end)
{
	struct call a = CALL(.service = S_WIDE, .script = "exit 0", .token = 'T');
	struct call b;

	expect_exit(&a, 0);
	b = CALL(.worker = 1, .service = S_WIDE, .script = "exit 0", .token = 'T');
	sync_worker(1);
	(void)close(runner.worker[0]);
	expect_result(&b, NULL);
}
END_TEST

/* The first never ran, so neither did the second: it hears the same. */
START_TEST(test_twin_not_started)
{
	struct call a = CALL(.service = S_SINGLE, .script = "exec cat");
	struct call b = CALL(.service = S_SINGLE, .script = "exit 0", .token = 'T');
	struct call c;

	sync_worker(0);
	c = CALL(.worker = 1, .service = S_SINGLE, .script = "exit 0", .token = 'T');
	ck_assert_uint_eq(get(runner.worker[0], FRAME_ATTACHED).id, b.id);
	cancel(&b, CANCEL_BY_CLIENT);
	(void)expect_end(&b, OUTCOME_CANCELLED);
	(void)expect_end(&c, OUTCOME_CANCELLED);
	(void)close(a.in);
	expect_exit(&a, 0);
}
END_TEST

static void
expect_attached(const struct call *c, bool is_awaited)
{
	struct frame f = get(runner.worker[c->worker], FRAME_ATTACHED);

	ck_assert_uint_eq(f.id, c->id);
	ck_assert_int_eq(f.is_awaited, is_awaited);
}

START_TEST(test_twin_gives_up)
{
	struct call a = CALL(.service = S_WIDE, .script = "exec cat", .token = 'T');
	struct call b, c;

	sync_worker(0);
	b = CALL(.worker = 1, .service = S_WIDE, .script = "", .token = 'T');
	expect_attached(&a, true);
	c = CALL(.worker = 1, .service = S_WIDE, .script = "", .token = 'T', .timeout_usec = 1000);
	expect_attached(&a, true);
	(void)expect_end(&c, OUTCOME_TIMEOUT);
	cancel(&b, CANCEL_BY_DISCONNECT);
	(void)expect_end(&b, OUTCOME_CANCELLED);
	/* The first hears when the last of them leaves, and is not touched by it. */
	expect_attached(&a, false);
	(void)close(a.in);
	expect_exit(&a, 0);
	deposit(&a, "x");
}
END_TEST

/* -------------------------------------------------------- CANCEL by owner --- */

static bool
cancel_owned(uint16_t worker, uint64_t id, char owner, char token)
{
	struct frame f = { .type = FRAME_CANCEL_OWNED, .id = id };

	f.cancel.owner = letter(owner);
	f.cancel.token = letter(token);
	f.cancel.reason = CANCEL_BY_CLIENT;
	put(runner.worker[worker], &f, NULL, 0);
	f = get(runner.worker[worker], FRAME_CANCELLED);
	ck_assert_uint_eq(f.id, id);
	return f.cancel.found != 0;
}

START_TEST(test_cancel_owned)
{
	struct call a = CALL(.service = S_WIDE, .script = "sleep 1000", .owner = 'A', .token = 'T');
	struct call b = CALL(.service = S_WIDE, .script = "sleep 1000", .owner = 'B');
	struct call c = CALL(.service = S_WIDE, .script = "sleep 1000");

	sync_worker(0);
	ck_assert(!cancel_owned(1, a.id, 'B', 0));
	ck_assert(!cancel_owned(1, 0, 'B', 'T'));
	ck_assert(!cancel_owned(1, 0, 'A', 'U'));
	ck_assert(!cancel_owned(1, request_id(1), 'A', 0));
	ck_assert(!cancel_owned(1, request_id(200), 'A', 0));
	ck_assert(!cancel_owned(1, c.id, 0, 0));	/* of nobody is not of all */
	ck_assert(!cancel_owned(1, 0, 'A', 0));

	/* A name may be either: the id first, if its owner asks. */
	ck_assert(cancel_owned(1, b.id, 'A', 'T'));
	(void)expect_end(&a, OUTCOME_CANCELLED);
	ck_assert(cancel_owned(1, b.id, 'B', 'T'));
	(void)expect_end(&b, OUTCOME_CANCELLED);
	cancel(&c, CANCEL_BY_CLIENT);
	(void)expect_end(&c, OUTCOME_CANCELLED);
}
END_TEST

static struct frame
owned_by_a(uint64_t id)
{
	struct frame f = { .type = FRAME_CANCEL_OWNED, .id = id };

	f.cancel.owner = letter('A');
	f.cancel.token = letter('T');
	return f;
}

/* The number is of a call that only another worker can know. */
START_TEST(test_cancel_is_passed_on)
{
	struct call c = CALL(.worker = 1, .service = S_WIDE, .script = "sleep 1000", .owner = 'A',
	    .token = 'T');
	struct frame ask = owned_by_a(request_id(1)), f;

	sync_worker(1);
	for (unsigned found = 0; found < 2; found++) {
		ask.cancel.token = letter('U');
		put(runner.worker[0], &ask, NULL, 0);
		f = get(runner.worker[1], FRAME_CANCEL_OWNED);
		ck_assert_uint_eq(f.id, ask.id);
		ck_assert_uint_eq(f.slot, 0);
		ck_assert(digest_eq(&f.cancel.owner, &ask.cancel.owner));
		f.type = FRAME_CANCELLED;
		f.cancel.found = (uint8_t)found;
		put(runner.worker[1], &f, NULL, 0);
		f = get(runner.worker[0], FRAME_CANCELLED);
		ck_assert_uint_eq(f.id, ask.id);
		ck_assert_uint_eq(f.cancel.found, found);
		/* Said twice it changes nothing. */
		f.type = FRAME_CANCELLED;
		put(runner.worker[1], &f, NULL, 0);
	}
	/* None of that number; but one of that name. */
	ask = owned_by_a(request_id(1));
	put(runner.worker[0], &ask, NULL, 0);
	f = get(runner.worker[1], FRAME_CANCEL_OWNED);
	f.type = FRAME_CANCELLED;
	put(runner.worker[1], &f, NULL, 0);
	ck_assert_uint_eq(get(runner.worker[0], FRAME_CANCELLED).cancel.found, 1);
	(void)expect_end(&c, OUTCOME_CANCELLED);
	expect_gone(&c);
}
END_TEST

/* The one that was asked dies; the one that has asked; and comes back. */
START_TEST(test_cancel_without_an_answer)
{
	struct frame ask = owned_by_a(request_id(1)), f;

	put(runner.worker[0], &ask, NULL, 0);
	(void)get(runner.worker[1], FRAME_CANCEL_OWNED);
	(void)close(runner.worker[1]);
	ck_assert_uint_eq(get(runner.worker[0], FRAME_CANCELLED).cancel.found, 0);
	connect_worker(1);
	put(runner.worker[0], &ask, NULL, 0);
	f = get(runner.worker[1], FRAME_CANCEL_OWNED);
	(void)close(runner.worker[0]);
	connect_worker(0);
	f.type = FRAME_CANCELLED;
	f.cancel.found = 1;
	put(runner.worker[1], &f, NULL, 0);
	sync_worker(1);
	sync_worker(0);
}
END_TEST

/* It does not read, and nothing is lost: it is asked when it does. */
START_TEST(test_cancel_for_a_worker_that_is_behind)
{
	struct frame ask = owned_by_a(request_id(1)), f;
	unsigned n_answers = 0;

	/* More answers than its socket takes. */
	for (unsigned i = 0; i < 4000; i++) {
		f = (struct frame){ .type = FRAME_CANCEL_OWNED, .id = UINT64_C(1) << 32 };
		if (channel_send(runner.worker[1], &f, NULL, 0) < 0)
			break;
		n_answers++;
	}
	put(runner.worker[0], &ask, NULL, 0);
	for (unsigned i = 0; i < n_answers + 1; i++) {
		struct frame next;
		int with;

		next = get_with_fd(runner.worker[1], &with);
		if (next.type == FRAME_CANCEL_OWNED)
			f = next;
		else
			ck_assert_uint_eq(next.type, FRAME_CANCELLED);
	}
	ck_assert_uint_eq(f.id, ask.id);
	f.type = FRAME_CANCELLED;
	f.cancel.found = 1;
	put(runner.worker[1], &f, NULL, 0);
	ck_assert_uint_eq(get(runner.worker[0], FRAME_CANCELLED).cancel.found, 1);
}
END_TEST

START_TEST(test_second_cancel_before_the_first_is_answered)
{
	struct frame ask = owned_by_a(request_id(1));

	put(runner.worker[0], &ask, NULL, 0);
	put(runner.worker[0], &ask, NULL, 0);
	(void)get(runner.worker[1], FRAME_CANCEL_OWNED);
	expect_closed(runner.worker[0]);
	runner.errors_expected = true;
}
END_TEST

/* ---------------------------------------------------------------- cgroup --- */

static const char *
cgroup_mount(void)
{
	static const char *const places[] = { "/sys/fs/cgroup", "/sys/fs/cgroup/unified" };
	struct statfs fs;

	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		if (statfs(places[i], &fs) == 0 && fs.f_type == CGROUP2_SUPER_MAGIC)
			return places[i];
	}
	return NULL;
}

static bool
write_text(const char *dir, const char *file, const char *text)
{
	CLEANUP_CLOSE int fd = -1;
	char path[256];

	(void)snprintf(path, sizeof(path), "%s/%s", dir, file);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	return fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
}

/* In a group of our own, delegated as systemd does it: one write takes all. */
START_TEST(test_cgroup)
{
	const char *mount = cgroup_mount();
	char dir[128], leaf[32];
	struct call c;

	if (mount == NULL)
		return;
	(void)snprintf(dir, sizeof(dir), "%s/reqd-test-%d", mount, getpid());
	if (mkdir(dir, 0755) < 0)
		return;
	if (setxattr(dir, "trusted.delegate", "1", 1, 0) < 0 ||
	    !write_text(dir, "cgroup.procs", "0")) {
		(void)rmdir(dir);
		return;
	}

	start();
	configure(1, conf_text);
	connect_worker(0);
	c = CALL(.service = S_WIDE,
	    .script = "(env -i setsid sh -c 'trap \"\" TERM; echo escaped\n"
		      "while :; do sleep 1000; done' &)\n"
		      "read x; grep -o 'req-.*' /proc/self/cgroup; exit 3");
	expect_line(c.out, "escaped");
	/* It would have an hour's grace: the group needs none. */
	ck_assert_int_eq(write(c.in, "\n", 1), 1);
	expect_exit(&c, 3);
	(void)snprintf(leaf, sizeof(leaf), "req-%d-0", runner.pid);
	expect_line(c.out, leaf);
	expect_gone(&c);

	c = CALL(.service = S_STUBBORN,
	    .script = "trap '' TERM; (env -i setsid sleep 1000 &)\n"
		      "while :; do sleep 1000; done");
	(void)expect_end(&c, OUTCOME_TIMEOUT);
	expect_gone(&c);
	/* And once more: the group can be used again. */
	c = CALL(.service = S_WIDE, .script = "exit 0");
	expect_exit(&c, 0);
	expect_gone(&c);

	teardown();
	/* Nor does it leave a group behind: the directory can go. */
	ck_assert(write_text(mount, "cgroup.procs", "0"));
	ck_assert_int_eq(rmdir(dir), 0);
}
END_TEST

/* -------------------------------------------------------------- children --- */

static void
note_child(pid_t pid, void *arg)
{
	pid_t *list = arg;

	while (*list != 0)
		list++;
	*list = pid;
}

static int
compare_pids(const void *a, const void *b)
{
	pid_t x = *(const pid_t *)a, y = *(const pid_t *)b;

	return x < y ? -1 : x > y;
}

START_TEST(test_children)
{
	enum { N = 700 };	/* more than one read gives */
	static pid_t seen[2][N + 2];
	pid_t pid[N], sorted[N];
	int fd = children_open();

	memset(seen, 0, sizeof(seen));
	for (int i = 0; i < N; i++) {
		pid[i] = fork();
		ck_assert_int_ge(pid[i], 0);
		if (pid[i] == 0)
			_exit(0);
	}
	children_each(-1, note_child, seen[0]);
	if (fd >= 0)
		children_each(fd, note_child, seen[1]);
	/* Numbers start anew at pid_max, so the order of birth says nothing. */
	memcpy(sorted, pid, sizeof(sorted));
	qsort(sorted, N, sizeof(sorted[0]), compare_pids);
	for (int k = 0; k < (fd >= 0 ? 2 : 1); k++) {
		qsort(seen[k], N, sizeof(seen[k][0]), compare_pids);
		for (int i = 0; i < N; i++)
			ck_assert_int_eq(seen[k][i], sorted[i]);
		ck_assert_int_eq(seen[k][N], 0);
	}
	for (int i = 0; i < N; i++)
		ck_assert_int_eq(waitpid(pid[i], NULL, 0), pid[i]);
	(void)close(fd);
}
END_TEST

/* ------------------------------------------------------------------ main --- */

static TCase *
tcase_new(Suite *s, const char *name)
{
	TCase *tc = tcase_create(name);

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup, teardown);
	suite_add_tcase(s, tc);
	return tc;
}

int
main(void)
{
	Suite *s = suite_create("runner");
	SRunner *sr = srunner_create(s);
	TCase *tc;
	int failed;

	tc = tcase_new(s, "end");
	tcase_add_test(tc, test_exit);
	tcase_add_test(tc, test_signal);
	tcase_add_test(tc, test_cpu_time);
	tcase_add_loop_test(tc, test_start_fails, 0, ARRAY_LEN(failures));
	tcase_add_test(tc, test_bad_job);
	tcase_add_test(tc, test_input);
	tcase_add_test(tc, test_started);
	tcase_add_test(tc, test_child_state);
	tcase_add_test(tc, test_service_state);
	tcase_add_test(tc, test_identity);

	tc = tcase_new(s, "kill");
	tcase_add_test(tc, test_timeout);
	tcase_add_test(tc, test_deadline);
	tcase_add_test(tc, test_term_ignored);
	tcase_add_test(tc, test_term_handled);
	tcase_add_test(tc, test_stopped);
	tcase_add_loop_test(tc, test_cancel, 0, ARRAY_LEN(cancels));
	tcase_add_test(tc, test_cancel_at_once);

	tc = tcase_new(s, "strays");
	tcase_add_test(tc, test_left_behind);
	tcase_add_test(tc, test_left_behind_deep);
	tcase_add_test(tc, test_escape_ends_with_request);
	tcase_add_test(tc, test_escape_is_cancelled);
	tcase_add_test(tc, test_escape_is_told);
	tcase_add_test(tc, test_escape_ignores_term);
	tcase_add_test(tc, test_escape_unmarked);
	tcase_add_test(tc, test_escape_may_live);
	tcase_add_test(tc, test_many_strays);
	tcase_add_test(tc, test_lingering_counts);

	tc = tcase_new(s, "admission");
	tcase_add_test(tc, test_queue_order);
	tcase_add_test(tc, test_queue_timeout);
	tcase_add_test(tc, test_deadline_in_queue);
	tcase_add_test(tc, test_cancel_in_queue);
	tcase_add_test(tc, test_lock);

	tc = tcase_new(s, "worker");
	tcase_add_test(tc, test_worker_gone);
	tcase_add_test(tc, test_worker_replaced);
	tcase_add_loop_test(tc, test_bad_frame, 0, BAD_N);
	tcase_add_test(tc, test_duplicate_id);
	tcase_add_test(tc, test_worker_behind);

	tc = tcase_new(s, "master");
	tcase_add_test(tc, test_generations);
	tcase_add_test(tc, test_old_generations);
	tcase_add_test(tc, test_commit_before_run);
	tcase_add_test(tc, test_reload_while_running);
	tcase_add_test(tc, test_reload_raises_limit);
	tcase_add_test(tc, test_limits_in_force);
	tcase_add_test(tc, test_refused);
	tcase_add_test(tc, test_drain);
	tcase_add_test(tc, test_drain_deadline);
	tcase_add_test(tc, test_drain_stubborn);
	tcase_add_test(tc, test_master_gone);
	tcase_add_test(tc, test_signals_ignored);

	tc = tcase_new(s, "id");
	tcase_add_test(tc, test_twins);
	tcase_add_test(tc, test_twin_lost);
	tcase_add_test(tc, test_twin_lost_after_end);
	tcase_add_test(tc, test_twin_not_started);
	tcase_add_test(tc, test_twin_gives_up);
	tcase_add_test(tc, test_cancel_owned);
	tcase_add_test(tc, test_cancel_is_passed_on);
	tcase_add_test(tc, test_cancel_without_an_answer);
	tcase_add_test(tc, test_cancel_for_a_worker_that_is_behind);
	tcase_add_test(tc, test_second_cancel_before_the_first_is_answered);

	/* These start a runner of their own, or none. */
	tc = tcase_create("alone");
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, test_unconfigured);
	tcase_add_test(tc, test_cgroup);
	tcase_add_test(tc, test_without_clone3);
	tcase_add_test(tc, test_children);
	suite_add_tcase(s, tc);

	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
