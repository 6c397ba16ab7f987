/* SPDX-License-Identifier: ISC */
/*
 * member: a role's side of its line to the master: takes part in reloads, and
 * keeps the configurations that frames of other processes may still mean.
 *
 * Frames of the master go to callbacks, except those that every role answers
 * alike.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/loop.h"
#include "conf/conf.h"
#include "ipc/frame.h"

/* Limit of reloads during which a frame may wait to be read, or a request to be started. */
#define MEMBER_PAST 8

/* Limit of the time that a frame may wait to be read. */
#define MEMBER_PATIENCE_USEC (10 * USEC_PER_SEC)

struct member;

struct member_ops {
	/* PREPARE has brought sockets: those left in fds are closed. NULL: the role takes none. */
	void (*sockets)(struct member *m, int *fds, size_t n_fds);
	/* A new configuration is in m->prepared; the role calls member_prepared(). NULL: agree. */
	void (*prepare)(struct member *m);
	/* m->prepared, which may be NULL, is about to be dropped; NULL: nothing to do. */
	void (*abort)(struct member *m);
	/*
	 * m->current is in force, m->past[0] is not any more. A role that
	 * cannot go on with m->current says why in m->refusal, and is replaced.
	 * NULL: nothing to do.
	 */
	void (*commit)(struct member *m);
	/* LINK has come: descriptors left in fds are closed. */
	void (*link)(struct member *m, const struct frame *f, int *fds, size_t n_fds);
	void (*unlink)(struct member *m, const struct frame *f);
	/* STOP has come: the role has to be done by then. NULL, as for unlink: nothing to do. */
	void (*stop)(struct member *m, uint64_t due_usec);
	/* The master has asked for a sign of life, which is given already. NULL: nothing to do. */
	void (*ping)(struct member *m);
	/* A frame for this role alone; descriptors left in fds are closed. NULL: there is none. */
	void (*frame)(struct member *m, const struct frame *f, int *fds, size_t n_fds);
	bool forgets;		/* no frame for it means a former configuration */
};

struct member {
	const struct member_ops *ops;
	struct loop *loop;
	struct loop_io master;
	struct conf *current, *prepared;
	struct conf *past[MEMBER_PAST];		/* former ones, newest first */
	struct loop_timer forget;		/* until then requests of former ones may wait */
	/* With commit and stop: the listeners that every process closes for good, by number. */
	uint32_t sealed;
	const char *refusal;			/* set by commit; NULL: none */
	bool is_over;				/* the master is gone */
};

/* Listens to the master from now on; the rest of *m is zeroed. 0 or -errno. */
int member_init(struct member *m, const struct member_ops *ops, struct loop *loop);
void member_done(struct member *m);

/*
 * Tells the master that the role is ready, and turns the loop until the master is gone or
 * *is_stopping. Returns the exit status of the role.
 */
int member_run(struct member *m, const bool *is_stopping);

/* Handles all frames that the master has sent so far. */
void member_read(struct member *m);

/* Sends a frame to the master. False: the master does not read. */
bool member_tell(struct member *m, const struct frame *f);

/* Tells the master that the process of this number has broken the rules of its channel. */
void member_accuse(struct member *m, uint16_t slot, uint64_t serial, const char *what);

/* Answers PREPARED; or, with a reason, REFUSED. */
void member_prepared(struct member *m, const char *refusal);

/*
 * The configuration of this generation, in force or former; or NULL. Reads the
 * master's frames first, because another process may have heard of a generation
 * before this one.
 */
struct conf *member_conf(struct member *m, uint32_t generation);
