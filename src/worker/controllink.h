/* SPDX-License-Identifier: ISC */
/*
 * controllink: the mail of a worker with control, which asks what runs here and has
 * requests ended.
 */
#pragma once

#include "ipc/mail.h"

struct worker;

/* Answers of one turn. */
#define CONTROL_LETTERS 64

struct controllink {
	struct mail mail;
};

void controllink_init(struct worker *w);
void controllink_done(struct worker *w);

/* This control process asks from now on; takes the ends. */
void controllink_attach(struct worker *w, struct mail_ends ends);
