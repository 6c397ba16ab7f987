/* SPDX-License-Identifier: ISC */
/*
 * controlverbs: what a client of the control socket can ask for. What is not
 * known at once it waits for, and no other client does.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "master/control.h"

struct process;

extern const struct control_ops control_verbs;

/* That reload has ended; the JSON goes to every client that waits for it. */
void control_on_reloaded(struct control *c, uint64_t number, struct slice json);

/* Answers of workers to LIST and KILL, or their deaths. */
void control_on_listed(struct control *c, const struct process *p, uint64_t serial);
void control_on_killed(struct control *c, const struct process *p, uint64_t id, bool found);
void control_on_died(struct control *c, const struct process *p);
