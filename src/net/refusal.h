/* SPDX-License-Identifier: ISC */
/*
 * refusal: tells of clients that are refused before they have made a request, by a
 * connection too many or bytes of another protocol: who, where and why.
 */
#pragma once

#include "net/net.h"

/*
 * Logs "refused PEER on LISTENER: reason", 20 lines a second of a kind at most; the next
 * line has the number of lines that were left out. peer is text as of peer_format().
 */
void refusal_log_as(struct net_desk *net, const struct net_listener *l, enum refusal kind,
    const char *peer, const char *reason);

/* The same for what is no request. */
void refusal_log(struct net_desk *net, const struct net_listener *l, const char *peer,
    const char *reason);

/*
 * Logs "certificate refused from PEER on LISTENER: reason (key PIN)", with the same limit:
 * the peer goes on as a stranger. The form is a promise to programs that read logs.
 */
void refusal_log_certificate(struct net_desk *net, const struct net_listener *l,
    const char *peer, const char *reason, const char *pin);
