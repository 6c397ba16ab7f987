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
 * Checks one service: command or handler, templates, arguments. Also sets
 * argument.guarded, which follows from them, and stores the words of a handler
 * as the handler gets them. 0 or -ENOMEM.
 */
int check_service(struct reader *r, struct service *s, const struct block *b);
