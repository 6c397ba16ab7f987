/* SPDX-License-Identifier: ISC */
/*
 * conn-admission: the limits on connections and TLS handshakes of one client, and on the
 * time that a client may stay without a role.
 *
 * Two rules: everybody gets a share of what is free (base/share); and from another machine,
 * one source gets so many connections and handshakes as the listener says. A source is a
 * party (net/party).
 */
#pragma once

#include <stdint.h>

#include "net/conn.h"

/* The words of the log for a verdict that is a no. */
const char *conn_verdict_text(enum conn_verdict v);

/* Words for the client; NULL: none. */
const char *conn_verdict_words(enum conn_verdict v, const struct net_listener *p);

/* Finds the party of the connection. 0 or -ENOMEM. */
int conn_find_party(struct conn *c);

/*
 * Judges the peer of the connection, which is not counted yet. is_proxy: it is a proxy, whose
 * connections are those of its clients, so limits of one source mean nothing.
 */
enum conn_verdict conn_judge(const struct conn *c, const struct net_listener *p, bool is_proxy);

/* Counts the connection for its party; no longer. */
void conn_join(struct conn *c, const struct net_listener *p);
void conn_leave(struct conn *c);

/*
 * The time at which the connection ends if its caller is still a stranger, who has no role;
 * 0: none.
 */
uint64_t conn_stranger_due(struct conn *c);
