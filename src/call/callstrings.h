/* SPDX-License-Identifier: ISC */
/* callstrings: the strings of a command's job: its argv, environment and secret files. */
#pragma once

#include <stddef.h>

#include "base/buf.h"
#include "conf/arguments.h"
#include "proto/callopt.h"

struct call;

/* The number of strings of each kind, in this order. */
struct callstrings {
	size_t n_argv, n_env, n_files;
};

/*
 * Appends the strings, each ended by NUL, to a buffer that may hold JOB_MAX_BYTES. 0; -E2BIG when
 * they are too long, with *ret_why until the next call where one argument is to blame; -EINVAL
 * with *ret_why when a value must not be there; -ENOMEM.
 */
int callstrings_append(const struct call *call, const struct callopt *opt,
    const struct values *values, struct buf *out, struct callstrings *ret, const char **ret_why);
