/* SPDX-License-Identifier: ISC */
/* Compares the limits of the system with what a configuration needs. */
#include "config.h"

#include "ipc/limits.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "conf/errors.h"
#include "ipc/job.h"
#include "ipc/roles.h"
#include "ipc/stats.h"

/*
 * The master has a channel, a log socket and a page for each process, and for
 * each listener the socket from systemd, the one in force and, during a reload,
 * the next one.
 */
#define FILES_PER_PROCESS 3
#define FILES_PER_LISTENER 3
#define FILES_FOR_ALL_ELSE 32

/*
 * The runner has at least one kit with stdin and one without for each worker
 * and for the broker, and the output ends of each running program.
 */
#define FILES_PER_KITS 7
#define FILES_OF_RUNNER 48

/* Files in memory have holes, and all of their length counts. */
#define LARGEST_FILE JOB_FILE_BYTES
static_assert(sizeof(struct stats) <= LARGEST_FILE, "a page of statistics is larger");

static uint64_t
files_needed(const struct conf *c)
{
	size_t n_workers = role_workers_wanted(c);
	uint64_t master = FILES_PER_PROCESS * (ROLE_N - 1 + n_workers) +
	    FILES_PER_LISTENER * c->n_listeners + FILES_FOR_ALL_ELSE;
	uint64_t runner = FILES_PER_KITS * (n_workers + 1) + FILES_OF_RUNNER;

	return master > runner ? master : runner;
}

int
limits_check(const struct conf *c, struct reason *why)
{
	uint64_t needed = files_needed(c);
	struct rlimit files, size;

	if (getrlimit(RLIMIT_FSIZE, &size) == 0 && size.rlim_cur < LARGEST_FILE)
		return reason_say(why, -EFBIG,
		    "the limit of file sizes is %" PRIu64 " KiB, and reqd needs %zu KiB: raise it "
		    "with LimitFSIZE= in the unit, or ulimit -f",
		    (uint64_t)size.rlim_cur >> 10, LARGEST_FILE >> 10);
	if (getrlimit(RLIMIT_NOFILE, &files) < 0 || files.rlim_cur >= needed)
		return 0;
	return reason_say(why, -EMFILE,
	    "the limit of open files is %" PRIu64 ", and %zu workers and %zu listeners need %"
	    PRIu64 ": raise it with LimitNOFILE= in the unit, or ulimit -n",
	    (uint64_t)files.rlim_cur, role_workers_wanted(c), c->n_listeners, needed);
}

/* ------------------------------------------------------------- warnings --- */

static void
warn_listeners(const struct conf *c, struct conf_errors *warnings)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) < 0)
		return;
	/* Workers raise their limit as far as they may. */
	files.rlim_max = role_worker_files(files.rlim_max);
	for (size_t i = 0; i < c->n_listeners; i++) {
		const struct listener *l = &c->listeners[i];
		size_t n_workers = role_class_wanted(c, l->protocol);
		uint64_t room = n_workers * role_worker_connections(files.rlim_max);

		/* A listener without max-connections takes as many as the workers can hold. */
		if (l->max_connections > room && l->max_connections != CONF_CONNECTIONS)
			conf_errors_add(warnings, NULL, 0, "%s: max-connections is %" PRIu64
			    ", but there is room for %" PRIu64 " in %zu workers with %" PRIu64
			    " open files each", l->url, (uint64_t)l->max_connections, room,
			    n_workers, (uint64_t)files.rlim_max);
	}
}

/*
 * True if reqd could give a program this limit. Sets the limit for a moment, because
 * only the kernel knows what else it allows.
 */
static bool
can_be_given(const struct service_limit *l)
{
	struct rlimit own;

	if (getrlimit((__rlimit_resource_t)l->resource, &own) < 0 || l->value <= own.rlim_max)
		return true;
	if (setrlimit((__rlimit_resource_t)l->resource,
	    &(struct rlimit){ own.rlim_cur, l->value }) < 0)
		return false;
	(void)setrlimit((__rlimit_resource_t)l->resource, &own);
	return true;
}

/*
 * True if root is an account like any other here: a program that changes things may stop
 * in the middle, at the first file that is not its own.
 */
static bool
root_is_bound(void)
{
	static const int caps[] = { CAP_DAC_OVERRIDE, CAP_CHOWN, CAP_FOWNER };

	for (size_t i = 0; i < ARRAY_LEN(caps); i++) {
		if (prctl(PR_CAPBSET_READ, caps[i]) == 0)
			return true;
	}
	return false;
}

static void
warn_service(const struct service *s, struct conf_errors *warnings)
{
	if (s->run_as.uid == 0 && geteuid() == 0 && root_is_bound())
		conf_errors_add(warnings, NULL, 0, "service %s: "
		    "it runs as root, which may not do here what root may elsewhere: "
		    "reqd(8), THE SANDBOX", s->name);
	for (size_t i = 0; i < s->n_limits; i++) {
		const struct service_limit *l = &s->limits[i];

		if (l->resource >= 0 && !can_be_given(l))
			conf_errors_add(warnings, NULL, 0, "service %s: limits.%s "
			    "is above what reqd itself has: its program will not start",
			    s->name, conf_limit_name(l->resource));
	}
}

void
limits_warn(const struct conf *c, struct conf_errors *warnings)
{
	struct reason why;

	if (limits_check(c, &why) < 0)
		conf_errors_add(warnings, NULL, 0, "%s", why.text);
	warn_listeners(c, warnings);
	for (size_t i = 0; i < c->n_services; i++)
		warn_service(&c->services[i], warnings);
}
