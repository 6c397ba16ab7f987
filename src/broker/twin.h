/* SPDX-License-Identifier: ISC */
/*
 * twin: requests that carry the same --id. The first runs, the others get
 * its result, which its worker deposits when the program has ended.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "proto/outcome.h"
#include "broker/table.h"

/* true: e is the first of its token. Else it is provided for already. */
bool twin_first(struct entry *e, const struct digest *token);

/* Does anybody wait for the result of e? */
bool twin_is_awaited(const struct entry *e);

/* e does not run: its twins, if it was the first, fare as it does. */
void twin_detach(struct entry *e, enum outcome_kind outcome, uint8_t reason);

/* e's program has ended: the deposit is due. */
void twin_end(struct entry *e);

/* e is lost, and so is its result. */
void twin_lose(struct entry *e);

/* The file for the result of e, which has a token: 1, borrowed in *ret; 0: there is none. */
size_t twin_paper(const struct entry *e, int *ret);

/* The result of request id is in its file. What is wrong with it, or NULL. */
const char *twins_deposit(struct broker *b, uint64_t id);

/* The worker in this slot is gone, and so are the results it would bring. */
void twins_abandon(struct broker *b, uint16_t slot);

/* Timer of broker->tokens. */
void on_token_due(struct loop_timer *t);
