/* SPDX-License-Identifier: ISC */
/* privilege: drops root and looks whether that worked. */
#include "config.h"

#include "base/privilege.h"

#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <stdbool.h>
#include <unistd.h>

#include "base/cleanup.h"

/*
 * True if the process has exactly these groups. The kernel sorts groups, so
 * they are compared as sets.
 */
static CHILD_CODE bool
groups_are(const gid_t *groups, size_t n_groups)
{
	static gid_t many[NGROUPS_MAX];	/* a static array costs nothing until it is filled */
	gid_t few[32];
	bool fits = n_groups <= ARRAY_LEN(few);
	gid_t *now = fits ? few : many;
	int n = getgroups(fits ? ARRAY_LEN(few) : NGROUPS_MAX, now);

	/*
	 * getgroups() fails, too, when there are more groups than were asked
	 * for.
	 */
	if (n < 0 || (size_t)n != n_groups)
		return false;
	for (size_t i = 0; i < n_groups; i++) {
		size_t k = 0;

		while (k < n_groups && now[k] != groups[i])
			k++;
		if (k == n_groups)
			return false;
	}
	return true;
}

static CHILD_CODE int
verify(uid_t uid, gid_t gid, const gid_t *groups, size_t n_groups)
{
	uid_t ruid, euid, suid;
	gid_t rgid, egid, sgid;

	if (getresuid(&ruid, &euid, &suid) < 0 || getresgid(&rgid, &egid, &sgid) < 0)
		return -errno;
	if (ruid != uid || euid != uid || suid != uid)
		return -EPERM;
	if (rgid != gid || egid != gid || sgid != gid)
		return -EPERM;
	if (!groups_are(groups, n_groups))
		return -EPERM;
	if (uid != 0 && setuid(0) == 0)
		return -EPERM;
	return 0;
}

CHILD_CODE int
privilege_drop(uid_t uid, gid_t gid, const gid_t *groups, size_t n_groups)
{
	if (setgroups(n_groups, groups) < 0)
		return -errno;
	if (setresgid(gid, gid, gid) < 0)
		return -errno;
	if (setresuid(uid, uid, uid) < 0)
		return -errno;
	return verify(uid, gid, groups, n_groups);
}
