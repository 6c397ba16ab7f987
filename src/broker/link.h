/* SPDX-License-Identifier: ISC */
/*
 * link: a worker as the broker sees it: mail that never loses a frame.
 *
 * While the worker is behind, the broker reads nothing more from it, and a
 * request's frames wait with the request. So what the broker owes a worker is
 * bounded.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "broker/cancel.h"
#include "broker/table.h"
#include "conf/conf.h"
#include "ipc/mail.h"
#include "ipc/roles.h"

/* Limit of frames in one turn; LINK_RESERVE of them are kept for answers to frames read in it. */
#define LINK_LETTERS 512
#define LINK_RESERVE 128

struct link {
	struct mail mail;
	struct broker *broker;
	void (*accuse)(struct link *l, const char *what);	/* see link_accuse() */
	uint16_t slot;
	uint64_t serial;		/* number of the link, as the master counts links */
	struct entry_list late;		/* entries with unsent frames */
	struct cancel cancel;		/* this worker's question to another one */
	uint16_t n_asked;		/* questions of others to this worker, unsent */
	uint16_t n_kits[2];		/* unused kits it has: without stdin, with stdin */
	bool is_filling[2];		/* half of its kits were used: it gets its full share */
	bool is_short[2];		/* this worker knows that there are none */
	bool has_jobs;			/* the worker has a file for jobs, and so may get kits */
	uint64_t jobs_usec;		/* when its file is asked for again */
	uint64_t kits_usec;		/* no kits before then, as it had no room for them */
	struct mail_ask unkit;		/* open: the worker may still name kits that are void */
};

static inline bool
link_is_open(const struct link *l)
{
	return mail_is_open(&l->mail);
}

/* True if the worker may start the service, for its clients or for deliveries of webhooks. */
static inline bool
link_has_door(const struct link *l, const struct service *s)
{
	return service_is_started_by(s, role_slot_protocol(l->slot));
}

/* True if there is room for frames that can wait as well. */
bool link_has_room(const struct link *l);

/* Posts an answer to a frame just read. False: try again when link_flush() says so. */
bool link_answer(struct link *l, const struct frame *f);

/* Sends the entry's unsent frames, now or when the other end reads again. */
void link_deliver(struct link *l, struct entry *e);

/* Drops what the entry has unsent for this link. */
void link_forget(struct link *l, struct entry *e);

/* Sends what entries have unsent. True if nothing of that is left. */
bool link_flush(struct link *l);

/* Tries again later, as no event will tell when sending works again. */
void link_look_again(struct broker *b);

/* Ends the link of a worker that did what no healthy worker does, and has the worker replaced. */
void link_accuse(struct link *l, const char *what);
