/* SPDX-License-Identifier: ISC */
/* conn-admission: the limits of parties and of sources, as connections meet them. */
#include "config.h"

#include "net/conn-admission.h"

#include <errno.h>

#include "base/clock.h"
#include "net/listener.h"

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
	const struct door_ops *ops = p->net->door->ops;

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
	/* This worker's part is rounded up, so that a small limit lets somebody in. */
	if (p->source_connections != 0 && own * n_workers >= p->source_connections)
		return CONN_SOURCE_FULL;
	if (p->tls != NULL && p->source_handshakes != 0 && !pace_allows(&net->handshakes, source,
	    n_workers * USEC_PER_SEC / p->source_handshakes, net->loop->now_usec))
		return CONN_SOURCE_FAST;
	return CONN_ADMITTED;
}

void
conn_join(struct conn *c, const struct net_listener *p)
{
	c->peer.party->n_conns++;
	c->seat = shares_get(&c->net->parties.seats, &c->peer.party->share.party, p->id);
}

void
conn_leave(struct conn *c)
{
	party_keep(c->peer.party, &c->kept, 0);
	if (c->peer.party != NULL)
		c->peer.party->n_conns--;
	c->seat = shares_put(&c->net->parties.seats, c->seat);
}

uint64_t
conn_stranger_due(struct conn *c)
{
	const struct net_listener *p = c->listener;

	/* Over plain TCP without a proxy the address is all that a caller will ever have. */
	if (p->login_timeout_usec == 0 || c->peer.is_local || (p->tls == NULL && c->peer.via == NULL))
		return 0;
	if (peer_roles(&c->peer, c->net->conf) != 0 || peer_is_known(&c->peer))
		return 0;
	return c->opened_usec + p->login_timeout_usec;
}
