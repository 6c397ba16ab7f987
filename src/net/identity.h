/* SPDX-License-Identifier: ISC */
/*
 * identity: who is at the other end of a connection, and who makes calls.
 *
 * A peer is what a connection knows of its other end, at no cost while
 * nothing is called. Its identity, in the words and the digest by which calls,
 * ps, the log and the runner know the caller, is made when it is asked for
 * first; the connection and its calls share it, and a call may outlive the
 * connection.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/addr.h"
#include "base/digest.h"
#include "conf/access.h"

struct peer_identity {
	unsigned refs;
	struct digest digest;	/* of text: owner of a call */
	char text[ADDR_TEXT];	/* "uid:1000", "addr:10.1.2.3" */
	char peer[ADDR_TEXT];	/* "10.1.2.3:4242", "unix" */
};

struct peer {
	struct caller *caller;		/* unix peers */
	bool is_local;			/* it is on this machine */
	union {
		struct sockaddr sa;
		struct sockaddr_in in4;
		struct sockaddr_in6 in6;
	} addr;				/* TCP peers */
	struct peer_identity *identity;	/* NULL: none was made yet */
	uint64_t roles;			/* of generation roles_generation */
	uint32_t roles_generation;
	bool is_admin;			/* likewise */
};

/* Returns new, with one reference; NULL without memory. */
struct peer_identity *identity_new(const struct caller *who, const char *peer);

static inline struct peer_identity *
identity_ref(struct peer_identity *id)
{
	id->refs++;
	return id;
}

/* Harmless with NULL. Returns NULL. */
static inline struct peer_identity *
identity_unref(struct peer_identity *id)
{
	if (id != NULL && --id->refs == 0)
		free(id);
	return NULL;
}

/* Who has connected over a unix socket, as the kernel says. 0 or -ENOMEM. */
int peer_init_unix(struct peer *p, int fd);

/* Who has connected over TCP. */
void peer_init_inet(struct peer *p, const union sockaddr_any *addr);

void peer_done(struct peer *p);

/* Who it is, in full; the groups are borrowed. */
void peer_caller(const struct peer *p, struct caller *ret);

/* Makes the identity of a peer that has none yet; NULL without memory. */
struct peer_identity *peer_make_identity(struct peer *p);

/* Borrowed; NULL without memory. */
static inline struct peer_identity *
peer_identity(struct peer *p)
{
	return p->identity != NULL ? p->identity : peer_make_identity(p);
}

/* Learns the roles under these rules. */
void peer_learn_roles(struct peer *p, const struct conf *conf);

/* The roles under the rules in force; is_admin is that of these rules then, too. */
static inline uint64_t
peer_roles(struct peer *p, const struct conf *conf)
{
	if (p->roles_generation != conf->generation)
		peer_learn_roles(p, conf);
	return p->roles;
}

/* "127.0.0.1:4242" or "unix"; ADDR_TEXT bytes. */
void peer_format(const struct peer *p, char *ret, size_t ret_len);

/* True if both are the same caller. */
bool peer_is_same(const struct peer *a, const struct peer *b);
