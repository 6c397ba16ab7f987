/* SPDX-License-Identifier: ISC */
/* options: reads a command line by the tables of options and verbs. */
#pragma once

#include "ctl/ctl.h"

enum options_status {
	OPTIONS_OK = 0,
	OPTIONS_UNKNOWN,	/* no such option */
	OPTIONS_UNKNOWN_VERB,
	OPTIONS_NO_VALUE,	/* the value is missing at the end of the line */
	OPTIONS_EXTRA_VALUE,	/* a flag was given with "=value" */
	OPTIONS_BAD_VALUE,
};

struct options_error {
	const char *word;	/* the option as the user wrote it */
	const char *value;
	const struct ctl_opt *opt;
};

/* The options of every verb. */
extern const struct ctl_opt options_general[];
extern const size_t options_n_general;

/*
 * Reads options, a verb of ctl->verbs, and its options and words. Sets ctl from
 * them; ctl->cmd stays NULL without a verb. "--" ends the options. Leaves the
 * verb in argv[0] and its words behind it, and counts the words.
 */
enum options_status options_read(struct ctl *ctl, size_t argc, char **argv,
    size_t *ret_n_words, struct options_error *ret_error);

/* Returns the verb of that name, or NULL. */
const struct ctl_cmd *options_find_verb(const struct ctl *ctl, const char *name);

/* Prints "unknown verb 'word'; did you mean ...?" Returns STATUS_USAGE. */
int options_unknown_verb(const struct ctl *ctl, const char *word);

/* Reports the error. Returns STATUS_USAGE. */
int options_complain(const struct ctl *ctl, enum options_status status,
    const struct options_error *e);
