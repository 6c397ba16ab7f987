/* SPDX-License-Identifier: ISC */
/* conn-admission: the limits of parties and of sources, as connections meet them. */
#include "config.h"

#include "net/conn-admission.h"

#include <errno.h>

#include "base/clock.h"
#include "net/listener.h"

/* Handshakes of so many seconds may begin at once. */
#define HANDSHAKES_SEC 5

const char *
conn_verdict_text(enum conn_verdict v)
{
	switch (v) {
	case CONN_ADMITTED: break;
	case CONN_CROWDED:
		return "the caller has its share of the connections, three quarters at most";
	case CONN_SOURCE_FULL: return "source-connections of the listener is reached";
	case CONN_SOURCE_FAST: return "source-handshakes of the listener is reached";
	}
	return "";
}

const char *
conn_verdict_words(enum conn_verdict v, const struct net_listener *p)
{
	const struct door_ops *ops = p->door->ops;

	/* In the middle of a TLS handshake the text would be taken for a broken record. */
	return p->tls != NULL ? NULL : v == CONN_CROWDED ? ops->crowded : ops->full;
}

int
conn_find_party(struct conn *c)
{
	struct parties *all = &c->net->parties;
	struct digest name;
	struct caller who;

	peer_caller(&c->peer, c->net->conf, &who);
	caller_party(&who, &name);
	c->peer.party = party_get(all, &name);
	return c->peer.party == NULL ? -ENOMEM : 0;
}

/*
 * True if the party may have one more connection, of all workers and of the listener.
 * The other workers are taken to have as many of its connections as this one, because the
 * workers take turns.
 */
static bool
has_room(const struct conn *c, const struct net_listener *p, uint64_t own, uint64_t n_workers)
{
	struct net_desk *net = c->net;
	size_t most = net->max_conns + LISTENER_OVERSHOOT;
	uint64_t used;

	if (!share_allows(c->peer.party->n_conns * n_workers,
	    stats_pages_free_connections(net->pages, most), 1))
		return false;
	/* A listener that has gone has no number, and takes no more. */
	if (p->gone)
		return true;
	used = stats_pages_port_connections(net->pages, p->number, most, p->max_connections);
	return share_allows(own * n_workers,
	    used < p->max_connections ? p->max_connections - used : 0, 1);
}

/* The verdict on a source at another machine that has so many connections here already. */
static enum conn_verdict
judge_source(const struct net_desk *net, const struct net_listener *p, uint64_t key, uint64_t own)
{
	const struct tally_rate handshakes = {
		.n = p->source_handshakes * HANDSHAKES_SEC, .span_sec = HANDSHAKES_SEC,
	};
	uint64_t wait;

	if (p->source_connections != 0 &&
	    own + tally_of_others(net->pages, key).connections >= p->source_connections)
		return CONN_SOURCE_FULL;
	if (p->tls != NULL && handshakes.n != 0 &&
	    !tally_begin(net->pages, key, handshakes, net->loop->now_usec, &wait))
		return CONN_SOURCE_FAST;
	return CONN_ADMITTED;
}

enum conn_verdict
conn_judge(const struct conn *c, const struct net_listener *p, bool is_proxy)
{
	struct net_desk *net = c->net;
	const struct digest *source = &c->peer.party->share.party;
	uint64_t own = shares_count(&net->parties.seats, source, p->id);
	uint64_t n_workers = net->pages->n_others + 1;

	if (!has_room(c, p, own, n_workers))
		return CONN_CROWDED;
	if (is_proxy || c->peer.is_local)
		return CONN_ADMITTED;
	return judge_source(net, p, tally_key(&net->pages->own->tally, source, p->url), own);
}

/* Tells the other workers what the party of the seat has here. */
static void
seat_tell(const struct net_desk *net, const struct seat *s, uint32_t n_conns)
{
	if (s->key != 0)
		tally_set(&net->pages->own->tally, s->key, n_conns, s->n_strangers, 0,
		    net->loop->now_usec);
}

void
conn_join(struct conn *c, const struct net_listener *p)
{
	const struct digest *source = &c->peer.party->share.party;
	struct net_desk *net = c->net;
	struct share *s = shares_get(&net->parties.seats, source, p->id);

	c->peer.party->n_conns++;
	if (s == NULL)
		return;
	c->seat = CONTAINER_OF(s, struct seat, share);
	if (c->seat->key == 0 && !c->peer.is_local)
		c->seat->key = tally_key(&net->pages->own->tally, source, p->url);
	seat_tell(net, c->seat, s->n);
}

void
conn_leave(struct conn *c)
{
	party_keep(c->peer.party, &c->kept, 0);
	if (c->peer.party != NULL)
		c->peer.party->n_conns--;
	if (c->seat == NULL)
		return;
	seat_tell(c->net, c->seat, c->seat->share.n - 1);
	(void)shares_put(&c->net->parties.seats, &c->seat->share);
	c->seat = NULL;
}

uint64_t
conn_stranger_due(struct conn *c)
{
	const struct net_listener *p = c->listener;

	/* Over plain TCP without a proxy the address is all that a caller will ever have. */
	if (p->login_timeout_usec == 0 || c->peer.is_local || (p->tls == NULL && c->peer.via == NULL))
		return 0;
	if (peer_roles(&c->peer, c->net->conf) != 0 || c->peer.login != NULL)
		return 0;
	return c->opened_usec + p->login_timeout_usec;
}
