/* SPDX-License-Identifier: ISC */
/* worker: the life of a worker: the messages of the master, and the loop. */
#include "config.h"

#include "worker/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "door/http/hookmac.h"
#include "door/http/httpdoor.h"
#include "door/http/httplisten.h"
#include "door/resp/respdoor.h"
#include "ipc/channel.h"
#include "ipc/confinement.h"
#include "ipc/logrec.h"
#include "ipc/roles.h"
#include "net/listener.h"

/* A worker that rests after so many requests gives memory back. */
#define TRIM_REQUESTS 1000

/*
 * Leaves the loop when the worker stops or is retired, and no connection and no
 * call is left.
 */
static void
check_drained(struct worker *w)
{
	if ((w->net.stopping || w->retired) && w->net.n_conns == 0 && w->desk.n_calls == 0)
		w->done = true;
}

/* ------------------------------------------------------ configuration --- */

static struct worker *
worker_of(struct member *m)
{
	return CONTAINER_OF(m, struct worker, member);
}

static void
on_abort(struct member *m)
{
	struct worker *w = worker_of(m);

	w->leases.prepared = NULL;
	channel_close_fds(w->prepared_fds, w->n_prepared_fds);
	w->n_prepared_fds = 0;
}

static void
on_sockets(struct member *m, int *fds, size_t n_fds)
{
	struct worker *w = worker_of(m);

	for (size_t i = 0; i < n_fds; i++)
		w->prepared_fds[w->n_prepared_fds++] = TAKE_FD(fds[i]);
}

/* The listeners of a configuration that speak the protocol of this worker. */
static size_t
count_listeners(const struct worker *w, const struct conf *c)
{
	size_t n = 0;

	for (size_t i = 0; i < c->n_listeners; i++)
		n += c->listeners[i].protocol == role_slot_protocol(w->slot);
	return n;
}

/* True if this worker gets the secrets of webhooks, behind its listeners. */
static bool
has_secrets(const struct worker *w, const struct conf *c)
{
	return role_slot_protocol(w->slot) == PROTOCOL_HTTP && c->has_hooks;
}

/* No listeners at all: there is one worker too many, and that is this one. */
static void
on_prepare(struct member *m)
{
	struct worker *w = worker_of(m);
	bool fits = w->n_prepared_fds == 0 ||
	    count_listeners(w, m->prepared) + has_secrets(w, m->prepared) == w->n_prepared_fds;

	w->leases.prepared = m->prepared;
	member_prepared(m, fits ? NULL : "listeners and descriptors do not match");
}

/* Listens at the prepared sockets, which are those of our protocol in their order. 0 or -errno. */
static int
replace_listeners(struct worker *w, struct conf *c)
{
	int fds[CONF_MAX_LISTENERS];
	size_t next = 0;

	for (size_t i = 0; i < c->n_listeners; i++) {
		fds[i] = -1;
		if (c->listeners[i].protocol != role_slot_protocol(w->slot))
			continue;
		fds[i] = TAKE_FD(w->prepared_fds[next]);
		next++;
	}
	if (has_secrets(w, c) || w->http.secrets.data != NULL) {
		int r = http_door_set_secrets(&w->http, has_secrets(w, c) ? w->prepared_fds[next] : -1);

		if (r < 0)
			return r;
	}
	return listeners_replace(&w->net, c, fds, c->n_listeners);
}

static void
on_commit(struct member *m)
{
	struct worker *w = worker_of(m);
	struct conf *old;
	int r = 0;

	w->net.sealed = m->sealed;
	w->retired = w->n_prepared_fds == 0;
	if (w->retired)
		listeners_retire(&w->net, m->current);
	else if (!w->net.stopping)
		r = replace_listeners(w, m->current);
	if (r < 0) {
		m->refusal = strerror(-r);
		return;
	}
	on_abort(m);
	old = worker_set_conf(w, conf_ref(m->current));
	stats_renumber(w->pages.own, old, w->conf);
	net_count(&w->net);
	conf_unref(old);
	leases_reload(&w->leases);
	calls_judge_anew(&w->desk);
	http_listen_judge_anew(&w->http);
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
 * Ends each connection with the answers to the requests that its client has
 * sent until now. A busy connection ends with its last request.
 */
static void
on_stop(struct member *m, uint64_t deadline)
{
	struct worker *w = worker_of(m);

	w->net.sealed = m->sealed;
	if (w->net.stopping)
		return;
	/*
	 * Clients that wait at a socket which ends in all workers are accepted
	 * and answered.
	 */
	w->net.stopping = true;
	listeners_close(&w->net);
	net_count(&w->net);
	w->drain.fn = on_drain_over;
	loop_arm(&w->loop, &w->drain, deadline);
	http_listen_stop(&w->http);
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
	for (unsigned i = 0; i < CONF_MAX_WORKERS; i++)
		p->n_others += stats_pages_peer(p, i) != NULL;
}

static void
on_link(struct member *m, const struct frame *f, int *fds, size_t n_fds)
{
	struct worker *w = worker_of(m);
	struct mail_ends ends;

	if (n_fds != 2)
		return;
	ends = (struct mail_ends){ TAKE_FD(fds[0]), TAKE_FD(fds[1]) };
	if (f->slot == ROLE_PROCESS(ROLE_KEYS, 0)) {
		tlslink_attach(&w->tls.link, ends);
		listeners_on_keys(&w->net);
	} else if (f->slot == ROLE_PROCESS(ROLE_AUTH, 0))
		authlink_attach(&w->auth, ends);
	else if (f->slot == ROLE_PROCESS(ROLE_CONTROL, 0))
		controllink_attach(w, ends);
	else
		brokerlink_attach(w, ends);
}

/* Gives the memory of a load that is over back to the system, as the allocator keeps it. */
static void
trim_memory(struct worker *w)
{
	if (w->desk.n_calls > 0 || w->pages.own->requests_total - w->trimmed_at < TRIM_REQUESTS)
		return;
	(void)malloc_trim(0);
	w->trimmed_at = w->pages.own->requests_total;
}

static void
on_ping(struct member *m)
{
	struct worker *w = worker_of(m);

	w->pages.own->log_dropped = log_dropped_total();
	trim_memory(w);
}

static void
on_frame(struct member *m, const struct frame *f, int *fds, size_t n_fds)
{
	if (f->type == FRAME_STATS && n_fds == 1)
		on_stats_page(worker_of(m), f->slot, fds[0]);
	if (f->type == FRAME_LEAVING)
		worker_of(m)->net.is_leaving = true;
}

/* A channel that is to be closed (UNLINK) ends with its process. */
static const struct member_ops member_ops = {
	.sockets = on_sockets,
	.prepare = on_prepare,
	.abort = on_abort,
	.commit = on_commit,
	.link = on_link,
	.stop = on_stop,
	.ping = on_ping,
	.frame = on_frame,
	.forgets = true,
};

/* --------------------------------------------------------------- set up --- */

/*
 * Raises the limit of descriptors as far as possible. Returns the number of
 * connections for which that is enough.
 */
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

/* A number that nobody knows, and that is not 0. */
static size_t
random_seed(void)
{
	size_t seed = 0;

	if (getrandom(&seed, sizeof(seed), GRND_NONBLOCK) < 0)
		seed = (size_t)clock_wall_usec();
	return seed | 1;
}

void
worker_wire(struct worker *w)
{
	w->loop.on_stall = worker_on_stall;
	w->pages.slot = w->slot;
	brokerlink_init(w);
	controllink_init(w);
	net_init(&w->net, &w->loop, w->read);
	w->net.pages = &w->pages;
	tls_desk_init(&w->tls, &w->loop);
	w->net.tls = &w->tls;
	w->net.doors[PROTOCOL_RESP] = &w->door.door;
	authlink_init(&w->auth, &w->loop);
	w->net.doors[PROTOCOL_HTTP] = &w->http.door;
	w->net.on_less = on_less_conns;
	leases_init(&w->leases, &w->loop, w->read);
	w->leases.post = brokerlink_post_lease;
	calls_init(&w->desk, &w->loop, w->read);
	w->desk.stats = w->pages.own;
	w->desk.slot = w->slot;
	w->desk.leases = &w->leases;
	w->desk.kits = &w->kits;
	w->desk.net = &w->net;
	w->desk.link = &brokerlink_ops;
	w->desk.on_less = on_less_calls;
	resp_door_init(&w->door);
	w->door.pages = &w->pages;
	w->door.net = &w->net;
	w->door.auth = &w->auth;
	w->door.desk = &w->desk;
	w->door.started_usec = w->loop.now_usec;
	http_door_init(&w->http, random_seed());
	w->http.pages = &w->pages;
	w->http.net = &w->net;
	w->http.auth = &w->auth;
	w->http.desk = &w->desk;
}

struct conf *
worker_set_conf(struct worker *w, struct conf *c)
{
	struct conf *old = w->conf;

	w->conf = w->desk.conf = c;
	w->leases.conf = w->net.conf = w->door.conf = w->http.conf = c;
	w->net.parties.max_bytes = c == NULL ? 0 : c->kept_limit;
	w->net.parties.has_freed = true;
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
	r = tls_desk_load(&w->tls);
	if (r < 0)
		return r;
	r = hookmac_load();
	if (r < 0)
		return r;
	w->net.max_conns = connection_limit();
	w->net.spare_fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0);
	if (getrandom(&random, sizeof(random), GRND_NONBLOCK) < 0)
		random = 0;
	random ^= (uint32_t)clock_wall_usec();
	w->desk.id_high = (uint64_t)(random << 8 | slot) << 32;
	/*
	 * The stats page belongs to the slot, so the counters of an earlier
	 * worker in this slot go on.
	 */
	w->pages.own->pid = (uint32_t)getpid();
	w->trimmed_at = w->pages.own->requests_total;
	return member_init(&w->member, &member_ops, &w->loop);
}

void
worker_done(struct worker *w)
{
	listeners_close(&w->net);
	net_count(&w->net);
	leases_give_back(&w->leases);
	brokerlink_done(w);
	controllink_done(w);
	net_done(&w->net);
	authlink_done(&w->auth);
	calls_end(&w->desk);
	/*
	 * Drop questions to the broker. It hears of the end of this worker
	 * anyway.
	 */
	brokerlink_done(w);
	calls_done(&w->desk);
	leases_done(&w->leases);
	net_bury(&w->net);
	tls_desk_done(&w->tls);
	on_abort(&w->member);
	member_done(&w->member);
	conf_unref(worker_set_conf(w, NULL));
	resp_door_done(&w->door);
	http_door_done(&w->http);
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
	if (confinement_begin(ROLE_WORKER, slot) < 0)
		return ROLE_EXIT_SETUP;
	(void)member_tell(&w->member, &ready);
	while (!w->done && !w->member.is_over) {
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
