/* SPDX-License-Identifier: ISC */
/*
 * check: what can be judged only when all files are read, without a look at
 * the machine: names that refer to each other, templates, verbs, listeners.
 */
#pragma once

#include "conf/reader.h"

/* Mistakes are reported. 0 or -ENOMEM. */
int check_conf(struct reader *r);

/*
 * One service: command or handler, templates, arguments. Also sets what
 * follows from them (argument.guarded), and stores the words of a handler as
 * they are handed over. 0 or -ENOMEM.
 */
int check_service(struct reader *r, struct service *s, const struct block *b);
