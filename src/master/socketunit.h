/* SPDX-License-Identifier: ISC */
/*
 * socketunit: the keys of a listener whose socket systemd has opened. The
 * socket unit has settings of its own for the same properties. A key that is
 * left out in the configuration leaves the property as it is. A key that is
 * written is put into force, or refused with the name of the setting to change.
 */
#pragma once

#include "base/reason.h"
#include "conf/conf.h"

struct conf_errors;

/*
 * Checks whether the keys of l can be put on this socket. 0; or -EINVAL with
 * why, which has the remedy.
 */
int socket_unit_check(int fd, const struct listener *l, struct reason *why);

/*
 * Gives the file of a unix socket the mode and owner that l has. Rights that
 * the socket unit had set otherwise go into notes. 0; or -EINVAL with why.
 */
int socket_unit_apply(int fd, const struct listener *l, struct conf_errors *notes,
    struct reason *why);

/* Adds a note for each harmless difference between the socket and l. */
void socket_unit_note(int fd, const struct listener *l, struct conf_errors *notes);

/*
 * The setting of the socket unit that decides about this key while l is
 * unchanged: "SocketMode=". NULL: l decides.
 */
const char *socket_unit_setting(const struct listener *l, const char *key);

/* The address of a socket, for messages: "127.0.0.1:7373", "/run/x.sock". */
void socket_unit_address(int fd, char *ret, size_t ret_len);
