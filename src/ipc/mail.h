/* SPDX-License-Identifier: ISC */
/*
 * mail: a channel to another process with an outbox, which is emptied by a last
 * task of the turn: frames of one turn travel together, with one system call and one
 * wake-up.
 *
 * The two directions are two things. Downwards goes a socket, which can carry
 * descriptors. Upwards goes a pipe, which cannot: a descriptor that comes
 * along with a message is closed by who receives it, even by one who takes
 * none, and the close of a foreign descriptor may block for as long as its
 * sender likes (a TCP connection that lingers). So who is above reads nothing
 * but a pipe. It also has shut its end of the socket for reading.
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

/* The ends that one process has. */
struct mail_ends {
	int socket, pipe;
};

enum mail_place {
	MAIL_ABOVE,	/* writes the socket, reads the pipe */
	MAIL_BELOW,	/* reads the socket, writes the pipe */
};

enum mail_end {
	MAIL_GONE,	/* the other process has closed its end */
	MAIL_BAD,	/* it has sent what is no frame */
};

struct mail;
struct mail_ask;

/*
 * One frame has come; what it leaves in fds is closed. When this process had no
 * room for the descriptors, n_fds is 0 and all fds are -1.
 */
typedef void mail_frame_fn(struct mail *m, const struct frame *f, int *fds, size_t n_fds);
/* It can be used no more. The callee closes it. */
typedef void mail_lost_fn(struct mail *m, enum mail_end how);
/* All that was unsent has been sent. */
typedef void mail_room_fn(struct mail *m);
/* The answer; NULL: there will be none. */
typedef void mail_answer_fn(struct mail_ask *ask, const struct frame *answer);

/* An open question, embedded in what belongs to who asks. */
struct mail_ask {
	TAILQ_ENTRY(mail_ask) link;
	mail_answer_fn *fn;
	uint32_t serial;	/* 0: it is not open */
};

struct mail_letter {
	struct frame frame;
	int fds[MAIL_MAX_FDS];
	uint8_t n_fds;
};

/* Frames read or sent with one system call. Of a pipe it is all or nothing. */
#define MAIL_BATCH 16
#define MAIL_PIPE_BATCH (4096 / FRAME_SIZE)

union mail_control {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(sizeof(int) * MAIL_MAX_FDS)];
};

/*
 * Room for one system call. Here and not on the stack: who forks has to copy
 * each page of that again which it touches afterwards.
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
	bool is_behind;			/* the other one does not read */
	struct loop_task flush;		/* at the end of the turn */
	struct loop_timer retry;

	struct mail_scratch in_scratch, out_scratch;

	uint32_t last_serial;
	TAILQ_HEAD(mail_asks, mail_ask) asks;
};

/* Both ends of a new channel. 0 or -errno. */
int mail_pair(struct mail_ends *ret_above, struct mail_ends *ret_below);

/* What happens to a mail, and how much may be unsent. */
struct mail_ops {
	mail_frame_fn *frame;
	mail_lost_fn *lost;
	mail_room_fn *room;	/* may be NULL */
	size_t max_unsent;
};

/* Puts it into the closed state: for each mail once, before anything else. */
void mail_init(struct mail *m, enum mail_place place, struct loop *loop,
    const struct mail_ops *ops);

/*
 * Takes the ends. The outbox is allocated once for all that one mail is opened for,
 * and stays. 0 or -errno, then the ends are closed.
 */
int mail_open(struct mail *m, struct mail_ends ends);

/* Closes it, drops what is unsent and ends every open question with NULL. */
void mail_close(struct mail *m);

static inline bool
mail_is_open(const struct mail *m)
{
	return m->in.fd >= 0;
}

/*
 * Is there room for one more frame, without growing what is owed to one that does not read?
 */
static inline bool
mail_has_room(const struct mail *m)
{
	return m->n_unsent < m->ops->max_unsent && !m->is_behind;
}

/*
 * Sends it at the end of the turn. True: it takes the descriptors. False: it
 * is closed or full, nothing is taken.
 */
bool mail_post(struct mail *m, const struct frame *f, const int *fds, size_t n_fds);

/* Sends what was posted before the turn ends: last words. */
void mail_flush(struct mail *m);

/* The same as mail_post() for a question. True: ask->fn will be called, once, if it is set. */
bool mail_ask(struct mail *m, const struct frame *f, struct mail_ask *ask);

/* The same with descriptors: true: it takes them, too. */
bool mail_ask_with(struct mail *m, const struct frame *f, const int *fds, size_t n_fds,
    struct mail_ask *ask);

/* Nobody wants the answer any more. Harmless when it is not open. */
void mail_forget(struct mail *m, struct mail_ask *ask);

/* The frame that answers f is to go out by the same mail: marks it. */
static inline void
mail_mark_answer(struct frame *answer, const struct frame *f)
{
	answer->answers = f->serial;
}
