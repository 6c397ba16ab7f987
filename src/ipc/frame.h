/* SPDX-License-Identifier: ISC */
/*
 * frame: the one message format between our processes. Fixed size, native
 * byte order (same machine, same executable), checked on receipt: frames
 * from workers are gossip (R5).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/digest.h"
#include "conf/conf.h"
#include "ipc/death.h"

enum frame_type {
	/* master -> role */
	FRAME_PREPARE = 1,	/* generation; fds: conf text, then listeners (worker:
				   without any it ends with its last connection) */
	FRAME_COMMIT,		/* generation */
	FRAME_ABORT,		/* generation: forget what was prepared */
	FRAME_LINK,		/* slot, link; fd: channel to that process (log: its records) */
	FRAME_UNLINK,		/* slot, link.serial: that process is dead, or will be at once;
				   its channel is to be closed, as others may have it */
	FRAME_STOP,		/* stop accepting, drain, exit; deadline */
	FRAME_PING,		/* serial: answer when the loop turns */
	FRAME_LIST,		/* fd: write what runs here as JSON lines, answer LISTED */
	FRAME_KILL,		/* id: end this request (worker) */
	FRAME_STATS,		/* slot; fd: read-only stats memory of another process */

	/* role -> master */
	FRAME_READY,		/* up and waiting for PREPARE */
	FRAME_PREPARED,		/* generation */
	FRAME_REFUSED,		/* generation; text: why */
	FRAME_COMMITTED,	/* generation */
	FRAME_PONG,		/* serial */
	FRAME_LISTED,		/* serial */
	FRAME_KILLED,		/* id; found or not */
	FRAME_DRAINED,		/* nothing runs here any more */
	FRAME_FAULT,		/* slot, fault: that process has broken the rules of its channel */

	/* worker -> runner */
	FRAME_RUN,		/* fds: job, stdout, stderr [, stdin] */
	FRAME_CANCEL,		/* id: of this worker's own */
	FRAME_CANCEL_OWNED,	/* id or token + owner: of any worker. One at a time; the
				   runner asks the worker that has the id, for worker slot,
				   which answers CANCELLED */
	FRAME_DEPOSIT,		/* id; fd: sealed result, for --id */
	FRAME_WANT,		/* generation, lease.service: one more handler, please */
	FRAME_RETURN,		/* id of a handler, lease: it is given back */
	FRAME_PROVEN,		/* id of a handler: it has answered for the first time */

	/* runner -> worker */
	FRAME_STARTED,		/* id; asked for by RUN_WANT_STARTED */
	FRAME_ENDED,		/* id; outcome and resource use */
	FRAME_ATTACHED,		/* id: do twins, of the same token, wait for its result? */
	FRAME_RESULT,		/* id; fd: sealed result of the twin; none: lost */
	FRAME_CANCELLED,	/* id (of CANCEL_OWNED); found or not */
	FRAME_LEASE,		/* generation whose requests it understands, id of a
				   handler, lease; fds: its stdin, replies, stderr */
	FRAME_RECALL,		/* id of a handler: give it back between two requests */
	FRAME_UNABLE,		/* unable: there will be no handler for it soon */
	FRAME_WORDS,		/* id, lease; fd: stderr of a handler nobody had when it died */
	FRAME_TYPE_N,
};

enum run_flags {
	RUN_HAS_INPUT = 1 << 0,		/* a fourth descriptor: stdin */
	RUN_WANT_STARTED = 1 << 1,
};

enum cancel_reason {
	CANCEL_BY_CLIENT,	/* CANCEL, CLIENT KILL */
	CANCEL_BY_DISCONNECT,
	CANCEL_BY_ADMIN,	/* reqctl kill */
	CANCEL_BY_OUTPUT,	/* over output-limit: outcome too big */
	CANCEL_BY_SHUTDOWN,
};

/* What was being done when a program could not be started. */
enum start_stage {
	STAGE_NONE, STAGE_FORK, STAGE_SESSION, STAGE_CGROUP, STAGE_STDIO,
	STAGE_LIMITS, STAGE_USER, STAGE_VERIFY, STAGE_DIRECTORY, STAGE_JOB,
	STAGE_EXEC, STAGE_INTERPRETER, STAGE_N,
};

/* Why a request was refused without starting. */
enum busy_reason { BUSY_QUEUE_FULL, BUSY_WAITED, BUSY_TABLE_FULL };

struct frame_run {
	uint64_t deadline_usec;		/* monotonic */
	struct digest lock;		/* none: no lock */
	struct digest owner;		/* of the caller */
	struct digest token;		/* --id with its owner; none: no id */
	uint32_t flags;
	uint16_t service;
};

/*
 * A worker asks with one WANT for each request that waits, gets one LEASE for
 * each sooner or later, or UNABLE once for all of them.
 */
struct frame_lease {
	uint64_t due_usec;		/* LEASE that is_probe: PING is to be answered by then */
	uint32_t pid;			/* LEASE, WORDS */
	uint32_t requests;		/* LEASE: so many, then RETURN, 0 any number;
					   RETURN: so many were answered */
	uint8_t is_probe;		/* LEASE: send PING, then RETURN it */
	uint8_t is_proven;		/* LEASE: it has answered before, no PROVEN is wanted */
	uint8_t is_broken;		/* RETURN: it may not be used again, kill it */
	uint8_t is_cut;			/* ... for a deadline or a cancel, not for a fault */
	char service[SERVICE_NAME_MAX + 1];
};

enum unable_reason {
	UNABLE_FAILING,		/* none stays up; death says how the last one ended */
	UNABLE_GONE,		/* it is not in the configuration any more, or a new one is */
	UNABLE_STOPPING,
};

struct frame_unable {
	uint64_t retry_usec;		/* FAILING: the next one is started then; 0: now */
	struct death death;
	uint8_t reason;
	char service[SERVICE_NAME_MAX + 1];
};

/* A process with a number has one serial after the other, never the same twice. */
struct frame_link {
	uint64_t serial;
	uint32_t pid;
	char name[32];			/* "worker 3" */
};

struct frame_fault {
	uint64_t serial;		/* as in the LINK */
	char text[96];			/* what it sent */
};

struct frame_ended {
	uint64_t queued_usec;		/* acceptance by the runner to fork */
	uint64_t ran_usec;
	uint64_t cpu_usec;		/* user + system, program and its waited-for children */
	uint64_t max_rss_kb;
	int32_t wait_status;		/* as from wait(2), when it was started */
	int32_t error;			/* errno of a failed start */
	uint8_t outcome;		/* enum outcome_kind */
	uint8_t stage;			/* enum start_stage */
	uint8_t reason;			/* enum busy_reason or cancel_reason */
};

struct frame {
	uint16_t type;
	uint16_t slot;			/* LINK, UNLINK, STATS, FAULT: number of a process;
					   CANCEL_OWNED: see there */
	uint32_t generation;
	uint64_t id;			/* request; PING: serial; STOP: deadline */
	union {
		struct frame_run run;
		struct frame_ended ended;
		struct {
			struct digest owner, token;
			uint8_t reason;
			uint8_t found;
		} cancel;
		uint8_t is_awaited;	/* ATTACHED */
		struct frame_link link;
		struct frame_fault fault;
		/* STOP, COMMIT to a worker: which of its listeners end for everybody, by number */
		uint32_t sealed;
		struct frame_lease lease;
		struct frame_unable unable;
		char text[104];
	};
};

_Static_assert(sizeof(struct frame) == 120, "frames have one size");

#define FRAME_MAX_FDS 40	/* PREPARE: conf and every listener */

/*
 * Is this a frame that the receiver may look at: whole, of a known type,
 * with a number of descriptors and fields that fit the type? Says nothing
 * about whether it comes at the right time.
 */
bool frame_check(const void *data, size_t len, size_t n_fds);

const char *frame_type_name(unsigned type);
