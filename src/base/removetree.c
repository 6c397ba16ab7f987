/* SPDX-License-Identifier: ISC */
/* Removes a tree by emptying each directory into the top one. */
#include "config.h"

#include "base/removetree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"

#define CHUNK 4096
/* Names of our own that are tried when the program has taken them. */
#define NAMES_MAX 100

struct removal {
	int top;
	unsigned serial;	/* of the last directory that was moved to the top */
	int error;		/* the first one of this pass */
	bool has_moved;		/* something was removed or moved in this pass */
};

/* Opens a directory of the tree for changes, whatever its mode was. Descriptor or -errno. */
static CHILD_CODE int
open_inside(int at, const char *name)
{
	CLEANUP_CLOSE int place = openat(at, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	char path[32];
	int fd;

	if (place < 0)
		return -errno;
	/* The way over the descriptor is the only one on which no symlink can lie. */
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", place);
	(void)chmod(path, 0700);
	fd = openat(place, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* Moves a directory that is not empty to the top under a new name. 0 or -errno. */
static CHILD_CODE int
move_up(struct removal *r, int dir, const char *name)
{
	/* The move writes the entry ".." in the directory, for which the mode must allow it. */
	CLEANUP_CLOSE int moved = open_inside(dir, name);
	char fresh[32];

	for (int i = 0; i < NAMES_MAX && moved >= 0; i++) {
		(void)snprintf(fresh, sizeof(fresh), ".reqd-%u", ++r->serial);
		/* A file with this name stays; an empty directory is replaced. */
		if (renameat(dir, name, r->top, fresh) == 0)
			return 0;
		if (errno != EEXIST && errno != ENOTEMPTY && errno != ENOTDIR)
			return -errno;
	}
	return moved < 0 ? moved : -EEXIST;
}

/* Removes a file or an empty directory. 0, -ENOTEMPTY, or another -errno. */
static CHILD_CODE int
remove_one(int dir, const char *name)
{
	if (unlinkat(dir, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno != EISDIR)
		return -errno;
	if (unlinkat(dir, name, AT_REMOVEDIR) == 0)
		return 0;
	/* Anything else, such as EBUSY, is no directory that can be emptied. */
	return errno == EEXIST ? -ENOTEMPTY : -errno;
}

static CHILD_CODE void
note(struct removal *r, int error)
{
	if (error == 0)
		r->has_moved = true;
	else if (r->error == 0)
		r->error = error;
}

CHILD_CODE int
removetree_each(int dir, removetree_entry_fn *fn, void *arg)
{
	char chunk[CHUNK] __attribute__((aligned(_Alignof(struct dirent64))));
	ssize_t n;

	while ((n = getdents64(dir, chunk, sizeof(chunk))) > 0) {
		for (ssize_t i = 0; i < n;) {
			const struct dirent64 *d = (const void *)(chunk + i);

			i += d->d_reclen;
			if (strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0)
				fn(dir, d->d_name, arg);
		}
	}
	return n < 0 ? -errno : 0;
}

static CHILD_CODE void
on_lower(int dir, const char *name, void *arg)
{
	struct removal *r = arg;
	int error = remove_one(dir, name);

	note(r, error == -ENOTEMPTY ? move_up(r, dir, name) : error);
}

static CHILD_CODE void
on_upper(int top, const char *name, void *arg)
{
	CLEANUP_CLOSE int dir = -1;
	struct removal *r = arg;
	int error = remove_one(top, name);

	if (error == -ENOTEMPTY) {
		dir = open_inside(top, name);
		error = dir < 0 ? dir : removetree_each(dir, on_lower, r);
		if (error == 0)
			error = remove_one(top, name);
	}
	note(r, error);
}

CHILD_CODE int
removetree(int parent, const char *name)
{
	struct removal r = { .top = open_inside(parent, name) };
	CLEANUP_CLOSE int top = r.top;
	int error;

	/* The program may have put something else in its place. */
	if (top == -ENOTDIR || top == -ELOOP)
		return remove_one(parent, name);
	if (top < 0)
		return top == -ENOENT ? 0 : top;
	/* Each pass removes the directories that the one before it has moved. */
	do {
		r.error = 0;
		r.has_moved = false;
		(void)lseek(top, 0, SEEK_SET);
		error = removetree_each(top, on_upper, &r);
	} while (error == 0 && r.has_moved);
	if (unlinkat(parent, name, AT_REMOVEDIR) < 0)
		return error != 0 ? error : r.error != 0 ? r.error : -errno;
	return 0;
}
