/* SPDX-License-Identifier: ISC */
/*
 * limits: checks whether the limits that reqd was started with (setrlimit(2))
 * leave room for what a configuration asks for.
 */
#pragma once

#include "base/reason.h"
#include "conf/conf.h"

/*
 * Checks that there are descriptors enough for all processes to come up, and
 * for reloads, and that files may be as large as those that reqd makes in
 * memory. 0; or -EMFILE or -EFBIG with the remedy in why.
 */
int limits_check(const struct conf *c, struct reason *why);

/*
 * Adds a warning for each thing that the configuration grants and the limits do
 * not allow, also for what limits_check() refuses.
 */
void limits_warn(const struct conf *c, struct conf_errors *warnings);
