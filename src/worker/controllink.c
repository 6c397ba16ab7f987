/* SPDX-License-Identifier: ISC */
/*
 * controllink: questions of control, each answered at once.
 */
#include "config.h"

#include "worker/controllink.h"

#include "base/cleanup.h"
#include "ipc/logrec.h"
#include "worker/worker.h"

static void
on_frame(struct mail *m, const struct frame *f, int *fds, size_t n_fds)
{
	struct worker *w = CONTAINER_OF(m, struct worker, control.mail);
	struct frame answer = { .type = FRAME_LISTED };
	struct call *call;

	mail_mark_answer(&answer, f);
	switch (f->type) {
	case FRAME_LIST:
		if (n_fds > 0)
			(void)calls_list(&w->desk, f->text, fds[0]);
		break;
	case FRAME_KILL:
		call = call_find(&w->desk, f->id);
		answer.type = FRAME_KILLED;
		answer.cancel.found = call != NULL && !call->ended;
		if (answer.cancel.found)
			call_cancel(call, CANCEL_BY_ADMIN);
		break;
	default:
		log_err("control sent an unexpected message, ignoring it: %s",
		    frame_type_name(f->type));
		return;
	}
	(void)mail_post(m, &answer, NULL, 0);
}

static void
on_lost(struct mail *m, enum mail_end how)
{
	(void)how;
	mail_close(m);
}

static const struct mail_ops mail_ops = {
	.frame = on_frame,
	.lost = on_lost,
	.max_unsent = CONTROL_LETTERS,
};

void
controllink_init(struct worker *w)
{
	mail_init(&w->control.mail, MAIL_BELOW, &w->loop, &mail_ops);
}

void
controllink_done(struct worker *w)
{
	mail_close(&w->control.mail);
}

void
controllink_attach(struct worker *w, struct mail_ends ends)
{
	struct controllink *l = &w->control;

	mail_close(&l->mail);
	(void)mail_open(&l->mail, ends);
}
