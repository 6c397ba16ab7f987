/* SPDX-License-Identifier: ISC */
/* describe: the declaration of a service as JSON, for DESCRIBE. */
#pragma once

#include "base/buf.h"
#include "call/builtin.h"
#include "conf/conf.h"

/* Appends one JSON object. 0, -ENOMEM or -EMSGSIZE. */
int describe_service(const struct service *s, struct buf *b);

/* Answers a call of that service with its declaration. */
extern const struct builtin builtin_describe;
