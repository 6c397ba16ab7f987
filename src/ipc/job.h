/* SPDX-License-Identifier: ISC */
/*
 * job: the part of a start that comes from a client: argv and environment. Each
 * worker has one file for its jobs, which the runner makes and keeps. The
 * worker writes a job into free places of the file; the child copies and reads
 * the job after it has dropped to the service's account. So a job costs no
 * descriptor and no new page.
 *
 * Format of a job: struct job_header, then n_argv strings, then n_env strings, then n_files
 * contents of files, each ended by NUL, and nothing else.
 *
 * The size of the file is fixed, so that nobody can make its last close
 * expensive: the kernel needs 30 ms for a full file. The file is not sealed
 * against writing. To seal the file, the runner would have to wait for every
 * process that has its pages in use, and a worker can stretch that wait to 150
 * ms. The child reads a job once, so a worker that writes late spoils only its
 * own request.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

#define JOB_MAX_BYTES (2u << 20)	/* below the kernel's 2 MiB for argv + env */
#define JOB_MAX_STRINGS 4096
#define JOB_MAX_FILES 64
#define JOB_MAX_STRING (128u << 10)	/* with its NUL: what execve(2) takes */
/* A job takes as many places in a row as it needs. */
#define JOB_PLACE (16u << 10)
#define JOB_PLACES 4096
#define JOB_FILE_BYTES ((size_t)JOB_PLACE * JOB_PLACES)

/* Variables that every program finds in its environment. */
#define JOB_ENV_PATH "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#define JOB_ENV_LANG "LANG=C.UTF-8"
#define JOB_ENV_SHELL "SHELL=/bin/sh"
#define JOB_ENV_ID "REQD_REQUEST_ID"

struct job_header {
	uint32_t magic;
	uint32_t n_argv;
	uint32_t n_env;
	uint32_t n_files;	/* for secret arguments */
	uint32_t len;	/* bytes of all strings with their NULs */
};

/* Makes a file of jobs, whose size nobody can change. Descriptor or -errno. */
int job_file(void);

/* The writer's view of a file of jobs: which places are free. All zero: there is no file. */
struct jobs {
	char *places;			/* the file; NULL: none */
	uint32_t serial;		/* of the file, here */
	size_t n_used;
	uint64_t used[JOB_PLACES / 64];	/* a bit each */
	uint16_t n_places[JOB_PLACES];	/* of the job that begins here */
};

/* Takes a file, in which all places are free; jobs in an earlier file are void. 0 or -errno. */
int jobs_open(struct jobs *all, int fd);
void jobs_close(struct jobs *all);

/* The strings of a job: argv, then environment, then contents of files, each ended by NUL. */
struct job_strings {
	struct slice text;
	size_t n_argv, n_env, n_files;
};

/*
 * Writes a job. 0;
 * -E2BIG over a limit; -EBUSY: there is no room; or -errno. job_check() tells the
 * limits beforehand, and those of execve(2) on all strings together.
 */
int jobs_write(struct jobs *all, const struct job_strings *s, uint32_t *ret_job);
int job_check(struct slice strings, size_t n_argv, size_t n_env);

/*
 * Frees the places of a job that has been read, or will not be. Harmless for 0,
 * and for a job in an earlier file.
 */
void jobs_free(struct jobs *all, uint32_t job);

/* The places that a job with so many bytes of strings takes. */
static inline size_t
jobs_places(size_t bytes)
{
	return (sizeof(struct job_header) + bytes + JOB_PLACE - 1) / JOB_PLACE;
}

/* The place of a job in its file. */
static inline uint32_t
job_place(uint32_t job)
{
	return job % JOB_PLACES;
}

/* The argv and environment of a job; for the child only. */
struct job {
	char **argv, **envp, **files;
	/* All lists, one behind the other, with room for two variables more. */
	char *strings[2 * (JOB_MAX_STRINGS + 1) + 2 + JOB_MAX_FILES + 1];
};

/*
 * Copies and checks a job. No allocation: the strings stay in memory set aside,
 * until the next call. 0 or -errno (-EBADMSG malformed).
 */
int job_read(int fd, uint32_t place, struct job *ret);
