/* SPDX-License-Identifier: ISC */
/* fence: the files that each level of a sandbox leaves, as rules of Landlock. */
#include "config.h"

#include "base/fence.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/landlock.h"

#define LOOK (LANDLOCK_READ | LANDLOCK_LIST)
#define LOOK_AND_RUN (LOOK | LANDLOCK_RUN)
/* No program that was written here can be run. */
#define CHANGE (LOOK | LANDLOCK_WRITE | LANDLOCK_MAKE | LANDLOCK_REFER | LANDLOCK_TRUNCATE)

/* Devices that are no device: every program may use them. */
static const char *const harmless[] = {
	"/dev/null", "/dev/zero", "/dev/full", "/dev/tty", "/dev/random", "/dev/urandom",
};

/* Directories with programs of the system. Most systems have symlinks in place of the last ones. */
static const char *const programs[] = {
	"/usr", "/opt", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32",
};

/* Directories of "/" and of "/var" that basic leaves out. */
static const char *const hidden_top[] = {
	"home", "root", "tmp", "dev", "boot", "mnt", "media", "var", "lost+found", NULL,
};
static const char *const hidden_var[] = { "tmp", NULL };

bool
fence_has_files(void)
{
	return landlock_version() > 0;
}

/* ----------------------------------------------------------------- rules --- */

struct rules {
	int fd;
	uint64_t known;		/* rights that this kernel knows */
};

/*
 * Allows what is at a path. A path that is not there, or that the account may not reach, is
 * no error: nothing is lost then that could be had. 0 or -errno.
 */
static CHILD_CODE int
rules_allow(const struct rules *r, int at, const char *path, uint64_t rights, int flags)
{
	CLEANUP_CLOSE int fd = openat(at, path, O_PATH | O_CLOEXEC | flags);
	struct stat st;

	if (fd < 0)
		return errno == EMFILE || errno == ENFILE || errno == ENOMEM ? -errno : 0;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISDIR(st.st_mode))
		rights &= LANDLOCK_OF_FILE;
	return landlock_allow(r->fd, rights & r->known, fd);
}

static CHILD_CODE int
rules_allow_list(const struct rules *r, char *const *paths, uint64_t rights)
{
	int e = 0;

	for (; *paths != NULL && e == 0; paths++)
		e = rules_allow(r, AT_FDCWD, *paths, rights, 0);
	return e;
}

static CHILD_CODE int
rules_allow_all(const struct rules *r, const char *const *paths, size_t n, uint64_t rights,
    int flags)
{
	int e = 0;

	for (size_t i = 0; i < n && e == 0; i++)
		e = rules_allow(r, AT_FDCWD, paths[i], rights, flags);
	return e;
}

/* An entry of a directory, as the kernel has it. */
struct entry {
	uint64_t number;
	int64_t next;
	unsigned short len;
	unsigned char type;
	char name[];
};

static CHILD_CODE bool
is_among(const char *name, const char *const *names)
{
	while (*names != NULL && strcmp(*names, name) != 0)
		names++;
	return *names != NULL;
}

/* Allows the directories below one, but not those that are hidden, and no symlinks. 0 or -errno. */
static CHILD_CODE int
rules_allow_below(const struct rules *r, const char *path, const char *const *hidden)
{
	static _Alignas(struct entry) char bytes[8192];	/* touched in children only */
	CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	long n;
	int e = 0;

	if (fd < 0)
		return errno == ENOENT || errno == EACCES ? 0 : -errno;
	while (e == 0 && (n = syscall(SYS_getdents64, fd, bytes, sizeof(bytes))) > 0) {
		const struct entry *d;

		for (long at = 0; at < n && e == 0; at += d->len) {
			d = (const struct entry *)(bytes + at);
			if (d->name[0] != '.' && !is_among(d->name, hidden))
				e = rules_allow(r, fd, d->name, LOOK_AND_RUN, O_DIRECTORY | O_NOFOLLOW);
		}
	}
	return e;
}

static CHILD_CODE int
rules_of_level(const struct rules *r, enum fence_level level)
{
	int e;

	if (level == FENCE_BASIC) {
		e = rules_allow_below(r, "/", hidden_top);
		return e < 0 ? e : rules_allow_below(r, "/var", hidden_var);
	}
	e = rules_allow_all(r, programs, ARRAY_LEN(programs), LOOK_AND_RUN,
	    O_DIRECTORY | O_NOFOLLOW);
	if (e == 0)
		e = rules_allow(r, AT_FDCWD, "/etc", LOOK, 0);
	return e < 0 ? e : rules_allow(r, AT_FDCWD, "/proc", LOOK, 0);
}

static CHILD_CODE int
rules_of_harmless(const struct rules *r)
{
	return rules_allow_all(r, harmless, ARRAY_LEN(harmless),
	    LANDLOCK_READ | LANDLOCK_WRITE | LANDLOCK_TRUNCATE, 0);
}

static CHILD_CODE int
rules_of(const struct rules *r, const struct fence *f)
{
	int e = rules_of_level(r, f->level);

	if (e == 0)
		e = rules_of_harmless(r);
	if (e == 0)
		e = rules_allow(r, AT_FDCWD, f->program, LANDLOCK_READ | LANDLOCK_RUN, 0);
	if (e == 0)
		e = rules_allow_list(r, f->readable, LOOK);
	if (e == 0)
		e = rules_allow_list(r, f->writable, CHANGE);
	if (e == 0 && f->own != NULL)
		e = rules_allow(r, AT_FDCWD, f->own, CHANGE, O_DIRECTORY | O_NOFOLLOW);
	return e;
}

static CHILD_CODE int
rules_new(enum fence_level level, struct rules *ret)
{
	struct landlock_rights all = landlock_rights(landlock_version());

	/* A program may do with a device what it can, if it may open the device. */
	all.files &= ~LANDLOCK_IOCTL;
	if (level != FENCE_STRICT)
		all.net = 0;
	*ret = (struct rules){ landlock_new(&all), all.files };
	return ret->fd < 0 ? ret->fd : 0;
}

/*
 * True if the rules of strict alone are enough: the program wants nothing besides, and is in
 * /usr when all symlinks are followed.
 */
static CHILD_CODE bool
is_plain(const struct fence *f)
{
	char link[32], path[8];
	CLEANUP_CLOSE int fd = -1;

	if (f->strict < 0 || f->level != FENCE_STRICT || f->own != NULL ||
	    *f->readable != NULL || *f->writable != NULL)
		return false;
	fd = open(f->program, O_PATH | O_CLOEXEC);
	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	return fd >= 0 && readlink(link, path, sizeof(path)) > 5 && memcmp(path, "/usr/", 5) == 0;
}

static CHILD_CODE int
enter_files(const struct fence *f)
{
	struct rules r;
	int e;

	if (is_plain(f))
		return landlock_enforce(f->strict);
	e = rules_new(f->level, &r);
	if (e == 0)
		e = rules_of(&r, f);
	if (e == 0)
		e = landlock_enforce(r.fd);
	if (r.fd >= 0)
		(void)close(r.fd);
	return e;
}

int
fences_init(struct fences *all)
{
	struct rules r;
	int e = callfilter_make(false, &all->calls[FENCE_BASIC]);

	all->strict = -1;
	if (e == 0)
		e = callfilter_make(true, &all->calls[FENCE_STRICT]);
	if (e < 0 || landlock_version() == 0)
		return e;
	/* Without these rules each child makes its own. */
	if (rules_new(FENCE_STRICT, &r) < 0)
		return 0;
	if (rules_of_level(&r, FENCE_STRICT) == 0 && rules_of_harmless(&r) == 0)
		all->strict = r.fd;
	else
		(void)close(r.fd);
	return 0;
}

CHILD_CODE int
fence_enter(const struct fences *all, const struct fence *f)
{
	int e = 0;

	if (f->level == FENCE_NONE)
		return 0;
	if (landlock_version() > 0)
		e = enter_files(f);
	else if (!f->may_lack_files)
		e = -ENOSYS;
	/* The last step, because the filter may have to refuse what the steps before it need. */
	return e < 0 ? e : callfilter_enforce(&all->calls[f->level]);
}
