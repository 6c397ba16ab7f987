/* SPDX-License-Identifier: ISC */
/*
 * account: names of users and groups, turned into ids. Asks the account
 * database, which may block; never used by conf_parse().
 */
#pragma once

#include "conf/reader.h"

/*
 * Looks up every account the configuration names and decides whom the
 * workers and each service run as (R2). Mistakes are reported. 0 or -ENOMEM.
 */
int account_resolve(struct reader *r);
