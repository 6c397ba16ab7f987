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
#include "net/quota.h"
#include "proto/request.h"

/* The words of the log for a verdict that is a no. */
const char *conn_verdict_text(enum conn_verdict v);

/* Words for the client; NULL: none. */
const char *conn_verdict_words(enum conn_verdict v, const struct net_listener *p);

/* The kind of a refusal, for the log. */
enum refusal conn_verdict_kind(enum conn_verdict v);

/* Counts a refusal. */
void conn_count_verdict(struct net_desk *net, enum conn_verdict v);

/* Finds the party of the connection. 0 or -ENOMEM. */
int conn_find_party(struct conn *c);

/*
 * Judges the peer of the connection, which is not counted yet. Connections of a proxy are
 * those of its clients, so for a proxy limits of one source mean nothing.
 */
enum conn_verdict conn_judge(struct conn *c, const struct net_listener *p);

/* Counts the connection for its party; no longer. */
void conn_join(struct conn *c, const struct net_listener *p);
void conn_leave(struct conn *c);

/*
 * Counts the connection for what its caller is now: a stranger, or somebody whose role has a
 * limit of connections. Whoever has too many by a role gets c->is_over, if is_new.
 */
void conn_recount(struct conn *c, bool is_new);

/* Lowers the limits of a request to those of a caller without a role. */
void conn_limit_stranger(const struct conn *c, struct request_limits *limits);

/* Ends the oldest connections of strangers, until there are no more than one worker takes. */
void strangers_trim(struct net_desk *net);

/* The words for a connection that is over; false: it is not any more. */
bool conn_explain_over(struct conn *c, char why[static QUOTA_TEXT]);

/*
 * The time at which the connection ends if its caller is still a stranger, who has no role;
 * 0: none.
 */
uint64_t conn_stranger_due(struct conn *c);
