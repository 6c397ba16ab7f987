/* SPDX-License-Identifier: ISC */
/*
 * call: one running request, from CALL to its final reply.
 *
 * A call knows its sink (sink.h, where its events go), its caller (identity.h)
 * and its service. Commands, handlers and builtins differ by struct
 * call_backend.
 *
 * Of a command: the worker writes the job into a kit, the runner starts and
 * ends the program, the worker reads and writes the pipes of the kit. The call
 * ends when the broker has reported the end and the rest of the pipes is read.
 *
 * Of a handler: the call waits for a lease, its request is written to the
 * handler, and the call ends with the handler's reply (exchange.h, leases.h).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/tree.h>

#include "base/buf.h"
#include "base/loop.h"
#include "base/ratelimit.h"
#include "call/kept.h"
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
struct explanation;
struct holder;
struct kits;
struct lease_set;
struct leases;
struct net_desk;
struct peer_identity;
struct value;
struct values;

#define CALL_FDS 3	/* stdout, stderr, stdin */
/* Limit of buffered replies, whatever output-limit says. */
#define CALL_BUFFERED_MAX (64u << 20)
#define CALL_ID_TEXT 17	/* 16 hex digits and NUL */

/* One of the program's outputs, read by the worker. */
struct call_output {
	struct loop_io io;	/* fd -1: finished */
	struct buf data;
	uint64_t total;		/* bytes the program has written */
	bool cut;		/* ... of which some were dropped */
};

/* A request for a call. */
struct call_request {
	struct call_desk *desk;
	struct call_sink *sink;
	struct peer_identity *who;
	const struct service *service;
	const struct builtin *builtin;	/* a builtin about the service; NULL: call the service */
	const struct explanation *explanation;	/* tell how the call would run; NULL: run */
	const struct callopt *opt;
	struct slice verb;		/* bound verb by which it was called; data NULL: none */
	bool is_lookup;			/* find the call with the token of opt; start nothing */
	bool is_late;			/* the worker stops, and takes no more calls */
	/* Limits of gathered input: of the input alone, and together with the request. */
	uint64_t input_limit, request_limit;
};

/* The times of a call. */
struct call_times {
	bool has_queued, has_run;	/* is the time known, and was there such a time? */
	uint64_t queued_usec, run_usec;
};

struct call_backend {
	/* The reason why the request is not valid, or NULL. */
	const char *(*complaint)(const struct call_request *rq);
	/*
	 * Begins the call, or ends it at once. 0; or -errno when it cannot
	 * begin, with *ret_why when that is the caller's mistake.
	 */
	int (*start)(struct call *call, const struct call_request *rq,
	    const struct values *values, const char **ret_why);
	/*
	 * Takes more input, or its end. call_input_taken() follows, or the end
	 * of the call. 0, or -ENOMEM: nothing follows.
	 */
	int (*input)(struct call *call, struct slice chunk);
	void (*input_end)(struct call *call);
	/* Ends the passing on of input. NULL: there is nothing to do. */
	void (*close_input)(struct call *call);
	/*
	 * Passes no more input on, and does not say that it has ended. NULL: there is
	 * nothing to do.
	 */
	void (*cut_input)(struct call *call);
	void (*cancel)(struct call *call, enum cancel_reason reason);
	/* The login of the caller is gone: ends the call if it waits here. NULL: it never waits. */
	void (*revoke)(struct call *call);
	/* The process that runs the call is gone. NULL for calls that no other process runs. */
	void (*lost)(struct call *call);
	/* The sink has room again, or is gone. Must not end the call. */
	void (*room)(struct call *call);
	/* Releases everything that the call uses, as it is about to be freed. */
	void (*release)(struct call *call);
	struct call_times (*times)(const struct call *call, const struct result *res);
	loop_timer_fn *on_timer;
	bool has_value;		/* the result is a value, not output */
	bool is_metered;	/* resource use is the call's own, and known */
	bool is_ours;		/* unknown to the broker: cancelled here */
};

extern const struct call_backend call_by_lookup;
extern const struct call_backend call_by_builtin, call_by_command, call_by_explain, call_by_handler;

struct call {
	RB_ENTRY(call) node;
	uint64_t id;
	char id_text[CALL_ID_TEXT];
	const struct call_backend *backend;
	struct call_desk *desk;
	struct call_sink *sink;		/* NULL: the client is gone */
	struct peer_identity *who;
	struct conf *conf;		/* the rules at its start */
	const struct service *service;

	struct frame_run run;
	bool sent;			/* the broker has the call */
	uint8_t found;			/* call_by_lookup: enum look_up, when it ends */
	uint8_t waiting;		/* enum waiting, as the broker says */
	uint64_t waited_usec;		/* ... until it began to run; 0: it had not to wait */
	char *lock;			/* as text to show; NULL: none, or secret */
	uint32_t placed_job;		/* number of its job in this worker's file; 0: none */
	bool awaits_kit;		/* the call waits for a kit */
	struct buf job;			/* until then: argv and environment */
	size_t job_argv, job_env, job_files;	/* ... so many strings of each */
	int paper;			/* file for the result, when there is a token; -1: none */
	bool cancelling;
	bool attached;			/* a twin waits for the result */

	bool streamed;			/* output is passed on as it comes */
	bool open;			/* more input may come */
	bool started;			/* ... and the sink was told so */
	bool has_chunk;			/* a chunk is being passed on */
	bool ended;			/* the end is known: from the broker or the handler */
	bool finished;			/* outputs are read too; the result is known */

	struct call_output out, err;
	size_t err_logged;		/* bytes of err.data gone to the log */
	struct loop_io in;		/* write end of stdin; fd -1: closed */
	struct buf in_data;		/* not yet taken by the program */
	size_t chunk;			/* length of the chunk being passed on */
	uint64_t input_limit, request_limit;	/* of what is gathered */
	bool in_end;			/* close stdin when in_data is empty */

	/* Members of a handler's call. */
	struct lease_set *leases;	/* leases of the service */
	struct exchange exchange;
	bool gathering;			/* only the rest of the input is missing */
	struct buf gathered;		/* the input so far */
	uint64_t ready_usec;		/* time since which gathered is complete, or may be sent */
	struct buf answer;		/* bytes of the reply, kept until the input ends */
	const struct value *reply;	/* set while the result is made */

	struct frame_ended end;
	const char *why;		/* failure that end does not tell; outlives the call */
	struct loop_timer timer;	/* broker silent, or grace for a twin; deadline */
	struct loop_task task;		/* to look at the pipes again */
	uint64_t stalled_usec;		/* time of it in which this worker was stopped */
	uint64_t accepted_usec;
	uint64_t bytes_in, bytes_out;
	char *arguments;		/* text for log and ps; NULL: none */

	uint64_t kept;			/* bytes counted as kept for the caller */
	uint64_t papered;		/* bytes of out.data that are in paper already */
	uint32_t n_places;		/* of its job, counted for the caller */
	struct holder *holder;		/* counts the call by a role; NULL: none does */
	int result;			/* of another call, to be passed on; -1: none */
	bool is_hungry;			/* waits until it may keep more */
	uint64_t wanted;		/* ... so much */
	TAILQ_ENTRY(call) next_hungry;
	TAILQ_ENTRY(call) link;		/* waiting for a kit, or dead */
};

RB_HEAD(calls, call);
TAILQ_HEAD(call_list, call);

/* Tells whether there was such a call; if so it is cancelled. */
typedef void call_cancelled_fn(void *who, bool found);

/* Functions of the link to the broker that calls need. */
struct call_link_ops {
	/* Hands over a call, whose job is in this kit. 0 or -ENOMEM. */
	int (*run)(struct call *call, uint32_t kit);
	/* Gives a kit back that no call has been handed over with. */
	void (*unkit)(struct call_desk *desk, uint32_t kit, bool has_input);
	/* Ends a call that has been handed over. */
	void (*cancel)(struct call *call, enum cancel_reason reason);
	/* Asks for the state of the call with run.token. 0 or -ENOMEM. */
	int (*look_up)(struct call *call);
	/* Announces that the result of a call with --id is in its file. */
	void (*deposit)(struct call *call);
	/*
	 * Cancels a call of this owner in any worker: fn is told later. 0, or
	 * -ENOMEM without having done anything.
	 */
	int (*cancel_owned)(struct call_desk *desk, uint64_t id, const struct digest *token,
	    const struct digest *owner, call_cancelled_fn *fn, void *who);
	/* Drops the open question of who, who must not be told any more. */
	void (*forget)(struct call_desk *desk, const void *who);
};

/* Words for a caller that has its share of something of this worker. */
#define CALL_CROWDED                                                                   \
	"you have your share of the bytes that are kept for callers, which is at most three " \
	"quarters of kept-limit: read the replies that wait for you, or send less at a time"
#define CALL_CROWDED_QUEUE                                                             \
	"you have your share of its queue: one caller gets at most three quarters of it. "  \
	"Wait for your calls to end, or have its queue raised"
#define CALL_CROWDED_JOBS                                                              \
	"the arguments of your calls take your share of the room for arguments: one caller " \
	"gets at most 48 MiB in each worker. Wait for your calls to end, or use --stdin"

/*
 * Long outputs are read no further than this in one turn, because others wait; their
 * pipes are looked at again in the next turn. An output is long from its second read on.
 */
#define CALL_BULK (256u << 10)

/* Room in front of an output, for the header of the reply. */
#define CALL_FRONT 32u

/* One read from a pipe. */
#define CALL_READ (64u << 10)

/* The calls of a worker, and the objects of the worker that they use. */
struct call_desk {
	struct loop *loop;
	char *read;			/* scratch, CALL_READ bytes, never kept */
	struct stats *stats;
	struct conf *conf;		/* in force; NULL before the first */
	struct leases *leases;
	struct kits *kits;
	struct net_desk *net;		/* counts what callers have by their roles */
	const struct call_link_ops *link;
	void (*on_less)(struct call_desk *desk);	/* a call has ended */
	unsigned slot;			/* of the worker, for ps */

	struct calls calls;		/* by id */
	size_t n_calls;
	struct call_list dead;
	struct call_list hungry;	/* waiting until they may keep more; oldest first */
	size_t n_hungry;
	struct call *favoured;		/* may keep more than its share; NULL: none */
	uint64_t id_high;		/* random and slot: high half of request ids */
	uint32_t id_low;
	struct ratelimit refusals;	/* records of refused calls */
	size_t n_bulk;			/* bytes of long outputs read in this turn */
	struct buf request_text;	/* scratch: a request on its way to a handler */
};

/*
 * Starts a call. NULL: the call has ended already, or was refused; the sink
 * knows. Borrows the strings of the request.
 */
struct call *call_start(const struct call_request *rq);

/* The mistake in the input of a request, or in its absence; NULL: none. */
const char *call_input_complaint(const struct call_request *rq);

/*
 * Takes a chunk of input for an open call; input_taken() or input_over()
 * follows. 0; or -ENOMEM or -EDQUOT (too much is kept for the caller): nothing follows.
 */
int call_input(struct call *call, struct slice chunk);

/* Ends the input; ended() follows. */
void call_input_end(struct call *call);

/* From now on, this sink is told of the call. */
static inline void
call_tell(struct call *call, struct call_sink *sink)
{
	call->sink = sink;
}

/* Cuts a call off from its sink, which is told nothing more. */
void call_orphan(struct call *call);

/* The sink has room again: more output comes, but not before this returns. */
void call_on_room(struct call *call);

/* The rules have changed: ends calls that wait here, and whose login is gone. */
void calls_judge_anew(struct call_desk *desk);

/* Cancels a call: asks the broker to, or ends a handler's call at once. */
void call_cancel(struct call *call, enum cancel_reason reason);

/* The handler's call with this id, if this owner may cancel it; or NULL. */
struct call *call_find_owned(struct call_desk *desk, uint64_t id, const struct digest *owner);

/* A handler has answered. bytes: the bytes of that reply. */
void call_answer(struct call *call, const struct value *reply, struct slice bytes);

/* The handler has the request or the chunk: tells the sink so. */
void call_on_given(struct call *call);

/* Ends a handler's call in another way; why as in struct call. */
void call_end(struct call *call, enum outcome_kind kind, unsigned reason, const char *why);

/* Reports of the broker; called by brokerlink. */
void call_on_waiting(struct call *call, enum waiting what);
void call_on_started(struct call *call);
void call_on_ended(struct call *call, const struct frame_ended *end);
void call_on_attached(struct call *call, bool is_awaited);
void call_on_result(struct call *call, int fd);	/* takes fd; -1: lost */
void call_on_paper(struct call *call, int fd);	/* takes fd */
void call_on_found(struct call *call, enum look_up what, int fd);	/* takes fd; -1: none */

/*
 * True if the call's output has to rest, because the sink is too far behind, or
 * because too much is kept for the caller.
 */
static inline bool
call_is_congested(struct call *call)
{
	if (call->streamed)
		return call->sink != NULL && !call->sink->ops->has_room(call->sink);
	/* An ended program has left no more than a pipe holds. */
	return call->kept >= CALL_READ && !call->ended && !kept_may_grow(call, CALL_READ);
}

/* Passes output on, if the call is streamed and has a sink. */
static inline void
call_output(struct call *call, enum call_stream which, struct slice bytes)
{
	if (call->streamed && call->sink != NULL && bytes.len > 0)
		call->sink->ops->output(call->sink, call, which, bytes);
}

struct call *call_find(struct call_desk *desk, uint64_t id);

/* "0123456789abcdef" -> id; false when text is no id. */
bool call_id_parse(struct slice text, uint64_t *ret);

/* The worker was stopped for so long, and the broker may have been, too: moves deadlines. */
void calls_on_stall(struct call_desk *desk, uint64_t usec);

/*
 * Ends a call of which everything is known: counts, logs, keeps the result for
 * a twin, tells the sink.
 */
void call_finish(struct call *call);

/* Tells the sink the result, and ends the call. */
void call_deliver(struct call *call, const struct result *res);

/* Tells the sink that the chunk is passed on, as far as call->chunk says. */
void call_input_taken(struct call *call);

/* Bytes of output that the call may have. */
uint64_t call_output_max(const struct call *call);
/* The result of a call, when its end is known; detail is room for words. */
struct result call_result(struct call *call, char *detail, size_t detail_len);
/* Writes the record of a request, as its service wants it. */
void call_log(struct call *call, const struct result *res);
/* Sends complete lines of stderr to the log; all: the last one, too. */
void call_log_stderr(struct call *call, bool all);
/* Counts a call under the number that its service has now, if any. */
void call_count(const struct call *call, const struct result *res);

/* Takes a call out of all lists; its memory goes when the turn is over. */
void call_die(struct call *call);

/*
 * Writes the running calls as JSON lines, for reqctl ps: those of a service, or all ("").
 * 0 or -errno.
 */
int calls_list(struct call_desk *desk, const char *service, int fd);

/* Ends all calls that the broker had, as the broker is gone. */
void calls_on_lost(struct call_desk *desk);

void calls_init(struct call_desk *desk, struct loop *loop, char *read);

/* Ends all calls, without telling a sink. */
void calls_end(struct call_desk *desk);

/* A turn is over: long outputs may be read again. */
static inline void
calls_settle(struct call_desk *desk)
{
	desk->n_bulk = 0;
}

/* Frees the calls that ended during the turn. */
void calls_bury(struct call_desk *desk);

/* Frees the memory that all calls share; no call is left. */
void calls_done(struct call_desk *desk);

int call_compare(const struct call *a, const struct call *b);
RB_PROTOTYPE(calls, call, node, call_compare)
