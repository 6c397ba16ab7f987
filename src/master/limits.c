/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "master/limits.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/resource.h>

#include "master/master.h"

/*
 * The master has the most to hold. Of each process a channel, a log socket
 * and a page; of a listener what systemd has passed, what is in force and,
 * during a reload, what is to come.
 */
#define FILES_PER_PROCESS 3
#define FILES_PER_LISTENER 3
#define FILES_FOR_ALL_ELSE 32

static uint64_t
files_needed(const struct conf *c)
{
	return FILES_PER_PROCESS * (MASTER_WORKERS + master_workers_wanted(c)) +
	    FILES_PER_LISTENER * c->n_listeners + FILES_FOR_ALL_ELSE;
}

int
limits_check(const struct conf *c, char *why, size_t why_len)
{
	uint64_t needed = files_needed(c);
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) < 0 || files.rlim_cur >= needed)
		return 0;
	(void)snprintf(why, why_len,
	    "the limit of open files is %" PRIu64 ", and %zu workers and %zu listeners need %" PRIu64
	    ": raise it with LimitNOFILE= in the unit, or ulimit -n",
	    (uint64_t)files.rlim_cur, master_workers_wanted(c), c->n_listeners, needed);
	return -EMFILE;
}
