/* SPDX-License-Identifier: ISC */
/* refusal: the log line of what is refused before it is a request. */
#include "config.h"

#include "net/refusal.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>

#include "ipc/logrec.h"
#include "net/listener.h"

#define LINES_PER_SECOND 20
#define MORE_TEXT 64

static const char *const events[REFUSAL_N] = {
	[REFUSAL_CLIENT] = LOG_EVENT_CLIENT_REFUSED,
	[REFUSAL_FULL] = LOG_EVENT_SERVER_FULL,
	[REFUSAL_CALLER] = LOG_EVENT_CALLER_LIMITED,
	[REFUSAL_SOURCE] = LOG_EVENT_SOURCE_LIMITED,
	[REFUSAL_STRANGER] = LOG_EVENT_STRANGERS_LIMITED,
	[REFUSAL_HANDSHAKES] = LOG_EVENT_HANDSHAKES_LIMITED,
	[REFUSAL_TLS] = LOG_EVENT_HANDSHAKE_FAILED,
	[REFUSAL_PROXY] = LOG_EVENT_PROXY_REFUSED,
	[REFUSAL_CERTIFICATE] = LOG_EVENT_CERTIFICATE_REFUSED,
};

/*
 * True if a line of this kind may be written now; ret_more is what to say of those that were
 * left out. Many refusals of one kind must not hide those of another.
 */
static bool
may_log(struct net_desk *net, enum refusal kind, char ret_more[static MORE_TEXT])
{
	uint64_t omitted;

	if (!ratelimit_passes(&net->refusals[kind], net->loop->now_usec, LINES_PER_SECOND,
	    &omitted))
		return false;
	*ret_more = '\0';
	if (omitted > 0)
		(void)snprintf(ret_more, MORE_TEXT,
		    " (and %" PRIu64 " more that were not logged)", omitted);
	return true;
}

void
refusal_log_as(struct net_desk *net, const struct net_listener *l, enum refusal kind,
    const char *peer, const char *reason)
{
	char more[MORE_TEXT];

	if (may_log(net, kind, more))
		log_event(events[kind], LOG_NOTICE, "refused %s on %s: %s%s", peer, l->url, reason,
		    more);
}

void
refusal_log(struct net_desk *net, const struct net_listener *l, const char *peer,
    const char *reason)
{
	refusal_log_as(net, l, REFUSAL_CLIENT, peer, reason);
}

void
refusal_log_certificate(struct net_desk *net, const struct net_listener *l, const char *peer,
    const char *reason, const char *pin)
{
	char more[MORE_TEXT];

	if (may_log(net, REFUSAL_CERTIFICATE, more))
		log_event(events[REFUSAL_CERTIFICATE], LOG_NOTICE,
		    "certificate refused from %s on %s: %s (key %s)%s", peer, l->url, reason, pin,
		    more);
}
