/* SPDX-License-Identifier: ISC */
/*
 * twin: requests that carry the same --id. The first runs; the others get its
 * result, which the worker of the first deposits when the program has ended.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "proto/outcome.h"
#include "broker/table.h"

/* True if e is the first request of its token. Otherwise e was answered, or waits. */
bool twin_first(struct entry *e, const struct digest *token);

/* True if another request waits for the result of e. */
bool twin_is_awaited(const struct entry *e);

/* e does not run: if it was the first of its token, its twins end as it does. */
void twin_detach(struct entry *e, enum outcome_kind outcome, uint8_t reason);

/* The program of e has ended: the result is due. */
void twin_end(struct entry *e);

/* e is lost, and so is its result. */
void twin_lose(struct entry *e);

/* The file for the result of e, which has a token: 1, borrowed in *ret; 0: there is none. */
size_t twin_paper(const struct entry *e, int *ret);

/* Takes the result of request id, which is in its file. Returns what is wrong with it, or NULL. */
const char *twins_deposit(struct broker *b, uint64_t id);

/* The worker in this slot is gone, and so are the results it would bring. */
void twins_abandon(struct broker *b, uint16_t slot);

/* Timer of broker->tokens. */
void on_token_due(struct loop_timer *t);
