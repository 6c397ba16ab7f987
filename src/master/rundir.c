/* SPDX-License-Identifier: ISC */
/* Makes and checks the directory of the control socket. */
#include "config.h"

#include "master/rundir.h"

#include <errno.h>
#include <libgen.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"

/*
 * True if only root can write to the directory. Other writers could put a
 * control socket of their own in place of reqd's.
 */
static bool
is_safe_for_root(const struct stat *st)
{
	bool others_write = (st->st_mode & (S_IWGRP | S_IWOTH)) != 0;

	return st->st_uid == 0 && (!others_write || (st->st_mode & S_ISVTX) != 0);
}

static int
directory_failed(const char *dir, int error, struct reason *why)
{
	return reason_say(why, -error, "cannot make %s: %s (set runtime-directory to a "
	    "place that you may write)", dir, strerror(error));
}

/* Checks a directory that exists already. */
static int
check_directory(const char *dir, struct reason *why)
{
	struct stat st;

	if (stat(dir, &st) < 0)
		return directory_failed(dir, errno, why);
	if (!S_ISDIR(st.st_mode))
		return reason_say(why, -ENOTDIR, "%s is no directory", dir);
	if (geteuid() == 0 && !is_safe_for_root(&st))
		return reason_say(why, -EPERM, "others may change %s (owner %u, mode %04o): root "
		    "needs a runtime-directory of its own", dir, (unsigned)st.st_uid,
		    (unsigned)st.st_mode & 07777);
	return 0;
}

int
rundir_make(const struct conf *c, enum listen_use use, struct reason *why)
{
	const char *dir = c->runtime_directory;
	CLEANUP_FREE char *parent = NULL;

	if (use == LISTEN_OPEN && mkdir(dir, 0755) == 0)
		return 0;
	if (use == LISTEN_OPEN && errno != EEXIST)
		return directory_failed(dir, errno, why);
	if (use == LISTEN_OPEN || access(dir, F_OK) == 0 || errno != ENOENT)
		return check_directory(dir, why);
	parent = strdup(dir);
	if (parent == NULL)
		return -ENOMEM;
	return access(dirname(parent), W_OK | X_OK) < 0 ?
	    directory_failed(dir, errno, why) : 0;
}

/*
 * True if path lies in the configured directory, which is missing only because
 * it is still to be made.
 */
static bool
comes_for(const struct conf *c, const char *path)
{
	CLEANUP_FREE char *dir = strdup(path);

	return dir != NULL && strcmp(dirname(dir), c->runtime_directory) == 0 &&
	    access(c->runtime_directory, F_OK) < 0 && errno == ENOENT;
}

int
rundir_open_socket(const struct conf *c, const char *path, enum listen_use use,
    const struct socket_rights *rights, int backlog, struct socket_file *ret)
{
	int fd = socket_file_open(path, use, rights, backlog, ret);

	return fd == -ENOENT && use == LISTEN_TRY && comes_for(c, path) ? socket_file_unbound() : fd;
}
