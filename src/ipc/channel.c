/* SPDX-License-Identifier: ISC */
/* Sends and receives frames with descriptors over a socket. */
#include "config.h"

#include "ipc/channel.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#ifndef SO_PASSRIGHTS
#define SO_PASSRIGHTS 83
#endif

union control {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(sizeof(int) * FRAME_MAX_FDS)];
};

int
channel_pair(int ret[2])
{
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ret) < 0)
		return -errno;
	return 0;
}

void
channel_refuse_fds(int fd)
{
	int off = 0;

	(void)setsockopt(fd, SOL_SOCKET, SO_PASSRIGHTS, &off, sizeof(off));
}

int
channel_send(int fd, const struct frame *f, const int *fds, size_t n_fds)
{
	struct iovec iov = { .iov_base = (void *)(uintptr_t)f, .iov_len = sizeof(*f) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	union control control;
	ssize_t n;

	if (n_fds > FRAME_MAX_FDS)
		return -EINVAL;
	if (n_fds > 0) {
		struct cmsghdr *c;

		memset(&control, 0, sizeof(control));
		msg.msg_control = control.bytes;
		msg.msg_controllen = CMSG_SPACE(sizeof(int) * n_fds);
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int) * n_fds);
		memcpy(CMSG_DATA(c), fds, sizeof(int) * n_fds);
	}
	do {
		/* A confined process has no call that could carry a descriptor. */
		n = n_fds == 0 ? send(fd, f, sizeof(*f), MSG_DONTWAIT | MSG_NOSIGNAL) :
		    sendmsg(fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

void
channel_close_fds(int *fds, size_t n_fds)
{
	for (size_t i = 0; i < n_fds; i++) {
		if (fds[i] >= 0)
			(void)close(fds[i]);
		fds[i] = -1;
	}
}

/*
 * Collects every descriptor that came along; the kernel has installed them
 * already, so whatever is not returned must be closed.
 */
static size_t
take_fds(struct msghdr *msg, int fds[static FRAME_MAX_FDS])
{
	size_t n = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c != NULL; c = CMSG_NXTHDR(msg, c)) {
		size_t count;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < count; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(fd));
			if (n < FRAME_MAX_FDS)
				fds[n++] = fd;
			else
				(void)close(fd);
		}
	}
	return n;
}

/* One byte more than a frame, so that a longer message shows. */
struct incoming {
	struct frame frame;
	char more;
};

/* The length of a message, 0 when the sender is gone, or -errno. */
static ssize_t
receive(int fd, struct incoming *in, struct msghdr *msg)
{
	struct iovec iov = { .iov_base = in, .iov_len = sizeof(in->frame) + 1 };
	ssize_t n;

	msg->msg_iov = &iov;
	msg->msg_iovlen = 1;
	do {
		n = recvmsg(fd, msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	} while (n < 0 && errno == EINTR);
	if (n >= 0)
		return n;
	if (errno != ECONNRESET)
		return -errno;
	/* The kernel has filled in nothing, so no descriptors have come. */
	msg->msg_controllen = 0;
	return 0;
}

int
channel_receive(int fd, struct frame *ret, int ret_fds[static FRAME_MAX_FDS],
    size_t *ret_n_fds)
{
	struct incoming in;
	union control control;
	struct msghdr msg = {
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes),
	};
	size_t n_fds;
	ssize_t n;

	*ret_n_fds = 0;
	n = receive(fd, &in, &msg);
	if (n < 0)
		return (int)n;
	n_fds = take_fds(&msg, ret_fds);
	/* A message of no bytes looks like the end, but no process here sends one. */
	if (n == 0) {
		channel_close_fds(ret_fds, n_fds);
		return CHANNEL_CLOSED;
	}
	if ((msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0 ||
	    !frame_check(&in.frame, (size_t)n, n_fds)) {
		channel_close_fds(ret_fds, n_fds);
		return CHANNEL_BAD;
	}
	*ret = in.frame;
	*ret_n_fds = n_fds;
	return CHANNEL_OK;
}

int
channel_receive_plain(int fd, struct frame *ret)
{
	struct msghdr msg = { .msg_control = NULL };
	struct incoming in;
	ssize_t n;

	n = receive(fd, &in, &msg);
	if (n < 0)
		return (int)n;
	if (n == 0)
		return CHANNEL_CLOSED;
	if ((msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0 || !frame_check(&in.frame, (size_t)n, 0))
		return CHANNEL_BAD;
	*ret = in.frame;
	return CHANNEL_OK;
}
