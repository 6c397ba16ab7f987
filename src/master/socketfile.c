/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "master/socketfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"

/* 0: the path is free now. -EADDRINUSE: somebody answers there. */
static int
clear_stale(const char *path, const struct sockaddr_un *sa)
{
	CLEANUP_CLOSE int fd = -1;
	struct stat st;

	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode))
		return -EEXIST;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)sa, sizeof(*sa)) == 0 || errno == EAGAIN)
		return -EADDRINUSE;
	if (errno != ECONNREFUSED)
		return errno == ENOENT ? 0 : -errno;
	return unlink(path) < 0 && errno != ENOENT ? -errno : 0;
}

static int
bind_with_mode(int fd, const struct sockaddr_un *sa, mode_t mode)
{
	mode_t mask;
	int r;

	/*
	 * bind() gives the file the mode of the socket itself, so it is never
	 * there with another one.
	 */
	if (fchmod(fd, mode) < 0)
		return -errno;
	mask = umask(0);
	r = bind(fd, (const struct sockaddr *)sa, sizeof(*sa)) < 0 ? -errno : 0;
	(void)umask(mask);
	return r;
}

int
socket_file_open(const char *path, mode_t mode, uid_t uid, gid_t gid, int backlog,
    struct socket_file *ret)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	CLEANUP_CLOSE int fd = -1;
	struct stat st = { 0 };
	int r;

	if (strlcpy(sa.sun_path, path, sizeof(sa.sun_path)) >= sizeof(sa.sun_path))
		return -ENAMETOOLONG;
	r = clear_stale(path, &sa);
	if (r < 0)
		return r;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	r = bind_with_mode(fd, &sa, mode);
	if (r < 0)
		return r;
	/* Nobody can connect before listen(). */
	if ((uid != (uid_t)-1 || gid != (gid_t)-1) && lchown(path, uid, gid) < 0)
		r = -errno;
	else if (lstat(path, &st) < 0 || listen(fd, backlog) < 0)
		r = -errno;
	if (r < 0) {
		(void)unlink(path);
		return r;
	}
	*ret = (struct socket_file){ .dev = st.st_dev, .ino = st.st_ino };
	return TAKE_FD(fd);
}

static bool
is_same(const struct socket_file *f, const struct stat *st)
{
	return f->ino != 0 && S_ISSOCK(st->st_mode) && st->st_dev == f->dev &&
	    st->st_ino == f->ino;
}

const char *
socket_file_error(int error)
{
	switch (error) {
	case -EADDRINUSE: return "another server answers there";
	case -EEXIST: return "the path exists and is no socket";
	case -ENOENT: return "its directory does not exist";
	default: return strerror(-error);
	}
}

bool
socket_file_is(const struct socket_file *f, const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 && is_same(f, &st);
}

int
socket_file_change(const struct socket_file *f, const char *path, mode_t mode, uid_t uid,
    gid_t gid)
{
	CLEANUP_CLOSE int fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	char name[32];
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (!is_same(f, &st))
		return -ESTALE;
	if (uid == (uid_t)-1)
		uid = geteuid();
	if (gid == (gid_t)-1)
		gid = getegid();
	if ((st.st_uid != uid || st.st_gid != gid) &&
	    fchownat(fd, "", uid, gid, AT_EMPTY_PATH) < 0)
		return -errno;
	if ((st.st_mode & 07777) == mode)
		return 0;
	/* A descriptor without access can only be chmod'ed by this name. */
	(void)snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	return chmod(name, mode) < 0 ? -errno : 0;
}

void
socket_file_remove(struct socket_file *f, const char *path)
{
	if (socket_file_is(f, path))
		(void)unlink(path);
	f->ino = 0;
}
