/* SPDX-License-Identifier: ISC */
/*
 * warnings: settings that are valid, and more dangerous than they look.
 */
#pragma once

#include "conf/conf.h"

/*
 * The library that makes the C library of a program write each line at once, for
 * "buffering = line".
 */
#define STDBUF_LIBRARY "/usr/libexec/coreutils/libstdbuf.so"

/*
 * Adds a line for each; notes are about what is usual. stdbuf: the library of stdbuf(1).
 * Looks at the disk.
 */
void conf_warn(const struct conf *c, const char *stdbuf, struct conf_errors *warnings,
    struct conf_errors *notes);
