/* SPDX-License-Identifier: ISC */
/*
 * clienttls: the TLS side of a connection of the library. The server is always checked:
 * by its pin, or by a certificate authority together with its name.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct clienttls;

struct clienttls_trust {
	const char *host;	/* name or address that the certificate must have */
	const char *pin;	/* decides alone; NULL: none */
	const char *ca_file;	/* NULL: the system's authorities */
	const char *identity;	/* file of key and certificate to show; NULL: none */
};

/*
 * Makes the client's side of a handshake over a connected, non-blocking socket, which is
 * borrowed. NULL, with the reason in why.
 */
struct clienttls *clienttls_new(int fd, const struct clienttls_trust *trust, char *why,
    size_t why_len);

/* Accepts NULL. Returns NULL. */
struct clienttls *clienttls_free(struct clienttls *t);

/*
 * Goes on with the handshake. 0: done, and the server is the right one; -EAGAIN: wait
 * for the socket; else another -errno with the reason in why. -EKEYREJECTED: the server
 * is not the one that was meant.
 */
int clienttls_shake(struct clienttls *t, char *why, size_t why_len);

/*
 * As send(2) and recv(2), but return -errno. -EAGAIN: wait for the socket. 0 of
 * clienttls_recv: the server sends no more. -EKEYREJECTED of clienttls_recv: the server
 * wants another certificate than it was shown.
 */
ssize_t clienttls_send(struct clienttls *t, const void *data, size_t len);
ssize_t clienttls_recv(struct clienttls *t, void *data, size_t len);

/* True if clienttls_recv has bytes of which no event of the socket tells. */
bool clienttls_is_pending(const struct clienttls *t);

/* The events of poll(2) that the last -EAGAIN waits for. */
short clienttls_events(const struct clienttls *t);
