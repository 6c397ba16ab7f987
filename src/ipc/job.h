/* SPDX-License-Identifier: ISC */
/*
 * job: the client-made part of a start: argv and environment, in a sealed
 * memory file that the worker writes, the runner passes on unread, and the
 * child reads after it has dropped to the service's account (R5).
 *
 * Format: struct job_header, then n_argv strings, then n_env strings, each
 * ended by NUL.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

#define JOB_MAX_BYTES (2u << 20)	/* below the kernel's 2 MiB for argv + env */
#define JOB_MAX_STRINGS 4096

/* What every program finds in its environment. */
#define JOB_ENV_PATH "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#define JOB_ENV_LANG "LANG=C.UTF-8"
#define JOB_ENV_SHELL "SHELL=/bin/sh"
/* By this the runner knows whose a process is that has left its session. */
#define JOB_ENV_ID "REQD_REQUEST_ID"

struct job_header {
	uint32_t magic;
	uint32_t n_argv;
	uint32_t n_env;
	uint32_t len;	/* bytes of all strings with their NULs */
};

/*
 * Seals header and strings into a memory file. strings holds argv, then
 * environment, each ended by NUL. Descriptor or -errno; -E2BIG over a limit.
 */
int job_seal(const struct buf *strings, size_t n_argv, size_t n_env);

/* argv and environment, pointing into mapped memory; for the child only. */
struct job {
	char **argv, **envp;
	char *strings[2 * (JOB_MAX_STRINGS + 1)];	/* both, one behind the other */
};

/*
 * Maps and checks a job. No allocation beyond the mapping, which stays until
 * exec and, on an error, is gone. 0 or -errno (-EPERM not sealed, -EBADMSG
 * malformed).
 */
int job_read(int fd, struct job *ret);
