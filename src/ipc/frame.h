/* SPDX-License-Identifier: ISC */
/*
 * frame: the one message format between the processes of reqd. Fixed size,
 * native byte order (same machine, same executable). Every frame is checked on
 * receipt, and no process believes a worker's frames.
 *
 * The arrow in "broker -> runner" points at the receiver. Frames with
 * descriptors go downwards only: from the master to all, from the runner to the
 * broker, from the broker and from control to workers.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/digest.h"
#include "conf/conf.h"
#include "ipc/death.h"
#include "ipc/roles.h"

enum frame_type {
	/* master -> role */
	FRAME_PREPARE = 1,	/* generation; fds: conf text, then listeners (worker:
				   without any it ends with its last connection;
				   control: the control socket; keys: the files of
				   private keys, in the order of TLS listeners; auth:
				   the sealed hashes of passwords; a worker that speaks
				   HTTP: last, the sealed secrets of webhooks) */
	FRAME_COMMIT,		/* generation */
	FRAME_ABORT,		/* generation: forget what was prepared */
	FRAME_LINK,		/* slot, link; fds: our ends of mail with that process (log: fd:
				   its records) */
	FRAME_UNLINK,		/* slot, link.serial: that process is dead, or will be at once;
				   its channel is to be closed, as others may have it */
	FRAME_LEAVING,		/* worker: STOP comes soon; clients that ask are told so */
	FRAME_STOP,		/* stop accepting, drain, exit; deadline */
	FRAME_PING,		/* serial: answer when the loop turns */
	FRAME_STATS,		/* slot; fd: read-only stats memory of another process */
	FRAME_TOLD,		/* control: id and what, as of ASK; fd: sealed, the answer;
				   none: no memory */

	/* role -> master */
	FRAME_READY,		/* up and waiting for PREPARE */
	FRAME_PREPARED,		/* generation */
	FRAME_REFUSED,		/* generation; text: why */
	FRAME_COMMITTED,	/* generation */
	FRAME_PONG,		/* serial */
	FRAME_DRAINED,		/* nothing runs here any more */
	FRAME_FAULT,		/* slot, fault: that process has broken the rules of its channel */
	FRAME_ASK,		/* control: id, what. Each id is larger than all before it */
	FRAME_OVERLAY,		/* control: id as for ASK, generation, overlay: a part of
				   a change, from is_first to is_last, which is put in force
				   as a whole or not at all. Answered by TOLD of WHAT_OVERLAY */

	/* control -> master -> broker */
	FRAME_RESTART,		/* id; text: the name of a service, whose processes are to be
				   replaced */
	/* broker -> master -> control */
	FRAME_RESTARTED,		/* id as in RESTART, 0: all that were asked; restarted */

	/* control -> worker */
	FRAME_LIST,		/* fd: write what runs here as JSON lines, answer LISTED; text: only
				   of this service, "": of all */
	FRAME_KILL,		/* id: end this request, answer KILLED */

	/* worker -> control */
	FRAME_LISTED,
	FRAME_KILLED,		/* id; found or not */

	/* worker -> broker */
	FRAME_RUN,		/* the job is in the worker's file of jobs */
	FRAME_CANCEL,		/* id: of one of this worker's requests */
	FRAME_LOOK_UP,		/* id, cancel.token: answer FOUND; nothing is started */
	FRAME_CANCEL_OWNED,	/* id or token + owner: of any worker. One at a time; the
				   broker asks the worker that has the id, for worker slot,
				   which answers CANCELLED */
	FRAME_DEPOSIT,		/* id: the result is in the file that came with PAPER */
	FRAME_WANT,		/* generation, lease.service: one more handler, please */
	FRAME_RETURN,		/* id of a handler, lease: it is given back */
	FRAME_PROVEN,		/* id of a handler: it has answered for the first time */
	FRAME_BROKE,		/* id of a handler, broke: the reason why it is of no use. Before
				   the RETURN; after WORDS: with the last line only */

	/* broker -> worker */
	FRAME_PAPER,		/* id: for the result of a RUN with a token; fd: empty file */
	FRAME_UNKIT,		/* kits that have not been used are void. Broker -> runner,
				   worker -> broker: kit: this one will not be used */
	FRAME_WAITING,		/* id; waiting: it waits for this, or no more. Only for a request
				   that has to wait */
	FRAME_STARTED,		/* id; asked for by RUN_WANT_STARTED */
	FRAME_ENDED,		/* id; outcome and resource use */
	FRAME_ATTACHED,		/* id: do twins, of the same token, wait for its result? */
	FRAME_RESULT,		/* id; fd: sealed result of the twin; none: lost */
	FRAME_CANCELLED,	/* id (of CANCEL_OWNED); found or not */
	FRAME_FOUND,		/* id (of LOOK_UP), found; DONE: fd of the sealed result */
	FRAME_LEASE,		/* generation whose requests it understands, id of a
				   handler, lease; fds: its stdin, replies, stderr */
	FRAME_RECALL,		/* id of a handler: give it back between two requests */
	FRAME_UNABLE,		/* unable: there will be no handler for it soon */
	FRAME_WORDS,		/* id, lease; fd: stderr of a handler nobody had when it died */

	/* broker -> runner */
	FRAME_START,		/* generation, id, start; slot: in whose file the job is */
	FRAME_TERMINATE,	/* terminate: SIGTERM, after the grace SIGKILL */
	FRAME_SIGNAL,		/* signal: to all of it */
	FRAME_WEIGH,		/* ref: how much memory has it? Answered by WEIGHED */
	FRAME_MAKE_KITS,	/* make: so many of this kind */
	FRAME_MAKE_JOBS,	/* slot, serial of its link: a file for the jobs of that process. The
				   same for the same serial. Worker -> broker: the file has not come */

	/* runner -> broker; broker -> worker: KIT, JOBS, NO_KIT */
	FRAME_KIT,		/* kit; fds: the worker's ends: stdout, stderr [, stdin] */
	FRAME_JOBS,		/* slot, serial as in MAKE_JOBS; fd: the file */
	FRAME_NO_KIT,		/* kit.error: no kit of this kind can be made now. KIT follows
				   when kits can be made again */
	FRAME_BEGUN,		/* begun: the program runs; when START asked for it */
	FRAME_EXITED,		/* exited: the program has ended, or never began */
	FRAME_GONE,		/* ref: nor is anything left of it. The ref is free */
	FRAME_WEIGHED,		/* weighed */
	FRAME_TYPE_N,
};

/* Limit of programs of one broker at a time: its refs are below this. */
#define FRAME_MAX_REFS 4096
/* Limit of kits at a time: of requests that wait or run, and in stock. */
#define FRAME_MAX_KITS 16384

/* The size of every file for a result. */
#define FRAME_RESULT_BYTES ROLE_MAX_FILE

enum run_flags {
	RUN_HAS_INPUT = 1 << 0,		/* the kit has a stdin */
	RUN_WANT_STARTED = 1 << 1,
};

enum cancel_reason {
	CANCEL_BY_CLIENT,	/* CANCEL, CLIENT KILL */
	CANCEL_BY_DISCONNECT,
	CANCEL_BY_ADMIN,	/* reqctl kill */
	CANCEL_BY_OUTPUT,	/* over output-limit: the outcome is TOOBIG */
	CANCEL_BY_SHUTDOWN,
};

/* Questions of control to the master. */
enum frame_what {
	WHAT_ROSTER,		/* the processes: TOLD with a struct roster */
	WHAT_RELOAD,		/* a reload that begins now or later: TOLD with its outcome, as
				   JSON, also for every such question with a smaller id */
	WHAT_CHECK,		/* TOLD with the changes a reload would make, as JSON */
	WHAT_OVERLAY,		/* no question; TOLD with the outcome of OVERLAY, as JSON, also
				   for every such change with a smaller id */
	WHAT_N,
};

/* Step of a start at which it failed. */
enum start_stage {
	STAGE_NONE, STAGE_FORK, STAGE_SESSION, STAGE_CGROUP, STAGE_STDIO,
	STAGE_LIMITS, STAGE_USER, STAGE_VERIFY, STAGE_DIRECTORY, STAGE_JOB,
	STAGE_EXEC, STAGE_INTERPRETER, STAGE_SANDBOX, STAGE_SECRET, STAGE_N,
};

/* The reason why a request waits. */
enum waiting {
	WAITING_NONE,		/* the request runs, or is about to */
	WAITING_QUEUE,		/* for room in its service */
	WAITING_LOCK,		/* for a request with the same lock */
	WAITING_TWIN,		/* for the result of a request with the same --id */
	WAITING_N,
};

/* Reasons to refuse a request without starting it. */
enum busy_reason {
	BUSY_QUEUE_FULL,
	BUSY_WAITED,
	BUSY_TABLE_FULL,
	BUSY_CROWDED_QUEUE,	/* the caller has its share of the queue */
	BUSY_CROWDED_PARTY,	/* ... of all requests of the server */
	BUSY_CROWDED_SERVICE,	/* the service has its share of them */
};

/* Reasons why a result is lost. */
enum lost_reason {
	LOST_PROCESS,		/* a process of reqd died */
	LOST_SPENT,		/* with --id: the result is not kept any more */
};

struct frame_run {
	uint64_t deadline_usec;		/* monotonic */
	struct digest lock;		/* all zero: no lock */
	struct digest owner;		/* of the caller */
	struct digest token;		/* --id with its owner; none: no id */
	struct digest party;		/* of the caller, where something is shared */
	uint64_t credential;		/* id of the one the caller has logged in with; 0: none */
	uint32_t flags;
	uint16_t service;
	uint32_t kit;			/* number */
	uint16_t place;			/* of the job, in the worker's file */
};

/*
 * A kit: pipes, made by the runner ahead of need. The runner keeps the
 * program's ends under this number, the worker has the others. The upper half
 * of a number counts runners and uses, so two runners never use the same
 * number.
 */
struct frame_kit {
	uint32_t number;
	int32_t error;			/* NO_KIT: the errno */
	uint8_t has_input;
	uint8_t is_jobs;		/* NO_KIT: no kit, but the file for the jobs of slot */
};

struct frame_make {
	uint16_t n;
	uint8_t has_input;
};

struct frame_start {
	uint32_t kit;
	uint16_t place;			/* of the job */
	uint16_t ref;			/* free, and the broker's from now on */
	uint16_t service;
	uint8_t want_begun;
};

struct frame_begun {
	uint64_t started_usec;		/* monotonic */
	uint32_t pid;
	uint16_t ref;
};

struct frame_terminate {
	uint64_t grace_usec;
	uint16_t ref;
};

struct frame_signal {
	int32_t number;
	uint16_t ref;
};

struct frame_weighed {
	uint64_t bytes;			/* resident; 0: not to be known */
	uint16_t ref;
};

struct frame_exited {
	uint64_t started_usec;		/* monotonic; 0: it never began */
	uint64_t ran_usec;
	uint64_t cpu_usec;
	uint64_t max_rss_kb;
	int32_t wait_status;		/* as from wait(2) */
	int32_t error;			/* errno of a failed start */
	uint16_t ref;
	uint8_t stage;			/* enum start_stage */
	uint8_t is_gone;		/* no GONE follows: nothing is left of it */
};

/*
 * A worker asks with one WANT for each waiting request, and gets one LEASE for
 * each sooner or later, or one UNABLE for all of them.
 */
struct frame_lease {
	uint64_t due_usec;		/* LEASE that is_probe: PING is to be answered by then */
	uint32_t pid;			/* LEASE, WORDS */
	uint32_t requests;		/* LEASE: so many, then RETURN, 0 any number;
					   RETURN: so many were answered */
	uint8_t is_probe;		/* LEASE: send PING, then RETURN it */
	uint8_t is_proven;		/* LEASE: it has answered before, no PROVEN is wanted */
	uint8_t is_broken;		/* RETURN: it may not be used again, kill it */
	uint8_t is_cut;			/* ... by a deadline or a cancel, not by a fault */
	char service[SERVICE_NAME_MAX + 1];
};

enum unable_reason {
	UNABLE_FAILING,		/* none stays up; death says how the last one ended */
	UNABLE_GONE,		/* the service has left the configuration, or was changed */
	UNABLE_STOPPING,
};

struct frame_unable {
	uint64_t retry_usec;		/* FAILING: the next one is started then; 0: now */
	struct death death;
	uint8_t reason;
	char service[SERVICE_NAME_MAX + 1];
};

/*
 * A number stands for one process after the other; each has a serial of its
 * own, never the same twice.
 */
struct frame_link {
	uint64_t serial;
	uint32_t pid;
	char name[32];			/* "worker 3" */
};

struct frame_fault {
	uint64_t serial;		/* as in the LINK */
	char text[96];			/* bytes that it sent */
};

/* Knowledge of a worker about a handler that it gives back as broken. */
struct frame_broke {
	struct death_words words;
	uint8_t fault;			/* - DEATH_BROKEN, - DEATH_SILENT or - DEATH_ENDED */
};

struct frame_restarted {
	uint32_t n;			/* so many were replaced */
	uint8_t has_died;		/* a new one has not come up: its page says how it died */
	char why[96];			/* the reason why nothing was replaced; "": see has_died */
};

/* The state of a request with a token. */
enum look_up {
	LOOK_UP_UNKNOWN,	/* there is none: it has not begun, or ended long ago */
	LOOK_UP_WAITS,
	LOOK_UP_RUNS,
	LOOK_UP_DONE,
	LOOK_UP_SPENT,		/* done, and the result is not kept any more */
	LOOK_UP_N,
};

enum overlay_what {
	/* As enum service_state. */
	OVERLAY_OPEN, OVERLAY_PAUSE, OVERLAY_DRAIN,
	OVERLAY_LEVEL,
	OVERLAY_N,
};

#define OVERLAY_ALL UINT16_MAX		/* in place of a service: all, also those that come */
#define OVERLAY_LEVEL_OF_FILES 8	/* in place of a level */
#define FRAME_OVERLAY_TEXT 80

struct frame_overlay {
	uint64_t for_usec;		/* LEVEL: taken back after this time; 0: never */
	uint32_t uid;			/* of the administrator */
	uint16_t service;		/* its number */
	uint8_t what;			/* enum overlay_what */
	uint8_t level;			/* LEVEL: a syslog priority */
	uint8_t is_first, is_last;	/* of its change; both where one frame is a change */
	char text[FRAME_OVERLAY_TEXT];	/* the reason; "": none */
};

struct frame_ended {
	uint64_t queued_usec;		/* acceptance by the broker to fork */
	uint64_t ran_usec;
	uint64_t cpu_usec;		/* user + system, program and its waited-for children */
	uint64_t max_rss_kb;
	int32_t wait_status;		/* as from wait(2), when it was started */
	int32_t error;			/* errno of a failed start */
	uint8_t outcome;		/* enum outcome_kind */
	uint8_t stage;			/* enum start_stage */
	uint8_t reason;			/* enum busy_reason, cancel_reason or lost_reason */
	uint8_t is_locked;		/* BUSY: another request held its lock */
};

struct frame {
	uint16_t type;
	uint16_t slot;			/* LINK, UNLINK, STATS, FAULT: number of a process;
					   CANCEL_OWNED: see there */
	uint32_t generation;
	uint64_t id;			/* request; PING: serial; STOP: deadline */
	uint32_t serial;		/* serial of a question that wants an answer; 0: none */
	uint32_t answers;		/* the question of this serial; 0: none */
	union {
		struct frame_run run;
		struct frame_ended ended;
		struct {
			struct digest owner, token;
			uint8_t reason;
			uint8_t found;
		} cancel;
		uint8_t is_awaited;	/* ATTACHED */
		uint8_t found;		/* FOUND: enum look_up */
		uint8_t waiting;	/* enum waiting */
		struct frame_link link;
		struct frame_fault fault;
		/*
		 * STOP, COMMIT to a worker: the listeners that every process closes for
		 * good, by number.
		 */
		uint32_t sealed;
		struct frame_lease lease;
		struct frame_unable unable;
		struct frame_kit kit;
		struct frame_make make;
		struct frame_start start;
		struct frame_begun begun;
		struct frame_terminate terminate;
		struct frame_signal signal;
		struct frame_weighed weighed;
		struct frame_exited exited;
		struct frame_broke broke;
		struct frame_restarted restarted;
		struct frame_overlay overlay;
		uint16_t ref;
		uint8_t what;		/* ASK, TOLD: enum frame_what */
		uint64_t jobs_serial;
		char text[104];
	};
};

/* A pipe takes 4096 bytes at once or none. */
#define FRAME_SIZE 128
_Static_assert(sizeof(struct frame) == FRAME_SIZE, "frames have one size");

#define FRAME_MAX_FDS 40	/* PREPARE: conf and every listener */

/*
 * True if the receiver may look at a frame: it is whole, of a known type, with
 * a number of descriptors and fields that fit the type. Says nothing about
 * whether it comes at the right time.
 */
bool frame_check(const void *data, size_t len, size_t n_fds);

/* The same for a frame whose descriptors the receiver had no room for. */
bool frame_check_bare(const void *data, size_t len);

const char *frame_type_name(unsigned type);
