/* SPDX-License-Identifier: ISC */
/* refusal: the log line of what is refused before it is a request. */
#include "config.h"

#include "net/refusal.h"

#include <inttypes.h>
#include <stdio.h>

#include "ipc/logrec.h"
#include "net/listener.h"

#define LINES_PER_SECOND 20

void
refusal_log(struct net_desk *net, const struct net_listener *l, const char *peer,
    const char *reason)
{
	uint64_t omitted;

	if (!ratelimit_passes(&net->refusals, net->loop->now_usec, LINES_PER_SECOND, &omitted))
		return;
	if (omitted > 0)
		log_notice("refused %s on %s: %s (and %" PRIu64 " more that were not logged)",
		    peer, l->url, reason, omitted);
	else
		log_notice("refused %s on %s: %s", peer, l->url, reason);
}

void
refusal_log_certificate(struct net_desk *net, const struct net_listener *l, const char *peer,
    const char *reason, const char *pin)
{
	char more[64] = "";
	uint64_t omitted;

	if (!ratelimit_passes(&net->refusals, net->loop->now_usec, LINES_PER_SECOND, &omitted))
		return;
	if (omitted > 0)
		(void)snprintf(more, sizeof(more), " (and %" PRIu64 " more that were not logged)",
		    omitted);
	log_event(LOG_EVENT_CERTIFICATE_REFUSED, LOG_NOTICE,
	    "certificate refused from %s on %s: %s (key %s)%s", peer, l->url, reason, pin, more);
}
