/* SPDX-License-Identifier: ISC */
/*
 * passedfile: a file that systemd passes to the unit of reqd (LoadCredential=). The
 * configuration names it credential:NAME.
 */
#pragma once

#include <stdbool.h>

#include "conf/arena.h"

/* True if the value of a key names such a file, or tries to. */
bool passedfile_is(const char *value);

/*
 * Finds the path of the file, which may not be there. 0; 1: the name is none that systemd
 * gives; -ENOMEM.
 */
int passedfile_path(struct arena *a, const char *value, char **ret);

/* True if the path is that of a file which systemd passes, or would. */
bool passedfile_has(const char *path);
