/* SPDX-License-Identifier: ISC */
/*
 * options: reads a command line by the tables of cmd.h.
 */
#pragma once

#include "ctl/cmd.h"

enum options_status {
	OPTIONS_OK = 0,
	OPTIONS_UNKNOWN,	/* no such option */
	OPTIONS_NO_VALUE,	/* the value is missing at the end */
	OPTIONS_EXTRA_VALUE,	/* a flag with "=value" */
	OPTIONS_BAD_VALUE,
};

struct options_error {
	const char *word;	/* as it was given */
	const char *value;
	const struct ctl_opt *opt;
};

enum options_stop {
	OPTIONS_TO_END,		/* options may stand among the words */
	OPTIONS_TO_WORD,	/* the first word ends them */
};

/*
 * Sets ctl from the options in argv (those of every reqctl, and those of
 * ctl->cmd unless NULL), moves the words to its front and counts them. "--"
 * ends the options.
 */
enum options_status options_parse(struct ctl *ctl, enum options_stop stop, size_t argc,
    char **argv, size_t *ret_n_words, struct options_error *ret_error);

/* Says what is wrong. Returns STATUS_USAGE. */
int options_complain(const struct ctl *ctl, enum options_status status,
    const struct options_error *e);
