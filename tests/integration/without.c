/* SPDX-License-Identifier: ISC */
/*
 * without CALL PROGRAM [ARGUMENT...]: runs a program that lacks a system call, as on a
 * kernel that was built without it.
 */
#include "config.h"

#include <errno.h>
#include <seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

int
main(int argc, char *argv[])
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);
	int number = argc < 3 ? -1 : seccomp_syscall_resolve_name(argv[1]);

	if (number < 0 || ctx == NULL) {
		(void)fputs("usage: without CALL PROGRAM [ARGUMENT...]\n", stderr);
		return 64;
	}
	if (seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS), number, 0) < 0 ||
	    (strcmp(argv[1], "seccomp") == 0 && seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EINVAL),
	    SCMP_SYS(prctl), 1, SCMP_A0_64(SCMP_CMP_EQ, PR_SET_SECCOMP, 0)) < 0) ||
	    seccomp_load(ctx) < 0) {
		(void)fputs("without: no filter\n", stderr);
		return 71;
	}
	(void)execvp(argv[2], argv + 2);
	perror(argv[2]);
	return 127;
}
