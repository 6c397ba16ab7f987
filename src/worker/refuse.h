/* SPDX-License-Identifier: ISC */
/*
 * refuse: a call that is not even tried: answered, counted, and recorded for
 * whoever wants to know who knocked.
 */
#pragma once

#include "base/slice.h"
#include "conf/conf.h"
#include "proto/outcome.h"

struct conn;

/*
 * Counts and records it. service NULL: there is none of that name. At most a
 * few records a second, with the number of those left out: a stranger must
 * not fill the log.
 */
void call_note_refusal(struct conn *c, const struct service *s, struct slice name,
    enum outcome_kind kind, const char *why);

/* The same, and writes the reply; why may be "". */
void call_refuse(struct conn *c, const struct service *s, struct slice name,
    enum outcome_kind kind, const char *why);
