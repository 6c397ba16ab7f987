/* SPDX-License-Identifier: ISC */
/* argument: one declared argument of a service, and the check of its values. */
#pragma once

#include "conf/arguments.h"
#include "conf/reader.h"

/* The longest string the kernel takes as one argument, without its NUL. */
#define ARGUMENT_MAX_LENGTH 131071	/* of a command's argument: what execve(2) takes */

/* Reads a declaration and reports mistakes. 0 or -ENOMEM. */
int argument_build(struct reader *r, const struct block *b, struct argument *a);

/*
 * Checks one value. ARGUMENTS_OK, or ARGUMENTS_BAD with a reason of one line,
 * which shows no value that is secret. Does not allocate.
 */
int argument_check(const struct argument *a, struct slice value, char why[static ARGUMENTS_WHY]);

/* True if a value may begin with '-'. */
bool argument_takes_dash(const struct argument *a);

/* The value of a flag: 1 set, 0 not set, -1 neither. */
int argument_flag(struct slice value);
