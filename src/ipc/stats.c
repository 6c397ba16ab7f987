/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "ipc/stats.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"

int
stats_create(void)
{
	CLEANUP_CLOSE int fd = memfd_create("reqd-stats", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0)
		return -errno;
	if (ftruncate(fd, sizeof(struct stats)) < 0)
		return -errno;
	/* Fixed size, so that no reader can be made to fault; nobody else may open it to write. */
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
	struct stat st;
	void *p;

	if (fstat(fd, &st) < 0)
		return NULL;
	if (st.st_size < (off_t)sizeof(struct stats)) {
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
stats_reset_gauges(struct stats *s)
{
	s->connections_open = s->running = s->queued = 0;
	s->connections_closed = s->connections_total;
	s->requests_aborted = s->requests_total - s->requests_replied;
	s->executing_conn = s->executing_service = 0;
	memset(s->port_connections, 0, sizeof(s->port_connections));
}

static size_t
bucket_of(uint64_t usec)
{
	size_t b = usec == 0 ? 0 : (size_t)(63 - __builtin_clzll(usec));

	return b < STATS_BUCKETS ? b : STATS_BUCKETS - 1;
}

void
stats_count(struct service_stats *s, const struct outcome *o, uint64_t usec)
{
	s->calls++;
	s->usec += usec;
	s->outcome[o->kind]++;
	s->bucket[bucket_of(usec)]++;
	if (!outcome_may_have_run(o->kind))
		s->rejected++;
	else if (!outcome_is_success(o))
		s->failed++;
}

void
service_stats_add(struct service_stats *sum, const struct service_stats *from)
{
	sum->calls += from->calls;
	sum->usec += from->usec;
	sum->rejected += from->rejected;
	sum->failed += from->failed;
	for (size_t i = 0; i < OUTCOME_N; i++)
		sum->outcome[i] += from->outcome[i];
	for (size_t i = 0; i < STATS_BUCKETS; i++)
		sum->bucket[i] += from->bucket[i];
}

uint64_t
stats_quantile(const struct service_stats *s, double q)
{
	uint64_t total = 0, seen = 0;

	for (size_t i = 0; i < STATS_BUCKETS; i++)
		total += s->bucket[i];
	if (total == 0)
		return 0;
	for (size_t i = 0; i < STATS_BUCKETS; i++) {
		seen += s->bucket[i];
		if ((double)seen >= q * (double)total)
			return UINT64_C(2) << i;
	}
	return UINT64_C(2) << (STATS_BUCKETS - 1);
}
