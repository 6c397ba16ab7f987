/* SPDX-License-Identifier: ISC */
/* Sends frames to a worker, now or when the worker reads again. */
#include "config.h"

#include "broker/link.h"

#include <fcntl.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "broker/broker.h"
#include "ipc/channel.h"

#define LOOK_USEC (10 * USEC_PER_MSEC)

bool
link_has_room(const struct link *l)
{
	return mail_has_room(&l->mail) && l->mail.n_unsent < LINK_LETTERS - LINK_RESERVE;
}

void
link_look_again(struct broker *b)
{
	if (!loop_timer_is_armed(&b->look_timer))
		loop_arm(&b->loop, &b->look_timer, clock_usec() + LOOK_USEC);
}

void
link_accuse(struct link *l, const char *what)
{
	l->accuse(l, what);
}

bool
link_answer(struct link *l, const struct frame *f)
{
	return mail_post(&l->mail, f, NULL, 0);
}

/* Posts copies of the descriptors: they belong to the entry, which may end before the turn does. */
static bool
post_copies(struct link *l, const struct frame *f, const int *fds, size_t n_fds)
{
	int copies[MAIL_MAX_FDS];
	size_t n = 0;

	while (n < n_fds) {
		copies[n] = fcntl(fds[n], F_DUPFD_CLOEXEC, 0);
		if (copies[n] < 0)
			break;
		n++;
	}
	if (n == n_fds && mail_post(&l->mail, f, copies, n))
		return true;
	channel_close_fds(copies, n);
	return false;
}

/* Sends all unsent frames of an entry. False: there is no room, or no descriptor. */
static bool
entry_send(struct link *l, struct entry *e)
{
	static const uint16_t types[] = {
		FRAME_PAPER, FRAME_WAITING, FRAME_STARTED, FRAME_ATTACHED, FRAME_ENDED,
		FRAME_RESULT, FRAME_LEASE, FRAME_RECALL, FRAME_WORDS,
	};

	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		struct frame f = { .type = types[i], .slot = l->slot, .id = e->id };
		int fds[3] = { -1, -1, -1 };
		size_t n_fds = 0;

		if ((e->unsent & 1u << i) == 0)
			continue;
		if (e->ops->fill(e, &f, fds, &n_fds) &&
		    (!link_has_room(l) || !post_copies(l, &f, fds, n_fds)))
			return false;
		e->unsent &= ~(1u << i);
	}
	return true;
}

void
link_deliver(struct link *l, struct entry *e)
{
	if (e->is_late)
		return;
	if (TAILQ_EMPTY(&l->late) && entry_send(l, e))
		return;
	e->is_late = true;
	TAILQ_INSERT_TAIL(&l->late, e, next_late);
	link_look_again(l->broker);
}

void
link_forget(struct link *l, struct entry *e)
{
	if (e->is_late)
		TAILQ_REMOVE(&l->late, e, next_late);
	e->is_late = false;
	e->unsent = 0;
}

bool
link_flush(struct link *l)
{
	struct entry *e;

	while ((e = TAILQ_FIRST(&l->late)) != NULL) {
		if (!entry_send(l, e)) {
			link_look_again(l->broker);
			return false;
		}
		link_forget(l, e);
		e->ops->delivered(e);
	}
	return true;
}
