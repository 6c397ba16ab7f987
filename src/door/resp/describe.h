/* SPDX-License-Identifier: ISC */
/*
 * describe: a service's declaration as JSON, for DESCRIBE.
 */
#pragma once

#include "base/buf.h"
#include "call/builtin.h"
#include "conf/conf.h"

/* Appends one JSON object. 0, -ENOMEM or -EMSGSIZE. */
int describe_service(const struct service *s, struct buf *b);

/* The same as an answer to a call of that service. */
extern const struct builtin builtin_describe;
