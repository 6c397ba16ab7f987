/* SPDX-License-Identifier: ISC */
/*
 * status: the state of the whole server as JSON, for reqctl status.
 */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "ipc/death.h"

struct control;
struct roster;
struct service;

/* Appends one JSON object. 0 or -ENOMEM. */
int status_format_json(const struct control *c, const struct roster *r, struct buf *b);

/*
 * Appends one JSON object: for each service that was called its counters, and the times of
 * its calls as pairs of the longest time of a bucket and the number of calls in it. 0 or
 * -ENOMEM.
 */
int status_format_histograms(const struct control *c, struct buf *b);

/* Says how the last process of its handler has died. */
void status_last_death(const struct control *c, const struct service *s,
    char ret[static DEATH_TEXT]);

/* Appends a line when the service is out of order; else false. */
bool status_explain_outage(const struct control *c, const struct service *s, struct buf *b);
