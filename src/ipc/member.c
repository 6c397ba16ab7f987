/* SPDX-License-Identifier: ISC */
/*
 * A role's line to the master: reloads, links, stop. Allocates nothing but a
 * new configuration, because it runs in runner and broker.
 */
#include "config.h"

#include "ipc/member.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "ipc/channel.h"
#include "ipc/logrec.h"
#include "ipc/roles.h"

/* ---------------------------------------------------------------- saying --- */

bool
member_tell(struct member *m, const struct frame *f)
{
	return channel_send(m->master.fd, f, NULL, 0) >= 0;
}

static void
answer(struct member *m, const struct frame *f, enum frame_type type, const char *text)
{
	struct frame a = { .type = (uint16_t)type, .generation = f->generation, .id = f->id };

	if (text != NULL)
		(void)strlcpy(a.text, text, sizeof(a.text));
	(void)member_tell(m, &a);
}

void
member_accuse(struct member *m, uint16_t slot, uint64_t serial, const char *what)
{
	struct frame f = { .type = FRAME_FAULT, .slot = slot, .fault = { .serial = serial } };

	(void)strlcpy(f.fault.text, what, sizeof(f.fault.text));
	(void)member_tell(m, &f);
}

/* --------------------------------------------------------------- reloads --- */

static void
drop_prepared(struct member *m)
{
	if (m->ops->abort != NULL)
		m->ops->abort(m);
	m->prepared = conf_unref(m->prepared);
}

void
member_prepared(struct member *m, const char *refusal)
{
	const struct frame about = { .generation = m->prepared->generation };

	answer(m, &about, refusal == NULL ? FRAME_PREPARED : FRAME_REFUSED, refusal);
	if (refusal != NULL)
		drop_prepared(m);
}

static void
on_prepare(struct member *m, const struct frame *f, int *fds, size_t n_fds)
{
	char why[sizeof(f->text)];

	drop_prepared(m);
	if (m->ops->sockets != NULL)
		m->ops->sockets(m, fds + 1, n_fds - 1);
	if (conf_read_sealed(fds[0], f->generation, &m->prepared, why, sizeof(why)) < 0)
		answer(m, f, FRAME_REFUSED, why);
	else if (m->ops->prepare != NULL)
		m->ops->prepare(m);
	else
		member_prepared(m, NULL);
}

static bool
is_prepared(const struct member *m, const struct frame *f)
{
	return m->prepared != NULL && m->prepared->generation == f->generation;
}

static void
forget_past(struct member *m)
{
	for (size_t i = 0; i < MEMBER_PAST; i++)
		m->past[i] = conf_unref(m->past[i]);
}

static void
on_forget(struct loop_timer *t)
{
	forget_past(CONTAINER_OF(t, struct member, forget));
}

/* Former configurations can be large, so they stay only while a frame may mean them. */
static void
forget_later(struct member *m)
{
	uint64_t longest = 0, due;

	for (size_t i = 0; m->past[0] != NULL && i < m->past[0]->n_services; i++) {
		uint64_t wait = m->past[0]->services[i].queue_timeout_usec;

		longest = wait > longest ? wait : longest;
	}
	due = clock_usec() + MEMBER_PATIENCE_USEC + longest;
	if (!loop_timer_is_armed(&m->forget) || due > m->forget.due_usec)
		loop_arm(m->loop, &m->forget, due);
}

static void
on_commit(struct member *m, const struct frame *f)
{
	if (!is_prepared(m, f)) {
		answer(m, f, FRAME_REFUSED, "this generation was not prepared");
		return;
	}
	(void)conf_unref(m->past[MEMBER_PAST - 1]);
	memmove(&m->past[1], &m->past[0], (MEMBER_PAST - 1) * sizeof(m->past[0]));
	m->past[0] = m->current;
	m->current = TAKE_PTR(m->prepared);
	forget_later(m);
	log_set_level(m->current->log_level);
	m->sealed = f->sealed;
	m->refusal = NULL;
	if (m->ops->commit != NULL)
		m->ops->commit(m);
	if (m->ops->forgets)
		m->past[0] = conf_unref(m->past[0]);
	answer(m, f, m->refusal == NULL ? FRAME_COMMITTED : FRAME_REFUSED, m->refusal);
}

static struct conf *
find_conf(struct member *m, uint32_t generation)
{
	if (m->current != NULL && m->current->generation == generation)
		return m->current;
	for (size_t i = 0; i < MEMBER_PAST; i++) {
		if (m->past[i] != NULL && m->past[i]->generation == generation)
			return m->past[i];
	}
	return NULL;
}

struct conf *
member_conf(struct member *m, uint32_t generation)
{
	struct conf *c = find_conf(m, generation);

	if (c != NULL)
		return c;
	member_read(m);
	return find_conf(m, generation);
}

/* --------------------------------------------------------------- reading --- */

static void
on_frame(struct member *m, const struct frame *f, int *fds, size_t n_fds)
{
	switch (f->type) {
	case FRAME_PREPARE:
		on_prepare(m, f, fds, n_fds);
		return;
	case FRAME_COMMIT:
		on_commit(m, f);
		return;
	case FRAME_ABORT:
		if (is_prepared(m, f))
			drop_prepared(m);
		return;
	case FRAME_LINK:
		m->ops->link(m, f, fds, n_fds);
		return;
	case FRAME_UNLINK:
		if (m->ops->unlink != NULL)
			m->ops->unlink(m, f);
		return;
	case FRAME_STOP:
		/*
		 * During a reload the numbers may be those of the other configuration: then
		 * all listeners end.
		 */
		m->sealed = m->current != NULL && m->current->generation == f->generation ?
		    f->sealed : UINT32_MAX;
		if (m->ops->stop != NULL)
			m->ops->stop(m, f->id == 0 ? 1 : f->id);
		return;
	case FRAME_PING:
		if (m->ops->ping != NULL)
			m->ops->ping(m);
		answer(m, f, FRAME_PONG, NULL);
		return;
	default:
		if (m->ops->frame != NULL)
			m->ops->frame(m, f, fds, n_fds);
		return;
	}
}

void
member_read(struct member *m)
{
	int fds[FRAME_MAX_FDS], r;
	struct frame f;
	size_t n_fds;

	while (!m->is_over) {
		r = channel_receive(m->master.fd, &f, fds, &n_fds);
		if (r == -EAGAIN)
			return;
		m->is_over = r != CHANNEL_OK;
		if (m->is_over) {
			loop_remove(m->loop, &m->master);
			return;
		}
		on_frame(m, &f, fds, n_fds);
		channel_close_fds(fds, n_fds);
	}
}

static void
on_master(struct loop_io *io, uint32_t events)
{
	(void)events;
	member_read(CONTAINER_OF(io, struct member, master));
}

int
member_init(struct member *m, const struct member_ops *ops, struct loop *loop)
{
	int r;

	*m = (struct member){
		.ops = ops, .loop = loop, .master = { .fn = on_master, .fd = ROLE_CHANNEL_FD },
		.forget = { .fn = on_forget },
	};
	r = fd_set_nonblock(m->master.fd, true);
	return r < 0 ? r : loop_add(loop, &m->master, EPOLLIN);
}

int
member_run(struct member *m, const bool *is_stopping)
{
	int r = 0;

	(void)member_tell(m, &(struct frame){ .type = FRAME_READY });
	while (!m->is_over && !*is_stopping && r >= 0)
		r = loop_turn(m->loop);
	if (r < 0)
		log_err("event loop: %s", strerror(-r));
	return r < 0 ? ROLE_EXIT_SETUP : ROLE_EXIT_OK;
}

void
member_done(struct member *m)
{
	(void)conf_unref(m->current);
	(void)conf_unref(m->prepared);
	forget_past(m);
	loop_disarm(m->loop, &m->forget);
}
