/* SPDX-License-Identifier: ISC */
/*
 * zoo: functions that the misbehaving programs share.
 *
 * Every program takes -p FILE and appends the pid of each of its processes to
 * it, so that a test can check that they are gone. A program that leaves
 * children behind exits only after these have written their pids.
 */
#pragma once

#include <sys/types.h>

/*
 * getopt() with "p:" added to the program's own options and handled here.
 * A wrong option ends the program with status 2.
 */
int zoo_getopt(int argc, char **argv, const char *own);

/* Appends the pid of the calling process to the file of -p, if any. */
void zoo_record(void);

/*
 * Forks. The child has written its pid before the parent goes on, and so has
 * every process the child made before it called zoo_settled().
 */
pid_t zoo_fork(void);

/* In a child of zoo_fork(): lets the parent go on. */
void zoo_settled(void);

/* Ignores the signals that end a polite program. */
void zoo_ignore_signals(void);

/* Points 0, 1 and 2 at /dev/null. */
void zoo_close_stdio(void);

/* Writes lines to fd for ever, or n bytes when n is not 0. */
void zoo_flood(int fd, unsigned long long n);

__attribute__((noreturn)) void zoo_rest(void);
__attribute__((noreturn)) void zoo_die(const char *what);
