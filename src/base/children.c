/* SPDX-License-Identifier: ISC */
/*
 * children: finds the children of this process. Allocates nothing, because the
 * runner uses it.
 */
#include "config.h"

#include "base/children.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"

int
children_open(void)
{
	int fd = open("/proc/thread-self/children", O_RDONLY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/*
 * Reads numbers, each with a blank behind it. A read may end inside a number.
 * The list only grows at its end while it is read: a child leaves the list when
 * it is reaped, and only this process reaps its children.
 */
static void
list_each(int fd, child_fn *fn, void *arg)
{
	char chunk[1024];
	off_t at = 0;
	pid_t pid = 0;
	ssize_t n;

	while ((n = pread(fd, chunk, sizeof(chunk), at)) > 0) {
		for (ssize_t i = 0; i < n; i++) {
			if (chunk[i] >= '0' && chunk[i] <= '9') {
				pid = pid * 10 + (chunk[i] - '0');
			} else if (pid != 0) {
				fn(pid, arg);
				pid = 0;
			}
		}
		/*
		 * The chunk had room for another number, so this was the end of
		 * the list.
		 */
		if (n < (ssize_t)sizeof(chunk) - 16)
			break;
		at += n;
	}
}

/* Reads the parent from /proc/PID/stat: the second field after the name. */
static pid_t
parent_of(const char *pid)
{
	char path[64], text[512];
	const char *p;

	(void)snprintf(path, sizeof(path), "/proc/%.20s/stat", pid);
	(void)fd_read_text(AT_FDCWD, path, text, sizeof(text));
	p = strrchr(text, ')');		/* a name may hold any character, also ')' */
	if (p == NULL || strlen(p) < 5)
		return -1;
	return (pid_t)strtol(p + 4, NULL, 10);
}

static void
proc_each(child_fn *fn, void *arg)
{
	CLEANUP_CLOSE int fd = -1;
	char chunk[4096] __attribute__((aligned(_Alignof(struct dirent64))));
	pid_t self = getpid();
	ssize_t n;

	fd = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return;
	while ((n = getdents64(fd, chunk, sizeof(chunk))) > 0) {
		for (ssize_t i = 0; i < n;) {
			const struct dirent64 *d = (const void *)(chunk + i);

			i += d->d_reclen;
			if (d->d_name[0] >= '1' && d->d_name[0] <= '9' &&
			    parent_of(d->d_name) == self)
				fn((pid_t)strtol(d->d_name, NULL, 10), arg);
		}
	}
}

void
children_each(int fd, child_fn *fn, void *arg)
{
	if (fd >= 0)
		list_each(fd, fn, arg);
	else
		proc_each(fn, arg);
}

uint64_t
child_memory(pid_t pid)
{
	unsigned long total, resident;
	char path[64], text[128];

	(void)snprintf(path, sizeof(path), "/proc/%d/statm", (int)pid);
	(void)fd_read_text(AT_FDCWD, path, text, sizeof(text));
	if (pid == 0 || sscanf(text, "%lu %lu", &total, &resident) != 2)
		return 0;
	return (uint64_t)resident * (uint64_t)sysconf(_SC_PAGESIZE);
}
