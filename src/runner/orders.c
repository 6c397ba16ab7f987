/* SPDX-License-Identifier: ISC */
/* Orders of the broker, one function for each type. No allocation: this runs in the runner. */
#include "config.h"

#include "runner/orders.h"

#include <string.h>

#include "base/children.h"
#include "ipc/logrec.h"
#include "runner/runner.h"

/*
 * A function of this type takes one frame and returns what is wrong with it, or
 * NULL. An order for a program that has ended meanwhile is no error: EXITED is
 * on its way to the broker.
 */
typedef const char *order_fn(struct runner *r, const struct frame *f);

static const char *
on_terminate(struct runner *r, const struct frame *f)
{
	struct program *p = r->programs.by_ref[f->terminate.ref];

	if (p != NULL)
		program_terminate(p, f->terminate.grace_usec);
	return NULL;
}

static const char *
on_signal(struct runner *r, const struct frame *f)
{
	struct program *p = r->programs.by_ref[f->signal.ref];

	if (p != NULL)
		program_signal(p, f->signal.number);
	return NULL;
}

static const char *
on_ends(struct runner *r, const struct frame *f)
{
	return ends_order(&r->ends, f);
}

static const char *
on_weigh(struct runner *r, const struct frame *f)
{
	const struct program *p = r->programs.by_ref[f->ref];
	struct frame answer = { .type = FRAME_WEIGHED, .weighed.ref = f->ref };

	answer.weighed.bytes = p == NULL ? 0 : child_memory(p->pid);
	mail_mark_answer(&answer, f);
	(void)mail_post(&r->broker, &answer, NULL, 0);
	return NULL;
}

static order_fn *const orders[FRAME_TYPE_N] = {
	[FRAME_START] = program_start,
	[FRAME_TERMINATE] = on_terminate,
	[FRAME_SIGNAL] = on_signal,
	[FRAME_MAKE_KITS] = on_ends,
	[FRAME_MAKE_JOBS] = on_ends,
	[FRAME_UNKIT] = on_ends,
	[FRAME_WEIGH] = on_weigh,
};

/* Ends the link of a broker that has broken the rules, and tells the master. */
static void
orders_refuse(struct runner *r, const char *what)
{
	r->stats->bad_frames++;
	member_accuse(&r->member, r->broker_slot, r->broker_serial, what);
	orders_close(r);
}

static void
on_order(struct mail *m, const struct frame *f, int *fds, size_t n_fds)
{
	struct runner *r = CONTAINER_OF(m, struct runner, broker);
	const char *wrong = "sent a message that is not for the runner";

	(void)fds;
	(void)n_fds;
	if (orders[f->type] != NULL)
		wrong = orders[f->type](r, f);
	if (wrong != NULL)
		orders_refuse(r, wrong);
}

static void
on_lost(struct mail *m, enum mail_end how)
{
	struct runner *r = CONTAINER_OF(m, struct runner, broker);

	if (how == MAIL_BAD)
		orders_refuse(r, "sent a bad message");
	else
		orders_close(r);
}

void
orders_init(struct runner *r)
{
	static const struct mail_ops ops = {
		.frame = on_order, .lost = on_lost, .max_unsent = RUNNER_MAX_LETTERS,
	};

	mail_init(&r->broker, MAIL_ABOVE, &r->loop, &ops);
}

void
orders_close(struct runner *r)
{
	if (!mail_is_open(&r->broker))
		return;
	mail_close(&r->broker);
	ends_drop_all(&r->ends);
	programs_disown(r);
}

void
orders_open(struct runner *r, struct mail_ends ends, uint16_t slot, uint64_t serial)
{
	int error;

	orders_close(r);
	r->broker_slot = slot;
	r->broker_serial = serial;
	error = mail_open(&r->broker, ends);
	if (error < 0)
		log_err("cannot watch the link of the broker: %s", strerror(-error));
}
