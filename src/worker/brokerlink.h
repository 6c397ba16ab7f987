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

#include "ipc/frame.h"
#include "ipc/mail.h"

struct call_link_ops;
struct leases;
struct worker;

struct brokerlink_cancel;

struct brokerlink {
	struct mail mail;
	TAILQ_HEAD(brokerlink_cancels, brokerlink_cancel) cancels;	/* wait for CANCELLED */
};

void brokerlink_init(struct worker *w);

/* Closes it and forgets what waits; calls are not told. */
void brokerlink_done(struct worker *w);

/* A (new) broker; takes the ends. What the old one held is lost. */
void brokerlink_attach(struct worker *w, struct mail_ends ends);

/* What calls and leases want of the broker. */
extern const struct call_link_ops brokerlink_ops;
int brokerlink_post_lease(struct leases *ls, const struct frame *f);
