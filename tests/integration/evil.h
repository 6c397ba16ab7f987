/* SPDX-License-Identifier: ISC */
/*
 * evil: a worker that has been taken over. It is linked into a whole reqd in
 * place of worker_main(), so it has all that a worker has: account, channel,
 * mail with the broker, socket of the log, page of statistics, listeners.
 * The workers of RESP are taken over; or those of HTTP, where there is a file
 * "web" in the directory "evil".
 *
 * It behaves, and serves nobody, until it is told to attack: by a file
 * "attack.SLOT" with the name of an attack, in the directory "evil" beside the
 * executable. It reports there, in "events":
 *
 *	MILLISECONDS SLOT PID ready
 *	MILLISECONDS SLOT PID begun ATTACK
 *	MILLISECONDS SLOT PID bad		the first bad frame is about to be sent
 *	MILLISECONDS SLOT PID note TEXT
 *	MILLISECONDS SLOT PID done
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf/conf.h"
#include "ipc/frame.h"
#include "ipc/job.h"

#define EVIL_MAX_KITS 256
#define EVIL_MAX_LEASES 64

struct evil_kit {
	uint32_t number;
	bool has_input;
	int fds[3];		/* stdout, stderr, stdin */
};

struct evil_lease {
	uint64_t id;
	int fds[3];		/* stdin, replies, stderr */
};

/* The way in which an attack treats the messages that come. */
struct evil_manners {
	bool is_deaf;		/* reads nothing from the broker */
	bool ignores_recall;
	bool ignores_cancel;
	bool ignores_list;
	bool ignores_commit;
	bool ignores_prepare;
	bool refuses_prepare;
	bool keeps_pipes;
	bool floods_list;
};

struct evil {
	unsigned slot;
	const char *attack;	/* NULL: none yet */
	uint32_t generation;
	struct conf *conf, *prepared;
	int socket, pipe;	/* of the mail; -1: there is no broker */
	int control_socket, control_pipe;	/* likewise */
	int auth_socket, auth_pipe;		/* likewise */
	int keys_socket, keys_pipe;		/* likewise */
	int listeners[CONF_MAX_LISTENERS];
	size_t n_listeners;
	struct jobs jobs;
	struct evil_kit kits[EVIL_MAX_KITS];
	size_t n_kits;
	struct evil_lease leases[EVIL_MAX_LEASES];
	size_t n_leases;
	struct evil_manners manners;
	uint64_t seen[FRAME_TYPE_N];	/* the number of frames of each type that have come */
	struct frame last[FRAME_TYPE_N];
	int paper;		/* the last that came; -1: none */
	uint32_t id_low;
	pid_t said_by;		/* 0, or the process in whose name the reports are */
	bool is_found_out;	/* the broker has closed its mail */
	bool is_over;		/* the master is gone */
};

/*
 * Behaves for this number of milliseconds, or until a frame of that type has
 * come (0: any).
 */
bool evil_await(struct evil *e, unsigned type, uint64_t ms);
void evil_behave(struct evil *e, uint64_t ms);

/* Writes bytes to the broker. False: the broker has closed the mail. */
bool evil_write(struct evil *e, const void *data, size_t len);
bool evil_send(struct evil *e, const struct frame *f);
bool evil_tell_master(const struct frame *f);

void evil_say(const struct evil *e, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Tells the judge that the next frames are a fault. */
void evil_confess(const struct evil *e);

/* Returns the number of a service. */
uint16_t evil_service(const struct evil *e, const char *name);
uint64_t evil_new_id(struct evil *e);

/* Takes a kit, waiting for one. False: there is none. */
bool evil_take_kit(struct evil *e, bool has_input, struct evil_kit *ret);

/* ------------------------------------------------------------------ evil-tools.c --- */

#define EVIL_WAIT_MS 3000
/* Services with a time to answer have less than this. */
#define EVIL_SLOW_MS 60000

struct digest evil_digest_like(uint8_t byte);
/* Makes a token that no other process has, and that this one has not used. */
struct digest evil_new_token(struct evil *e);
/* Writes a job; the place where it stands. */
uint16_t evil_write_job(struct evil *e, const char *program, const char *argument,
    const char *variable);
void evil_close_kit(struct evil_kit *k);

/* Makes a RUN as an honest worker would send it, with its job written. */
struct frame evil_run_frame(struct evil *e, const char *service, const char *argument,
    struct evil_kit *ret);
struct frame evil_cancel_frame(uint64_t id);
struct frame evil_deposit_frame(uint64_t id);
struct frame evil_want_frame(const struct evil *e, const char *service);

/* Sends a frame as the first bad one, and waits for the end. */
void evil_send_bad(struct evil *e, const struct frame *f);
void evil_write_bad(struct evil *e, const void *data, size_t len);
void evil_tell_bad(struct evil *e, const struct frame *f);

/* Runs this attack. False: there is none of that name. */
bool evil_attack(struct evil *e, const char *name);

/* ---------------------------------------------------------------- the attacks --- */

struct evil_attack {
	const char *name;	/* NULL: the end */
	void (*fn)(struct evil *e);
};

/*
 * Sends a frame many times, each time with another id (except a WANT). In
 * evil-floods.c.
 */
void evil_flood(struct evil *e, struct frame f);

extern const struct evil_attack evil_requests[], evil_frames[], evil_handlers[], evil_floods[],
    evil_sandbox[], evil_passwords[], evil_keys[];
