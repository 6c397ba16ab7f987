/* SPDX-License-Identifier: ISC */
/*
 * link: a channel to another process, that never blocks and never loses a
 * frame.
 *
 * While the other end is behind, nothing more is read from it. So what is
 * owed to it is bounded: one answer, one question from each other worker, and
 * the frames of its own requests.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/loop.h"
#include "ipc/frame.h"
#include "runner/cancel.h"
#include "runner/table.h"

struct link {
	struct loop_io io;	/* fd -1: closed */
	struct runner *runner;
	uint16_t slot;
	uint64_t serial;	/* of the process at the other end */
	bool has_answer;
	struct frame answer;
	struct entry_list late;	/* entries with unsent frames */
	struct cancel cancel;	/* what it has asked of another one */
	uint16_t n_asked;	/* what others have asked of it, unsent */
};

/* Takes fd. 0 or -errno (then it is closed). */
int link_open(struct link *l, int fd, loop_io_fn *fn);

/* Entries must have left it. */
void link_close(struct link *l);

static inline bool
link_is_open(const struct link *l)
{
	return l->io.fd >= 0;
}

/* Sends or keeps it. false when another answer waits still: come again. */
bool link_answer(struct link *l, const struct frame *f);

/* Sends what the entry has unsent, now or when the other end reads again. */
void link_deliver(struct link *l, struct entry *e);

/* There is more to send than it takes: link_flush() comes when it reads again. */
void link_wait(struct link *l);

/* The entry has nothing more to say to this link. */
void link_forget(struct link *l, struct entry *e);

/*
 * To be called first when the link has an event. 0: nothing is owed, read;
 * -EAGAIN: still behind; other -errno: it is broken.
 */
int link_flush(struct link *l);
