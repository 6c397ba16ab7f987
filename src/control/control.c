/* SPDX-License-Identifier: ISC */
/*
 * control: the life of the role: what the master says, and the loop.
 */
#include "config.h"

#include "control/control.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "control/controlverbs.h"
#include "ipc/channel.h"
#include "ipc/confinement.h"
#include "ipc/logrec.h"
#include "ipc/stats.h"

static struct control *
control_of(struct member *m)
{
	return CONTAINER_OF(m, struct control, member);
}

static void
on_abort(struct member *m)
{
	struct control *c = control_of(m);

	channel_close_fds(&c->prepared_socket, 1);
}

static void
on_sockets(struct member *m, int *fds, size_t n_fds)
{
	if (n_fds > 0)
		control_of(m)->prepared_socket = TAKE_FD(fds[0]);
}

static void
on_commit(struct member *m)
{
	struct control *c = control_of(m);

	if (!c->is_stopping)
		control_socket_listen(&c->socket, TAKE_FD(c->prepared_socket));
}

static void
on_link(struct member *m, const struct frame *f, int *fds, size_t n_fds)
{
	if (f->slot < CONF_MAX_WORKERS && n_fds == 2)
		worker_links_attach(&control_of(m)->workers, f, (struct mail_ends){
		    TAKE_FD(fds[0]), TAKE_FD(fds[1]) });
}

static void
on_unlink(struct member *m, const struct frame *f)
{
	worker_links_detach(&control_of(m)->workers, f);
}

/*
 * All others have ended. What is in the way to clients is sent at the end of this
 * turn; nobody is let in any more.
 */
static void
on_stop(struct member *m, uint64_t due_usec)
{
	struct control *c = control_of(m);

	(void)due_usec;
	c->is_stopping = true;
	control_socket_listen(&c->socket, -1);
}

static void
on_frame(struct member *m, const struct frame *f, int *fds, size_t n_fds)
{
	struct control *c = control_of(m);

	if (f->type == FRAME_RESTARTED) {
		control_on_restarted(c, f);
	} else if (f->type == FRAME_TOLD) {
		control_on_told(c, f, n_fds > 0 ? fds[0] : -1);
	} else if (f->type == FRAME_STATS) {
		stats_unmap(c->pages[f->slot]);
		c->pages[f->slot] = stats_map_other(fds[0]);
	}
}

static const struct member_ops member_ops = {
	.sockets = on_sockets,
	.abort = on_abort,
	.commit = on_commit,
	.link = on_link,
	.unlink = on_unlink,
	.stop = on_stop,
	.frame = on_frame,
	.forgets = true,
};

static int
control_init(struct control *c)
{
	int r = loop_init(&c->loop);

	if (r < 0)
		return r;
	c->prepared_socket = -1;
	/* Larger than all that predecessors have asked: what they are told late is not for us. */
	c->last_id = clock_usec();
	worker_links_init(&c->workers, &c->loop, &c->member);
	control_socket_init(&c->socket, &c->loop, &control_verbs);
	return member_init(&c->member, &member_ops, &c->loop);
}

int
control_main(void)
{
	static struct control control;
	struct control *c = &control;
	int r = control_init(c), status;

	if (r < 0) {
		log_err("cannot start: %s", strerror(-r));
		return ROLE_EXIT_SETUP;
	}
	if (confinement_begin(ROLE_CONTROL, 0) < 0)
		return ROLE_EXIT_SETUP;
	status = member_run(&c->member, &c->is_stopping);
	worker_links_done(&c->workers);
	member_done(&c->member);
	return status;
}
