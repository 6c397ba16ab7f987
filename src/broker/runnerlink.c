/* SPDX-License-Identifier: ISC */
/* Orders to the runner, and its reports. No allocation: this runs in the broker. */
#include "config.h"

#include "broker/runnerlink.h"

#include <string.h>

#include "broker/broker.h"
#include "broker/stock.h"
#include "ipc/job.h"
#include "ipc/logrec.h"

/* Each program has up to three orders, each kit one; the rest is reserve. */
#define RUNNER_LETTERS (3 * FRAME_MAX_REFS + FRAME_MAX_KITS + 1024)

static uint16_t
ref_of(const struct entry *e)
{
	return (uint16_t)table_slot(&e->broker->table, e);
}

void
runnerlink_start(struct entry *e, bool want_begun)
{
	struct broker *b = e->broker;
	struct frame f = {
		.type = FRAME_START,
		.slot = e->handler.is_handler ? STOCK_OWN_JOBS : e->link->slot,
		.generation = e->conf->generation,
		.id = e->id,
		.start = {
			.ref = ref_of(e), .kit = e->kit, .place = (uint16_t)job_place(e->job), .service = (uint16_t)e->service->number,
			.want_begun = want_begun,
		},
	};

	stock_forget(b, e->kit);
	e->kit = 0;
	(void)mail_post(&b->runner, &f, NULL, 0);
}

void
runnerlink_terminate(struct entry *e, uint64_t grace_usec)
{
	struct frame f = {
		.type = FRAME_TERMINATE, .terminate = { .ref = ref_of(e), .grace_usec = grace_usec },
	};

	(void)mail_post(&e->broker->runner, &f, NULL, 0);
}

void
runnerlink_signal(struct entry *e, int sig)
{
	struct frame f = { .type = FRAME_SIGNAL, .signal = { .ref = ref_of(e), .number = sig } };

	(void)mail_post(&e->broker->runner, &f, NULL, 0);
}

/* ------------------------------------------------------ what the runner says --- */

/* The entry that the runner's frame is about: one that the broker asked it to start. */
static struct entry *
find_ref(struct broker *b, uint16_t ref)
{
	struct entry *e = table_at(&b->table, ref);

	return e != NULL && (e->state == ENTRY_RUNNING || e->state == ENTRY_LINGERING) ? e : NULL;
}

static void
on_frame(struct mail *m, const struct frame *f, int *fds, size_t n_fds)
{
	struct broker *b = CONTAINER_OF(m, struct broker, runner);
	struct entry *e;

	switch (f->type) {
	case FRAME_KIT:
		stock_on_kit(b, f, fds, n_fds);
		return;
	case FRAME_JOBS:
		stock_on_jobs(b, f, fds, n_fds);
		return;
	case FRAME_NO_KIT:
		stock_on_none(b, f);
		return;
	case FRAME_BEGUN:
		e = find_ref(b, f->begun.ref);
		if (e != NULL)
			e->ops->begun(e, &f->begun);
		return;
	case FRAME_EXITED:
		e = find_ref(b, f->exited.ref);
		if (e != NULL)
			e->ops->exited(e, &f->exited);
		return;
	case FRAME_GONE:
		e = find_ref(b, f->ref);
		if (e != NULL)
			e->ops->gone(e);
		return;
	default:
		log_err("runner sent an unexpected message, ignoring it: %s",
		    frame_type_name(f->type));
		return;
	}
}

void
runnerlink_close(struct broker *b)
{
	struct entry *e = NULL;

	if (!mail_is_open(&b->runner))
		return;
	mail_close(&b->runner);
	stock_lost(b);
	while ((e = table_next(&b->table, e)) != NULL)
		e->ops->lost(e);
}

static void
on_lost(struct mail *m, enum mail_end how)
{
	(void)how;
	runnerlink_close(CONTAINER_OF(m, struct broker, runner));
}

void
runnerlink_init(struct broker *b)
{
	static const struct mail_ops ops = {
		.frame = on_frame, .lost = on_lost, .max_unsent = RUNNER_LETTERS,
	};

	mail_init(&b->runner, MAIL_BELOW, &b->loop, &ops);
}

void
runnerlink_open(struct broker *b, struct mail_ends ends, uint64_t serial)
{
	int error;

	runnerlink_close(b);
	b->runner_serial = serial;
	error = mail_open(&b->runner, ends);
	if (error < 0)
		log_err("cannot watch the link of the runner: %s", strerror(-error));
}
