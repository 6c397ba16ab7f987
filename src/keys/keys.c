/* SPDX-License-Identifier: ISC */
/* keys: the life of the role: what the master says, and the questions of workers. */
#include "config.h"

#include "keys/keys.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "ipc/asker.h"
#include "ipc/channel.h"
#include "ipc/confinement.h"
#include "ipc/logrec.h"
#include "ipc/member.h"
#include "keys/keyring.h"

/*
 * Handshakes that have begun under the former configuration end with the former keys;
 * no handshake may take longer.
 */
#define FORMER_USEC (10 * USEC_PER_SEC)

/* A worker, which asks for signatures. */
struct keys_asker {
	struct keys *keys;
	struct asker link;
};

struct keys {
	struct loop loop;
	struct member member;
	struct keyring prepared, current, former;
	const char *wrong;	/* with the keys that are being prepared; NULL: nothing */
	int prepared_fds[CONF_MAX_LISTENERS];
	size_t n_prepared_fds;
	struct loop_timer forget;
	struct keys_asker askers[CONF_MAX_WORKERS];
	bool is_stopping;
};

/* ------------------------------------------------------------ questions --- */

static void
answer(struct keys_asker *a, const struct signing_ask *ask)
{
	struct signing_answer with = { .id = ask->id };
	int n = keyring_sign(&a->keys->current, ask, with.signature);

	/* A handshake that has begun under the former rules ends under them. */
	if (n <= 0)
		n = keyring_sign(&a->keys->former, ask, with.signature);
	with.len = n > 0 ? (uint16_t)n : 0;
	/* A worker asks one question at a time: if it does not read, that is its own loss. */
	(void)asker_send(&a->link, &with, sizeof(with));
}

/* One question in a turn: the workers are served by turns. */
static void
on_question(struct loop_io *io, uint32_t events)
{
	struct keys_asker *a = CONTAINER_OF(io, struct keys_asker, link.in);
	struct signing_ask ask;

	(void)events;
	if (asker_read(&a->link, &ask, sizeof(ask), "sent a question for a signature that is no question"))
		answer(a, &ask);
}

static void
on_link(struct member *m, const struct frame *f, int *fds, size_t n_fds)
{
	struct keys *k = CONTAINER_OF(m, struct keys, member);

	if (f->slot < CONF_MAX_WORKERS && n_fds == 2)
		asker_link(&k->askers[f->slot].link, f, fds);
}

static void
on_unlink(struct member *m, const struct frame *f)
{
	struct keys *k = CONTAINER_OF(m, struct keys, member);

	if (f->slot < CONF_MAX_WORKERS)
		asker_unlink(&k->askers[f->slot].link, f);
}

/* -------------------------------------------------------------- reloads --- */

static void
on_sockets(struct member *m, int *fds, size_t n_fds)
{
	struct keys *k = CONTAINER_OF(m, struct keys, member);

	for (size_t i = 0; i < n_fds && i < CONF_MAX_LISTENERS; i++)
		k->prepared_fds[k->n_prepared_fds++] = TAKE_FD(fds[i]);
}

/* The descriptors come in the order of the listeners that speak TLS. */
static const char *
read_keys(struct keys *k, const struct conf *c)
{
	const char *wrong = NULL;
	size_t n = 0;

	for (size_t i = 0; i < c->n_listeners && wrong == NULL; i++) {
		if (!c->listeners[i].tls)
			continue;
		wrong = n == k->n_prepared_fds ? "the file of a private key is missing" :
		    keyring_add(&k->prepared, k->prepared_fds[n], c->listeners[i].cert.pin,
			c->listeners[i].minimum);
		n++;
	}
	return wrong;
}

static void
on_prepare(struct member *m)
{
	struct keys *k = CONTAINER_OF(m, struct keys, member);
	const char *wrong = read_keys(k, m->prepared);

	channel_close_fds(k->prepared_fds, k->n_prepared_fds);
	k->n_prepared_fds = 0;
	member_prepared(m, wrong);
}

static void
on_abort(struct member *m)
{
	struct keys *k = CONTAINER_OF(m, struct keys, member);

	keyring_done(&k->prepared);
	channel_close_fds(k->prepared_fds, k->n_prepared_fds);
	k->n_prepared_fds = 0;
}

static void
on_forget(struct loop_timer *t)
{
	keyring_done(&CONTAINER_OF(t, struct keys, forget)->former);
}

static void
on_commit(struct member *m)
{
	struct keys *k = CONTAINER_OF(m, struct keys, member);

	keyring_done(&k->former);
	k->former = k->current;
	k->current = k->prepared;
	k->prepared = (struct keyring){ .n = 0 };
	loop_arm(&k->loop, &k->forget, k->loop.now_usec + FORMER_USEC);
}

static void
on_stop(struct member *m, uint64_t due_usec)
{
	(void)due_usec;
	CONTAINER_OF(m, struct keys, member)->is_stopping = true;
}

static const struct member_ops member_ops = {
	.sockets = on_sockets,
	.prepare = on_prepare,
	.abort = on_abort,
	.commit = on_commit,
	.link = on_link,
	.unlink = on_unlink,
	.stop = on_stop,
	.forgets = true,
};

static int
keys_init(struct keys *k)
{
	int r = loop_init(&k->loop);

	k->forget.fn = on_forget;
	if (r >= 0)
		r = member_init(&k->member, &member_ops, &k->loop);
	for (size_t i = 0; i < CONF_MAX_WORKERS; i++) {
		k->askers[i].keys = k;
		asker_init(&k->askers[i].link, &k->member, on_question, NULL);
	}
	return r < 0 ? r : keyring_load();
}

int
keys_main(void)
{
	static struct keys keys;
	struct keys *k = &keys;
	int r = keys_init(k), status;

	if (r < 0) {
		log_err("cannot start: %s", strerror(-r));
		return ROLE_EXIT_SETUP;
	}
	if (confinement_begin(ROLE_KEYS, 0) < 0)
		return ROLE_EXIT_SETUP;
	status = member_run(&k->member, &k->is_stopping);
	for (size_t i = 0; i < CONF_MAX_WORKERS; i++)
		asker_close(&k->askers[i].link);
	keyring_done(&k->prepared);
	keyring_done(&k->current);
	keyring_done(&k->former);
	member_done(&k->member);
	return status;
}
