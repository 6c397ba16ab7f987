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
	case CONN_ADMITTED:
	case CONN_FULL: break;
	case CONN_CROWDED:
		return "the caller has its share of the connections, three quarters at most";
	case CONN_SOURCE_FULL: return "source-connections of the listener is reached";
	case CONN_SOURCE_FAST: return "source-handshakes of the listener is reached";
	case CONN_SOURCE_STRANGE: return "source-strangers of the listener is reached";
	}
	return "";
}

enum refusal
conn_verdict_kind(enum conn_verdict v)
{
	switch (v) {
	case CONN_SOURCE_FULL: return REFUSAL_SOURCE;
	case CONN_SOURCE_FAST: return REFUSAL_HANDSHAKES;
	case CONN_SOURCE_STRANGE: return REFUSAL_STRANGER;
	default: return REFUSAL_FULL;
	}
}

void
conn_count_verdict(struct net_desk *net, enum conn_verdict v)
{
	if (v == CONN_CROWDED)
		net->pages->own->over_share++;
	else
		net->pages->own->over_limit++;
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

void
conn_limit_stranger(const struct conn *c, struct request_limits *limits)
{
	uint32_t request_limit = c->stream.ops->is_sealed ? STRANGER_REQUEST_LIMIT_TLS :
	    STRANGER_REQUEST_LIMIT;

	if (limits->max_arguments > STRANGER_MAX_ARGUMENTS)
		limits->max_arguments = STRANGER_MAX_ARGUMENTS;
	if (limits->argument_limit > STRANGER_ARGUMENT_LIMIT)
		limits->argument_limit = STRANGER_ARGUMENT_LIMIT;
	if (limits->request_limit > request_limit)
		limits->request_limit = request_limit;
}

/* True if the peer has neither a role nor a login, and is on another machine. */
static bool
is_stranger(struct conn *c)
{
	/* The roles come first: to look for them finds the login of a key. */
	return !c->peer.is_local && !c->is_proxy && !c->is_front && peer_roles(&c->peer, c->net->conf) == 0 &&
	    c->peer.login == NULL;
}

/* The verdict on a peer on another machine; seat: what its party has here, NULL: nothing. */
static enum conn_verdict
judge_source(struct conn *c, const struct net_listener *p, const struct seat *seat)
{
	const struct net_desk *net = c->net;
	uint64_t key = tally_key(&net->pages->own->tally, &c->peer.party->share.party, p->url);
	const struct tally_row others = tally_of_others(net->pages, key);
	uint64_t own = seat != NULL ? seat->share.n : 0;
	const struct rate handshakes = {
		.n = p->source_handshakes * HANDSHAKES_SEC, .span_sec = HANDSHAKES_SEC,
	};
	uint64_t wait;

	if (p->source_connections != 0 && own + others.connections >= p->source_connections)
		return CONN_SOURCE_FULL;
	own = seat != NULL ? seat->n_strangers : 0;
	if (p->source_strangers != 0 && own + others.strangers >= p->source_strangers &&
	    is_stranger(c))
		return CONN_SOURCE_STRANGE;
	if (p->tls != NULL && handshakes.n != 0 &&
	    !tally_begin(net->pages, key, handshakes, net->loop->now_usec, &wait))
		return CONN_SOURCE_FAST;
	return CONN_ADMITTED;
}

enum conn_verdict
conn_judge(struct conn *c, const struct net_listener *p)
{
	struct net_desk *net = c->net;
	struct share *s = shares_find(&net->parties.seats, &c->peer.party->share.party, p->id);
	uint64_t n_workers = net->pages->n_others + 1;

	if (!has_room(c, p, s != NULL ? s->n : 0, n_workers))
		return CONN_CROWDED;
	if (c->is_proxy || c->is_front || c->peer.is_local)
		return CONN_ADMITTED;
	return judge_source(c, p, s != NULL ? CONTAINER_OF(s, struct seat, share) : NULL);
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

/* --------------------------------------------------- who the caller is --- */

static void
stranger_leave(struct conn *c)
{
	if (!c->is_stranger)
		return;
	c->is_stranger = false;
	TAILQ_REMOVE(&c->net->strangers, c, next_stranger);
	c->net->n_strangers--;
	if (c->seat != NULL)
		c->seat->n_strangers--;
}

static void
stranger_join(struct conn *c)
{
	if (c->is_stranger)
		return;
	c->is_stranger = true;
	TAILQ_INSERT_TAIL(&c->net->strangers, c, next_stranger);
	c->net->n_strangers++;
	if (c->seat != NULL)
		c->seat->n_strangers++;
}

/* The role that limits the connections of the caller; NULL: none. */
static const struct role *
role_of(struct conn *c)
{
	const struct conf *conf = c->net->conf;
	uint64_t roles = conf->limited[ACCESS_CONNECTIONS] == 0 ? 0 : peer_roles(&c->peer, conf);

	return c->peer.is_admin || c->is_proxy || c->is_front ? NULL :
	    access_limit(conf, roles, ACCESS_CONNECTIONS);
}

/* Counts the connection by that role; NULL: by none. */
static void
conn_hold(struct conn *c, const struct role *role, bool is_new)
{
	struct peer_identity *who = role != NULL ? peer_identity(&c->peer) : NULL;
	char why[QUOTA_TEXT];

	if (c->holder != NULL && who != NULL && quota_is_of(c->holder, who, role))
		return;
	c->holder = quota_leave(c->holder);
	if (who != NULL && quota_join(c->net, who, role, &c->holder, is_new ? why : NULL) == -EBUSY)
		c->is_over = true;
}

void
conn_recount(struct conn *c, bool is_new)
{
	bool was = c->is_stranger;

	if (is_stranger(c))
		stranger_join(c);
	else
		stranger_leave(c);
	if (was != c->is_stranger && c->seat != NULL)
		seat_tell(c->net, c->seat, c->seat->share.n);
	if (c->net->conf->limited[ACCESS_CONNECTIONS] != 0 || c->holder != NULL)
		conn_hold(c, role_of(c), is_new);
	/* To ask for the roles may have found the login of a key. */
	c->peer.has_changed = false;
}

void
strangers_trim(struct net_desk *net)
{
	while (net->n_strangers > NET_MAX_STRANGERS) {
		struct conn *oldest = TAILQ_FIRST(&net->strangers);

		net->pages->own->over_limit++;
		conn_tell(oldest, REFUSAL_STRANGER, "too many connections without a role, this is the oldest");
		conn_close(oldest);
	}
}

bool
conn_explain_over(struct conn *c, char why[static QUOTA_TEXT])
{
	const struct role *role = role_of(c);
	struct peer_identity *who = role != NULL ? peer_identity(&c->peer) : NULL;

	return who != NULL && c->holder == NULL &&
	    quota_join(c->net, who, role, &c->holder, why) == -EBUSY;
}

void
conn_leave(struct conn *c)
{
	stranger_leave(c);
	c->holder = quota_leave(c->holder);
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
	if (p->login_timeout_usec == 0 || c->peer.is_local || c->is_front || (p->tls == NULL && c->peer.via == NULL))
		return 0;
	if (peer_roles(&c->peer, c->net->conf) != 0 || peer_is_known(&c->peer))
		return 0;
	return c->opened_usec + p->login_timeout_usec;
}
