/* SPDX-License-Identifier: ISC */
/*
 * diff: what one configuration says otherwise than another, section by
 * section and key by key, by the same tables that read and write them. Where
 * a section is written, and in which order, makes no difference.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "conf/conf.h"

enum diff_change { DIFF_ADDED, DIFF_REMOVED, DIFF_CHANGED };

struct diff_key {
	const char *name;	/* "timeout", "processes.max", "argument path" */
	/* Values as they are written, "" for none; NULL: too long to be shown. */
	const char *from, *to;
	bool at_start;		/* of what is open or runs it holds from the next start on */
};

/* One section that is not the same. */
struct diff {
	const char *section;	/* "service", "role", "listen", "log", "control", "" */
	const char *name;	/* its title; NULL: it has none */
	enum diff_change change;
	const struct diff_key *keys;	/* DIFF_CHANGED: those that are not the same */
	size_t n_keys;
};

typedef void diff_fn(void *arg, const struct diff *d);

/*
 * Calls fn for every section that is not the same; what it is given is good
 * until it returns. 0, or -ENOMEM when not all could be told.
 */
int conf_diff(const struct conf *from, const struct conf *to, diff_fn *fn, void *arg);

const char *diff_change_name(enum diff_change c);
