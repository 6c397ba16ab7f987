/* SPDX-License-Identifier: ISC */
/*
 * controlverbs: what a client of the control socket can ask for. What is not
 * known at once it waits for, and no other client does.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "conf/conf.h"
#include "master/control.h"
#include "proto/request.h"

struct process;

enum control_wait {
	CONTROL_WAIT_NONE,
	CONTROL_WAIT_RELOAD,
	CONTROL_WAIT_LIST,
	CONTROL_WAIT_KILL,
};

struct control_client {
	struct control *control;
	unsigned index;
	struct loop_io io;
	struct loop_task wake;	/* its answer is there: go on */
	struct buf in, out;
	struct request_cursor cursor;
	struct request request;
	enum control_wait wait;
	bool quit;		/* closed when all is sent */
	bool eof;		/* it sends no more, but may read */
	/* PS: what each worker is to write; -1: nothing (any more) to wait for. */
	uint64_t serial;	/* also RELOAD: the number of it */
	int lists[CONF_MAX_WORKERS];
	bool listed[CONF_MAX_WORKERS];
	uint64_t kill_id;
};

/* Executes its request: the answer is in out, or it waits for it. */
void control_execute(struct control_client *c);

/* Lets go of what it waits for. */
void control_forget(struct control_client *c);

/* That reload has ended; the JSON goes to every client that waits for it. */
void control_on_reloaded(struct control *c, uint64_t number, struct slice json);

/* Answers of workers to LIST and KILL, or their deaths. */
void control_on_listed(struct control *c, const struct process *p, uint64_t serial);
void control_on_killed(struct control *c, const struct process *p, uint64_t id, bool found);
void control_on_died(struct control *c, const struct process *p);
