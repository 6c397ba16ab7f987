/* SPDX-License-Identifier: ISC */
/* privilege: changes the process to another account, for good. */
#pragma once

#include <stddef.h>
#include <sys/types.h>

/*
 * Calls setgroups, setresgid and setresuid and checks each; then looks whether
 * all ids have changed and proves that root cannot come back (unless uid is 0).
 * Uses nothing but system calls, so it is safe between fork and exec. 0 or
 * -errno; after an error the process must end.
 */
int privilege_drop(uid_t uid, gid_t gid, const gid_t *groups, size_t n_groups);
