/* SPDX-License-Identifier: ISC */
/*
 * cgroup: one control group per slot of the table, where our own group was
 * delegated to us, so that one write kills all a request has started.
 *
 * No controller is enabled, so our own processes may stay where they are.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct cgroups {
	int root;	/* our own group; -1: not ours to use */
	int *leaves;	/* per slot: its directory; 0: not made yet; -1: spoilt */
	size_t n;
};

/*
 * leaves is zeroed memory for n slots, borrowed. Kills and removes what a
 * runner before us has left. Never fails: then cgroups are not used.
 */
void cgroups_init(struct cgroups *c, int *leaves, size_t n);

/* Removes all leaves. */
void cgroups_done(struct cgroups *c);

/* The directory for this slot, kept by c; 0: without a cgroup; or -errno. */
int cgroup_enter(struct cgroups *c, size_t slot);

/* Is anything in there? */
bool cgroup_is_populated(const struct cgroups *c, size_t slot);

/* Is this process, of which the caller knows that it lives, in there (and not below)? */
bool cgroup_has(const struct cgroups *c, size_t slot, pid_t pid);

/* SIGKILL to all in there, at once. */
void cgroup_kill(const struct cgroups *c, size_t slot);

/*
 * Removes an empty group that was killed; the next gets a new one. Some
 * kernels (seen with 6.18) kill whatever is cloned into a group that was
 * killed once.
 */
void cgroup_retire(struct cgroups *c, size_t slot);

/* Does this slot have one? */
static inline bool
cgroup_exists(const struct cgroups *c, size_t slot)
{
	return c->root >= 0 && c->leaves[slot] > 0;
}
