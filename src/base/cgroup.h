/* SPDX-License-Identifier: ISC */
/*
 * cgroup: a control group for each slot of a table, where the group of this process
 * was delegated to it, so that one write kills all that was started in a slot.
 *
 * No controller is enabled, so this process may stay where it is.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct cgroups {
	int root;	/* the group of this process; -1: not to be divided */
	int *leaves;	/* per slot: its directory; 0: not made yet; -1: spoilt */
	size_t n;
};

/*
 * leaves is zeroed memory for n slots, borrowed. Kills and removes what a
 * process before this one has left. Never fails: then cgroups are not used.
 */
void cgroups_init(struct cgroups *c, int *leaves, size_t n);

/* Removes all leaves. */
void cgroups_done(struct cgroups *c);

/* The directory for this slot, kept by c; 0: without a cgroup; or -errno. */
int cgroup_enter(struct cgroups *c, size_t slot);

/* True if anything is in there. */
bool cgroup_is_populated(const struct cgroups *c, size_t slot);

/* True if this process, of which the caller knows that it lives, is in there (and not below). */
bool cgroup_has(const struct cgroups *c, size_t slot, pid_t pid);

/* SIGKILL to all in there, at once. */
void cgroup_kill(const struct cgroups *c, size_t slot);

/*
 * Removes an empty group that was killed; the next gets a new one. Some
 * kernels (seen with 6.18) kill whatever is cloned into a group that was
 * killed once.
 */
void cgroup_retire(struct cgroups *c, size_t slot);

/* True if this slot has one. */
static inline bool
cgroup_exists(const struct cgroups *c, size_t slot)
{
	return c->root >= 0 && c->leaves[slot] > 0;
}
