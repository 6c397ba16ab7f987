/* SPDX-License-Identifier: ISC */
/* stream: a plain socket as a stream. */
#include "config.h"

#include "net/stream.h"

#include <errno.h>
#include <sys/socket.h>

/* A system call that a signal interrupts has not failed. */
static ssize_t
later_or_lost(int error)
{
	return error == EINTR ? -EAGAIN : -error;
}

static ssize_t
plain_recv(struct stream *s, void *bytes, size_t n)
{
	ssize_t r = recv(s->io.fd, bytes, n, 0);

	return r < 0 ? later_or_lost(errno) : r;
}

static ssize_t
plain_send(struct stream *s, const void *bytes, size_t n)
{
	ssize_t r = send(s->io.fd, bytes, n, MSG_DONTWAIT | MSG_NOSIGNAL);

	return r < 0 ? later_or_lost(errno) : r;
}

static void
plain_shutdown(struct stream *s)
{
	(void)shutdown(s->io.fd, SHUT_WR);
}

const struct stream_ops stream_plain = {
	.recv = plain_recv,
	.send = plain_send,
	.shutdown = plain_shutdown,
};
