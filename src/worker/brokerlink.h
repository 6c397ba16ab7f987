/* SPDX-License-Identifier: ISC */
/*
 * brokerlink: the worker's mail with the broker.
 *
 * While there is no broker, nothing is sent and nothing is lost: calls wait for a kit
 * or a lease, and questions for an answer; the next broker is asked for them. So the
 * death of a broker costs only the requests that it held.
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

/* Closes the link and forgets open questions; calls are not told. */
void brokerlink_done(struct worker *w);

/* Takes the ends of a new broker. The requests that the old one held are lost. */
void brokerlink_attach(struct worker *w, struct mail_ends ends);

/* Functions that calls and leases use to reach the broker. */
extern const struct call_link_ops brokerlink_ops;
int brokerlink_post_lease(struct leases *ls, const struct frame *f);
