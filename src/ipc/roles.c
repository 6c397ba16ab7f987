/* SPDX-License-Identifier: ISC */
/*
 * roles: the table of what every process knows of every role.
 */
#include "config.h"

#include "ipc/roles.h"

#include <string.h>

static const struct {
	const char *name;
	unsigned slots;
} roles[ROLE_N] = {
	[ROLE_LOG] = { "log", 1 },
	[ROLE_RUNNER] = { "runner", 1 },
	[ROLE_BROKER] = { "broker", 1 },
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
