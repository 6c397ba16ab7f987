/* SPDX-License-Identifier: ISC */
/*
 * The worker's life: what the master says, and the loop.
 */
#include "config.h"

#include "worker/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "door/resp/respdoor.h"
#include "ipc/channel.h"
#include "ipc/logrec.h"
#include "ipc/roles.h"
#include "net/listener.h"

/* Leaves the loop once nothing is left to finish. */
static void
check_drained(struct worker *w)
{
	if ((w->net.stopping || w->retired) && w->net.n_conns == 0 && w->desk.n_calls == 0)
		w->done = true;
}

static void
send_master(struct worker *w, const struct frame *f)
{
	/* A master that does not read has other worries; it will ask again. */
	(void)channel_send(w->master.fd, f, NULL, 0);
}

/* ------------------------------------------------------ configuration --- */

static void
prepared_drop(struct worker *w)
{
	w->leases.prepared = w->prepared = conf_unref(w->prepared);
	channel_close_fds(w->prepared_fds, w->n_prepared_fds);
	w->n_prepared_fds = 0;
}

static void
refuse(struct worker *w, uint32_t generation, const char *why)
{
	struct frame f = { .type = FRAME_REFUSED, .generation = generation };

	(void)strlcpy(f.text, why, sizeof(f.text));
	prepared_drop(w);
	send_master(w, &f);
}

/*
 * fds[0] is the text, the rest are the listeners; all taken. No listeners at
 * all: there is one worker too many, and that is us.
 */
static void
on_prepare(struct worker *w, const struct frame *f, int *fds, size_t n_fds)
{
	struct frame answer = { .type = FRAME_PREPARED, .generation = f->generation };
	char why[sizeof(answer.text)];

	prepared_drop(w);
	for (size_t i = 1; i < n_fds; i++)
		w->prepared_fds[w->n_prepared_fds++] = TAKE_FD(fds[i]);
	if (conf_read_sealed(fds[0], f->generation, &w->prepared, why, sizeof(why)) < 0) {
		refuse(w, f->generation, why);
		return;
	}
	w->leases.prepared = w->prepared;
	if (w->n_prepared_fds != 0 && w->prepared->n_listeners != w->n_prepared_fds) {
		refuse(w, f->generation, "listeners and descriptors do not match");
		return;
	}
	send_master(w, &answer);
}

static void
on_commit(struct worker *w, const struct frame *f)
{
	struct frame answer = { .type = FRAME_COMMITTED, .generation = f->generation };
	struct conf *old;
	int r;

	if (w->prepared == NULL || w->prepared->generation != f->generation) {
		refuse(w, f->generation, "nothing prepared");
		return;
	}
	w->net.sealed = f->sealed;
	w->retired = w->n_prepared_fds == 0;
	if (w->retired) {
		listeners_retire(&w->net, w->prepared);
	} else if (!w->net.stopping) {
		r = listeners_replace(&w->net, w->prepared, w->prepared_fds, w->n_prepared_fds);
		if (r < 0) {
			refuse(w, f->generation, strerror(-r));
			return;
		}
	}
	old = worker_set_conf(w, TAKE_PTR(w->prepared));
	prepared_drop(w);
	stats_renumber(w->pages.own, old, w->conf);
	net_count(&w->net);
	log_set_level(w->conf->log_level);
	conf_unref(old);
	send_master(w, &answer);
	leases_reload(&w->leases);
	check_drained(w);
}

/* ---------------------------------------------------------------- stop --- */

static void
on_drain_over(struct loop_timer *t)
{
	struct worker *w = CONTAINER_OF(t, struct worker, drain);

	if (w->desk.n_calls > 0)
		log_warn("drain-timeout is over: %zu connections and %zu calls are cut",
		    w->net.n_conns, w->desk.n_calls);
	w->done = true;
}

/*
 * Each connection ends with the answer to what its client has sent until
 * now; one that is busy, when its request has ended.
 */
static void
on_stop(struct worker *w, uint64_t deadline)
{
	if (w->net.stopping)
		return;
	/* Who waits at a socket that ends for everybody is let in, and answered. */
	w->net.stopping = true;
	listeners_close(&w->net);
	net_count(&w->net);
	w->drain.fn = on_drain_over;
	loop_arm(&w->loop, &w->drain, deadline != 0 ? deadline : w->loop.now_usec);
	net_stop(&w->net);
	check_drained(w);
}

/* -------------------------------------------------------------- master --- */

static void
on_stats_page(struct worker *w, unsigned slot, int fd)
{
	struct stats_pages *p = &w->pages;

	stats_unmap(p->others[slot]);
	p->others[slot] = stats_map_other(fd);
	p->n_others = 0;
	for (size_t i = 0; i < CONF_MAX_WORKERS; i++)
		p->n_others += p->others[i] != NULL;
}

static void
on_list(struct worker *w, const struct frame *f, int fd)
{
	struct frame answer = { .type = FRAME_LISTED, .id = f->id };

	(void)calls_list(&w->desk, fd);
	send_master(w, &answer);
}

static void
on_kill(struct worker *w, uint64_t id)
{
	struct call *call = call_find(&w->desk, id);
	struct frame answer = {
		.type = FRAME_KILLED,
		.id = id,
		.cancel.found = call != NULL && !call->ended,
	};

	if (answer.cancel.found)
		call_cancel(call, CANCEL_BY_ADMIN);
	send_master(w, &answer);
}

static void
on_frame(struct worker *w, const struct frame *f, int *fds, size_t n_fds)
{
	struct frame pong = { .type = FRAME_PONG, .id = f->id };

	switch (f->type) {
	case FRAME_PREPARE:
		on_prepare(w, f, fds, n_fds);
		return;
	case FRAME_COMMIT:
		on_commit(w, f);
		return;
	case FRAME_ABORT:
		prepared_drop(w);
		return;
	case FRAME_LINK:
		if (n_fds == 2)
			brokerlink_attach(w, (struct mail_ends){
			    TAKE_FD(fds[0]), TAKE_FD(fds[1]) });
		return;
	case FRAME_UNLINK:
		/* The channel ends with the process. */
		return;
	case FRAME_STATS:
		on_stats_page(w, f->slot, fds[0]);
		return;
	case FRAME_LIST:
		on_list(w, f, fds[0]);
		return;
	case FRAME_KILL:
		on_kill(w, f->id);
		return;
	case FRAME_STOP:
		/* In the middle of a reload the numbers may be others': then all of them. */
		w->net.sealed = w->conf != NULL && w->conf->generation == f->generation ?
		    f->sealed : UINT32_MAX;
		on_stop(w, f->id);
		return;
	case FRAME_PING:
		w->pages.own->log_dropped = log_dropped_total();
		send_master(w, &pong);
		return;
	default:
		log_err("master sent an unexpected message, ignoring it: %s",
		    frame_type_name(f->type));
		return;
	}
}

static void
on_master(struct loop_io *io, uint32_t events)
{
	struct worker *w = CONTAINER_OF(io, struct worker, master);

	(void)events;
	while (!w->done) {
		int fds[FRAME_MAX_FDS];
		struct frame f;
		size_t n_fds;
		int r;

		r = channel_receive(io->fd, &f, fds, &n_fds);
		if (r == -EAGAIN)
			return;
		if (r != CHANNEL_OK) {
			/* The master is gone: nobody supervises us any more. */
			w->done = true;
			return;
		}
		on_frame(w, &f, fds, n_fds);
		channel_close_fds(fds, n_fds);
	}
}

/* --------------------------------------------------------------- set up --- */

/* As many descriptors as we may have, and how many connections that makes. */
static size_t
connection_limit(void)
{
	struct rlimit nofile;

	if (getrlimit(RLIMIT_NOFILE, &nofile) < 0)
		return ROLE_WORKER_RESERVE;
	if (nofile.rlim_cur < nofile.rlim_max) {
		nofile.rlim_cur = nofile.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &nofile);
		(void)getrlimit(RLIMIT_NOFILE, &nofile);
	}
	return (size_t)role_worker_connections(nofile.rlim_cur);
}

static void
on_less_calls(struct call_desk *desk)
{
	check_drained(CONTAINER_OF(desk, struct worker, desk));
}

static void
on_less_conns(struct net_desk *net)
{
	check_drained(CONTAINER_OF(net, struct worker, net));
}

void
worker_wire(struct worker *w)
{
	w->loop.on_stall = worker_on_stall;
	w->pages.slot = w->slot;
	brokerlink_init(w);
	net_init(&w->net, &w->loop, w->read);
	w->net.pages = &w->pages;
	w->net.door = &w->door.door;
	w->net.on_less = on_less_conns;
	leases_init(&w->leases, &w->loop, w->read);
	w->leases.post = brokerlink_post_lease;
	calls_init(&w->desk, &w->loop, w->read);
	w->desk.stats = w->pages.own;
	w->desk.slot = w->slot;
	w->desk.leases = &w->leases;
	w->desk.kits = &w->kits;
	w->desk.link = &brokerlink_ops;
	w->desk.on_less = on_less_calls;
	resp_door_init(&w->door);
	w->door.pages = &w->pages;
	w->door.net = &w->net;
	w->door.desk = &w->desk;
	w->door.started_usec = w->loop.now_usec;
}

struct conf *
worker_set_conf(struct worker *w, struct conf *c)
{
	struct conf *old = w->conf;

	w->conf = w->desk.conf = c;
	w->leases.conf = w->net.conf = w->door.conf = c;
	return old;
}

static int
worker_init(struct worker *w, unsigned slot)
{
	uint32_t random = 0;
	int r;

	w->slot = slot;
	r = loop_init(&w->loop);
	if (r < 0)
		return r;
	w->pages.own = stats_map_own(ROLE_STATS_FD);
	if (w->pages.own == NULL)
		return -errno;
	worker_wire(w);
	w->net.max_conns = connection_limit();
	w->net.spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (getrandom(&random, sizeof(random), GRND_NONBLOCK) < 0)
		random = 0;
	random ^= (uint32_t)clock_wall_usec();
	w->desk.id_high = (uint64_t)(random << 8 | slot) << 32;
	/* The page is that of the slot: the counters of a predecessor go on. */
	w->pages.own->pid = (uint32_t)getpid();
	w->master = (struct loop_io){ .fn = on_master, .fd = ROLE_CHANNEL_FD };
	return loop_add(&w->loop, &w->master, EPOLLIN);
}

void
worker_done(struct worker *w)
{
	listeners_close(&w->net);
	net_count(&w->net);
	leases_give_back(&w->leases);
	brokerlink_done(w);
	net_done(&w->net);
	calls_end(&w->desk);
	/* What the dead have asked of the broker, which hears of their end anyway. */
	brokerlink_done(w);
	calls_done(&w->desk);
	leases_done(&w->leases);
	net_bury(&w->net);
	prepared_drop(w);
	conf_unref(worker_set_conf(w, NULL));
	resp_door_done(&w->door);
	loop_disarm(&w->loop, &w->drain);
	loop_done(&w->loop);
}

void
worker_on_stall(struct loop *l, uint64_t usec)
{
	struct worker *w = CONTAINER_OF(l, struct worker, loop);

	net_on_stall(&w->net, usec);
	calls_on_stall(&w->desk, usec);
	leases_on_stall(&w->leases, usec);
}

int
worker_main(unsigned slot)
{
	struct frame ready = { .type = FRAME_READY, .slot = (uint16_t)slot };
	struct worker *w = calloc(1, sizeof(*w));
	int r;

	if (w == NULL)
		return ROLE_EXIT_SETUP;
	r = worker_init(w, slot);
	if (r < 0) {
		log_err("cannot start: %s", strerror(-r));
		return ROLE_EXIT_SETUP;
	}
	send_master(w, &ready);
	while (!w->done) {
		r = loop_turn(&w->loop);
		if (r < 0) {
			log_err("event loop: %s", strerror(-r));
			return ROLE_EXIT_SETUP;
		}
		worker_settle(w);
	}
	worker_done(w);
	free(w);
	return ROLE_EXIT_OK;
}
