/* SPDX-License-Identifier: ISC */
/*
 * identity: who makes calls, in the words and the digest by which calls, ps,
 * the log and the runner know the caller. A connection and its calls share
 * one; it outlives the connection while a call needs it.
 */
#pragma once

#include "base/addr.h"
#include "base/digest.h"
#include "conf/access.h"

struct peer_identity {
	unsigned refs;
	struct digest digest;	/* of text: owner of a call */
	char text[ADDR_TEXT];	/* "uid:1000", "addr:10.1.2.3" */
	char peer[ADDR_TEXT];	/* "10.1.2.3:4242", "unix" */
};

/* Returns new, with one reference; NULL without memory. */
struct peer_identity *identity_new(const struct caller *who, const char *peer);

struct peer_identity *identity_ref(struct peer_identity *id);

/* Harmless with NULL. Returns NULL. */
struct peer_identity *identity_unref(struct peer_identity *id);
