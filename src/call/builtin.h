/* SPDX-License-Identifier: ISC */
/*
 * builtin: a call that the worker answers itself, and that ends where it begins
 * (call_by_builtin). A builtin needs no other process, and is neither counted
 * nor logged.
 */
#pragma once

#include "base/buf.h"

struct call;

struct builtin {
	const char *name;
	/* Appends the answer to the call. 0 or -errno. */
	int (*run)(const struct call *call, struct buf *out);
};
