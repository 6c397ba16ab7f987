/* SPDX-License-Identifier: ISC */
/*
 * channel: frames with descriptors over a SOCK_SEQPACKET socket.
 */
#pragma once

#include <stddef.h>

#include "ipc/frame.h"

/* Makes a connected pair, non-blocking and close-on-exec. 0 or -errno. */
int channel_pair(int ret[2]);

/*
 * Sends one frame. The descriptors stay the caller's. Never blocks: -EAGAIN
 * when the receiver is behind; -EPIPE or -ECONNRESET when it is gone.
 */
int channel_send(int fd, const struct frame *f, const int *fds, size_t n_fds);

enum channel_status {
	CHANNEL_OK = 0,
	CHANNEL_CLOSED = 1,	/* the other end is gone */
	CHANNEL_BAD = 2,	/* not a frame: the sender is not to be trusted */
};

/*
 * Receives one frame. The descriptors are the caller's now, close-on-exec.
 * Never blocks: -EAGAIN when there is nothing. With CHANNEL_BAD any
 * descriptors that came along are closed.
 */
int channel_receive(int fd, struct frame *ret, int ret_fds[static FRAME_MAX_FDS],
    size_t *ret_n_fds);

/*
 * The same for a sender that may not send descriptors: those that come along are
 * never installed here, and the message is CHANNEL_BAD.
 */
int channel_receive_plain(int fd, struct frame *ret);

/*
 * Refuses messages with descriptors at this end from now on. Otherwise the
 * kernel drops descriptors that are not installed while this process receives,
 * and dropping the last reference to a socket that lingers blocks the receiver
 * as close() would. Has no effect before Linux 6.16.
 */
void channel_refuse_fds(int fd);

/* Closes descriptors that came with a frame and are not wanted. */
void channel_close_fds(int *fds, size_t n_fds);
