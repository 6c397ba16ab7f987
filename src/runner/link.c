/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "runner/link.h"

#include <errno.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "ipc/channel.h"
#include "runner/entry.h"
#include "runner/handler.h"
#include "runner/runner.h"
#include "runner/twin.h"

int
link_open(struct link *l, int fd, loop_io_fn *fn)
{
	CLEANUP_CLOSE int owned = fd;
	int r;

	r = fd_set_nonblock(owned, true);
	if (r < 0)
		return r;
	TAILQ_INIT(&l->late);
	l->has_answer = false;
	l->io = (struct loop_io){ .fn = fn, .fd = owned };
	r = loop_add(&l->runner->loop, &l->io, EPOLLIN);
	if (r < 0) {
		l->io.fd = -1;
		return r;
	}
	(void)TAKE_FD(owned);
	return 0;
}

void
link_close(struct link *l)
{
	if (!link_is_open(l))
		return;
	loop_close_shared(&l->runner->loop, &l->io);
	l->has_answer = false;
}

/* Whatever the error, the event that follows finds out what to do about it. */
void
link_wait(struct link *l)
{
	(void)loop_modify(&l->runner->loop, &l->io, EPOLLOUT);
}

bool
link_answer(struct link *l, const struct frame *f)
{
	if (l->has_answer)
		return false;
	if (channel_send(l->io.fd, f, NULL, 0) < 0) {
		l->answer = *f;
		l->has_answer = true;
		link_wait(l);
	}
	return true;
}

/* Sends all that an entry has unsent. 0 or -errno. */
static int
entry_send(struct link *l, struct entry *e)
{
	static const uint16_t types[] = {
		FRAME_STARTED, FRAME_ATTACHED, FRAME_ENDED, FRAME_RESULT,
		FRAME_LEASE, FRAME_RECALL, FRAME_WORDS,
	};

	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		struct frame f = { .type = types[i], .slot = l->slot, .id = e->id };
		int fds[3] = { e->fds[0], -1, -1 };
		size_t n_fds = 0;
		int r;

		if ((e->unsent & 1u << i) == 0)
			continue;
		if (f.type == FRAME_ENDED)
			f.ended = e->ended;
		if (f.type == FRAME_ATTACHED)
			f.is_awaited = twin_is_awaited(e);
		if (f.type == FRAME_RESULT && e->fds[0] >= 0)
			n_fds = 1;
		if (f.type == FRAME_LEASE || f.type == FRAME_WORDS)
			n_fds = handler_frame(e, &f, fds);
		r = channel_send(l->io.fd, &f, fds, n_fds);
		if (r < 0)
			return r;
		e->unsent &= ~(1u << i);
	}
	return 0;
}

void
link_deliver(struct link *l, struct entry *e)
{
	if (e->is_late)
		return;
	if (TAILQ_EMPTY(&l->late) && entry_send(l, e) == 0)
		return;
	e->is_late = true;
	TAILQ_INSERT_TAIL(&l->late, e, next_late);
	link_wait(l);
}

void
link_forget(struct link *l, struct entry *e)
{
	if (e->is_late)
		TAILQ_REMOVE(&l->late, e, next_late);
	e->is_late = false;
	e->unsent = 0;
}

int
link_flush(struct link *l)
{
	struct entry *e;
	int r;

	if (l->has_answer) {
		r = channel_send(l->io.fd, &l->answer, NULL, 0);
		if (r < 0)
			return r;
		l->has_answer = false;
	}
	while ((e = TAILQ_FIRST(&l->late)) != NULL) {
		r = entry_send(l, e);
		if (r < 0)
			return r;
		link_forget(l, e);
		entry_delivered(e);
	}
	r = cancel_flush(l);
	return r < 0 ? r : loop_modify(&l->runner->loop, &l->io, EPOLLIN);
}
