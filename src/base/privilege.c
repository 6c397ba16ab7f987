/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "base/privilege.h"

#include <errno.h>
#include <grp.h>
#include <unistd.h>

static int
verify(uid_t uid, gid_t gid, size_t n_groups)
{
	uid_t ruid, euid, suid;
	gid_t rgid, egid, sgid;

	if (getresuid(&ruid, &euid, &suid) < 0 || getresgid(&rgid, &egid, &sgid) < 0)
		return -errno;
	if (ruid != uid || euid != uid || suid != uid)
		return -EPERM;
	if (rgid != gid || egid != gid || sgid != gid)
		return -EPERM;
	if (getgroups(0, NULL) != (int)n_groups)
		return -EPERM;
	if (uid != 0 && setuid(0) == 0)
		return -EPERM;
	return 0;
}

int
privilege_drop(uid_t uid, gid_t gid, const gid_t *groups, size_t n_groups)
{
	if (setgroups(n_groups, groups) < 0)
		return -errno;
	if (setresgid(gid, gid, gid) < 0)
		return -errno;
	if (setresuid(uid, uid, uid) < 0)
		return -errno;
	return verify(uid, gid, n_groups);
}
