/* SPDX-License-Identifier: ISC */
/* roles: the table of the facts about each role that every process knows. */
#include "config.h"

#include "ipc/roles.h"

#include <sched.h>
#include <string.h>

#include "conf/certificate.h"

static const struct {
	const char *name;
	unsigned slots;
} roles[ROLE_N] = {
	[ROLE_LOG] = { "log", 1 },
	[ROLE_RUNNER] = { "runner", 1 },
	[ROLE_BROKER] = { "broker", 1 },
	[ROLE_CONTROL] = { "control", 1 },
	[ROLE_KEYS] = { "keys", 1 },
	[ROLE_AUTH] = { "auth", 1 },
	[ROLE_WORKER] = { "worker", CONF_MAX_WORKERS },
};

const char *
role_name(enum role_kind k)
{
	return roles[k].name;
}

enum role_kind
role_find(const char *name)
{
	unsigned k = 0;

	while (k < ROLE_N && strcmp(roles[k].name, name) != 0)
		k++;
	return k;
}

unsigned
role_slots(enum role_kind k)
{
	return roles[k].slots;
}

bool
role_is_wanted(enum role_kind kind, const struct conf *c)
{
	switch (kind) {
	case ROLE_KEYS:
		return certificate_is_needed(c);
	case ROLE_AUTH:
		return c->n_passwords > 0;
	default:
		return true;
	}
}

size_t
role_workers_wanted(const struct conf *c)
{
	cpu_set_t cpus;
	int n = 1;

	if (c->workers != 0)
		return c->workers;
	if (sched_getaffinity(0, sizeof(cpus), &cpus) == 0)
		n = CPU_COUNT(&cpus);
	return n < 1 ? 1 : n > CONF_MAX_WORKERS ? CONF_MAX_WORKERS : (size_t)n;
}
