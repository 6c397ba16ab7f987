/* SPDX-License-Identifier: ISC */
/*
 * build: the tree of a file, turned into parts of struct conf.
 */
#pragma once

#include "conf/reader.h"

/* Sets what a configuration without any text has. 0 or -ENOMEM. */
int build_defaults(struct reader *r);

/*
 * Adds what a file says. Top level settings may stand in the main file only.
 * Mistakes are reported. 0 or -ENOMEM.
 */
int build_file(struct reader *r, const struct block *top, bool is_main);
