/* SPDX-License-Identifier: ISC */
/* rundir: the directory where the control socket is. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "conf/conf.h"

/* Makes it, unless it is there and safe. 0, or -errno with one line in why. */
int rundir_make(const struct conf *c, char *why, size_t why_len);

/* Would that go well, as far as can be seen without doing it? */
int rundir_try(const struct conf *c, char *why, size_t why_len);

/* Is it the directory of this path, and missing only as it is still to be made? */
bool rundir_comes_for(const struct conf *c, const char *path);
