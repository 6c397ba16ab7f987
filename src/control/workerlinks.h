/* SPDX-License-Identifier: ISC */
/*
 * workerlinks: the mail of control with each worker.
 */
#pragma once

#include <stdint.h>

#include "conf/conf.h"
#include "ipc/mail.h"
#include "ipc/member.h"

/* More questions than there are clients to ask them. */
#define WORKER_LETTERS 64

struct worker_link {
	struct mail mail;
	struct worker_links *all;
	uint16_t slot;
	uint64_t serial;	/* of the process, as the master counts them */
};

struct worker_links {
	struct loop *loop;
	struct member *member;
	struct worker_link *list[CONF_MAX_WORKERS];	/* by slot; NULL: none yet */
};

void worker_links_init(struct worker_links *all, struct loop *l, struct member *m);

/* Frees the links; the process ends. */
void worker_links_done(struct worker_links *all);

/* The mail with a worker; NULL: there is none. */
struct worker_link *worker_link_at(const struct worker_links *all, unsigned slot);

/* The process that LINK names has the other ends; takes ours. */
void worker_links_attach(struct worker_links *all, const struct frame *f, struct mail_ends ends);

/* Closes the mail with a process that is dead or will be at once: open questions end with NULL. */
void worker_links_detach(struct worker_links *all, const struct frame *f);

/* Reports a worker that has broken the rules to the master, and hears it no more. */
void worker_link_accuse(struct worker_link *l, const char *what);
