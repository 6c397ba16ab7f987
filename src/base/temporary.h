/* SPDX-License-Identifier: ISC */
/*
 * temporary: a directory of this process in which programs make directories of their own.
 *
 *	/var/tmp/reqd-tmp-0123456789abcdef	of this process, which keeps it locked
 *	/var/tmp/reqd-tmp-0123456789abcdef/89ab...	of one program, which makes it
 *
 * A program makes its directory itself, after it has taken its account, and a child with
 * the same account removes it: root changes nothing where a program can. The names are
 * not to be guessed, so nobody can take them before.
 */
#pragma once

#include <limits.h>
#include <stdint.h>
#include <sys/types.h>

/* The removal of the directory of one program is to be ended after this time. */
#define TEMPORARY_REMOVAL_SECONDS 60

struct temporary {
	int lock;			/* directory of this process; -1: not made yet */
	char path[PATH_MAX / 2];	/* path of that directory */
	pid_t sweeper;			/* removes what dead processes have left; 0: has ended */
};

/* Zeroed memory. */
void temporary_init(struct temporary *t);

/*
 * Makes the directory of this process in base, where there is none, and has a child remove
 * those of processes that are dead. Without an allocation. 0 or -errno.
 */
int temporary_open(struct temporary *t, const char *base);

/* Removes the directory of this process, if it is empty. */
void temporary_close(struct temporary *t);

/* Chooses a directory in there, by a number that is not 0. 0 or -errno. */
int temporary_choose(uint64_t *ret);

/* The path of a directory that was chosen. Good until the next call. */
const char *temporary_path(const struct temporary *t, uint64_t number);
