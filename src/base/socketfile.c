/* SPDX-License-Identifier: ISC */
/* Makes, changes and removes the files of unix sockets. */
#include "config.h"

#include "base/socketfile.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/sockdiag.h"

enum path_state { PATH_FREE, PATH_STALE };

/* Looks at what is at the path. -EADDRINUSE: a process answers there. */
static int
look_at(const char *path, const struct sockaddr_un *sa)
{
	CLEANUP_CLOSE int fd = -1;
	struct stat st;

	if (lstat(path, &st) < 0)
		return errno == ENOENT ? PATH_FREE : -errno;
	if (!S_ISSOCK(st.st_mode))
		return -EEXIST;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)sa, sizeof(*sa)) == 0 || errno == EAGAIN)
		return -EADDRINUSE;
	if (errno != ECONNREFUSED)
		return errno == ENOENT ? PATH_FREE : -errno;
	return PATH_STALE;
}

static int
address_of(const char *path, struct sockaddr_un *ret)
{
	*ret = (struct sockaddr_un){ .sun_family = AF_UNIX };
	return strlcpy(ret->sun_path, path, sizeof(ret->sun_path)) < sizeof(ret->sun_path) ? 0 :
	    -ENAMETOOLONG;
}

int
socket_file_unbound(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	return fd < 0 ? -errno : fd;
}

/*
 * fchownat(), which needs CAP_CHOWN only for another owner: a group that
 * this process may take on can be given to a file that it owns.
 */
static int
give(int dir, const char *path, uid_t uid, gid_t gid, int flags)
{
	int r = fchownat(dir, path, uid, gid, flags) < 0 ? -errno : 0;

	if (r != -EPERM || gid == (gid_t)-1)
		return r;
	(void)setfsgid(gid);
	r = fchownat(dir, path, uid, gid, flags) < 0 ? -errno : 0;
	(void)setfsgid(getegid());
	return r;
}

/* Tries the change on a file without a name, as only the kernel knows what it allows. */
static int
try_to_give(uid_t uid, gid_t gid)
{
	CLEANUP_CLOSE int fd = -1;

	if (uid == (uid_t)-1 && gid == (gid_t)-1)
		return 0;
	fd = memfd_create("reqd-try", MFD_CLOEXEC);
	return fd < 0 ? -errno : give(fd, "", uid, gid, AT_EMPTY_PATH);
}

/* The directory of a path. */
static bool
stat_directory(const char *path, struct stat *ret)
{
	CLEANUP_FREE char *dir = strdup(path);

	return dir != NULL && stat(dirname(dir), ret) == 0;
}

bool
socket_file_same_place(const char *a, const char *b)
{
	struct stat dir_a, dir_b;

	return strcmp(strrchr(a, '/'), strrchr(b, '/')) == 0 && stat_directory(a, &dir_a) &&
	    stat_directory(b, &dir_b) && dir_a.st_dev == dir_b.st_dev &&
	    dir_a.st_ino == dir_b.st_ino;
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
socket_file_open(const char *path, enum listen_use use, const struct socket_rights *rights,
    int backlog, struct socket_file *ret)
{
	CLEANUP_CLOSE int fd = -1;
	CLEANUP_FREE char *dir = strdup(path);
	struct sockaddr_un sa;
	struct stat st = { 0 };
	int r = dir == NULL ? -ENOMEM : address_of(path, &sa);

	if (r >= 0)
		r = look_at(path, &sa);
	if (r >= 0 && use == LISTEN_TRY)
		r = access(dirname(dir), W_OK | X_OK) < 0 ? -errno :
		    try_to_give(rights->uid, rights->gid);
	else if (r == PATH_STALE && unlink(path) < 0 && errno != ENOENT)
		r = -errno;
	if (r < 0)
		return r;
	fd = socket_file_unbound();
	if (fd < 0 || use == LISTEN_TRY)
		return TAKE_FD(fd);
	r = bind_with_mode(fd, &sa, rights->mode);
	if (r < 0)
		return r;
	/* Nobody can connect before listen(). */
	if (rights->uid != (uid_t)-1 || rights->gid != (gid_t)-1)
		r = give(AT_FDCWD, path, rights->uid, rights->gid, AT_SYMLINK_NOFOLLOW);
	if (r == 0 && (lstat(path, &st) < 0 || listen(fd, backlog) < 0))
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
	case -EPERM: return "not permitted, for want of CAP_CHOWN, of CAP_FOWNER "
	    "or of a right to its directory";
	default: return strerror(-error);
	}
}

bool
socket_file_is(const struct socket_file *f, const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 && is_same(f, &st);
}

/* A file at a path, whatever it is, without following a link. A descriptor or -errno. */
static int
look_up(const char *path, struct stat *ret)
{
	CLEANUP_CLOSE int fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0 || fstat(fd, ret) < 0)
		return -errno;
	return TAKE_FD(fd);
}

/* A file at this path that is still the one that was made. */
static int
look_up_own(const struct socket_file *f, const char *path, struct stat *ret)
{
	CLEANUP_CLOSE int fd = look_up(path, ret);

	if (fd >= 0 && !is_same(f, ret))
		return -ESTALE;
	return TAKE_FD(fd);
}

/* A descriptor without access can only be chmod'ed by this name. */
static int
change_mode(int fd, mode_t mode)
{
	char name[32];

	(void)snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	return chmod(name, mode) < 0 ? -errno : 0;
}

static int
try_change(int fd, const struct stat *is, mode_t mode, uid_t uid, gid_t gid)
{
	int r = 0;

	/* Setting the mode that is there needs the same rights, so it shows whether they suffice. */
	if ((is->st_mode & 07777) != mode)
		r = change_mode(fd, is->st_mode & 07777);
	if (r == 0 && (is->st_uid != uid || is->st_gid != gid))
		r = give(fd, "", is->st_uid, is->st_gid, AT_EMPTY_PATH);
	return r < 0 ? r : try_to_give(is->st_uid != uid ? uid : (uid_t)-1,
	    is->st_gid != gid ? gid : (gid_t)-1);
}

int
socket_file_change(const struct socket_file *f, const char *path, enum listen_use use,
    const struct socket_rights *rights)
{
	uid_t uid = rights->uid != (uid_t)-1 ? rights->uid : geteuid();
	gid_t gid = rights->gid != (gid_t)-1 ? rights->gid : getegid();
	mode_t mode = rights->mode;
	struct stat st;
	CLEANUP_CLOSE int fd = look_up_own(f, path, &st);
	int r = 0;

	if (fd < 0)
		return fd;
	if (use == LISTEN_TRY)
		return try_change(fd, &st, mode, uid, gid);
	/* Takes rights away first, so that the file is closed even if the next step fails. */
	if ((st.st_mode & 07777 & ~mode) != 0) {
		r = change_mode(fd, st.st_mode & mode);
		st.st_mode &= S_IFMT | mode;
	}
	if (r == 0 && st.st_gid != gid)
		r = give(fd, "", (uid_t)-1, gid, AT_EMPTY_PATH);
	/* While this process still owns the file: later a change would take CAP_FOWNER. */
	if (r == 0 && (st.st_mode & 07777) != mode)
		r = change_mode(fd, mode);
	if (r == 0 && st.st_uid != uid)
		r = give(fd, "", uid, (gid_t)-1, AT_EMPTY_PATH);
	return r;
}

int
socket_file_of(int fd, const char *path, struct socket_file *ret, struct stat *ret_st)
{
	CLEANUP_CLOSE int there = look_up(path, ret_st);
	struct sockdiag_file bound, found;
	int r;

	if (there < 0)
		return there;
	if (!S_ISSOCK(ret_st->st_mode))
		return -ESTALE;
	r = sockdiag_file(fd, &bound);
	if (r >= 0)
		r = sockdiag_number(there, &found);
	if (r < 0)
		return -EOPNOTSUPP;
	if (bound.dev != found.dev || bound.ino != found.ino)
		return -ESTALE;
	*ret = (struct socket_file){ .dev = ret_st->st_dev, .ino = ret_st->st_ino };
	return 0;
}

void
socket_file_remove(struct socket_file *f, const char *path)
{
	if (socket_file_is(f, path))
		(void)unlink(path);
	f->ino = 0;
}
