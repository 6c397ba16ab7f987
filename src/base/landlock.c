/* SPDX-License-Identifier: ISC */
/* landlock: the system calls of Landlock, and what each version of it knows. */
#include "config.h"

#include "base/landlock.h"

#include <errno.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"

#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#endif
#ifndef SYS_landlock_add_rule
#define SYS_landlock_add_rule 445
#endif
#ifndef SYS_landlock_restrict_self
#define SYS_landlock_restrict_self 446
#endif

#define ASK_VERSION (1u << 0)
#define RULE_OF_PATH 1

/* As the kernel has it. */
struct path_rule {
	uint64_t rights;
	int32_t fd;
} __attribute__((packed));

int
landlock_version(void)
{
	static int version = -1;

	if (version < 0) {
		long r = syscall(SYS_landlock_create_ruleset, NULL, 0, ASK_VERSION);

		version = r < 0 ? 0 : (int)r;
	}
	return version;
}

struct landlock_rights
landlock_rights(int version)
{
	/* Versions 1, 2, 3, 4 and from 5 on know so many rights on files. */
	static const unsigned n_files[] = { 13, 14, 15, 15, 16 };
	unsigned row = version > (int)ARRAY_LEN(n_files) ? ARRAY_LEN(n_files) - 1 :
	    version < 1 ? 0 : (unsigned)version - 1;
	struct landlock_rights all = { .files = (UINT64_C(1) << n_files[row]) - 1 };

	if (version >= 4)
		all.net = 3;
	if (version >= 6)
		all.scopes = 3;
	return all;
}

CHILD_CODE int
landlock_new(const struct landlock_rights *all)
{
	/* A kernel refuses a longer struct than it knows, unless the rest is zero. */
	size_t size = all->scopes != 0 ? sizeof(*all) : all->net != 0 ?
	    offsetof(struct landlock_rights, scopes) : offsetof(struct landlock_rights, net);
	long fd = syscall(SYS_landlock_create_ruleset, all, size, 0);

	return fd < 0 ? -errno : (int)fd;
}

CHILD_CODE int
landlock_allow(int rules, uint64_t rights, int fd)
{
	struct path_rule rule = { rights, fd };

	return syscall(SYS_landlock_add_rule, rules, RULE_OF_PATH, &rule, 0) < 0 ? -errno : 0;
}

CHILD_CODE int
landlock_enforce(int rules)
{
	return syscall(SYS_landlock_restrict_self, rules, 0) < 0 ? -errno : 0;
}
