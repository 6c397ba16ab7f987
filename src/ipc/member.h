/* SPDX-License-Identifier: ISC */
/*
 * member: what a process is to the master: it has its line to it, takes part in
 * reloads, and knows the configurations that frames of others may still mean.
 *
 * The master's frames go to callbacks, but for those that every role answers
 * alike.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/loop.h"
#include "conf/conf.h"
#include "ipc/frame.h"

/* So many reloads may go by while a frame waits to be read, or a request to be started. */
#define MEMBER_PAST 8

/* So long may a frame wait to be read, at most. */
#define MEMBER_PATIENCE_USEC (10 * USEC_PER_SEC)

struct member;

struct member_ops {
	/* PREPARE has brought sockets: what it leaves in fds is closed. NULL: none is wanted. */
	void (*sockets)(struct member *m, int *fds, size_t n_fds);
	/* A new configuration is in m->prepared: member_prepared() is to follow. NULL: agree. */
	void (*prepare)(struct member *m);
	/* m->prepared, which may be NULL, is about to be dropped; NULL: no matter. */
	void (*abort)(struct member *m);
	/*
	 * m->current is in force, and m->past[0] is no more. NULL: no matter. One that
	 * cannot go on with it says why in m->refusal, and is replaced.
	 */
	void (*commit)(struct member *m);
	/* LINK: what it leaves in fds is closed. */
	void (*link)(struct member *m, const struct frame *f, int *fds, size_t n_fds);
	void (*unlink)(struct member *m, const struct frame *f);
	/* STOP: by then it has to be over. NULL, as unlink: no matter. */
	void (*stop)(struct member *m, uint64_t due_usec);
	/* The master asks for a sign of life, which is given. NULL: no matter. */
	void (*ping)(struct member *m);
	/* A frame of a role's own; what it leaves in fds is closed. NULL: it has none. */
	void (*frame)(struct member *m, const struct frame *f, int *fds, size_t n_fds);
	bool forgets;		/* no frame speaks to it of former configurations */
};

struct member {
	const struct member_ops *ops;
	struct loop *loop;
	struct loop_io master;
	struct conf *current, *prepared;
	struct conf *past[MEMBER_PAST];		/* former ones, newest first */
	struct loop_timer forget;		/* no request of theirs waits any more then */
	/* With commit and stop: which listeners end for everybody, by number. */
	uint32_t sealed;
	const char *refusal;			/* by commit; NULL: none */
	bool is_over;				/* the master is gone */
};

/* Listens to the master from now on; all of *m but this is zeroed. 0 or -errno. */
int member_init(struct member *m, const struct member_ops *ops, struct loop *loop);
void member_done(struct member *m);

/* Does all that the master has said so far. */
void member_read(struct member *m);

/* False: the master does not read. It has other worries. */
bool member_tell(struct member *m, const struct frame *f);

/* The process of this number has done what it must not. */
void member_accuse(struct member *m, uint16_t slot, uint64_t serial, const char *what);

/* PREPARED; or, with a reason, REFUSED. */
void member_prepared(struct member *m, const char *refusal);

/*
 * The configuration in force with this generation, or a former one; or NULL. Reads
 * what the master has said, as others may have been told before us.
 */
struct conf *member_conf(struct member *m, uint32_t generation);
