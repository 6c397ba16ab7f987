/* SPDX-License-Identifier: ISC */
/*
 * refuse: a call that is not even tried: it is counted, and recorded, so that
 * an administrator sees who asked for what.
 */
#pragma once

#include "base/slice.h"
#include "conf/conf.h"
#include "proto/outcome.h"

struct peer_identity;
struct call_desk;

/*
 * Counts and records a refusal. service NULL: there is none of that name. At
 * most a few records a second, with the number of those left out: a stranger
 * must not fill the log. who may be NULL: not known, for want of memory.
 */
void call_note_refusal(struct call_desk *desk, const struct peer_identity *who,
    const struct service *s, struct slice name, enum outcome_kind kind, const char *why);
