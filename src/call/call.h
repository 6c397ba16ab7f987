/* SPDX-License-Identifier: ISC */
/*
 * call: one running request, from CALL to its final reply.
 *
 * A call knows whom to tell (sink.h), who makes it (identity.h) and its
 * service. Where commands, handlers and what the worker answers itself differ,
 * they differ by struct call_backend. Of a command: the worker writes the job
 * into a kit, the runner starts and ends the program, the worker reads and writes
 * the pipes of the kit. The call ends when the broker says so and what the program
 * left in the pipes has been read. Of a handler: the call waits for a lease, its
 * request is written to the handler, and it ends with the handler's reply
 * (exchange.h, leases.h).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/tree.h>

#include "base/buf.h"
#include "base/loop.h"
#include "base/ratelimit.h"
#include "call/result.h"
#include "call/sink.h"
#include "conf/conf.h"
#include "ipc/frame.h"
#include "ipc/stats.h"
#include "lease/exchange.h"
#include "proto/callopt.h"

struct builtin;
struct call;
struct call_desk;
struct call_request;
struct kits;
struct lease_set;
struct leases;
struct peer_identity;
struct value;
struct values;

#define CALL_FDS 3	/* stdout, stderr, stdin */
/* Buffered replies never pass this, whatever output-limit says. */
#define CALL_BUFFERED_MAX (64u << 20)
#define CALL_ID_TEXT 17	/* 16 hex digits and NUL */

/* One of the program's outputs, read by us. */
struct call_output {
	struct loop_io io;	/* fd -1: finished */
	struct buf data;
	uint64_t total;		/* bytes the program has written */
	bool cut;		/* ... of which some reach nobody */
};

/* What somebody asks for. */
struct call_request {
	struct call_desk *desk;
	struct call_sink *sink;
	struct peer_identity *who;
	const struct service *service;
	const struct builtin *builtin;	/* this, about the service; NULL: no */
	const struct callopt *opt;
	struct slice verb;		/* bound verb by which it was called; data NULL: none */
	bool is_late;			/* the worker stops, and takes no more of them */
	/* What input that is gathered may come to: by itself, with the request. */
	uint64_t input_limit, request_limit;
};

/* Where the time of a call has gone. */
struct call_times {
	bool has_queued, has_run;	/* is it known, and was there such a time? */
	uint64_t queued_usec, run_usec;
};

struct call_backend {
	/* Why the request cannot be one, or NULL. */
	const char *(*complaint)(const struct call_request *rq);
	/*
	 * Begins it, or ends it at once. 0; -errno when it cannot be begun, with
	 * *ret_why when that is the caller's mistake.
	 */
	int (*start)(struct call *call, const struct call_request *rq,
	    const struct values *values, const char **ret_why);
	/*
	 * More input, and its end. call_input_taken() follows, or the end of the
	 * call. 0, or -ENOMEM: nothing follows.
	 */
	int (*input)(struct call *call, struct slice chunk);
	void (*input_end)(struct call *call);
	/* No more input is passed on. NULL: there is nothing to do. */
	void (*close_input)(struct call *call);
	void (*cancel)(struct call *call, enum cancel_reason reason);
	/* Who runs it is gone. NULL where there is nobody. */
	void (*lost)(struct call *call);
	/* The sink has room again, or is gone. Ends nothing by itself. */
	void (*room)(struct call *call);
	/* It dies: leave everything that it uses. */
	void (*release)(struct call *call);
	struct call_times (*times)(const struct call *call, const struct result *res);
	loop_timer_fn *on_timer;
	bool has_value;		/* its result is a value, not output */
	bool is_metered;	/* what it has used is its own, and known */
	bool is_ours;		/* the broker does not know it: cancelled here */
};

extern const struct call_backend call_by_builtin, call_by_command, call_by_handler;

struct call {
	RB_ENTRY(call) node;
	uint64_t id;
	char id_text[CALL_ID_TEXT];
	const struct call_backend *backend;
	struct call_desk *desk;
	struct call_sink *sink;		/* NULL: nobody wants to know any more */
	struct peer_identity *who;
	struct conf *conf;		/* the rules it started under */
	const struct service *service;

	struct frame_run run;
	bool sent;			/* the broker has it */
	uint32_t placed_job;		/* its number among the jobs of this worker; 0: none */
	bool awaits_kit;		/* it is to be sent when there is one */
	struct buf job;			/* until then: argv and environment */
	size_t job_argv, job_env;	/* ... so many strings of each */
	int paper;			/* file for its result, when it has a token; -1: none */
	bool cancelling;
	bool attached;			/* a twin waits for our result */

	bool streamed;			/* output is passed on as it comes */
	bool open;			/* more input may come */
	bool started;			/* ... as the sink knows */
	bool has_chunk;			/* some is being passed on */
	bool ended;			/* the broker has said how */
	bool finished;			/* outputs are read too; result is known */

	struct call_output out, err;
	size_t err_logged;		/* bytes of err.data gone to the log */
	struct loop_io in;		/* write end of stdin; fd -1: closed */
	struct buf in_data;		/* not yet taken by the program */
	size_t chunk;			/* length of the chunk being passed on */
	uint64_t input_limit, request_limit;	/* of what is gathered */
	bool in_end;			/* close stdin when in_data is empty */

	/* Of a handler. */
	struct lease_set *leases;	/* of its service */
	struct exchange exchange;
	bool gathering;			/* waits for nothing but the rest of its input */
	struct buf gathered;		/* that input */
	uint64_t ready_usec;		/* since when it has been whole, or may be sent */
	struct buf answer;		/* bytes of its reply, kept until the input ends */
	const struct value *reply;	/* while its result is made */

	struct frame_ended end;
	const char *why;		/* what failed, when end does not say; outlives the call */
	struct loop_timer timer;	/* broker silent, or grace for a twin; deadline */
	struct loop_task task;		/* its pipes are to be looked at again */
	uint64_t stalled_usec;		/* for so long of it we could not hear the broker */
	uint64_t accepted_usec;
	uint64_t bytes_in, bytes_out;
	char *arguments;		/* text for log and ps; NULL: none */
	TAILQ_ENTRY(call) link;		/* waiting for a kit, or dead */
};

RB_HEAD(calls, call);
TAILQ_HEAD(call_list, call);

/* Whether there was such a call, which is cancelled then. */
typedef void call_cancelled_fn(void *who, bool found);

/* What calls want of who starts programs. */
struct call_link_ops {
	/* Hands a call over, whose job is in this kit. 0 or -ENOMEM. */
	int (*run)(struct call *call, uint32_t kit);
	/* Ends a call that has been handed over. */
	void (*cancel)(struct call *call, enum cancel_reason reason);
	/* The result of a call with --id is in the file that came for it. */
	void (*deposit)(struct call *call);
	/*
	 * Ends any worker's call of its owner: fn is told later. 0, or -ENOMEM
	 * without having done anything.
	 */
	int (*cancel_owned)(struct call_desk *desk, uint64_t id, const struct digest *token,
	    const struct digest *owner, call_cancelled_fn *fn, void *who);
	/* Nobody there wants to be told any more. */
	void (*forget)(struct call_desk *desk, const void *who);
};

/* One read from a pipe. */
#define CALL_READ (64u << 10)

/* The calls of a worker, and what they need of it. */
struct call_desk {
	struct loop *loop;
	char *read;			/* scratch, CALL_READ bytes, never kept */
	struct stats *stats;
	struct conf *conf;		/* in force; NULL before the first */
	struct leases *leases;
	struct kits *kits;
	const struct call_link_ops *link;
	void (*on_less)(struct call_desk *desk);	/* there is one call less */
	unsigned slot;			/* of the worker, for ps */

	struct calls calls;		/* by id */
	size_t n_calls;
	struct call_list dead;
	uint64_t id_high;		/* random and slot: high half of request ids */
	uint32_t id_low;
	struct ratelimit refusals;	/* records of refused calls */
	struct buf request_text;	/* scratch: a request on its way to a handler */
};

/*
 * Starts it. NULL: it has ended already, or was refused; the sink knows.
 * Borrows what the request holds.
 */
struct call *call_start(const struct call_request *rq);

/* What is wrong with the input that is given, or not given; NULL: nothing. */
const char *call_input_complaint(const struct call_request *rq);

/*
 * A chunk of input for an open call; input_taken() or input_over() follows. 0,
 * or -ENOMEM: nothing follows.
 */
int call_input(struct call *call, struct slice chunk);

/* There is no more input; ended() follows. */
void call_input_end(struct call *call);

/* Nobody wants to know any more; the sink is not told of this. */
void call_orphan(struct call *call);

/* The sink has room again: more output comes, but not from inside this. */
void call_on_room(struct call *call);

/* Ends it: asks the broker to, or at once when it is a handler's. */
void call_cancel(struct call *call, enum cancel_reason reason);

/* A handler's call of this worker that its owner may cancel, or NULL. */
struct call *call_find_owned(struct call_desk *desk, uint64_t id, const struct digest *owner);

/* A handler has answered. bytes: of that reply. */
void call_answer(struct call *call, const struct value *reply, struct slice bytes);

/* A handler may have it: what its sink waits for before the end. */
void call_on_given(struct call *call);

/* A handler's call ends otherwise; why as in struct call. */
void call_end(struct call *call, enum outcome_kind kind, unsigned reason, const char *why);

/* What the broker says; called by brokerlink. */
void call_on_started(struct call *call);
void call_on_ended(struct call *call, const struct frame_ended *end);
void call_on_attached(struct call *call, bool is_awaited);
void call_on_result(struct call *call, int fd);	/* takes fd; -1: lost */
void call_on_paper(struct call *call, int fd);	/* takes fd */

/* True if its output is to rest, because the sink is too far behind. */
static inline bool
call_is_congested(const struct call *call)
{
	return call->streamed && call->sink != NULL && !call->sink->ops->has_room(call->sink);
}

/* Passes output on, if it is streamed and somebody wants it. */
static inline void
call_output(struct call *call, enum call_stream which, struct slice bytes)
{
	if (call->streamed && call->sink != NULL && bytes.len > 0)
		call->sink->ops->output(call->sink, call, which, bytes);
}

struct call *call_find(struct call_desk *desk, uint64_t id);

/* "0123456789abcdef" -> id; false when it is none. */
bool call_id_parse(struct slice text, uint64_t *ret);

/* The worker was stopped for so long: the broker may have been so, too. */
void calls_on_stall(struct call_desk *desk, uint64_t usec);

/* Everything is known: counts, logs, keeps it for a twin, tells the sink. */
void call_finish(struct call *call);

/* Tells the sink how it ended, and takes the call out of the world. */
void call_deliver(struct call *call, const struct result *res);

/* The chunk is passed on, as far as call->chunk says. */
void call_input_taken(struct call *call);

/* Bytes of output that the call may have. */
uint64_t call_output_max(const struct call *call);
/* How it ended, when that is known; detail is room for words. */
struct result call_result(struct call *call, char *detail, size_t detail_len);
/* The record of a request, as its service wants it. */
void call_log(struct call *call, const struct result *res);
/* Sends complete lines of stderr to the log, at the end all. */
void call_log_stderr(struct call *call, bool all);
/* Counts it under the number that its service has today, if any. */
void call_count(const struct call *call, const struct result *res);

/* Takes it out of the world; memory goes when the turn is over. */
void call_die(struct call *call);

/* What runs here as JSON lines, for reqctl ps. 0 or -errno. */
int calls_list(struct call_desk *desk, int fd);

/* The broker is gone: what it had ends. */
void calls_on_lost(struct call_desk *desk);

void calls_init(struct call_desk *desk, struct loop *loop, char *read);

/* Ends what there is, without a word to anybody. */
void calls_end(struct call_desk *desk);

/* Frees what ended during the turn. */
void calls_bury(struct call_desk *desk);

/* Frees what all calls have shared; none is alive. */
void calls_done(struct call_desk *desk);

int call_compare(const struct call *a, const struct call *b);
RB_PROTOTYPE(calls, call, node, call_compare)
