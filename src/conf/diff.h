/* SPDX-License-Identifier: ISC */
/*
 * diff: the differences between two configurations, section by section and key
 * by key, found with the same tables that read and write them. The place and
 * the order of sections make no difference.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "conf/conf.h"

enum diff_change { DIFF_ADDED, DIFF_REMOVED, DIFF_CHANGED };

struct diff_key {
	const char *name;	/* "timeout", "processes.max", "argument path" */
	/* The values as written, "" for none; NULL: too long to be shown. */
	const char *from, *to;
	bool at_start;		/* open or running things keep the old value */
};

/* One section that differs. */
struct diff {
	const char *section;	/* "service", "role", "credential", "listen", "log" ... */
	const char *name;	/* title of the section; NULL: none */
	enum diff_change change;
	const struct diff_key *keys;	/* DIFF_CHANGED: the keys that differ */
	size_t n_keys;
};

typedef void diff_fn(void *arg, const struct diff *d);

/*
 * Calls fn for every section that differs; its arguments are valid until fn
 * returns. 0, or -ENOMEM when some differences could not be reported.
 */
int conf_diff(const struct conf *from, const struct conf *to, diff_fn *fn, void *arg);

const char *diff_change_name(enum diff_change c);
