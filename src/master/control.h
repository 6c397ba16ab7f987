/* SPDX-License-Identifier: ISC */
/*
 * control: the socket of reqctl status, ps, kill, reload and why. RESP, one
 * request at a time. Who may connect may command: the socket's mode and
 * group decide (R43). A malformed message ends that connection, nothing else.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/loop.h"
#include "conf/conf.h"
#include "proto/request.h"

/* Few, and reserved: status answers however busy the workers are (R19). */
#define CONTROL_MAX_CLIENTS 32

struct control;

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
	bool quit;		/* closed when all is sent */
	bool eof;		/* it sends no more, but may read */
	enum control_wait wait;
	uint64_t number;	/* of the reload, of the list, or of the request to be killed */
	/* LIST: what each worker is to write; -1: nothing (any more) to wait for. */
	int lists[CONF_MAX_WORKERS];
	bool listed[CONF_MAX_WORKERS];
	struct loop_timer timer;	/* LIST, KILL: workers have so long to answer */
	uint64_t due_usec;
};

/* Who executes the requests. */
struct control_ops {
	/* The answer goes into out, or the client waits for it. */
	void (*execute)(struct control_client *c);
	/* It is gone: lets go of what it waited for. */
	void (*forget)(struct control_client *c);
};

struct control {
	struct loop *loop;
	const struct control_ops *ops;
	struct loop_io io;		/* the socket, borrowed */
	struct loop_timer rest;		/* nothing could be accepted; go on after it */
	struct control_client *clients[CONTROL_MAX_CLIENTS];
	uint64_t n_lists;		/* asked for */
};

/* All clients there are. */
#define FOR_EACH_CONTROL_CLIENT(c, control)                                  \
	for (size_t i_ = 0; i_ < CONTROL_MAX_CLIENTS; i_++)                  \
		if (((c) = (control)->clients[i_]) != NULL)

/* Without a socket yet. */
void control_init(struct control *c, struct loop *l, const struct control_ops *ops);
void control_close(struct control *c);

/*
 * The answer is in out. The client goes on at the end of the turn, so that an answer
 * never runs a client's next request inside of what gave the answer.
 */
void control_resume(struct control_client *c);

/* From now on this is its socket; -1: none. Clients stay. */
void control_listen(struct control *c, int fd);
