/* SPDX-License-Identifier: ISC */
/*
 * controllink: the mail of a worker with control, which asks what runs here and has
 * requests ended.
 */
#pragma once

#include "ipc/mail.h"

struct worker;

struct controllink {
	struct mail mail;
	struct mail_letter letters[64];	/* answers of one turn */
};

void controllink_init(struct worker *w);
void controllink_done(struct worker *w);

/* This control process asks from now on; takes the ends. */
void controllink_attach(struct worker *w, struct mail_ends ends);
