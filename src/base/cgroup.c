/* SPDX-License-Identifier: ISC */
/* Makes, fills, kills and removes control groups. */
#include "config.h"

#include "base/cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/delegation.h"
#include "base/fd.h"

#define LEAF_PREFIX "req-"
#define LEAF_NAME_MAX 48

/* With the number of this process, so that no other one's group is in the way. */
static const char *
leaf_name(char buf[static LEAF_NAME_MAX], size_t slot)
{
	(void)snprintf(buf, LEAF_NAME_MAX, LEAF_PREFIX "%d-%zu", getpid(), slot);
	return buf;
}

static void
write_kill(int leaf)
{
	CLEANUP_CLOSE int fd = openat(leaf, "cgroup.kill", O_WRONLY | O_CLOEXEC);

	if (fd >= 0)
		(void)!write(fd, "1", 1);
}

/* Runs at start only: reading a directory allocates. */
static void
sweep(int root)
{
	DIR *d = fdopendir(openat(root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	const struct dirent *e;

	while (d != NULL && (e = readdir(d)) != NULL) {
		CLEANUP_CLOSE int leaf = -1;

		if (strncmp(e->d_name, LEAF_PREFIX, strlen(LEAF_PREFIX)) != 0)
			continue;
		leaf = openat(root, e->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (leaf >= 0)
			write_kill(leaf);
		(void)unlinkat(root, e->d_name, AT_REMOVEDIR);	/* fails while they die */
	}
	if (d != NULL)
		(void)closedir(d);
}

void
cgroups_init(struct cgroups *c, int *leaves, size_t n)
{
	CLEANUP_CLOSE int fd = delegation_open();

	*c = (struct cgroups){ .root = -1, .leaves = leaves, .n = n };
	/* Without cgroup.kill (before 5.14) a group would be of no use to us. */
	if (fd >= 0 && faccessat(fd, "cgroup.kill", W_OK, 0) == 0)
		c->root = TAKE_FD(fd);
	if (c->root >= 0)
		sweep(c->root);
}

/* false: something is in there, or below. */
static bool
leaf_remove(struct cgroups *c, size_t slot)
{
	char name[LEAF_NAME_MAX];

	(void)close(c->leaves[slot]);
	c->leaves[slot] = 0;
	return unlinkat(c->root, leaf_name(name, slot), AT_REMOVEDIR) == 0;
}

void
cgroups_done(struct cgroups *c)
{
	if (c->root < 0)
		return;
	for (size_t i = 0; i < c->n; i++) {
		if (c->leaves[i] > 0)
			(void)leaf_remove(c, i);
	}
	(void)close(c->root);
	c->root = -1;
}

int
cgroup_enter(struct cgroups *c, size_t slot)
{
	char name[LEAF_NAME_MAX];
	int fd;

	if (c->root < 0 || c->leaves[slot] < 0)
		return 0;
	if (c->leaves[slot] > 0)
		return c->leaves[slot];

	leaf_name(name, slot);
	if (mkdirat(c->root, name, 0755) < 0)
		return -errno;
	fd = openat(c->root, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) {
		int error = errno;

		(void)unlinkat(c->root, name, AT_REMOVEDIR);
		return -error;
	}
	c->leaves[slot] = fd;
	return fd;
}

void
cgroup_retire(struct cgroups *c, size_t slot)
{
	if (cgroup_exists(c, slot) && !leaf_remove(c, slot))
		c->leaves[slot] = -1;
}

bool
cgroup_is_populated(const struct cgroups *c, size_t slot)
{
	char text[128];

	(void)fd_read_text(c->leaves[slot], "cgroup.events", text, sizeof(text));
	return strstr(text, "populated 1") != NULL;
}

bool
cgroup_has(const struct cgroups *c, size_t slot, pid_t pid)
{
	CLEANUP_CLOSE int fd = openat(c->leaves[slot], "cgroup.procs", O_RDONLY | O_CLOEXEC);
	char chunk[1024];
	pid_t one = 0;
	ssize_t n;

	/* Numbers, a line each; a read may end inside of one. */
	while (fd >= 0 && (n = read(fd, chunk, sizeof(chunk))) > 0) {
		for (ssize_t i = 0; i < n; i++) {
			if (chunk[i] >= '0' && chunk[i] <= '9') {
				one = one * 10 + (chunk[i] - '0');
			} else {
				if (one == pid)
					return true;
				one = 0;
			}
		}
	}
	return false;
}

void
cgroup_kill(const struct cgroups *c, size_t slot)
{
	write_kill(c->leaves[slot]);
}
