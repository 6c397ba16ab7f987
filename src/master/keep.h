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

#include "master/listen.h"
#include "master/passed.h"

/* Stores those that are our own and not stored yet. */
void keep_store(struct listen_set *set, const struct conf *c);

/* Has it stored no longer. */
void keep_forget(struct listen_socket *s);

/* Is this the name of a stored socket? Then which file it has, too. */
bool keep_parse(const char *name, struct socket_file *ret_file);

/* Was it stored for a listener of this URL? */
bool keep_is_of(const char *name, const char *url);

/*
 * At the start: lets go of the stored sockets that are of no listener, and
 * returns when systemd has, too, so that their addresses are free.
 */
void keep_drop_unused(struct passed_set *p, const struct conf *c);

/* Those still in p have found their place in a set. */
void keep_done(struct passed_set *p);
