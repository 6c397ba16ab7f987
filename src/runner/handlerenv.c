/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "runner/handlerenv.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "conf/template.h"

#define ENV_BYTES (128u << 10)

/* Touched in children only. */
static char text[ENV_BYTES];
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

/* The string that starts at mark goes into the list. */
static bool
put_end(struct job *job, size_t *n, size_t mark)
{
	if (*n == JOB_MAX_STRINGS || !put_bytes("", 1))
		return false;
	job->envp[(*n)++] = text + mark;
	return true;
}

static bool __attribute__((format(printf, 3, 4)))
put(struct job *job, size_t *n, const char *fmt, ...)
{
	size_t mark = used, room = sizeof(text) - used;
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vsnprintf(text + used, room, fmt, ap);
	va_end(ap);
	if (len < 0 || (size_t)len >= room)
		return false;
	used += (size_t)len;
	return put_end(job, n, mark);
}

/* A template that names no argument: only its braces are written twice. */
static bool
put_declared(struct job *job, size_t *n, const char *template)
{
	struct template_part part;
	size_t mark = used;

	while (template_next(&template, &part) > 0) {
		if (!put_bytes(part.text.data, part.text.len))
			return false;
	}
	return put_end(job, n, mark);
}

int
handlerenv_fill(struct job *ret, const struct service *s, uint64_t id)
{
	const struct identity *who = &s->run_as;
	size_t n = 0;
	bool ok;

	used = 0;
	ret->argv = s->handler;
	ret->envp = ret->strings;
	ok = put(ret, &n, JOB_ENV_PATH) && put(ret, &n, JOB_ENV_LANG) && put(ret, &n, JOB_ENV_SHELL) &&
	    put(ret, &n, "HOME=%s", who->home != NULL ? who->home : "/") &&
	    put(ret, &n, JOB_ENV_ID "=%016" PRIx64, id) && put(ret, &n, "REQD_SERVICE=%s", s->name);
	if (ok && who->user != NULL)
		ok = put(ret, &n, "USER=%s", who->user) && put(ret, &n, "LOGNAME=%s", who->user);
	if (ok && s->pool.own_channel)
		ok = put(ret, &n, "REQD_CHANNEL=3");
	for (char **p = s->environment; ok && *p != NULL; p++)
		ok = put_declared(ret, &n, *p);
	ret->envp[n] = NULL;
	return ok ? 0 : -E2BIG;
}
