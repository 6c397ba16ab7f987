/* SPDX-License-Identifier: ISC */
/*
 * runnerlink: what the broker has the runner do, and what that says.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "broker/table.h"
#include "ipc/mail.h"

/* No runner yet. */
void runnerlink_init(struct broker *b);

/* A (new) runner; takes the ends. What the old one ran is lost. */
void runnerlink_open(struct broker *b, struct mail_ends ends, uint64_t serial);

/* It is gone, or is to be: what it ran is lost. */
void runnerlink_close(struct broker *b);

/* Starts what the entry wants with its kit, which is the runner's from now on. */
void runnerlink_start(struct entry *e, bool want_begun);

/* TERM, and after the grace KILL, to all of it. */
void runnerlink_terminate(struct entry *e, uint64_t grace_usec);

void runnerlink_signal(struct entry *e, int sig);
