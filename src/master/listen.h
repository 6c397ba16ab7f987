/* SPDX-License-Identifier: ISC */
/*
 * listen: the listening sockets, opened by the master and shared by all
 * workers.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/reason.h"
#include "base/socketfile.h"
#include "conf/conf.h"
#include "master/keep.h"
#include "master/passed.h"

/* A socket that stays open over a reload is in both sets. */
struct listen_socket {
	unsigned refs;		/* sets that it is in */
	char *url;		/* canonical */
	int fd;
	int passed;		/* index of the socket from systemd; -1: our own */
	struct socket_file file;	/* unix, our own */
	char kept_as[KEEP_NAME];	/* name under which systemd keeps it; "": it does not */
};

/* A set of sockets, in the order of conf->listeners. */
struct listen_set {
	struct listen_socket *list[CONF_MAX_LISTENERS];
	size_t n;
};

/*
 * Opens the sockets of a configuration: those of old with the same URL are
 * shared, passed ones are used by address or by name, the others are made.
 * A socket that is open and cannot become what its listener says is an error, too.
 * Blocks on name look-ups. Returns 0; or -errno with an error for each that
 * could not be opened, having changed nothing.
 */
int listen_open(const struct conf *c, enum listen_use use, const struct listen_set *old,
    const struct passed_set *passed, struct listen_set *ret, struct conf_errors *errors);

/*
 * Puts the options of this configuration on sockets that were shared or
 * passed; what systemd had made otherwise of those passed goes into notes.
 * Returns 0; or -errno with an error for each socket that is not as the
 * configuration says.
 */
int listen_apply(const struct listen_set *set, const struct conf *c, struct conf_errors *notes,
    struct conf_errors *errors);

/* Hands systemd the sockets that reqd has made and that systemd does not keep yet. */
void listen_keep(struct listen_set *set);

/*
 * Adds what an administrator has to know of the sockets that systemd has
 * passed: those that no listener uses, that could not be taken, and what of a
 * listener their socket unit decides.
 */
void listen_notes(const struct listen_set *set, const struct passed_set *passed,
    const struct conf *c, struct conf_errors *notes);

/*
 * The setting of the socket unit that decides about a key of the listener
 * with this URL: "SocketMode="; NULL: the configuration decides.
 */
const char *listen_unit_setting(const struct listen_set *set, const struct conf *c,
    const char *url, const char *key);

/*
 * The control socket, which is in no set: shares old (or NULL) if that is still at
 * its place, else makes it. 0; or -errno with one line in why.
 */
int listen_open_control(const struct conf *c, enum listen_use use, struct listen_socket *old,
    struct listen_socket **ret, struct reason *why);

/* Gives one that was shared the mode and group of this configuration. 0 or -errno. */
int listen_apply_control(const struct listen_socket *s, const struct conf *c);

/* Closes one socket, or nothing (NULL), as listen_close() does. */
void listen_unref(struct listen_socket *s);

enum listen_end { LISTEN_REPLACED, LISTEN_REQD_ENDS };

/*
 * From now on nobody comes into the queues of the sockets that are about to
 * be closed for good: our own that are in no other set and, at the end of reqd,
 * that systemd does not keep. Who waits there can still be accepted. Returns which
 * they are, a bit for each by its number.
 */
uint32_t listen_seal(struct listen_set *set, enum listen_end why);

/*
 * Closes a set. Unix sockets that we made, that are in no other set and are not kept by
 * systemd, are removed from the file system.
 */
void listen_close(struct listen_set *set);
