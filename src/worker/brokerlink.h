/* SPDX-License-Identifier: ISC */
/*
 * brokerlink: the worker's mail with the broker.
 *
 * While there is no broker nothing is sent, and nothing lost: calls wait for a
 * kit or a lease, of which the next broker is asked, and questions for an
 * answer. So the death of a broker costs only what it held.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/digest.h"
#include "ipc/frame.h"
#include "ipc/mail.h"

struct call;
struct worker;

struct brokerlink_cancel;

struct brokerlink {
	struct mail mail;
	struct mail_letter *letters;
	TAILQ_HEAD(brokerlink_cancels, brokerlink_cancel) cancels;	/* waiting for CANCELLED */
};

void brokerlink_init(struct worker *w);

/* Closes it and forgets what waits; calls are not told. */
void brokerlink_done(struct worker *w);

/* A (new) broker; takes the ends. What the old one held is lost. */
void brokerlink_attach(struct worker *w, struct mail_ends ends);

/* Hands a call over, whose job is in this kit. 0 or -ENOMEM. */
int brokerlink_run(struct worker *w, struct call *call, uint32_t kit);

/* 0 or -ENOMEM: there is no broker, or it is far behind. */
int brokerlink_post(struct worker *w, const struct frame *f);

/* Ends a call of ours. */
void brokerlink_cancel(struct worker *w, uint64_t id, enum cancel_reason reason);

/* Whether there was such a call, which is cancelled then. */
typedef void brokerlink_cancelled_fn(void *who, bool found);

/*
 * CANCEL of any worker's call by its owner: who is told by fn, later. 0, or
 * -ENOMEM without having done anything.
 */
int brokerlink_cancel_owned(struct worker *w, uint64_t id, const struct digest *token,
    const struct digest *owner, brokerlink_cancelled_fn *fn, void *who);

/* Nobody there wants an answer any more. */
void brokerlink_forget(struct brokerlink *l, const void *who);

/* The result of a call with --id is in the file that came for it. */
void brokerlink_deposit(struct worker *w, uint64_t id);
