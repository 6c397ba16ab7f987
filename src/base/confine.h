/* SPDX-License-Identifier: ISC */
/*
 * confine: a process gives up, for good, what it has no need of: calls of the kernel,
 * files, signals to others, children.
 *
 * Three ways to lose a call:
 *
 *	killed	the call runs a program, opens a door, or changes whose process this is:
 *		the process ends by SIGSYS
 *	EACCES	the call opens a file
 *	ENOSYS	any other call that is not allowed, one that does not exist yet included:
 *		a newer C library tries another way then
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Conditions on the arguments of a call, all of which must hold. */
enum confine_condition { CONFINE_NONE, CONFINE_IS, CONFINE_LACKS };

struct confine_test {
	enum confine_condition condition;
	unsigned argument;
	uint64_t value;		/* the value that it has; or a bit that it lacks */
};

struct confine_call {
	const char *name;	/* a name that this machine does not have counts for nothing */
	struct confine_test tests[2];
};

#define CONFINE_MAX_LISTS 4

struct confine_plan {
	const struct confine_call *lists[CONFINE_MAX_LISTS];	/* calls that stay; each ends with {0} */
	uint64_t max_file;	/* limit of the size of a file; UINT64_MAX: as it is */
	/*
	 * NULL, or the name of this process: each call that is refused, but not
	 * those that kill, is told once on standard error, as "CONFINE_TOLD NAME: NUMBER".
	 */
	const char *told_as;
};

#define CONFINE_TOLD "reqd: confined:"

/*
 * Confines this process, which has one thread and may gain no privileges any more.
 * 0, or -errno with the step that failed.
 */
int confine(const struct confine_plan *plan, const char **ret_step);

/* 0 if this kernel can do what confine() needs, else -errno. */
int confine_check(void);

/* The version of Landlock in this kernel; 0: there is none, and confine() goes without. */
int confine_landlock(void);

/* Writes the name of a system call; its number where the library does not know it. */
void confine_name(int number, char *ret, size_t size);

/* True if this program was built to confine itself; else confine() does nothing. */
bool confine_is_built_in(void);
