/* SPDX-License-Identifier: ISC */
/*
 * job: the client-made part of a start: argv and environment. Each worker has one file
 * for its jobs, which the runner makes and keeps; the worker writes a job into free
 * places of it, and the child copies and reads the job after it has dropped to the
 * service's account. So a job costs no descriptor and no new page.
 *
 * Format of a job: struct job_header, then n_argv strings, then n_env strings, each
 * ended by NUL; what follows is nothing.
 *
 * The size of the file is fixed, so that nobody can make its last close expensive: the
 * kernel needs 30 ms for one that is full. The file is not sealed against writing. To
 * seal it the runner would have to wait for whoever has its pages in use, which a
 * worker can make last 150 ms; and the child reads it once, so who writes late spoils
 * his own request.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

#define JOB_MAX_BYTES (2u << 20)	/* below the kernel's 2 MiB for argv + env */
#define JOB_MAX_STRINGS 4096
#define JOB_MAX_STRING (128u << 10)	/* with its NUL: what execve(2) takes */
/* A job takes as many places in a row as it needs. */
#define JOB_PLACE (16u << 10)
#define JOB_PLACES 4096

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

/* A file of jobs, of a size that nobody can change. Descriptor or -errno. */
int job_file(void);

/* Who writes jobs into a file: which places are free. All zero: there is no file. */
struct jobs {
	char *places;			/* the file; NULL: none */
	uint32_t serial;		/* of the file, here */
	uint64_t used[JOB_PLACES / 64];	/* a bit each */
	uint16_t n_places[JOB_PLACES];	/* of the job that begins here */
};

/* Takes a file, in which all is free; jobs in an earlier one are void. 0 or -errno. */
int jobs_open(struct jobs *all, int fd);
void jobs_close(struct jobs *all);

/*
 * Writes a job. strings holds argv, then environment, each ended by NUL. 0; -E2BIG over
 * a limit; -EBUSY: there is no room; or -errno. job_check() knows the limits beforehand, and
 * those of execve(2) on all strings together.
 */
int jobs_write(struct jobs *all, struct slice strings, size_t n_argv, size_t n_env,
    uint32_t *ret_job);
int job_check(struct slice strings, size_t n_argv, size_t n_env);

/* The job has been read, or will not be. Harmless for 0, and for one in an earlier file. */
void jobs_free(struct jobs *all, uint32_t job);

/* Where a job stands in its file. */
static inline uint32_t
job_place(uint32_t job)
{
	return job % JOB_PLACES;
}

/* argv and environment; for the child only. */
struct job {
	char **argv, **envp;
	char *strings[2 * (JOB_MAX_STRINGS + 1)];	/* both, one behind the other */
};

/*
 * Copies and checks a job. No allocation: the strings stay in memory set
 * aside, until the next one. 0 or -errno (-EBADMSG malformed).
 */
int job_read(int fd, uint32_t place, struct job *ret);
