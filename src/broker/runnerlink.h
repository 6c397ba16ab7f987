/* SPDX-License-Identifier: ISC */
/* runnerlink: the orders of the broker to the runner, and the reports that come back. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "broker/table.h"
#include "ipc/mail.h"

/* Starts with no runner. */
void runnerlink_init(struct broker *b);

/* Takes the ends of a new runner. All that the old one ran is lost. */
void runnerlink_open(struct broker *b, struct mail_ends ends, uint64_t serial);

/* Closes the link of a runner that is gone or has to go: all that it ran is lost. */
void runnerlink_close(struct broker *b);

/* Starts the entry's program with its kit, which belongs to the runner from now on. */
void runnerlink_start(struct entry *e, bool want_begun);

/* Sends TERM, and after the grace KILL, to all processes of the entry. */
void runnerlink_terminate(struct entry *e, uint64_t grace_usec);

void runnerlink_signal(struct entry *e, int sig);
