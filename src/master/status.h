/* SPDX-License-Identifier: ISC */
/*
 * status: the state of the whole server as JSON, for reqctl status.
 */
#pragma once

#include "base/buf.h"

struct master;

/* Appends one JSON object. 0 or -ENOMEM. */
int status_format_json(const struct master *m, struct buf *b);
