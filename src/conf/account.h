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
