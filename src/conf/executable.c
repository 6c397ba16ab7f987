/* SPDX-License-Identifier: ISC */
/*
 * executable: the first bytes of a program, judged as the kernel judges them.
 */
#include "config.h"

#include "conf/executable.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/cleanup.h"

/* So much of a file the kernel looks at. */
#define HEAD 256

static bool
is_member(const struct identity *id, gid_t gid)
{
	if (id->gid == gid)
		return true;
	for (size_t i = 0; i < id->n_groups; i++) {
		if (id->groups[i] == gid)
			return true;
	}
	return false;
}

bool
executable_may(const struct stat *st, const struct identity *id, mode_t bit)
{
	if (id->uid == (uid_t)-1)
		return true;
	if (id->uid == 0)
		return bit != 1 || (st->st_mode & (S_IXUSR | S_IXGRP | S_IXOTH)) != 0;
	if (st->st_uid == id->uid)
		return (st->st_mode & bit << 6) != 0;
	if (is_member(id, st->st_gid))
		return (st->st_mode & bit << 3) != 0;
	return (st->st_mode & bit) != 0;
}

static bool __attribute__((format(printf, 2, 3)))
wrong(char why[static EXECUTABLE_WHY], const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(why, EXECUTABLE_WHY, fmt, ap);
	va_end(ap);
	return false;
}

/* Checks the program that the first line, or the header, names, and the kernel starts. */
static bool
check_interpreter(const char *path, const struct identity *id, char why[static EXECUTABLE_WHY])
{
	struct stat st;

	/* A relative one is found in the directory of the service, or is not. */
	if (path[0] != '/')
		return true;
	if (stat(path, &st) < 0)
		return wrong(why, "its interpreter %.256s: %s", path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return wrong(why, "its interpreter %.256s is not a regular file", path);
	if (!executable_may(&st, id, 1))
		return wrong(why, "its interpreter %.256s is not executable for the account of the "
		    "service", path);
	return true;
}

/* ------------------------------------------------------------- scripts --- */

/* True if env(1) finds a program of that name. */
static bool
is_found(const char *name, const char *search, const struct identity *id)
{
	for (const char *dir = search; *dir != '\0'; dir += strspn(dir, ":")) {
		size_t len = strcspn(dir, ":");
		char path[PATH_MAX];
		struct stat st;

		(void)snprintf(path, sizeof(path), "%.*s/%s", (int)len, dir, name);
		if (stat(path, &st) == 0 && S_ISREG(st.st_mode) && executable_may(&st, id, 1))
			return true;
		dir += len;
	}
	return false;
}

/* Checks the name behind env(1). An option, or a variable, makes it too hard to tell. */
static bool
check_env(const char *rest, const char *search, const struct identity *id,
    char why[static EXECUTABLE_WHY])
{
	char name[HEAD];

	rest += strspn(rest, " \t");
	(void)snprintf(name, sizeof(name), "%.*s", (int)strcspn(rest, " \t"), rest);
	if (*name == '\0' || *name == '-' || strpbrk(name, "=/") != NULL ||
	    is_found(name, search, id))
		return true;
	return wrong(why, "its interpreter %.128s is in no directory of PATH", name);
}

static bool
check_script(const char *path, char *line, const struct identity *id, const char *search,
    char why[static EXECUTABLE_WHY])
{
	char *end = strchr(line, '\n'), *name, *rest;
	struct stat st;

	if (end != NULL)
		*end = '\0';
	if (end != NULL && end > line && end[-1] == '\r')
		return wrong(why, "its first line ends with a carriage return, which becomes part of "
		    "the interpreter's name (sed -i 's/\\r$//' takes them out)");
	name = line + strspn(line, " \t");
	rest = name + strcspn(name, " \t");
	rest += *rest != '\0';
	name[strcspn(name, " \t")] = '\0';
	if (*name == '\0')
		return wrong(why, "its first line names no interpreter behind #!");
	/* The interpreter opens the file as the account. An access control list may allow it. */
	if (stat(path, &st) == 0 && !executable_may(&st, id, 4) &&
	    getxattr(path, "system.posix_acl_access", NULL, 0) < 0)
		return wrong(why, "the account of the service may not read it, and a script is read by "
		    "its interpreter");
	if (!check_interpreter(name, id, why))
		return false;
	/* A line that is longer than the kernel reads is cut somewhere. */
	return end == NULL || search == NULL || strcmp(name, "/usr/bin/env") != 0 ||
	    check_env(rest, search, id, why);
}

/* ----------------------------------------------------------------- ELF --- */

/* True if this kernel may have been told to start files of other kinds by helpers. */
static bool
has_helpers(void)
{
	return stat("/proc/sys/fs/binfmt_misc/status", &(struct stat){ 0 }) == 0;
}

/* True if a kernel for one machine runs programs of the other. */
static bool
runs(unsigned ours, unsigned other)
{
	static const unsigned pairs[][2] = {
		{ EM_X86_64, EM_386 }, { EM_AARCH64, EM_ARM }, { EM_PPC64, EM_PPC },
		{ EM_SPARCV9, EM_SPARC }, { EM_SPARCV9, EM_SPARC32PLUS },
	};

	for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
		if (pairs[i][0] == ours && pairs[i][1] == other)
			return true;
	}
	return ours == other;
}

static bool
read_at(int fd, void *to, size_t len, uint64_t offset)
{
	return offset <= INT64_MAX && pread(fd, to, len, (off_t)offset) == (ssize_t)len;
}

/* The header of this program itself, whatever it was built for. False: it cannot be read. */
static bool
own_header(ElfW(Ehdr) *ret)
{
	CLEANUP_CLOSE int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	return fd >= 0 && read_at(fd, ret, sizeof(*ret), 0);
}

/* The loader that a dynamic program of our own kind names. */
static bool
check_loader(int fd, const ElfW(Ehdr) *e, const struct identity *id,
    char why[static EXECUTABLE_WHY])
{
	for (unsigned i = 0; i < e->e_phnum && e->e_phentsize == sizeof(ElfW(Phdr)); i++) {
		ElfW(Phdr) p;
		char path[HEAD];

		if (!read_at(fd, &p, sizeof(p), e->e_phoff + i * sizeof(p)))
			return true;
		if (p.p_type != PT_INTERP)
			continue;
		if (p.p_filesz == 0 || p.p_filesz >= sizeof(path) ||
		    !read_at(fd, path, p.p_filesz, p.p_offset))
			return true;
		path[p.p_filesz] = '\0';
		return check_interpreter(path, id, why);
	}
	return true;
}

static bool
check_elf(int fd, const ElfW(Ehdr) *e, size_t len, const struct identity *id,
    char why[static EXECUTABLE_WHY])
{
	ElfW(Ehdr) own;

	if (len < sizeof(*e))
		return wrong(why, "it is cut short: its header is not whole");
	if (!own_header(&own))
		return true;
	/* The machine stands at the same place in both classes, in the byte order of the file. */
	if (e->e_ident[EI_DATA] != own.e_ident[EI_DATA] || !runs(own.e_machine, e->e_machine))
		return has_helpers() ? true : wrong(why, "it is a program for another kind of machine");
	return e->e_ident[EI_CLASS] != own.e_ident[EI_CLASS] ? true :
	    check_loader(fd, e, id, why);
}

/* ----------------------------------------------------------------- all --- */

/* True if a person may have written it, so no helper of the kernel starts it. */
static bool
is_text(const char *head, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)head[i];

		if (c == 0x7f || (c < ' ' && strchr("\t\n\r\f\v", c) == NULL) || c == '\0')
			return false;
	}
	return true;
}

bool
executable_check(const char *path, const struct identity *id, const char *search,
    char why[static EXECUTABLE_WHY])
{
	CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	union {
		char text[HEAD + 1];
		ElfW(Ehdr) elf;
	} head = { { 0 } };
	ssize_t n;

	if (getxattr(path, "security.capability", NULL, 0) > 0)
		return wrong(why, "it has file capabilities, which no program gets here; use a copy "
		    "without them (cp makes one), with an account that may do the same");
	n = fd < 0 ? -1 : read(fd, head.text, HEAD);
	if (n < 0)
		return true;
	if (n == 0)
		return wrong(why, "it is empty");
	if (n >= 4 && memcmp(head.text, ELFMAG, SELFMAG) == 0)
		return check_elf(fd, &head.elf, (size_t)n, id, why);
	if (strncmp(head.text, "#!", 2) == 0)
		return check_script(path, head.text + 2, id, search, why);
	if (is_text(head.text, (size_t)n))
		return wrong(why, "it is neither a program nor a script (a script begins with #!)");
	return has_helpers() ? true : wrong(why, "this system cannot run a file of its kind");
}
