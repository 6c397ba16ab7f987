/* SPDX-License-Identifier: ISC */
/*
 * socketunit: what the keys of a listener are for a socket that systemd has
 * opened. Its socket unit has settings of its own for the same things. A key
 * that is left out here leaves them as they are; a key that is written is put
 * into force, or refused with the setting that does it.
 */
#pragma once

#include "base/reason.h"
#include "conf/conf.h"

struct conf_errors;

/* Can what l says be put on this socket? 0; or -EINVAL with why, which says what to do. */
int socket_unit_check(int fd, const struct listener *l, struct reason *why);

/*
 * Gives the file of a unix socket the mode and owner that are written in l.
 * Rights that the socket unit had made otherwise go into notes. 0; or -EINVAL
 * with why.
 */
int socket_unit_apply(int fd, const struct listener *l, struct conf_errors *notes,
    struct reason *why);

/* Adds what is not as l says and does no harm that would be worth a refusal. */
void socket_unit_note(int fd, const struct listener *l, struct conf_errors *notes);

/*
 * The setting of the socket unit that decides about this key, as long as l
 * says what it says: "SocketMode=". NULL: l decides.
 */
const char *socket_unit_setting(const struct listener *l, const char *key);

/* The address of a socket, for messages: "127.0.0.1:7373", "/run/x.sock". */
void socket_unit_address(int fd, char *ret, size_t ret_len);
