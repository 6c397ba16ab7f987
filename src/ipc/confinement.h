/* SPDX-License-Identifier: ISC */
/*
 * confinement: the calls of the kernel that a role without privileges may make. A role
 * that needs another one gets it in the tables of confinement.c, with the reason.
 */
#pragma once

#include "ipc/roles.h"

struct confine_plan;

/* Set, in the environment of the master, by "reqd --self-test". */
#define CONFINEMENT_TELL "REQD_SELF_TEST"

/*
 * Confines this process, for good, to what its role needs: when all is open that the
 * role opens by itself, and before READY, so before it has heard of any client. 0, or
 * -errno after a line in the log.
 */
int confinement_begin(enum role_kind kind, unsigned slot);

/* Returns the plan of confinement_begin(), for tests. False: the role keeps its rights. */
bool confinement_plan(enum role_kind kind, struct confine_plan *ret);
