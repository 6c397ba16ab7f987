/* SPDX-License-Identifier: ISC */
/*
 * account: names of users and groups, turned into ids. Asks the account
 * database, which may block; never used by conf_parse().
 */
#pragma once

#include "conf/reader.h"

/*
 * Looks up every account that the configuration names, and decides as which
 * account the workers and each service run. Mistakes are reported. 0 or -ENOMEM.
 */
int account_resolve(struct reader *r);

/*
 * Looks again, leniently, at services that are unavailable, their programs included, and at
 * roles that lack somebody. Adds to *ret_n those that have become better. 0 or -ENOMEM.
 */
int account_resolve_again(struct reader *r, size_t *ret_n);
