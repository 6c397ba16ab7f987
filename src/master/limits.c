/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "master/limits.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/resource.h>

#include "ipc/logrec.h"
#include "ipc/roles.h"
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
	return FILES_PER_PROCESS * (ROLE_N - 1 + master_workers_wanted(c)) +
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
	    "the limit of open files is %" PRIu64 ", and %zu workers and %zu listeners need %"
	    PRIu64 ": raise it with LimitNOFILE= in the unit, or ulimit -n",
	    (uint64_t)files.rlim_cur, master_workers_wanted(c), c->n_listeners, needed);
	return -EMFILE;
}

/* ------------------------------------------------------------- warnings --- */

static void __attribute__((format(printf, 2, 3)))
say(limits_warn_fn *fn, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	fn(text);
}

static void
warn_listeners(const struct conf *c, limits_warn_fn *fn)
{
	size_t n_workers = master_workers_wanted(c);
	struct rlimit files;
	uint64_t room;

	if (getrlimit(RLIMIT_NOFILE, &files) < 0)
		return;
	/* Workers take all that they may have. */
	room = n_workers * role_worker_connections(files.rlim_max);
	for (size_t i = 0; i < c->n_listeners; i++) {
		const struct listener *l = &c->listeners[i];

		/* Who has not said how many takes what there is. */
		if (l->max_connections > room && l->max_connections != CONF_CONNECTIONS)
			say(fn, "%s: max-connections is %" PRIu64 ", but there is room for %" PRIu64
			    " in %zu workers with %" PRIu64 " open files each", l->url,
			    (uint64_t)l->max_connections, room, n_workers,
			    (uint64_t)files.rlim_max);
	}
}

/* Tried out, as only the kernel knows what else it allows to whom. */
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

static void
warn_service(const struct service *s, limits_warn_fn *fn)
{
	for (size_t i = 0; i < s->n_limits; i++) {
		const struct service_limit *l = &s->limits[i];

		if (l->resource >= 0 && !can_be_given(l))
			say(fn, "service %s: limits.%s "
			    "is above what reqd itself has: its program will not start",
			    s->name, conf_limit_name(l->resource));
	}
}

void
limits_warn(const struct conf *c, limits_warn_fn *fn)
{
	char why[256];

	if (limits_check(c, why, sizeof(why)) < 0)
		fn(why);
	warn_listeners(c, fn);
	for (size_t i = 0; i < c->n_services; i++)
		warn_service(&c->services[i], fn);
}

static void
log_warning(const char *text)
{
	log_warn("%s", text);
}

void
limits_log(const struct conf *c)
{
	limits_warn(c, log_warning);
}
