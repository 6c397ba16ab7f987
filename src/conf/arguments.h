/* SPDX-License-Identifier: ISC */
/*
 * arguments: checks the arguments of a call against the declarations of its
 * service, and turns them into the argv, environment and lock value of the
 * program.
 *
 * Pure: values in, values out. Only here do a client's bytes become part of a
 * command line.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/slice.h"
#include "conf/conf.h"

/* The values of one call, by declared argument. */
struct values {
	const struct service *service;
	/* For argument i: n[i] values from all[first[i]]. */
	size_t first[CONF_MAX_ARGUMENTS];
	size_t n[CONF_MAX_ARGUMENTS];
	struct slice *all;	/* owned array of borrowed slices */
	size_t n_all;
};

void values_done(struct values *v);

enum arguments_status {
	ARGUMENTS_OK = 0,
	ARGUMENTS_BAD = 1,	/* the caller's mistake; why says which */
};

/* Room for the reason: one line that names the argument. */
#define ARGUMENTS_WHY 256

/*
 * Assigns and checks. named: every element is name=value (in any order,
 * repeated for a repeat argument); else they are taken in declared order.
 * A flag is given as yes|no|true|false|on|off|1|0 (named: a bare name sets
 * it). Values borrow from argv and from the service.
 * ARGUMENTS_OK, ARGUMENTS_BAD with why (escaped, safe in a reply; without a
 * byte of argv where the service has a secret argument), -ENOMEM.
 */
int arguments_check(const struct service *s, const struct slice *argv, size_t argc,
    bool named, struct values *ret, char why[static ARGUMENTS_WHY]);

/*
 * Appends the expanded template, each element followed by a NUL, and counts
 * the elements. {name} alone expands to the values of that argument, one
 * element each (none when it is unset); inside other text to that text with
 * the value in it, the element dropped when it is unset. {{ and }} stand
 * for themselves. 0 or -ENOMEM.
 */
int arguments_expand(char *const *template, const struct values *v, struct buf *out,
    size_t *ret_n);

/*
 * The text of one template (a lock, an environment entry), without NUL.
 * Several values are joined by a blank. ret_used: false when it names an
 * argument that is unset. 0 or -ENOMEM.
 */
int arguments_expand_text(const char *template, const struct values *v, struct buf *out);

/*
 * Appends the values for the files of secret arguments, in their order, each ended by NUL, and
 * counts them. 0 or -ENOMEM.
 */
int arguments_expand_files(const struct values *v, struct buf *out, size_t *ret_n);

/*
 * Appends the arguments as name=value words for a log line, secret ones as
 * name=***. At most max bytes. 0 or -ENOMEM.
 */
int arguments_format_log(const struct values *v, struct buf *out, size_t max);
