/* SPDX-License-Identifier: ISC */
/* roles: the table of the facts about each role that every process knows. */
#include "config.h"

#include "ipc/roles.h"

#include <sched.h>
#include <stdio.h>
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

/* The processors that this process may use. */
static size_t
count_cpus(void)
{
	cpu_set_t cpus;
	int n = 1;

	if (sched_getaffinity(0, sizeof(cpus), &cpus) == 0)
		n = CPU_COUNT(&cpus);
	return n < 1 ? 1 : n > CONF_MAX_CLASS ? CONF_MAX_CLASS : (size_t)n;
}

size_t
role_class_wanted(const struct conf *c, enum listener_protocol p)
{
	uint32_t n = p == PROTOCOL_HTTP ? c->web_workers : c->workers;

	for (size_t i = 0; i < c->n_listeners; i++) {
		if (c->listeners[i].protocol == p)
			return n != 0 ? n : count_cpus();
	}
	return 0;
}

size_t
role_workers_wanted(const struct conf *c)
{
	return role_class_wanted(c, PROTOCOL_RESP) + role_class_wanted(c, PROTOCOL_HTTP);
}

void
role_format(enum role_kind kind, unsigned slot, char ret[static ROLE_TEXT])
{
	bool is_web = kind == ROLE_WORKER && role_slot_protocol(slot) == PROTOCOL_HTTP;

	(void)snprintf(ret, ROLE_TEXT, role_slots(kind) > 1 ? "%s %u" : "%s",
	    is_web ? "web" : role_name(kind), role_slot_index(slot));
}
