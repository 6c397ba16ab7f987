/* SPDX-License-Identifier: ISC */
/*
 * controlsocket: the socket of reqctl status, ps, kill, reload, restart and why, and
 * its clients. RESP, one request at a time. Every client that can connect may command:
 * the socket's mode and group decide. A malformed message ends its connection, nothing
 * else.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/loop.h"
#include "conf/conf.h"
#include "ipc/mail.h"
#include "proto/request.h"

/* A small number with descriptors of its own: status answers however busy the workers are. */
#define CONTROL_MAX_CLIENTS 32

struct control_socket;

enum control_wait {
	CONTROL_WAIT_NONE,
	CONTROL_WAIT_MASTER,
	CONTROL_WAIT_LIST,
	CONTROL_WAIT_KILL,
	CONTROL_WAIT_RESTART,
};

/* A question of a client to a worker, open or answered. */
struct control_question {
	struct mail_ask ask;
	struct control_client *client;
	int list;		/* file that the worker writes to; -1: none */
};

struct control_client {
	struct control_socket *socket;
	unsigned index;
	struct loop_io io;
	struct loop_task wake;	/* runs when the answer is there */
	struct buf in, out;
	struct request_cursor cursor;
	struct request request;
	bool quit;		/* closed when all is sent */
	bool eof;		/* the client sends no more, but may read */
	enum control_wait wait;
	uint64_t id;		/* MASTER, RESTART: of the question */
	uint8_t what;		/* MASTER: enum frame_what */
	char service[SERVICE_NAME_MAX + 1];	/* RESTART: its name */
	struct control_question questions[CONF_MAX_WORKERS];	/* LIST, KILL: by slot */
	struct loop_timer timer;	/* LIST, KILL: workers have so long to answer */
	uint64_t due_usec;
};

/* Functions that execute the requests of clients. */
struct control_ops {
	/* The answer goes into out, or the client waits for it. */
	void (*execute)(struct control_client *c);
	/* The client is gone: drops its open questions. */
	void (*forget)(struct control_client *c);
};

struct control_socket {
	struct loop *loop;
	const struct control_ops *ops;
	struct loop_io io;		/* the socket */
	struct loop_timer rest;		/* nothing could be accepted; go on after it */
	struct control_client *clients[CONTROL_MAX_CLIENTS];
};

/* All clients there are. */
#define FOR_EACH_CONTROL_CLIENT(c, socket)                                   \
	for (size_t i_ = 0; i_ < CONTROL_MAX_CLIENTS; i_++)                  \
		if (((c) = (socket)->clients[i_]) != NULL)

/* Without a socket yet. */
void control_socket_init(struct control_socket *s, struct loop *l, const struct control_ops *ops);

/* Takes fd, which is its socket from now on; -1: none. Clients stay. */
void control_socket_listen(struct control_socket *s, int fd);

/*
 * The answer is in out. The client goes on at the end of the turn, so that an answer
 * never runs a client's next request inside of what gave the answer.
 */
void control_client_resume(struct control_client *c);
