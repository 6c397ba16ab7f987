/* SPDX-License-Identifier: ISC */
/*
 * listen: the listening sockets, opened by the master and shared by all
 * workers.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "conf/conf.h"

struct listen_socket {
	char *url;		/* canonical */
	int fd;
	bool passed;		/* came from systemd: not ours to unlink */
};

/* A set of sockets, in the order of conf->listeners. */
struct listen_set {
	struct listen_socket list[CONF_MAX_LISTENERS];
	size_t n;
};

/* Sockets passed by systemd (sd_listen_fds). */
struct listen_passed {
	struct {
		int fd;
		char *name;
		bool used;
	} list[CONF_MAX_LISTENERS];
	size_t n;
};

/* Takes what systemd has passed, if anything. 0 or -errno. */
int listen_take_passed(struct listen_passed *p);

/*
 * Opens the sockets of a configuration: those of old with the same URL are
 * shared (their options set anew), passed ones are used by address or by
 * name, the others are made. Blocks on name look-ups. Returns 0; or -errno
 * with one line of explanation in why, having changed nothing.
 */
int listen_open(const struct conf *c, const struct listen_set *old, struct listen_passed *passed,
    struct listen_set *ret, char *why, size_t why_len);

/*
 * Closes a set. Unix sockets that we made and that are not in keep (may be
 * NULL) are removed from the file system.
 */
void listen_close(struct listen_set *set, const struct listen_set *keep);

/*
 * A listening unix socket with its final mode and owner before anybody can
 * connect (R43). uid, gid -1: ours. A stale socket file is removed; one that
 * answers is -EADDRINUSE. Descriptor or -errno.
 */
int listen_unix(const char *path, mode_t mode, uid_t uid, gid_t gid, int backlog);
