/* SPDX-License-Identifier: ISC */
/*
 * privilege: becoming another account, for good (R3).
 */
#pragma once

#include <stddef.h>
#include <sys/types.h>

/*
 * setgroups, setresgid, setresuid, each checked; then looks whether it took
 * and proves that root cannot come back (unless uid is 0). Uses nothing but
 * system calls: safe between fork and exec. 0 or -errno; after an error the
 * process must end.
 */
int privilege_drop(uid_t uid, gid_t gid, const gid_t *groups, size_t n_groups);
