/* SPDX-License-Identifier: ISC */
/*
 * lease: a warm process that the runner has lent to this worker.
 *
 * It goes back between two requests; or broken, to be killed, when anything
 * went wrong: then each request in flight gets one error, and none is ever sent
 * twice. Who gets it next is the business of leases.h.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/loop.h"
#include "ipc/frame.h"
#include "lease/conversation.h"
#include "lease/exchange.h"

struct lease_set;
struct leases;
struct service;

/* In which state a process goes back. */
enum lease_end {
	LEASE_WHOLE,
	LEASE_BROKEN,	/* to be killed */
	LEASE_CUT,	/* likewise, for a deadline or a cancel */
};

struct lease {
	LIST_ENTRY(lease) link;		/* of its set, or of the dead */
	LIST_ENTRY(lease) unflushed;	/* while is_unflushed */
	struct lease_set *set;		/* of its service */
	struct leases *leases;
	uint64_t id;
	uint32_t pid;
	uint32_t budget;		/* requests it may be given here; 0: any number */
	uint32_t n_sent;
	uint32_t n_answered;
	bool is_probe;			/* only PING, then back */
	bool proven;			/* has answered, and the runner knows */
	bool recalled;
	bool deaf;			/* takes no more requests */
	bool unknown;			/* the runner that lent it is gone */
	bool is_unflushed;		/* has requests to send at the end of the turn */
	bool dead;			/* memory goes at the end of the turn */
	uint64_t since_usec;
	uint64_t idle_usec;		/* since when nothing is in flight */
	struct loop_timer timer;	/* idle for long, or PING not answered */
	struct loop_task task;		/* deaf, or its replies are to be read again */
	struct conversation conversation;
};

LIST_HEAD(lease_list, lease);

/* ------------------------------------------------------ said by leases --- */

/* Takes the descriptors. NULL when it cannot be used: then it has gone back, broken. */
struct lease *lease_new(struct lease_set *set, const struct frame *lent, int fds[static 3]);

/* The same for one that is not wanted: it goes back. */
void lease_decline(struct leases *ls, const struct frame *lent, int fds[static 3],
    enum lease_end end);

/* The first request goes to it, if one waits. A probe has until due_usec to answer PING. */
void lease_begin(struct lease *lease, uint64_t due_usec);

/* Does it take a request of this service now? */
bool lease_is_free(const struct lease *lease, const struct service *s);

/*
 * Gives it a request, which is in text. False: the process takes no more of
 * them, and the lease ends soon; the request is in nobody's hands.
 */
bool lease_give(struct lease *lease, struct exchange *x, struct buf *text);

/* Sends what has been given to it during the turn. */
void lease_flush(struct lease *lease);

/* Others want it: back at the next boundary, or a little later while calls wait here. */
void lease_recall(struct lease *lease);

/* The rules it was lent for are over: back at the next boundary, whoever waits. */
void lease_outdate(struct lease *lease);

/* The runner that lent it is gone. */
void lease_disown(struct lease *lease);

/* The worker ends: back if it is idle, else nobody is told of it any more. */
void lease_give_back(struct lease *lease);

/* Back, and out of the world but for what it has in flight. */
void lease_part(struct lease *lease, enum lease_end end);

/* Of one that is dead. */
void lease_free(struct lease *lease);

/* --------------------------------------------- said by conversations and by requests --- */

/*
 * The process cannot be used any more: it is given back to be killed. A request
 * of which nothing was written waits for another one. victim ends as it
 * says; the others in flight, and with victim NULL all of them, as victims of
 * their handler.
 */
void lease_break(struct lease *lease, const struct exchange *victim, enum outcome_kind kind,
    unsigned reason, const char *why);
