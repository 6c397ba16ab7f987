/* SPDX-License-Identifier: ISC */
/* rundir: the directory where the control socket is. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/reason.h"
#include "base/socketfile.h"
#include "conf/conf.h"

/*
 * Makes it, unless it is there and safe; or only sees whether that would go well, as
 * far as can be seen. 0, or -errno with one line in why.
 */
int rundir_make(const struct conf *c, enum listen_use use, struct reason *why);

/*
 * As socket_file_open(), and tried it may be in the directory that is still to be
 * made.
 */
int rundir_open_socket(const struct conf *c, const char *path, enum listen_use use,
    const struct socket_rights *rights, int backlog, struct socket_file *ret);
