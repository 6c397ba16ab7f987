/* SPDX-License-Identifier: ISC */
/*
 * keep: listening sockets that systemd holds for us between two lives of
 * reqd, so that nobody who connects meanwhile is refused.
 *
 * The name under which one is stored tells of which listener it is, and which
 * file in the file system belongs to it.
 */
#pragma once

#include <stdbool.h>

#include "base/socketfile.h"

/* Room for a name. */
#define KEEP_NAME 64

/*
 * Has systemd keep the socket of a listener, if it will: then ret_name is set. Blocks
 * for no longer than systemd.
 */
void keep_store(int fd, const char *url, const struct socket_file *f, char ret_name[KEEP_NAME]);

/* Tells systemd to let go of the socket of this name. */
void keep_forget(const char *name);

/* True if this is the name of a kept socket; then which file it has, too. */
bool keep_parse(const char *name, struct socket_file *ret_file);

/* True if it was kept for a listener of this URL. */
bool keep_is_of(const char *name, const char *url);
