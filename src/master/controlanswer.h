/* SPDX-License-Identifier: ISC */
/*
 * controlanswer: answers of the master to questions of the control process.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

struct frame;
struct master;
struct overlay;
struct process;

/* Does what control asks for, or begins it. */
void answer_ask(struct master *m, const struct frame *ask);

/* Notes a change of an administrator, and begins to put it in force. */
void answer_overlay(struct master *m, const struct frame *f);

/* Tells control the outcome, as JSON. */
void answer_overlaid(struct overlay *o, uint64_t id, struct slice json);

/*
 * Passes RESTART of control on to the broker, RESTARTED of the broker on to
 * control. False: it is not of the one who may send it.
 */
bool answer_restart(struct master *m, const struct process *from, const struct frame *f);

/* A process has died: if it is the broker, so have all handlers. */
void answer_restart_died(struct master *m, const struct process *p);

/* Tells control the outcome of a reload, as JSON. */
void answer_reloaded(struct master *m, struct slice json);
