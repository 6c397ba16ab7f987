/* SPDX-License-Identifier: ISC */
/*
 * job: the client-made part of a start: argv and environment, in a memory
 * file that the runner makes, the worker writes, and the child copies and
 * reads after it has dropped to the service's account.
 *
 * Format: struct job_header, then n_argv strings, then n_env strings, each
 * ended by NUL; what follows is nothing.
 *
 * The file is not sealed against writing. To seal it the runner would have to
 * wait for whoever has its pages in use, which a worker can make last 150 ms;
 * and the child reads it once, so who writes late spoils his own request.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

#define JOB_MAX_BYTES (2u << 20)	/* below the kernel's 2 MiB for argv + env */
#define JOB_MAX_STRINGS 4096

/* What every program finds in its environment. */
#define JOB_ENV_PATH "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#define JOB_ENV_LANG "LANG=C.UTF-8"
#define JOB_ENV_SHELL "SHELL=/bin/sh"
#define JOB_ENV_ID "REQD_REQUEST_ID"

struct job_header {
	uint32_t magic;
	uint32_t n_argv;
	uint32_t n_env;
	uint32_t len;	/* bytes of all strings with their NULs */
};

/* An empty one, of a size that nobody can change. Descriptor or -errno. */
int job_file(void);

/*
 * Writes header and strings. strings holds argv, then environment, each ended
 * by NUL. 0 or -errno; -E2BIG over a limit, by job_check() known beforehand.
 */
int job_write(int fd, struct slice strings, size_t n_argv, size_t n_env);
int job_check(struct slice strings, size_t n_argv, size_t n_env);

/* argv and environment; for the child only. */
struct job {
	char **argv, **envp;
	char *strings[2 * (JOB_MAX_STRINGS + 1)];	/* both, one behind the other */
};

/*
 * Copies and checks a job. No allocation: the strings stay in memory set
 * aside, until the next one. 0 or -errno (-EBADMSG malformed).
 */
int job_read(int fd, struct job *ret);
