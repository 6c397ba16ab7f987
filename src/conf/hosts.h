/* SPDX-License-Identifier: ISC */
/*
 * hosts: a listener whose host is a name becomes one listener for each of its addresses.
 * Asks the name service, which may block; never used by conf_parse().
 */
#pragma once

#include "conf/reader.h"

/*
 * Replaces each such listener by those of the addresses that the name has and this
 * machine has, too. One without any stays as it is: to open it will fail. Mistakes are
 * reported. 0 or -ENOMEM.
 */
int hosts_resolve(struct reader *r);
