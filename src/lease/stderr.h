/* SPDX-License-Identifier: ISC */
/*
 * stderr: logs the stderr of a handler process line by line, with the request
 * that the process was working on. A slow log never makes the process wait.
 */
#pragma once

#include <stddef.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/loop.h"

struct lease;

/*
 * The most bytes that are logged for each request; the rest is read and
 * dropped.
 */
#define STDERR_REQUEST (8u << 10)

struct lease_stderr {
	struct loop_io io;	/* fd -1: the process has closed it */
	struct buf line;	/* a line without its end yet */
	size_t left;		/* bytes that may still be logged */
};

/* Takes fd in every case. 0 or -errno. */
int lease_stderr_open(struct lease *lease, int fd);

/* Logs the rest and closes the pipe. */
void lease_stderr_close(struct lease *lease);

/* A new request has begun: it may log its share. */
static inline void
lease_stderr_allow(struct lease_stderr *err)
{
	err->left = STDERR_REQUEST;
}

/*
 * Logs the stderr of a process that died while no worker had it. The last line
 * goes into last.
 */
void lease_stderr_log_dead(const char *service, pid_t pid, int fd, char *last, size_t last_len);
