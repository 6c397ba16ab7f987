/* SPDX-License-Identifier: ISC */
/*
 * schemajson: the arguments of a service as JSON Schema (2020-12), for all who describe
 * services in JSON. What the schema refuses is refused by arguments_check(), too; the
 * other way round, a few rules are words only, because a schema cannot say them.
 */
#pragma once

#include "base/buf.h"
#include "conf/conf.h"

/* Appends the schema of one value of an argument, or of the list of its values. */
void schemajson_argument(struct buf *b, const char *key, const struct argument *a);

/* Appends the schema of an object that has all arguments by name. */
void schemajson_service(struct buf *b, const char *key, const struct service *s);

/* True if a call may leave the argument out. */
bool schemajson_is_optional(const struct argument *a);
