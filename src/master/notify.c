/* SPDX-License-Identifier: ISC */
/* Sends the state of reqd to systemd. */
#include "config.h"

#include "master/notify.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-daemon.h>

#include "base/clock.h"
#include "ipc/stats.h"

static void
status_format(const struct processes *all, char *ret, size_t len)
{
	uint64_t connections = 0, running = 0, queued = 0, requests = 0;
	size_t serving = 0, n_out = conf_count_unavailable(all->edition->conf), end;
	const struct process *p;

	FOR_EACH_PROCESS(p, all) {
		if (p->state != PROCESS_SERVING || p->stats == NULL)
			continue;
		queued += p->stats->queued;
		/* A running program is counted by the worker that has its call. */
		if (!p->rules->listens)
			continue;
		serving += process_is_wanted(p);
		connections += p->stats->connections_open;
		running += p->stats->running;
		requests += p->stats->requests_total;
	}
	(void)snprintf(ret, len, "%zu workers, %" PRIu64 " connections, %" PRIu64 " calls running, %"
	    PRIu64 " queued, %" PRIu64 " requests served", serving, connections, running, queued,
	    requests);
	end = strlen(ret);
	if (n_out > 0)
		(void)snprintf(ret + end, len - end, ", %zu of %zu services %s out of order", n_out,
		    all->edition->conf->n_services, n_out == 1 ? "is" : "are");
}

void
notify_ready(const struct processes *all)
{
	char status[256];

	status_format(all, status, sizeof(status));
	(void)sd_notifyf(0, "READY=1\nSTATUS=%s", status);
}

void
notify_reloading(void)
{
	(void)sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64 "\nSTATUS=reloading",
	    clock_usec());
}

void
notify_stopping(uint64_t drain_usec)
{
	/* systemd waits for this time, however short TimeoutStopSec= of the unit is. */
	(void)sd_notifyf(0, "STOPPING=1\nSTATUS=stopping, finishing what runs\n"
	    "EXTEND_TIMEOUT_USEC=%" PRIu64, drain_usec + 5 * USEC_PER_SEC);
}

void
notify_status(const struct processes *all)
{
	static char last[256];
	char status[256];

	status_format(all, status, sizeof(status));
	if (strcmp(status, last) == 0)
		return;
	(void)strlcpy(last, status, sizeof(last));
	(void)sd_notifyf(0, "STATUS=%s", status);
}

void
notify_watchdog(void)
{
	if (sd_watchdog_enabled(0, NULL) > 0)
		(void)sd_notify(0, "WATCHDOG=1");
}
