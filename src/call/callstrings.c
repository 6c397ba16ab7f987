/* SPDX-License-Identifier: ISC */
/* Expands what a command's program gets, and checks its lengths. */
#include "config.h"

#include "call/callstrings.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "call/call.h"
#include "call/callenv.h"
#include "ipc/job.h"

/* The argument that has most bytes of all; NULL: there is none. */
static const struct argument *
longest_argument(const struct values *values)
{
	const struct argument *longest = NULL;
	size_t most = 0;

	for (size_t i = 0; i < values->service->n_args; i++) {
		size_t sum = 0;

		for (size_t j = 0; j < values->n[i]; j++)
			sum += values->all[values->first[i] + j].len;
		if (longest == NULL || sum > most) {
			longest = &values->service->args[i];
			most = sum;
		}
	}
	return longest;
}

/*
 * Checks what becomes of values: a value that may be as long as it is may be one of several
 * in a string of the program, or have text beside it. 0; or -E2BIG, with *ret_why until the next
 * call where one argument is to blame.
 */
static int
check_strings(const struct values *values, struct slice strings, const char **ret_why)
{
	static char why[ARGUMENTS_WHY];
	const struct argument *a;
	size_t len;

	for (size_t at = 0; at < strings.len; at += len + 1) {
		len = strnlen(strings.data + at, strings.len - at);
		if (len < JOB_MAX_STRING)
			continue;
		a = longest_argument(values);
		if (a == NULL)
			return -E2BIG;
		(void)snprintf(why, sizeof(why), "argument '%s': too long: with all that stands beside "
		    "it, it becomes %zu bytes, and a program takes %u in one piece", a->name, len,
		    JOB_MAX_STRING - 1);
		*ret_why = why;
		return -E2BIG;
	}
	return 0;
}

int
callstrings_append(const struct call *call, const struct callopt *opt,
    const struct values *values, struct buf *out, struct callstrings *ret, const char **ret_why)
{
	int r = arguments_expand(call->service->command, values, out, &ret->n_argv);

	if (r >= 0)
		r = callenv_append(call, opt, values, out, &ret->n_env, ret_why);
	if (r >= 0)
		r = arguments_expand_files(values, out, &ret->n_files);
	if (r < 0)
		return out->is_full ? -E2BIG : r;
	return check_strings(values, buf_slice(out), ret_why);
}
