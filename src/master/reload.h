/* SPDX-License-Identifier: ISC */
/*
 * reload: a new configuration as a transaction over living processes.
 * Everybody prepares, then everybody commits. Roles that bring something up may
 * refuse, and the old one goes on; a process of another role that does not follow
 * is replaced. Others are not, so no connection is touched.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/loop.h"
#include "base/slice.h"
#include "conf/conf.h"
#include "master/edition.h"

struct buf;
struct master;
struct process;

typedef void reload_told_fn(struct master *m, struct slice json);

enum reload_phase {
	RELOAD_IDLE,
	RELOAD_PREPARE,		/* waiting for PREPARED from all */
	RELOAD_COMMIT,		/* waiting for COMMITTED from the roles of a step */
};

enum reload_kind {
	RELOAD_FILES,		/* the files are read */
	RELOAD_RECOVERY,	/* nobody has asked: reload_recover() */
	RELOAD_OVERLAY,		/* reload_overlay() */
};

struct reload {
	reload_told_fn *on_told;
	enum reload_phase phase;
	unsigned step;			/* of the commit */
	uint32_t generation;		/* of the new configuration */
	struct edition other;		/* the new one; from the first COMMIT on the old one */
	struct conf_errors notes;	/* on what has been put in force */
	bool again;			/* asked for once more meanwhile */
	enum reload_kind kind;
	bool is_last;			/* reqd stops: none follows */
	struct loop_timer timer;
	uint64_t wait_usec;		/* when the timer is due */
	uint64_t due_usec;		/* then all must have prepared */
};

/* Before the first one. on_told hears how each has ended, as JSON for reqctl. */
void reload_init(struct reload *r, reload_told_fn *on_told);

/*
 * Opens what a new configuration needs and only this process can know to be wrong,
 * the control socket included. 0; or -errno with an error. Without doing it, every error
 * is found.
 */
int reload_open(struct master *m, struct edition *e, enum listen_use use,
    struct conf_errors *errors);

/* Starts one, or notes that another is wanted. The outcome goes to the log
 * and to every control client that waits for it. */
void reload_start(struct master *m);

/*
 * Puts in force what has come in order since the start, by the text in force; the log
 * tells. Does nothing during a reload.
 */
void reload_recover(struct master *m);

/*
 * Puts in force what administrators have set (master/overlay), by the text in force. Waits
 * for a reload in progress, which takes it along where it begins later.
 */
void reload_overlay(struct master *m);

/*
 * Appends what a reload would do now, as JSON: changes, or errors. Nothing is opened,
 * started or changed, so what a process would refuse is not known.
 */
void reload_check(struct master *m, struct buf *json);

/* Gives up the one in progress, as reqd stops. */
void reload_cancel(struct master *m);

/* Answers of processes that serve. What belongs to a reload that was given up is ignored. */
void reload_on_prepared(struct process *p, uint32_t generation);
void reload_on_refused(struct process *p, uint32_t generation, const char *why);
void reload_on_committed(struct process *p, uint32_t generation);
void reload_on_died(struct process *p);

/* The time for answers is over: those that are silent are replaced, or refuse by it. */
void reload_overdue(struct master *m, uint64_t now_usec);
