/* SPDX-License-Identifier: ISC */
/*
 * stderr: what a handler says on its stderr, line by line to the log, with
 * the request it was at. Never waits for a process that is not read.
 */
#pragma once

#include <stddef.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/loop.h"

struct lease;

/* So much is logged for each request; the rest is read and dropped. */
#define STDERR_REQUEST (8u << 10)

struct lease_stderr {
	struct loop_io io;	/* fd -1: it has closed it */
	struct buf line;	/* without its end yet */
	size_t left;		/* bytes that are still logged */
};

/* Takes fd in every case. 0 or -errno. */
int lease_stderr_open(struct lease *lease, int fd);

/* Logs what there is and closes it. */
void lease_stderr_close(struct lease *lease);

/* A new request. */
static inline void
lease_stderr_allow(struct lease_stderr *err)
{
	err->left = STDERR_REQUEST;
}

/* Of a process that died in nobody's hands: what is in this pipe now. */
void lease_stderr_log_dead(const char *service, pid_t pid, int fd);
