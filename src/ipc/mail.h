/* SPDX-License-Identifier: ISC */
/*
 * mail: a channel to another process with an outbox, which a last task of the
 * turn empties: frames of one turn travel together, with one system call and
 * one wake-up.
 *
 * The two directions are two things. Downwards goes a socket, which can carry
 * descriptors. Upwards goes a pipe, which cannot. Every descriptor that comes
 * with a message has to be closed by the receiver, wanted or not, and the close
 * of a foreign descriptor may block for as long as its sender likes (a TCP
 * connection that lingers). So the process above reads nothing but a pipe, and
 * has shut its end of the socket for reading.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "base/loop.h"
#include "ipc/frame.h"

#define MAIL_MAX_FDS 4

/* The ends of a mail that one process has. */
struct mail_ends {
	int socket, pipe;
};

enum mail_place {
	MAIL_ABOVE,	/* writes the socket, reads the pipe */
	MAIL_BELOW,	/* reads the socket, writes the pipe */
};

enum mail_end {
	MAIL_GONE,	/* the other process has closed its end */
	MAIL_BAD,	/* bytes came that are no frame */
};

struct mail;
struct mail_ask;

/*
 * A frame has come; the descriptors that the callee leaves in fds are closed.
 * When this process had no room for the descriptors, n_fds is 0 and all fds are
 * -1.
 */
typedef void mail_frame_fn(struct mail *m, const struct frame *f, int *fds, size_t n_fds);
/* The mail cannot be used any more. The callee closes it. */
typedef void mail_lost_fn(struct mail *m, enum mail_end how);
/* All unsent frames have been sent. */
typedef void mail_room_fn(struct mail *m);
/* The answer to a question; NULL: there will be none. */
typedef void mail_answer_fn(struct mail_ask *ask, const struct frame *answer);

/* An open question, embedded in an object of the asking side. */
struct mail_ask {
	TAILQ_ENTRY(mail_ask) link;
	mail_answer_fn *fn;
	uint32_t serial;	/* 0: not open */
};

struct mail_letter {
	struct frame frame;
	int fds[MAIL_MAX_FDS];
	uint8_t n_fds;
};

/* Limits of frames in one system call. A write to a pipe takes all frames or none. */
#define MAIL_BATCH 16
#define MAIL_PIPE_BATCH (4096 / FRAME_SIZE)

union mail_control {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(sizeof(int) * MAIL_MAX_FDS)];
};

/*
 * Memory for one system call. Static and not on the stack: a process that forks
 * has to copy each page again that it touches afterwards.
 */
struct mail_scratch {
	struct mmsghdr msgs[MAIL_BATCH];
	struct iovec iov[MAIL_PIPE_BATCH];
	union mail_control control[MAIL_BATCH];
	struct frame frames[MAIL_PIPE_BATCH];
};

struct mail_ops;

struct mail {
	struct loop_io in, out;		/* fd -1: closed */
	struct loop *loop;
	enum mail_place place;
	const struct mail_ops *ops;

	struct mail_letter *letters;	/* a ring, for max_unsent */
	size_t first, n_unsent;
	bool is_behind;			/* the other process does not read */
	struct loop_task flush;		/* at the end of the turn */
	struct loop_timer retry;

	struct mail_scratch in_scratch, out_scratch;

	unsigned n_opened;		/* times that it was opened: what was read before is void */
	uint32_t last_serial;
	TAILQ_HEAD(mail_asks, mail_ask) asks;
};

/* Makes both ends of a new channel. 0 or -errno. */
int mail_pair(struct mail_ends *ret_above, struct mail_ends *ret_below);

/* Callbacks of a mail, and the size of its outbox. */
struct mail_ops {
	mail_frame_fn *frame;
	mail_lost_fn *lost;
	mail_room_fn *room;	/* may be NULL */
	size_t max_unsent;
};

/* Puts a mail into the closed state: once for each mail, before anything else. */
void mail_init(struct mail *m, enum mail_place place, struct loop *loop,
    const struct mail_ops *ops);

/*
 * Takes the ends. The outbox is allocated at the first opening and stays. 0, or
 * -errno with the ends closed.
 */
int mail_open(struct mail *m, struct mail_ends ends);

/* Closes a mail, drops unsent frames and ends every open question with NULL. */
void mail_close(struct mail *m);

static inline bool
mail_is_open(const struct mail *m)
{
	return m->in.fd >= 0;
}

/* True if there is room for one more frame, and the other process reads. */
static inline bool
mail_has_room(const struct mail *m)
{
	return m->n_unsent < m->ops->max_unsent && !m->is_behind;
}

/*
 * Sends a frame at the end of the turn, and takes the descriptors if it returns
 * true. False: the mail is closed or full, nothing is taken.
 */
bool mail_post(struct mail *m, const struct frame *f, const int *fds, size_t n_fds);

/* Sends all posted frames before the turn ends: last words. */
void mail_flush(struct mail *m);

/* Posts a question as mail_post() does. True: ask->fn will be called, once, if it is set. */
bool mail_ask(struct mail *m, const struct frame *f, struct mail_ask *ask);

/* The same with descriptors, which are taken if the function returns true. */
bool mail_ask_with(struct mail *m, const struct frame *f, const int *fds, size_t n_fds,
    struct mail_ask *ask);

/* Drops a question whose answer is not wanted any more. Harmless when it is not open. */
void mail_forget(struct mail *m, struct mail_ask *ask);

/* Marks a frame as the answer to f; it has to go out by the same mail. */
static inline void
mail_mark_answer(struct frame *answer, const struct frame *f)
{
	answer->answers = f->serial;
}
