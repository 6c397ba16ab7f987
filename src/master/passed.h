/* SPDX-License-Identifier: ISC */
/*
 * passed: listening sockets that were open before this reqd started, from a
 * socket unit or kept by systemd (keep.h), and the listener that each one fits.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/socketfile.h"
#include "conf/conf.h"

struct passed_socket {
	int fd;			/* -1: taken by a listener, or closed */
	char *name;
	bool is_kept;		/* made by an earlier reqd, kept by systemd */
	struct socket_file file;	/* of a kept socket */
};

/*
 * Sockets passed by systemd (sd_listen_fds). Sockets of a socket unit stay
 * open: the next reload may use one that is not used now.
 */
struct passed_set {
	struct passed_socket list[2 * CONF_MAX_LISTENERS];
	size_t n;
	/* Sockets that could not be taken, and were closed. */
	size_t n_lost;
	char lost[256];		/* names, as far as there is room */
	int lost_error;		/* of the last one; -E2BIG: there were too many */
};

/* Takes all sockets, with names, that systemd has passed. 0 or -errno. */
int passed_take(struct passed_set *p);

/* True if some sockets could not be taken: then text says which, why, and what to do. */
bool passed_lost(const struct passed_set *p, char *text, size_t len);

/* True if the socket is one for this listener. For a kept socket it blocks on a name look-up. */
bool passed_fits(const struct passed_socket *p, const struct listener *l);

/*
 * At the start: closes the kept sockets that fit no listener, and returns when
 * systemd has closed them, too, so that their addresses are free.
 */
void passed_drop_unused(struct passed_set *p, const struct conf *c);

/* Ends the search: the kept sockets that are still in p belong to a set of listeners now. */
void passed_done(struct passed_set *p);
