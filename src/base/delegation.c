/* SPDX-License-Identifier: ISC */
/*
 * delegation: finds the control group of this process and asks systemd's
 * attribute whether it was delegated.
 */
#include "config.h"

#include "base/delegation.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/cleanup.h"

/*
 * Returns the mount point of the unified hierarchy, which may stand alone or
 * beside those of version 1.
 */
static const char *
mount_point(void)
{
	static const char *const places[] = { "/sys/fs/cgroup", "/sys/fs/cgroup/unified" };
	struct statfs fs;

	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		if (statfs(places[i], &fs) == 0 && fs.f_type == CGROUP2_SUPER_MAGIC)
			return places[i];
	}
	return NULL;
}

/*
 * Opens the directory of the control group of this process. -errno on failure.
 */
static int
own_open(void)
{
	CLEANUP_FILE FILE *f = fopen("/proc/self/cgroup", "re");
	const char *mount = mount_point();
	char line[PATH_MAX], path[PATH_MAX];

	if (f == NULL || mount == NULL)
		return -ENOENT;
	while (fgets(line, sizeof(line), f) != NULL) {
		if (strncmp(line, "0::", 3) != 0)
			continue;
		line[strcspn(line, "\n")] = '\0';
		if ((size_t)snprintf(path, sizeof(path), "%s%s", mount, line + 3) >= sizeof(path))
			return -ENAMETOOLONG;
		int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		return fd < 0 ? -errno : fd;
	}
	return -ENOENT;
}

/*
 * True if the group was delegated. systemd says so to root in an attribute; to
 * an ordinary user it gives the directory.
 */
static bool
is_delegated(int fd)
{
	struct stat st;
	char value;

	if (fgetxattr(fd, "user.delegate", &value, 1) == 1 && value == '1')
		return true;
	if (fgetxattr(fd, "trusted.delegate", &value, 1) == 1 && value == '1')
		return true;
	return geteuid() != 0 && fstat(fd, &st) == 0 && st.st_uid == geteuid() &&
	    faccessat(fd, ".", W_OK, 0) == 0;
}

int
delegation_open(void)
{
	CLEANUP_CLOSE int fd = own_open();

	if (fd < 0)
		return fd;
	return is_delegated(fd) ? TAKE_FD(fd) : -EPERM;
}
