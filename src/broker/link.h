/* SPDX-License-Identifier: ISC */
/*
 * link: a worker as the broker sees it: mail that never loses a frame.
 *
 * While the worker is behind, nothing more is read from it, and what a
 * request has to say waits with the request. So what is owed to it is bounded.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "broker/cancel.h"
#include "broker/table.h"
#include "ipc/mail.h"

/* Frames of one turn; the last of them are for answers to what was read in it. */
#define LINK_LETTERS 512
#define LINK_RESERVE 128

struct link {
	struct mail mail;
	struct broker *broker;
	void (*accuse)(struct link *l, const char *what);	/* see link_accuse() */
	uint16_t slot;
	uint64_t serial;		/* of the link, as the master counts them */
	struct entry_list late;		/* entries with unsent frames */
	struct cancel cancel;		/* what it has asked of another one */
	uint16_t n_asked;		/* what others have asked of it, unsent */
	uint16_t n_kits[2];		/* it has and has not used, without stdin and with */
	bool is_filling[2];		/* half of them were gone: it gets all that it may have */
	bool is_short[2];		/* it knows that there are none */
	bool has_jobs;			/* it has a file for its jobs, and so may get kits */
	uint64_t jobs_usec;		/* when that is asked for, again */
	uint64_t kits_usec;		/* none before, as it has had no room */
	struct mail_ask unkit;		/* open: it may still name kits that are void */
};

static inline bool
link_is_open(const struct link *l)
{
	return mail_is_open(&l->mail);
}

/* Room for what need not be said now? */
bool link_has_room(const struct link *l);

/* An answer to what was read. False: come again when link_flush() says so. */
bool link_answer(struct link *l, const struct frame *f);

/* Sends what the entry has unsent, now or when the other end reads again. */
void link_deliver(struct link *l, struct entry *e);

/* The entry has nothing more to say to this link. */
void link_forget(struct link *l, struct entry *e);

/* Sends what entries have unsent. True: there is nothing left of that. */
bool link_flush(struct link *l);

/* Something could not be sent for want of what nobody will tell of: later again. */
void link_look_again(struct broker *b);

/* Its worker has done what no worker of ours does: it is replaced, and the link ends. */
void link_accuse(struct link *l, const char *what);
