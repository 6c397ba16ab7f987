/* SPDX-License-Identifier: ISC */
/* Makes the directory in which programs make theirs; removes what dead processes have left. */
#include "config.h"

#include "base/temporary.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/privilege.h"
#include "base/removetree.h"
#include "base/signals.h"

#define PREFIX "reqd-tmp-"
/* A child is ended by an alarm after this time; the next process tries again. */
#define SWEEP_SECONDS 600

/* ------------------------------------------------------------- sweeping --- */

/* True for 16 hex digits, as make() and a program's directory have them. */
static bool
is_number(const char *text)
{
	return strlen(text) == 16 && strspn(text, "0123456789abcdef") == 16;
}

/* Removes what one program has left: as its owner, in a child. */
static void
sweep_program(int dir, const char *name, const struct stat *st)
{
	pid_t pid = _Fork();

	if (pid == 0) {
		(void)alarm(TEMPORARY_REMOVAL_SECONDS);
		if (geteuid() == 0 && privilege_drop(st->st_uid, st->st_gid, NULL, 0) < 0)
			_exit(1);
		/* After the change of user, which clears it. */
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
		_exit(removetree(dir, name) < 0 ? 1 : 0);
	}
	if (pid > 0)
		(void)waitpid(pid, NULL, 0);
}

static void
on_left(int dir, const char *name, void *arg)
{
	struct stat st;

	(void)arg;
	if (!is_number(name) || fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return;
	if (S_ISDIR(st.st_mode))
		sweep_program(dir, name, &st);
	else
		(void)unlinkat(dir, name, 0);
}

/* Every account makes directories there, sees none, and removes none but its own. */
static mode_t
own_mode(void)
{
	return geteuid() == 0 ? 01733 : 0700;
}

/*
 * The directory of a process is its own as long as that lives, which its lock tells.
 * Others have directories beside it, which nobody may touch: name, owner and mode have to
 * be those of make().
 */
static void
on_process(int base, const char *name, void *arg)
{
	CLEANUP_CLOSE int dir = -1;
	struct stat st;

	(void)arg;
	if (strncmp(name, PREFIX, strlen(PREFIX)) != 0 || !is_number(name + strlen(PREFIX)))
		return;
	dir = openat(base, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir < 0 || fstat(dir, &st) < 0 || st.st_uid != geteuid() ||
	    (st.st_mode & 07777) != own_mode() || flock(dir, LOCK_EX | LOCK_NB) < 0)
		return;
	removetree_each(dir, on_left, NULL);
	(void)unlinkat(base, name, AT_REMOVEDIR);
}

static void __attribute__((noreturn))
sweep(const char *base, pid_t parent)
{
	int fd;

	(void)setsid();
	(void)close_range(0, ~0U, 0);
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	if (getppid() != parent)
		_exit(1);
	signals_unblock();
	(void)alarm(SWEEP_SECONDS);
	fd = open(base, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0)
		removetree_each(fd, on_process, NULL);
	_exit(0);
}

/* --------------------------------------------------------------- making --- */

int
temporary_choose(uint64_t *ret)
{
	uint64_t number;

	if (getrandom(&number, sizeof(number), GRND_NONBLOCK) != sizeof(number) || number == 0)
		return -EAGAIN;
	*ret = number;
	return 0;
}

void
temporary_init(struct temporary *t)
{
	t->lock = -1;
}

/* Makes the directory; it gets its name when it is locked, so that nobody sweeps it away. */
static int
make(struct temporary *t, const char *base, uint64_t number)
{
	char fresh[PATH_MAX];
	CLEANUP_CLOSE int fd = -1;
	(void)snprintf(fresh, sizeof(fresh), "%s/." PREFIX "%016" PRIx64, base, number);
	if ((size_t)snprintf(t->path, sizeof(t->path), "%s/" PREFIX "%016" PRIx64, base, number) >=
	    sizeof(t->path))
		return -ENAMETOOLONG;
	if (mkdir(fresh, 0700) < 0)
		return -errno;
	fd = open(fresh, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0 || fchmod(fd, own_mode()) < 0 ||
	    rename(fresh, t->path) < 0) {
		int error = errno;

		(void)rmdir(fresh);
		return -error;
	}
	t->lock = TAKE_FD(fd);
	return 0;
}

int
temporary_open(struct temporary *t, const char *base)
{
	pid_t self = getpid(), pid;
	uint64_t number;
	int error;

	if (t->lock >= 0)
		return 0;
	error = temporary_choose(&number);
	if (error == 0)
		error = make(t, base, number);
	if (error < 0)
		return error;
	/* The child has no part of the tables of this process, and t may be one of them. */
	pid = _Fork();
	if (pid == 0)
		sweep(base, self);
	t->sweeper = pid > 0 ? pid : 0;		/* without one, the next process sweeps */
	return 0;
}

void
temporary_close(struct temporary *t)
{
	if (t->lock < 0)
		return;
	(void)rmdir(t->path);
	(void)close(TAKE_FD(t->lock));
}

const char *
temporary_path(const struct temporary *t, uint64_t number)
{
	static char path[PATH_MAX];

	(void)snprintf(path, sizeof(path), "%s/%016" PRIx64, t->path, number);
	return path;
}
