/* SPDX-License-Identifier: ISC */
/*
 * listener: a listening socket in a worker, shared with the other workers.
 *
 * A connection keeps its listener alive: the limits at the time of the accept
 * stay valid when a reload takes the listener away.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "base/loop.h"
#include "conf/access.h"
#include "conf/conf.h"
#include "net/net.h"
#include "net/tlscontext.h"
#include "net/tlstrust.h"

/*
 * A full worker may be woken for a client after another worker has got room. It takes
 * this client, with descriptors of its reserve, and leaves the next ones to the other.
 */
#define LISTENER_OVERSHOOT 8

struct net_listener {
	LIST_ENTRY(net_listener) link;
	struct loop_io io;		/* fd -1: not listening any more */
	bool gone;			/* not in the configuration any more; number
					 * means nothing */
	struct loop_timer retry;	/* armed while accepting is paused */
	struct net_desk *net;
	uint64_t id;			/* of no other listener of this worker */
	unsigned refs;
	unsigned number;		/* index in the configuration */
	char *url;
	bool is_unix;
	struct door *door;		/* the protocol on new connections */
	struct tlscontext *tls;		/* NULL: plain */
	struct tlstrust *trust;		/* NULL: no certificate of a client is trusted */
	enum tls_clients clients;
	uint32_t max_arguments, argument_limit, request_limit;	/* limits of one request */
	enum listener_inline inline_requests;
	struct conf *conf;		/* the last one that the listener was in; owned */
	/* Of HTTP; in conf, and valid also when the listener has ended. NULL: none. */
	char *const *hosts, *const *origins;
	unsigned offer;
	uint64_t idle_timeout_usec;
	const struct places *proxy_from;	/* in the configuration; NULL: gone */
	uint32_t max_connections;
	/* Of one source; 0: no limit. */
	uint32_t source_connections, source_handshakes, source_strangers;
	uint64_t login_timeout_usec;
};

/*
 * Replaces the listeners in force by those of a configuration: fds[i] is the
 * socket of listener i, taken; -1: other workers listen there. Listeners whose URL stays keep listening without
 * a gap. 0 or -errno; a failure changes nothing, but the fds are taken.
 */
int listeners_replace(struct net_desk *net, struct conf *c, int *fds, size_t n_fds);

/*
 * Stops accepting in this worker while the others go on. Connections still
 * follow the listeners of this configuration.
 */
void listeners_retire(struct net_desk *net, struct conf *c);

/*
 * Stops accepting everywhere. Where the master has sealed a socket, so that
 * nobody will ever accept there again, the waiting clients are accepted first.
 */
void listeners_close(struct net_desk *net);

/* The settings under which the listener was last configured. */
static inline const struct listener *
listener_settings(const struct net_listener *p)
{
	return &p->conf->listeners[p->number];
}

/* True if this peer may say in its requests for whom it asks. */
static inline bool
listener_has_front_at(const struct net_listener *p, const union sockaddr_any *peer)
{
	const struct places *from = &listener_settings(p)->front_from;

	return p->is_unix ? from->unix_peers : places_contain(from, peer);
}

/*
 * The listener in this configuration, the one in force, as a set of one: a bit by its
 * number. Empty if it is not there any more, or speaks another protocol.
 */
uint32_t listener_as_set(const struct net_listener *p, const struct conf *c);
/* There is a link to the private keys: listeners with TLS that wait for it go on. */
void listeners_on_keys(struct net_desk *net);

static inline struct net_listener *
listener_ref(struct net_listener *p)
{
	p->refs++;
	return p;
}

static inline void
listener_unref(struct net_listener *p)
{
	if (--p->refs > 0)
		return;
	(void)tlscontext_unref(p->tls);
	(void)tlstrust_unref(p->trust);
	(void)conf_unref(p->conf);
	free(p->url);
	free(p);
}

/* The listener in force at this address; NULL: there is none any more. */
static inline const struct net_listener *
listener_now(const struct net_listener *p)
{
	const struct net_listener *now;

	if (!p->gone)
		return p;
	LIST_FOREACH(now, &p->net->listeners, link) {
		if (strcmp(now->url, p->url) == 0)
			return now;
	}
	return NULL;
}

/* The authorities that a client of this listener may name, under the rules in force. */
static inline const struct tlstrust *
listener_trust(const struct net_listener *p)
{
	const struct net_listener *now = listener_now(p);

	return now != NULL ? now->trust : NULL;
}
