/* SPDX-License-Identifier: ISC */
/*
 * check: the checks that need all files to be read, but no look at the machine:
 * names that refer to each other, templates, verbs, listeners.
 */
#pragma once

#include "conf/reader.h"

/* Checks a whole configuration, and reports mistakes. 0 or -ENOMEM. */
int check_conf(struct reader *r);

/* Finds the listeners of each service by their numbers; once more when these have changed. */
void check_listen_names(struct reader *r);

/*
 * Checks the command or handler of one service, its templates and its arguments.
 * Also computes argument.guarded from these, and stores the words of a handler as the
 * handler gets them. 0 or -ENOMEM.
 */
int check_service(struct reader *r, struct service *s, const struct block *b);
