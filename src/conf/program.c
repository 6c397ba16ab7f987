/* SPDX-License-Identifier: ISC */
/* program: checks the program and the directory of a service beforehand. */
#include "config.h"

#include "conf/program.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "conf/executable.h"

/*
 * The one who could change it besides root and the account itself, or NULL. A directory
 * with the sticky bit is safe: nobody can replace what belongs to another.
 */
static const char *
changed_by(const struct stat *st, uid_t account)
{
	if (st->st_uid != 0 && st->st_uid != account)
		return "its owner, which is neither root nor the account of the service";
	if (S_ISDIR(st->st_mode) && (st->st_mode & S_ISVTX) != 0)
		return NULL;
	if ((st->st_mode & S_IWGRP) != 0 && st->st_gid != 0)
		return "its group";
	if ((st->st_mode & S_IWOTH) != 0)
		return "everybody";
	return NULL;
}

/* The key that names the program. */
static const char *
program_key(const struct service *s)
{
	return s->handler != NULL ? "handler" : "command";
}

/* Every directory above path, and path itself. */
static void
check_path(struct reader *r, const struct service *s, const struct block *b, const char *path)
{
	char part[PATH_MAX];
	size_t len = strlen(path);

	for (size_t i = 1; i <= len && i < sizeof(part); i++) {
		const char *who;
		struct stat st;

		if (i < len && path[i] != '/' && i != 1)
			continue;
		memcpy(part, path, i);
		part[i] = '\0';
		if (stat(part, &st) < 0)
			return;		/* reported by the caller */
		who = changed_by(&st, s->run_as.uid);
		if (who == NULL)
			continue;
		block_error(r, b, program_key(s), "service \"%.64s\": %.256s can be changed by "
		    "%s, so the program cannot be trusted", s->name, part, who);
		return;
	}
}

const char *
program_barrier(const char *path, const struct identity *id, char part[static PATH_MAX])
{
	size_t len = strlen(path);

	for (size_t i = 1; id->uid != 0 && id->uid != (uid_t)-1 && i < len && i < PATH_MAX; i++) {
		struct stat st;

		if (path[i] != '/' && i != 1)
			continue;
		memcpy(part, path, i);
		part[i] = '\0';
		if (stat(part, &st) == 0 && !executable_may(&st, id, 1) &&
		    getxattr(part, "system.posix_acl_access", NULL, 0) < 0)
			return part;
	}
	return NULL;
}

/* The PATH of its programs; NULL: a caller has a say in it. */
static const char *
search_path(const struct service *s)
{
	for (char **p = s->environment; *p != NULL; p++) {
		if (strncmp(*p, "PATH=", 5) == 0)
			return strpbrk(*p, "{}") == NULL ? *p + 5 : NULL;
	}
	return "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
}

static void
check_file(struct reader *r, const struct service *s, const struct block *b, const char *path)
{
	const char *wrong = NULL, *dir;
	char part[PATH_MAX], why[EXECUTABLE_WHY];
	CLEANUP_FREE char *real = NULL;
	struct stat st;

	if (stat(path, &st) < 0)
		wrong = strerror(errno);
	else if (!S_ISREG(st.st_mode))
		wrong = "it is not a regular file";
	else if ((st.st_mode & (S_ISUID | S_ISGID)) != 0)
		wrong = "it is setuid or setgid; name the account with 'user' instead";
	else if (!executable_may(&st, &s->run_as, 1))
		wrong = "it is not executable for the account of the service";
	else if (!executable_check(path, &s->run_as, search_path(s), why))
		wrong = why;
	if (wrong != NULL) {
		block_error(r, b, program_key(s), "service \"%.64s\": program %.256s: %s%s", s->name,
		    path, wrong, strchr(path, ' ') == NULL ? "" :
		    "; each word is an element of its own: {\"/bin/echo\", \"hi\"}");
		return;
	}
	dir = program_barrier(path, &s->run_as, part);
	if (dir != NULL) {
		block_error(r, b, program_key(s), "service \"%.64s\": program %.256s: the account "
		    "of the service may not pass through %.256s", s->name, path, dir);
		return;
	}
	real = realpath(path, NULL);
	check_path(r, s, b, path);
	if (real != NULL && strcmp(real, path) != 0)
		check_path(r, s, b, real);
}

static void
check_directory(struct reader *r, const struct service *s, const struct block *b)
{
	bool is_temporary = service_is_temporary(s);
	const char *path = is_temporary ? r->conf->temporary_directory : s->directory;
	char inside[PATH_MAX], part[PATH_MAX];
	const char *wrong = NULL, *dir;
	struct stat st;

	if (stat(path, &st) < 0)
		wrong = strerror(errno);
	else if (!S_ISDIR(st.st_mode))
		wrong = "it is not a directory";
	if (wrong != NULL)
		block_error(r, b, "directory", "service \"%.64s\": directory %.256s: %s", s->name,
		    path, wrong);
	else if (is_temporary && (changed_by(&st, geteuid()) != NULL || faccessat(AT_FDCWD, path, W_OK, AT_EACCESS) < 0))
		block_error(r, b, "directory", "service \"%.64s\": temporary-directory %.256s: reqd "
		    "must be able to write there, and others only with the sticky bit, as in "
		    "/var/tmp", s->name, path);
	/* The directory itself is to be entered, too. */
	if (wrong != NULL || (size_t)snprintf(inside, sizeof(inside), "%s/.", path) >=
	    sizeof(inside))
		return;
	dir = program_barrier(inside, &s->run_as, part);
	if (dir != NULL)
		block_error(r, b, "directory", "service \"%.64s\": directory %.256s: the account of "
		    "the service may not enter %.256s", s->name, path, dir);
}

/* The sandbox is there, and so is what it names. */
static void
check_sandbox(struct reader *r, const struct service *s, const struct block *b)
{
	static const char *const keys[] = { "sandbox-read", "sandbox-write" };

	if (s->sandbox == FENCE_NONE)
		return;
	if (!fence_has_files() && !s->sandbox_fallback)
		block_error(r, b, "sandbox", "service \"%.64s\": this kernel has no Landlock, so reqd "
		    "cannot keep files from the program: boot with 'landlock' in 'lsm=', or set "
		    "'sandbox-fallback = yes' to go without this part", s->name);
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		for (char **p = i == 0 ? s->sandbox_read : s->sandbox_write; *p != NULL; p++) {
			struct stat st;

			if (**p == '/' && stat(*p, &st) < 0)
				block_error(r, b, keys[i], "service \"%.64s\": %s %.256s: %s", s->name,
				    keys[i], *p, strerror(errno));
		}
	}
}

/*
 * Asks the kernel whether this process may change priorities: rights, a limit and a
 * filter of system calls have a say. To give the rights back is always allowed.
 */
static void
check_nice(struct reader *r, const struct service *s, const struct block *b)
{
	int own = getpriority(PRIO_PROCESS, 0);
	int tried = s->nice < own ? s->nice : own;

	if (s->nice == SERVICE_NICE_UNSET)
		return;
	if (setpriority(PRIO_PROCESS, 0, tried) < 0)
		key_error(r, b, "nice", ": reqd may not change priorities in this way (%s); below that "
		    "of reqd, which is %d, this needs CAP_SYS_NICE, and in a unit of systemd "
		    "SystemCallFilter=setpriority", strerror(errno), own);
	else
		(void)setpriority(PRIO_PROCESS, 0, own);
}

/* True if a service with the same program, account and directory had nothing wrong lately. */
static bool
is_known_sound(const struct reader *r, const struct service *s)
{
	const char *program = s->handler != NULL ? s->handler[0] : s->command[0];

	for (size_t i = 0; program != NULL && i < READER_RECENT && i < r->n_sound; i++) {
		const struct service *t = r->sound[i];
		const struct identity *a = &s->run_as, *b = &t->run_as;

		if (strcmp(program, t->handler != NULL ? t->handler[0] : t->command[0]) == 0 &&
		    strcmp(s->directory, t->directory) == 0 && a->uid == b->uid &&
		    a->gid == b->gid && a->n_groups == b->n_groups &&
		    (a->n_groups == 0 ||
		    memcmp(a->groups, b->groups, a->n_groups * sizeof(gid_t)) == 0))
			return true;
	}
	return false;
}

void
program_check(struct reader *r, struct service *s, const struct block *b)
{
	size_t before = r->n_errors;

	reader_excuse(r, s);
	check_nice(r, s, b);
	check_sandbox(r, s, b);
	reader_excuse_end(r);
	if (is_known_sound(r, s))
		return;
	reader_excuse(r, s);
	if (s->handler != NULL && s->handler[0][0] == '/')
		check_file(r, s, b, s->handler[0]);
	if (s->command[0] != NULL && s->command[0][0] == '/' &&
	    strpbrk(s->command[0], "{}") == NULL)
		check_file(r, s, b, s->command[0]);
	check_directory(r, s, b);
	reader_excuse_end(r);
	if (r->n_errors == before && s->unavailable == NULL && (s->handler != NULL || s->command[0] != NULL))
		r->sound[r->n_sound++ % READER_RECENT] = s;
}
