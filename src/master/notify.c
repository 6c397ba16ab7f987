/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "master/notify.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-daemon.h>

#include "base/clock.h"
#include "ipc/stats.h"
#include "master/master.h"

static void
status_format(const struct master *m, char *ret, size_t len)
{
	uint64_t connections = 0, running = 0, queued = 0, requests = 0;
	size_t serving = 0;
	const struct process *p;

	FOR_EACH_PROCESS(p, m) {
		if (p->state != PROCESS_SERVING || p->stats == NULL)
			continue;
		queued += p->stats->queued;
		/* What runs elsewhere is counted by the worker whose call it is. */
		if (p->rules->page != ROLE_PAGE_WORKER)
			continue;
		serving += master_wants(p);
		connections += p->stats->connections_open;
		running += p->stats->running;
		requests += p->stats->requests_total;
	}
	(void)snprintf(ret, len, "%zu workers, %" PRIu64 " connections, %" PRIu64 " calls running, %"
	    PRIu64 " queued, %" PRIu64 " requests served", serving, connections, running, queued,
	    requests);
}

void
notify_ready(struct master *m)
{
	char status[256];

	if (!m->ready)
		return;
	status_format(m, status, sizeof(status));
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
	/* However short the unit's own patience is. */
	(void)sd_notifyf(0, "STOPPING=1\nSTATUS=stopping, finishing what runs\n"
	    "EXTEND_TIMEOUT_USEC=%" PRIu64, drain_usec + 5 * USEC_PER_SEC);
}

void
notify_status(struct master *m)
{
	static char last[256];
	char status[256];

	status_format(m, status, sizeof(status));
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

int
notify_store(int fd, const char *name)
{
	char state[160];
	int r;

	/* Without FDPOLL=0 systemd would drop one that it finds in error. */
	(void)snprintf(state, sizeof(state), "FDSTORE=1\nFDPOLL=0\nFDNAME=%s", name);
	r = sd_pid_notify_with_fds(0, 0, state, &fd, 1);
	return r < 0 ? r : 0;
}

void
notify_unstore(const char *name)
{
	(void)sd_notifyf(0, "FDSTOREREMOVE=1\nFDNAME=%s", name);
}
