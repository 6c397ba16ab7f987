/* SPDX-License-Identifier: ISC */
/*
 * fence: the sandbox of a program. A child puts itself into it and then becomes the program.
 *
 *	basic	files: reads and runs all but /home /root /tmp /var/tmp /dev /boot /mnt /media;
 *		calls: none of those of base/callfilter
 *	strict	files: reads and runs /usr /opt /bin /sbin /lib*; reads /etc /proc;
 *		no socket; calls: as basic
 *
 * Both read and write /dev/null and its like, and the directory that is the program's own.
 */
#pragma once

#include <stdbool.h>

#include "base/callfilter.h"

enum fence_level { FENCE_NONE, FENCE_BASIC, FENCE_STRICT, FENCE_N };

struct fence {
	enum fence_level level;
	const char *program;		/* to be run, wherever it is */
	const char *own;		/* directory to write in; NULL: none */
	char *const *readable;		/* more paths; NULL-terminated; one that is not there is no error */
	char *const *writable;
	int strict;			/* the rules of strict, under any number; -1: none */
	bool may_lack_files;		/* on a kernel without Landlock: go without */
};

/* Parts that are made once: filters of calls, by level, and the rules of strict alone. */
struct fences {
	struct callfilter calls[FENCE_N];
	int strict;			/* closed by an exec; -1: none */
};

/* 0 or -errno. */
int fences_init(struct fences *all);

/*
 * Puts this process, which may gain no privileges any more, into its sandbox. No allocation.
 * 0 or -errno; -ENOSYS: the kernel has no Landlock.
 */
int fence_enter(const struct fences *all, const struct fence *f);

/* True if this kernel can keep files from a program; calls are kept from it in any case. */
bool fence_has_files(void);
