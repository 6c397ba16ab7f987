/* SPDX-License-Identifier: ISC */
/*
 * words: what a handler says on its stderr, line by line to the log, with
 * the request it was at. Never waits for a process that is not read.
 */
#pragma once

#include <stddef.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/loop.h"

struct lease;

/* So much is logged for each request; the rest is read and dropped. */
#define WORDS_REQUEST (8u << 10)

struct words {
	struct loop_io io;	/* fd -1: it has closed it */
	struct buf line;	/* without its end yet */
	size_t left;		/* bytes that are still logged */
};

/* Takes fd in every case. 0 or -errno. */
int words_open(struct lease *lease, int fd);

/* Logs what there is and closes it. */
void words_close(struct lease *lease);

/* A new request. */
static inline void
words_allow(struct words *words)
{
	words->left = WORDS_REQUEST;
}

/* Of a process that died in nobody's hands: what is in this pipe now. */
void words_log_dead(const char *service, pid_t pid, int fd);
