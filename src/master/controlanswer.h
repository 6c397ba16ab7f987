/* SPDX-License-Identifier: ISC */
/*
 * controlanswer: answers of the master to questions of the control process.
 */
#pragma once

#include "base/slice.h"

struct frame;
struct master;

/* Does what control asks for, or begins it. */
void answer_ask(struct master *m, const struct frame *ask);

/* Tells control the outcome of a reload, as JSON. */
void answer_reloaded(struct master *m, struct slice json);
