/* SPDX-License-Identifier: ISC */
/*
 * builtin: what the worker answers itself, as a call that ends where it begins
 * (call_by_builtin). It needs no other process, and is neither counted nor
 * logged.
 */
#pragma once

#include "base/buf.h"

struct call;

struct builtin {
	const char *name;
	/* Appends what the call is answered. 0 or -errno. */
	int (*run)(const struct call *call, struct buf *out);
};
