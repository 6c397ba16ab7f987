/* SPDX-License-Identifier: ISC */
/*
 * call: one running request, from CALL to its final reply.
 *
 * Of a command: the worker makes the pipes and the job, the runner starts
 * and ends the program, the worker reads and writes the pipes. The call ends
 * when the runner says so and what the program left in the pipes has been
 * read. Of a handler: the call waits for a lease, its request is written to
 * the handler, and it ends with the handler's reply (leases.h, talk.h).
 * Where the two differ they differ by struct call_kind.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/tree.h>

#include "base/buf.h"
#include "base/loop.h"
#include "conf/conf.h"
#include "ipc/frame.h"
#include "proto/callopt.h"
#include "worker/result.h"

struct call;
struct conn;
struct lease;
struct leases;
struct value;
struct worker;

#define CALL_FDS 4	/* job, stdout, stderr, stdin */
#define CALL_ID_TEXT 17	/* 16 hex digits and NUL */

/* One of the program's outputs, read by us. */
struct call_output {
	struct loop_io io;	/* fd -1: finished */
	struct buf data;
	uint64_t total;		/* bytes the program has written */
	bool cut;		/* ... of which some reach nobody */
};

struct call_kind {
	/*
	 * More input, and its end. The connection waits for the reply:
	 * call_input_taken() follows, or the end of the call.
	 */
	void (*input)(struct call *call, struct slice chunk);
	void (*input_end)(struct call *call);
	void (*cancel)(struct call *call, enum cancel_reason reason);
	/* The client takes output again, or is gone. Ends nothing by itself. */
	void (*unblock)(struct call *call);
	/* It dies: leave everything that it uses. */
	void (*release)(struct call *call);
	loop_timer_fn *on_timer;
};

extern const struct call_kind call_of_command, call_of_handler;

struct call {
	RB_ENTRY(call) node;
	uint64_t id;
	char id_text[CALL_ID_TEXT];
	const struct call_kind *kind;
	struct worker *worker;
	struct conn *conn;		/* NULL: its client is gone */
	struct conf *conf;		/* the rules it started under */
	const struct service *service;

	struct frame_run run;
	bool sent;			/* the runner has it */
	bool cancelling;
	bool attached;			/* a twin waits for our result */

	enum result_form form;
	bool open;			/* input comes by INPUT */
	bool notify;			/* its client takes pushes */
	bool ended;			/* the runner has said how */
	bool finished;			/* outputs are read too; result is known */

	struct call_output out, err;
	size_t err_logged;		/* bytes of err.data gone to the log */
	struct loop_io in;		/* write end of stdin; fd -1: closed */
	struct buf in_data;		/* not yet taken by the program or handler */
	size_t chunk;			/* length of the INPUT being passed on */
	bool in_end;			/* close stdin when in_data is empty */

	/* Of a handler. */
	struct leases *leases;		/* of its service */
	struct lease *lease;		/* has it in flight; NULL: it waits, or has ended */
	uint32_t handler_pid;		/* has it, or had it; 0: it has waited all the time */
	bool gathering;			/* waits for nothing but the rest of its input */
	bool pushing;			/* more input may follow what is in in_data */
	struct buf gathered;		/* that input */
	size_t request_len;		/* bytes of its request, without pushed input */
	uint64_t ready_usec;		/* since when it has been whole, or may be sent */
	struct buf answer;		/* bytes of its reply, kept for INPUT to ask for */
	const struct value *reply;	/* while its result is made */

	struct frame_ended end;
	const char *why;		/* what failed, when end does not say; outlives the call */
	struct loop_timer timer;	/* runner silent, or grace for a twin; deadline */
	struct loop_task task;		/* its pipes are to be looked at again */
	uint64_t stalled_usec;		/* for so long of it we could not hear the runner */
	uint64_t accepted_usec;
	uint64_t bytes_in, bytes_out;
	char *caller, *peer;		/* text for log and ps; see call_know_client() */
	char *arguments;
	TAILQ_ENTRY(call) link;		/* waiting, in flight, or dead */
};

RB_HEAD(calls, call);
TAILQ_HEAD(call_list, call);

/*
 * CALL and bound verbs: starts it or writes the error reply. verb: by which
 * it was called, data NULL for CALL.
 */
void call_start(struct conn *c, const struct service *s, const struct callopt *opt,
    struct slice verb);

/* INPUT with a chunk, and without (end of input). */
void call_input(struct call *call, struct slice chunk);
void call_input_end(struct call *call);

/* The client is gone. */
void call_orphan(struct call *call);

/* The connection takes output again: more of it comes, but not from inside this. */
void call_unblock(struct call *call);

/* Ends it: asks the runner to, or at once when it is a handler's. */
void call_cancel(struct call *call, enum cancel_reason reason);

/* A handler's call of this worker that its owner may cancel, or NULL. */
struct call *call_find_owned(struct worker *w, uint64_t id, const struct digest *owner);

/* Who called: found out when it is asked for, while the client is there. */
void call_know_client(struct call *call);

/* A handler has answered: writes the reply. bytes: of that reply. */
void call_answer(struct call *call, const struct value *reply, struct slice bytes);

/* A handler may have it: what its connection waits for before the reply. */
void call_on_given(struct call *call);

/* A handler's call ends otherwise; why as in struct call. */
void call_end(struct call *call, enum outcome_kind kind, unsigned reason, const char *why);

/* What the runner says; called by runnerlink. */
void call_on_started(struct call *call);
void call_on_ended(struct call *call, const struct frame_ended *end);
void call_on_attached(struct call *call, bool is_awaited);
void call_on_result(struct call *call, int fd);	/* takes fd; -1: lost */
/* The runner died with it. */
void call_on_lost(struct call *call);

/* Is its output pushed to the client as it comes? */
static inline bool
call_is_streamed(const struct call *call)
{
	return call->form == RESULT_STREAM;
}

struct call *call_find(struct worker *w, uint64_t id);

/* "0123456789abcdef" -> id; false when it is none. */
bool call_id_parse(struct slice text, uint64_t *ret);

/* When the deadline, the grace and the runner's time to report are over. */
uint64_t call_overdue_usec(const struct call *call);

/* The worker was stopped for so long: the runner may have been so, too. */
void calls_on_stall(struct worker *w, uint64_t usec);

/* For callio: the pipes have changed. */
void call_check_finished(struct call *call);
void call_input_taken(struct call *call);

/* How it ended, when the runner has said so; detail is room for words. */
struct result call_result(struct call *call, char *detail, size_t detail_len);
/* The record of a request, as its service wants it. */
void call_log(struct call *call, const struct result *res);
/* Sends complete lines of stderr to the log, at the end all (R42). */
void call_log_stderr(struct call *call, bool all);
/* Counts it under the number that its service has today, if any. */
void call_count(const struct call *call, const struct result *res);

/* Takes it out of the world; memory goes when the turn is over. */
void call_die(struct call *call);

/* What runs here as JSON lines, for reqctl ps. 0 or -errno. */
int calls_list(struct worker *w, int fd);

/* Frees what ended during the turn. */
void calls_bury(struct worker *w);

int call_compare(const struct call *a, const struct call *b);
RB_PROTOTYPE(calls, call, node, call_compare)
