/* SPDX-License-Identifier: ISC */
/*
 * answer: what the master says to control when it is asked.
 */
#pragma once

#include "base/slice.h"

struct frame;
struct master;

/* Does what control asks for, or begins it. */
void answer_ask(struct master *m, const struct frame *ask);

/* That reload has ended, with this outcome, as JSON. */
void answer_reloaded(struct master *m, struct slice json);
