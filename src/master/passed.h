/* SPDX-License-Identifier: ISC */
/*
 * passed: listening sockets that were open before us, from a socket unit or
 * kept by systemd (keep.h), and for which listener each is.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/socketfile.h"
#include "conf/conf.h"

struct passed_socket {
	int fd;			/* -1: no longer here */
	char *name;
	bool is_kept;		/* made by a reqd before us, and again ours */
	struct socket_file file;	/* of one that is kept */
};

/*
 * Sockets passed by systemd (sd_listen_fds). Those of a socket unit stay
 * open: one that is not used now may be after the next reload.
 */
struct passed_set {
	struct passed_socket list[2 * CONF_MAX_LISTENERS];
	size_t n;
	/* Sockets that could not be taken, and were closed. */
	size_t n_lost;
	char lost[256];		/* their names, as far as there is room */
	int lost_error;		/* of the last; -E2BIG: there were too many */
};

/* Takes what systemd has passed, if anything, with descriptors and names. 0 or -errno. */
int passed_take(struct passed_set *p);

/* True if some could not be taken: then text says which, why, and what to do. */
bool passed_lost(const struct passed_set *p, char *text, size_t len);

/* True if the socket is one for this listener. For a kept socket it blocks on a name look-up. */
bool passed_fits(const struct passed_socket *p, const struct listener *l);

/*
 * At the start: lets go of the kept sockets that are of no listener, and returns
 * when systemd has, too, so that their addresses are free.
 */
void passed_drop_unused(struct passed_set *p, const struct conf *c);

/* The kept sockets that are still in p have found their place in a set. */
void passed_done(struct passed_set *p);
