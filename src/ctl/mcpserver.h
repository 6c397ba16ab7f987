/* SPDX-License-Identifier: ISC */
/*
 * mcpserver: the requests of one client of "reqctl mcp" has asked for. Each question to the server has
 * a thread and a connection of its own, because a call of libreqd waits for its end; the
 * connection is also what a cancel ends.
 */
#pragma once

#include <pthread.h>

#include "base/buf.h"
#include "ctl/ctl.h"
#include "proto/mcp.h"

struct mcpjob;

struct mcpserver {
	const struct ctl *ctl;
	pthread_mutex_t lock;	/* protects all fields below, and the output */
	pthread_cond_t ended;
	struct mcpjob *jobs;
	size_t n_jobs;
	size_t n_lists;		/* jobs that are no calls */
};

void mcpserver_init(struct mcpserver *s, const struct ctl *ctl);

/* Writes one message as a line, whole. */
void mcpserver_write(struct mcpserver *s, struct buf *message);

/* Starts what the message asks for, tools/list or tools/call. Takes the message. */
void mcpserver_start(struct mcpserver *s, struct mcp_message *m);

/* Ends the call with this id, without an answer. */
void mcpserver_cancel(struct mcpserver *s, const json_t *id);

/* Ends all calls, and waits for the lists. Threads may be left, which answer nothing. */
void mcpserver_end(struct mcpserver *s);
