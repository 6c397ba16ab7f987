/* SPDX-License-Identifier: ISC */
/*
 * tlslink: a worker's link to the process with the private keys. A question blocks, with
 * a deadline: to sign in this process would block as long. When an answer is late, later
 * questions fail at once until it has come.
 */
#pragma once

#include <stdbool.h>

#include "base/loop.h"
#include "ipc/mail.h"
#include "ipc/signing.h"

#define TLSLINK_PATIENCE_MS 100

struct tlslink {
	struct loop *loop;
	struct loop_io socket;	/* answers; fd -1: not linked */
	int pipe;		/* questions */
	int epoll_fd;		/* waits for an answer alone, as the loop has other events too */
	uint64_t last_id;
	bool is_silent;		/* the last answer is late */
};

/* Puts a link into the closed state: once, before anything else. */
void tlslink_init(struct tlslink *l, struct loop *loop);

/* Makes the descriptor that it waits with, before a sandbox forbids that. 0 or -errno. */
int tlslink_load(struct tlslink *l);
void tlslink_done(struct tlslink *l);

/* Takes the ends. A former link is closed. */
void tlslink_attach(struct tlslink *l, struct mail_ends ends);

static inline bool
tlslink_is_open(const struct tlslink *l)
{
	return l->socket.fd >= 0;
}

/*
 * Lets a key sign bytes of a handshake. Returns the length of the signature, or -errno:
 * -EPIPE (no link), -ETIMEDOUT, -EACCES (refused), -EMSGSIZE.
 */
int tlslink_sign(struct tlslink *l, const uint8_t key[static SIGNING_KEY], uint16_t scheme,
    const uint8_t *bytes, size_t len, uint8_t ret[static SIGNING_SIGNATURE]);
