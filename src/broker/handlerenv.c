/* SPDX-License-Identifier: ISC */
/* Builds the arguments and the environment of a handler and writes them as a job. */
#include "config.h"

#include "broker/handlerenv.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "conf/template.h"
#include "ipc/job.h"

/* The text of the job at hand. */
static char text[128u << 10];
static size_t used;

static bool
put_bytes(const char *data, size_t len)
{
	if (len > sizeof(text) - used)
		return false;
	memcpy(text + used, data, len);
	used += len;
	return true;
}

static bool __attribute__((format(printf, 2, 3)))
put(size_t *n, const char *fmt, ...)
{
	size_t room = sizeof(text) - used;
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vsnprintf(text + used, room, fmt, ap);
	va_end(ap);
	if (len < 0 || (size_t)len >= room)
		return false;
	used += (size_t)len + 1;
	(*n)++;
	return true;
}

/* Adds a template that names no argument; only its doubled braces change. */
static bool
put_declared(size_t *n, const char *template)
{
	struct template_part part;

	while (template_next(&template, &part) > 0) {
		if (!put_bytes(part.text.data, part.text.len))
			return false;
	}
	(*n)++;
	return put_bytes("", 1);
}

static bool
put_environment(size_t *n, const struct service *s, uint64_t id)
{
	const struct identity *who = &s->run_as;
	bool ok = put(n, JOB_ENV_PATH) && put(n, JOB_ENV_LANG) && put(n, JOB_ENV_SHELL) &&
	    put(n, "HOME=%s", who->home != NULL ? who->home : "/") &&
	    put(n, JOB_ENV_ID "=%016" PRIx64, id) && put(n, "REQD_SERVICE=%s", s->name);

	if (ok && who->user != NULL)
		ok = put(n, "USER=%s", who->user) && put(n, "LOGNAME=%s", who->user);
	if (ok && s->pool.own_channel)
		ok = put(n, "REQD_CHANNEL=3");
	for (char **p = s->environment; ok && *p != NULL; p++)
		ok = put_declared(n, *p);
	return ok;
}

int
handlerenv_write(struct jobs *jobs, const struct service *s, uint64_t id, uint32_t *ret_job)
{
	size_t n_argv = 0, n_env = 0;
	bool ok = true;

	used = 0;
	for (char **p = s->handler; ok && *p != NULL; p++)
		ok = put(&n_argv, "%s", *p);
	if (!ok || !put_environment(&n_env, s, id))
		return -E2BIG;
	return jobs_write(jobs, &(struct job_strings){ { text, used }, n_argv, n_env, 0 }, ret_job);
}
