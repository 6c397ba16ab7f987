/* SPDX-License-Identifier: ISC */
/*
 * program: is what a service runs really there, and out of reach of others?
 */
#pragma once

#include <limits.h>

#include "conf/reader.h"

struct identity;

/*
 * The program of one service is a regular file that its account
 * may run, not setuid or setgid, of a kind that the kernel starts; it and every directory
 * above can be changed by root and that account only; its working directory can be entered.
 */
void program_check(struct reader *r, struct service *s, const struct block *b);

/*
 * The first directory above path that the account cannot pass through, or NULL.
 * Where there is an access control list only the kernel knows; root passes.
 */
const char *program_barrier(const char *path, const struct identity *id,
    char part[static PATH_MAX]);
