/* SPDX-License-Identifier: ISC */
/*
 * executable: will the kernel take this file as a program, and find its interpreter?
 */
#pragma once

#include <stdbool.h>
#include <sys/stat.h>

#include "conf/conf.h"

#define EXECUTABLE_WHY 512

/*
 * Looks at the beginning of a regular file that this account is to run. True if nothing is
 * known to be wrong with it; else one line in why. What cannot be read, or what only the
 * kernel knows, is not held against it. search: the PATH that the program gets, for a
 * script that names its interpreter with env(1); NULL: not known.
 */
bool executable_check(const char *path, const struct identity *id, const char *search,
    char why[static EXECUTABLE_WHY]);

/*
 * By the mode alone: the answer is for an account that this process is not. bit: 4 to read, 1 to
 * execute. An account that is not known may do everything.
 */
bool executable_may(const struct stat *st, const struct identity *id, mode_t bit);
