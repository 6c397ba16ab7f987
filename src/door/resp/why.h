/* SPDX-License-Identifier: ISC */
/* why: tells a caller whether and why it may call a service, and no more than it may know. */
#pragma once

#include "base/buf.h"
#include "base/slice.h"
#include "conf/conf.h"
#include "net/conn.h"
#include "proto/outcome.h"

/*
 * Appends lines about the service of that name, which need not be there. Returns the outcome
 * with which a call would be refused; OUTCOME_N: it would start.
 */
enum outcome_kind why_explain(struct conn *c, struct slice name, struct buf *b);

/* The first of these roles that opens the service; NULL: none does. */
const struct role *why_role(const struct conf *conf, const struct service *s, uint64_t roles);

/* Appends which role of the caller opens the service; NULL: it is an administrator. */
void why_explain_allowed(const struct service *s, const struct role *opening, struct buf *b);

/* The outcome of a call that is refused whoever makes it: the service is drained or out of order. */
enum outcome_kind why_outage_of(const struct service *s);

/* True if the service is drained or out of order. Appends a line about it. */
bool why_explain_outage(const struct conn *c, const struct service *s, struct buf *b);
