/* SPDX-License-Identifier: ISC */
/* Statistics pages: makes and maps them, adds them up, renumbers services. */
#include "config.h"

#include "ipc/stats.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/fd.h"

uint64_t
stats_pages_port_connections(const struct stats_pages *pages, unsigned number,
    uint64_t worker_max, uint64_t max)
{
	uint64_t sum = pages->own->port_connections[number];

	for (unsigned i = 0; i < CONF_MAX_WORKERS; i++) {
		const struct stats *other = stats_pages_peer(pages, i);
		uint64_t n;

		if (other == NULL)
			continue;
		/*
		 * The page of another worker may hold anything. A number that no worker can
		 * have counts as zero, and no page counts for more than the listener lets
		 * in, so that the sum cannot wrap around.
		 */
		n = other->port_connections[number];
		if (n <= worker_max)
			sum += n > max ? max : n;
	}
	return sum;
}

uint64_t
stats_pages_free_connections(const struct stats_pages *pages, uint64_t max)
{
	uint64_t own = pages->own->connections_open, sum = own < max ? max - own : 0;

	for (unsigned i = 0; i < CONF_MAX_WORKERS; i++) {
		const struct stats *other = stats_pages_peer(pages, i);

		if (other == NULL)
			continue;
		own = other->connections_open;
		sum += own < max ? max - own : 0;
	}
	return sum;
}

int
stats_create(void)
{
	CLEANUP_CLOSE int fd = memfd_create("reqd-stats", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0)
		return -errno;
	if (ftruncate(fd, sizeof(struct stats)) < 0)
		return -errno;
	/*
	 * The size is fixed, so that no reader can be made to fault. Nobody
	 * else may open the page to write.
	 */
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
		return -errno;
	if (fchmod(fd, 0400) < 0)
		return -errno;
	return TAKE_FD(fd);
}

int
stats_reopen_readonly(int fd)
{
	char path[32];
	int r;

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	r = open(path, O_RDONLY | O_CLOEXEC);
	return r < 0 ? -errno : r;
}

struct stats *
stats_map_own(int fd)
{
	void *p = mmap(NULL, sizeof(struct stats), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	return p == MAP_FAILED ? NULL : p;
}

const struct stats *
stats_map_other(int fd)
{
	ssize_t size = fd_size(fd);
	void *p;

	if (size < 0)
		return NULL;
	if (size < (ssize_t)sizeof(struct stats)) {
		errno = EINVAL;
		return NULL;
	}
	p = mmap(NULL, sizeof(struct stats), PROT_READ, MAP_SHARED, fd, 0);
	return p == MAP_FAILED ? NULL : p;
}

void
stats_unmap(const struct stats *s)
{
	if (s != NULL)
		(void)munmap((void *)(uintptr_t)s, sizeof(*s));
}

void
stats_reset_gauges(struct stats *s, size_t n_pools)
{
	s->connections_open = s->running = s->queued = s->attached = 0;
	s->kept_bytes = s->kept_results = 0;
	s->connections_closed = s->connections_total;
	s->requests_aborted = s->requests_total - s->requests_replied;
	s->executing_conn = s->executing_service = 0;
	memset(s->port_connections, 0, sizeof(s->port_connections));
	for (size_t i = 0; i < n_pools; i++) {
		struct pool_stats *p = &s->pool[i];

		/* Pages of services that nobody calls stay untouched. */
		if (p->started > 0 || p->busy > 0 || p->waiting > 0)
			p->processes = p->busy = p->idle = p->waiting = 0;
	}
}

void
stats_count(struct service_stats *s, const struct outcome *o)
{
	s->calls++;
	s->outcome[o->kind]++;
	if (!outcome_may_have_run(o->kind))
		s->rejected++;
	else if (!outcome_is_success(o))
		s->failed++;
}

void
service_total_add(struct service_total *sum, const struct stats *from, uint16_t number)
{
	const struct service_stats *s = &from->service[number];
	const struct service_times *times = &from->times[number];

	if (s->calls == 0)
		return;
	sum->n.calls += s->calls;
	sum->n.rejected += s->rejected;
	sum->n.failed += s->failed;
	for (size_t i = 0; i < OUTCOME_N; i++)
		sum->n.outcome[i] += s->outcome[i];
	histogram_merge(&sum->times.all, &times->all);
	histogram_merge(&sum->times.queue, &times->queue);
	histogram_merge(&sum->times.run, &times->run);
}

void
stats_clear_service(struct stats *s, uint16_t number)
{
	if (s->service[number].calls == 0)
		return;
	memset(&s->service[number], 0, sizeof(s->service[number]));
	memset(&s->times[number], 0, sizeof(s->times[number]));
}

/* The counters of one service, and the number of the service in the new rules. */
struct kept {
	uint16_t number;
	struct service_total total;
};

/*
 * The counters of services that were called, as the times of all would be
 * large. NULL without memory.
 */
static struct kept *
stats_kept(const struct stats *s, const struct conf *from, const struct conf *to, size_t *ret_n)
{
	struct kept *kept;
	size_t n = 0, max = 0;

	for (size_t i = 0; i < from->n_services; i++)
		max += s->service[i].calls > 0;
	kept = calloc(max + 1, sizeof(*kept));
	/* The owner of the page may go on counting, or write what it likes. */
	for (uint16_t i = 0; kept != NULL && n < max && i < to->n_services; i++) {
		const char *name = to->services[i].name;
		const struct service *old = conf_find_service(from, name, strlen(name));

		if (old == NULL || s->service[old->number].calls == 0)
			continue;
		kept[n].number = i;
		service_total_add(&kept[n++].total, s, old->number);
	}
	*ret_n = n;
	return kept;
}

void
stats_renumber(struct stats *s, const struct conf *from, const struct conf *to)
{
	size_t n = CONF_MAX_SERVICES, n_kept = 0;
	struct kept *kept = NULL;

	if (from == NULL && (s->generation == 0 || s->generation == to->generation)) {
		s->generation = to->generation;
		return;
	}
	if (from != NULL) {
		kept = stats_kept(s, from, to, &n_kept);
		n = from->n_services;
	}
	s->generation = 0;
	for (uint16_t i = 0; i < n; i++)
		stats_clear_service(s, i);
	for (size_t i = 0; i < n_kept; i++) {
		s->service[kept[i].number] = kept[i].total.n;
		s->times[kept[i].number] = kept[i].total.times;
	}
	s->generation = to->generation;
	free(kept);
}

bool
pool_stats_outage(const struct pool_stats *p, uint64_t now, char ret[static OUTAGE_TEXT])
{
	if (!p->is_failing)
		return false;
	death_describe_outage(&p->last, p->retry_usec > now ? p->retry_usec - now : 0, ret);
	return true;
}

bool
service_explain_outage(const struct service *s, const struct pool_stats *p, uint64_t now,
    struct buf *out)
{
	char text[OUTAGE_TEXT];
	const char *why = s->unavailable;

	if (service_explain_state(s, out) && s->state == SERVICE_DRAINED)
		return true;
	if (why == NULL && p != NULL && pool_stats_outage(p, now, text))
		why = text;
	if (why != NULL)
		(void)buf_printf(out, "Calls of %s are refused now: %s.\n", s->name, why);
	return why != NULL;
}
