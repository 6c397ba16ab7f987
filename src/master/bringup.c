/* SPDX-License-Identifier: ISC */
/*
 * bringup: the steps of a process from its READY until it serves.
 */
#include "config.h"

#include "master/bringup.h"

#include "base/clock.h"
#include "master/links.h"

void
bringup_send(struct process *p, const struct edition *e)
{
	struct frame f = { .type = FRAME_PREPARE, .generation = e->conf->generation };
	/* Of those that listen, only those that are to stay get the sockets. */
	bool listens = p->rules->listens && edition_wants_worker(e, p->slot);
	int fds[FRAME_MAX_FDS] = { e->text };
	size_t n = 1;

	for (size_t i = 0; listens && i < e->listeners.n; i++) {
		if (e->conf->listeners[i].protocol == role_slot_protocol(p->slot))
			fds[n++] = e->listeners.list[i]->fd;
	}
	if (listens && role_slot_protocol(p->slot) == PROTOCOL_HTTP && e->conf->hooks_fd >= 0)
		fds[n++] = e->conf->hooks_fd;
	for (size_t i = 0; p->rules->has_keys && i < e->conf->n_listeners; i++) {
		if (e->conf->listeners[i].key_fd >= 0)
			fds[n++] = e->conf->listeners[i].key_fd;
	}
	if (p->rules->has_passwords && e->conf->passwords_fd >= 0)
		fds[n++] = e->conf->passwords_fd;
	if (p->rules->has_control_socket)
		fds[n++] = e->control->fd;
	process_tell(p, &f, fds, n);
}

void
bringup_prepare(struct process *p)
{
	p->state = PROCESS_PREPARING;
	p->offered = p->all->edition->conf->generation;
	p->owing_usec = clock_usec();
	bringup_send(p, p->all->edition);
}

void
bringup_on_ready(struct process *p)
{
	if (p->state != PROCESS_STARTING)
		return;
	p->state = PROCESS_PREPARING;
	links_open(p);
	bringup_prepare(p);
}

/* True if those that it awaits will soon know the configuration that it speaks of. */
static bool
must_wait(const struct process *p)
{
	const struct process *other;

	FOR_EACH_PROCESS(other, p->all) {
		if ((p->rules->awaits & ROLE_BIT(other->kind)) != 0 &&
		    other->state >= PROCESS_STARTING && other->state <= PROCESS_SERVING &&
		    other->generation < p->offered)
			return true;
	}
	return false;
}

/* Lets a process commit, or holds the process back. Meanwhile connections wait in the sockets. */
static void
commit(struct process *p)
{
	struct frame f = { .type = FRAME_COMMIT, .generation = p->offered };

	bool was_held = p->is_held;

	p->is_held = must_wait(p);
	if (p->is_held != was_held)
		p->owing_usec = p->is_held ? 0 : clock_usec();
	if (!p->is_held)
		process_tell(p, &f, NULL, 0);
}

void
bringup_release_held(struct processes *all)
{
	struct process *p;

	FOR_EACH_PROCESS(p, all) {
		if (p->state == PROCESS_PREPARING && p->is_held)
			commit(p);
	}
}

void
bringup_on_prepared(struct process *p, uint32_t generation)
{
	if (p->state == PROCESS_PREPARING && generation == p->offered)
		commit(p);
}

void
bringup_on_committed(struct process *p, uint32_t generation)
{
	bool is_first = p->generation == 0;

	if (p->state != PROCESS_PREPARING || generation != p->offered)
		return;
	p->generation = generation;
	if (is_first)
		links_serve(p);
	if (generation != p->all->edition->conf->generation) {
		/* A reload went past while it was starting. */
		bringup_prepare(p);
		return;
	}
	p->state = PROCESS_SERVING;
	p->owing_usec = 0;
	if (p->all->is_leaving && p->rules->listens)
		process_tell(p, &(struct frame){ .type = FRAME_LEAVING }, NULL, 0);
	bringup_release_held(p->all);
}
