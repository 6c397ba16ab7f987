/* SPDX-License-Identifier: ISC */
/* callenv: the environment of a command, built from nothing. */
#pragma once

#include <stddef.h>

#include "base/buf.h"
#include "conf/arguments.h"
#include "proto/callopt.h"

struct call;

/*
 * Appends NAME=VALUE strings, each ended by NUL, and counts them: PATH, LANG,
 * those of the account, REQD_*, then those that the service declares. 0;
 * -EINVAL with *ret_why when a value must not be there; -ENOMEM or -EMSGSIZE.
 */
int callenv_append(const struct call *call, const struct callopt *opt,
    const struct values *values, struct buf *out, size_t *ret_n, const char **ret_why);
