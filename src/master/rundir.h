/* SPDX-License-Identifier: ISC */
/* rundir: makes the directory of the control socket. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/reason.h"
#include "base/socketfile.h"
#include "conf/conf.h"

/*
 * Makes the directory, unless it exists and is safe; LISTEN_TRY only checks
 * whether that would work, as far as can be seen. 0, or -errno with one line in
 * why.
 */
int rundir_make(const struct conf *c, enum listen_use use, struct reason *why);

/*
 * Opens a socket as socket_file_open() does. LISTEN_TRY also accepts a
 * directory that is still to be made.
 */
int rundir_open_socket(const struct conf *c, const char *path, enum listen_use use,
    const struct socket_rights *rights, int backlog, struct socket_file *ret);
