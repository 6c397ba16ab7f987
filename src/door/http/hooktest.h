/* SPDX-License-Identifier: ISC */
/* hooktest: tells what a stored delivery would do, and runs nothing. */
#pragma once

#include <stddef.h>

#include "conf/conf.h"

/* A stored delivery. */
struct hooktest {
	const char *service, *name;
	const char *body;		/* file of the body; "-": standard input */
	const char *const *fields;	/* "NAME: VALUE" */
	size_t n_fields;
	const char *query;		/* NULL: none */
};

/*
 * Judges a delivery by a loaded configuration, and prints each step on standard output; no
 * secret is shown. Returns the exit status: 0 the service would start, 1 it would not, any
 * other: the delivery cannot be read.
 */
int hooktest_run(const struct conf *c, const struct hooktest *t);
