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
 * One service: command, templates, arguments. Also sets what follows from
 * them (argument.guarded). 0 or -ENOMEM.
 */
int check_service(struct reader *r, struct service *s, const struct origin *o);
