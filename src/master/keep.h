/* SPDX-License-Identifier: ISC */
/*
 * keep: listening sockets that systemd holds between two lives of reqd, so that
 * no client that connects meanwhile is refused.
 *
 * The name of a stored socket tells its listener, and the file in the file
 * system that belongs to it.
 */
#pragma once

#include <stdbool.h>

#include "base/socketfile.h"

/* Room for a name. */
#define KEEP_NAME 64

/*
 * Gives systemd the socket of a listener to keep; ret_name is set if systemd
 * takes it. Blocks for no longer than systemd does.
 */
void keep_store(int fd, const char *url, const struct socket_file *f, char ret_name[KEEP_NAME]);

/* Tells systemd to close the socket of this name. */
void keep_forget(const char *name);

/* True if this is the name of a kept socket; then ret_file is its file. */
bool keep_parse(const char *name, struct socket_file *ret_file);

/* True if the socket of this name was kept for a listener of this URL. */
bool keep_is_of(const char *name, const char *url);
