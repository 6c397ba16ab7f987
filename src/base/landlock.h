/* SPDX-License-Identifier: ISC */
/*
 * landlock: the calls of Landlock, by which a process loses files, ports, and the reach
 * of others, for good. The C library has no functions for them, and the headers of
 * Debian 12 know its first versions only.
 */
#pragma once

#include <stdint.h>

/* Rights on files, for a file or for all below a directory. */
#define LANDLOCK_RUN (UINT64_C(1) << 0)
#define LANDLOCK_WRITE (UINT64_C(1) << 1)
#define LANDLOCK_READ (UINT64_C(1) << 2)
#define LANDLOCK_LIST (UINT64_C(1) << 3)
/* To remove and to make files, directories, symlinks, sockets and fifos, but no devices. */
#define LANDLOCK_MAKE (UINT64_C(0x17b) << 4)
#define LANDLOCK_REFER (UINT64_C(1) << 13)	/* to rename from one directory to another */
#define LANDLOCK_TRUNCATE (UINT64_C(1) << 14)
#define LANDLOCK_IOCTL (UINT64_C(1) << 15)	/* on devices */
/* The rights that a file can have, which is no directory. */
#define LANDLOCK_OF_FILE (LANDLOCK_RUN | LANDLOCK_WRITE | LANDLOCK_READ | LANDLOCK_TRUNCATE)

/* The rights that a set of rules is about; a right that no rule allows is lost. */
struct landlock_rights {
	uint64_t files;
	uint64_t net;		/* to bind and to connect by TCP, from version 4 on */
	uint64_t scopes;	/* abstract unix sockets, signals to others, from version 6 on */
};

/*
 * The version of Landlock in this kernel; 0: there is none. The kernel is asked once, so a
 * process may call this after it has lost the call itself.
 */
int landlock_version(void);

/* The rights that a version can forbid, 1 or higher. */
struct landlock_rights landlock_rights(int version);

/* Makes a set of rules without a rule. Descriptor or -errno. */
int landlock_new(const struct landlock_rights *all);

/* Adds a rule: these rights for the file, or all below the directory, that fd is. 0 or -errno. */
int landlock_allow(int rules, uint64_t rights, int fd);

/* Puts rules in force for this process, which may gain no privileges any more. 0 or -errno. */
int landlock_enforce(int rules);
