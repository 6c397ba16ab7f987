/* SPDX-License-Identifier: ISC */
/*
 * asker: a worker that asks this process questions. They come by a pipe, each as one
 * write of one size; the answers go by a socket. The process has one asker for each
 * slot of a worker, linked or not.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/loop.h"
#include "ipc/frame.h"
#include "ipc/member.h"

struct asker {
	struct member *member;
	struct loop_io in;	/* pipe: questions */
	struct loop_io out;	/* socket: answers; its role waits for room with it, or not */
	uint16_t slot;
	uint64_t serial;	/* number of the link */
};

/*
 * on_question: a question can be read, by asker_read(). on_room: the socket, which the role
 * has added to the loop, has room; NULL: the role never waits for that.
 */
void asker_init(struct asker *a, struct member *m, loop_io_fn *on_question, loop_io_fn *on_room);

/* Takes the descriptors of LINK in place of those before. */
void asker_link(struct asker *a, const struct frame *f, int fds[static 2]);

/* The master says that the worker is gone; not the one that has taken its place. */
void asker_unlink(struct asker *a, const struct frame *f);

void asker_close(struct asker *a);
bool asker_is_linked(const struct asker *a);

/* Tells the master that the worker has broken the rules, and closes. */
void asker_accuse(struct asker *a, const char *what);

/*
 * Reads one question of this size. False: there is none now, or the worker is gone, or it
 * has sent something else, of which the master is told with "what". Does not block.
 */
bool asker_read(struct asker *a, void *question, size_t size, const char *what);

/* Sends an answer. False: there is no room now. Closes when the worker is gone. Does not block. */
bool asker_send(struct asker *a, const void *answer, size_t size);
