/* SPDX-License-Identifier: ISC */
/* quota: counts what callers have by their roles, and refuses what is too much. */
#include "config.h"

#include "net/quota.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/units.h"
#include "net/identity.h"
#include "net/net.h"

/* Callers of whom only an address is known are one for each network, all others by name. */
static const struct digest *
name_of(const struct peer_identity *who)
{
	return strncmp(who->text, "addr:", 5) == 0 ? &who->party_name : &who->digest;
}

static uint64_t
key_of(const struct net_desk *net, const struct peer_identity *who, const struct role *role)
{
	return tally_key(&net->pages->own->tally, name_of(who), role->name);
}

bool
quota_is_of(const struct holder *h, const struct peer_identity *who, const struct role *role)
{
	return h->key == key_of(h->net, who, role);
}

static struct holder *
holder_get(struct net_desk *net, const struct peer_identity *who, uint64_t key)
{
	struct share *s = shares_get(&net->holders, name_of(who), key);
	struct holder *h;

	if (s == NULL)
		return NULL;
	h = CONTAINER_OF(s, struct holder, share);
	h->net = net;
	h->key = key;
	return h;
}

/* Tells the other workers. */
static void
holder_tell(const struct holder *h)
{
	tally_set(&h->net->pages->own->tally, h->key, h->n_conns, 0, h->n_calls,
	    h->net->loop->now_usec);
}

/* One hold less. Returns NULL. */
static struct holder *
holder_put(struct holder *h)
{
	holder_tell(h);
	(void)shares_put(&h->net->holders, &h->share);
	return NULL;
}

/* The counts of the caller by this key in all workers; exact for this one. */
static struct tally_row
has_now(struct net_desk *net, const struct peer_identity *who, uint64_t key)
{
	struct tally_row has = tally_of_others(net->pages, key);
	const struct share *s = shares_find(&net->holders, name_of(who), key);

	if (s != NULL) {
		const struct holder *h = CONTAINER_OF(s, const struct holder, share);

		has.connections += h->n_conns;
		has.calls += h->n_calls;
	}
	return has;
}

/* The time to wait, in words: whole seconds where it is long. */
static void
wait_format(uint64_t usec, char ret[static UNITS_TEXT])
{
	uint64_t unit = usec < USEC_PER_SEC ? USEC_PER_MSEC : USEC_PER_SEC;

	duration_format((usec + unit - 1) / unit * unit, ret, UNITS_TEXT);
}

static int
begin(struct net_desk *net, const struct peer_identity *who, const struct role *role,
    char why[static QUOTA_TEXT])
{
	char wait_text[UNITS_TEXT], rate[UNITS_TEXT];
	uint64_t wait;

	if (tally_begin(net->pages, key_of(net, who, role), role->rate, net->loop->now_usec, &wait))
		return 0;
	rate_format(role->rate, rate, sizeof(rate));
	wait_format(wait, wait_text);
	(void)snprintf(why, QUOTA_TEXT, "you have begun as many calls as the role '%.64s' allows, %s: "
	    "try again in %s", role->name, rate, wait_text);
	return -EBUSY;
}

int
quota_begin_call(struct net_desk *net, const struct peer_identity *who,
    const struct service *s, struct holder **ret, char why[static QUOTA_TEXT])
{
	uint64_t roles = who->roles & s->allow;
	const struct role *by_calls, *by_rate;
	struct holder *h = NULL;
	uint64_t key;

	*ret = NULL;
	if (who->is_admin)
		return 0;
	by_calls = access_limit(net->conf, roles, ACCESS_CALLS);
	by_rate = access_limit(net->conf, roles, ACCESS_RATE);
	if (by_calls != NULL) {
		key = key_of(net, who, by_calls);
		if (has_now(net, who, key).calls >= by_calls->max_calls) {
			(void)snprintf(why, QUOTA_TEXT, "you have as many calls as the role '%.64s' "
			    "allows, %u at a time: try again when one has ended",
			    by_calls->name, by_calls->max_calls);
			return -EBUSY;
		}
		h = holder_get(net, who, key);
		if (h == NULL)
			return -ENOMEM;
		h->n_calls++;
		holder_tell(h);
	}
	if (by_rate != NULL && begin(net, who, by_rate, why) < 0) {
		(void)quota_end_call(h);
		return -EBUSY;
	}
	*ret = h;
	return 0;
}

struct holder *
quota_end_call(struct holder *h)
{
	if (h == NULL)
		return NULL;
	h->n_calls--;
	return holder_put(h);
}

int
quota_join(struct net_desk *net, const struct peer_identity *who, const struct role *role,
    struct holder **ret, char *why)
{
	uint64_t key = key_of(net, who, role);
	struct holder *h;

	if (why != NULL && has_now(net, who, key).connections >= role->max_connections) {
		(void)snprintf(why, QUOTA_TEXT, "you have as many connections as the role '%.64s' "
		    "allows, %u: close one", role->name, role->max_connections);
		return -EBUSY;
	}
	h = holder_get(net, who, key);
	if (h == NULL)
		return -ENOMEM;
	h->n_conns++;
	holder_tell(h);
	*ret = h;
	return 0;
}

struct holder *
quota_leave(struct holder *h)
{
	if (h == NULL)
		return NULL;
	h->n_conns--;
	return holder_put(h);
}
