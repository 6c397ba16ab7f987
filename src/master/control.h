/* SPDX-License-Identifier: ISC */
/*
 * control: the socket of reqctl status, ps, kill, reload and why. RESP, one
 * request at a time. Who may connect may command: the socket's mode and
 * group decide (R43). A malformed message ends that connection, nothing else.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/loop.h"
#include "conf/conf.h"
#include "master/socketfile.h"

/* Few, and reserved: status answers however busy the workers are (R19). */
#define CONTROL_MAX_CLIENTS 32

struct control_client;
struct master;

/* The socket itself. */
struct control_socket {
	int fd;				/* -1: none */
	char *path;
	struct socket_file file;
};

struct control {
	struct master *master;
	struct control_socket socket;
	struct loop_io io;
	struct loop_timer rest;		/* nothing could be accepted; go on after it */
	struct control_client *clients[CONTROL_MAX_CLIENTS];
	uint64_t serial;
};

/* Opens the socket of the configuration in force. 0, or -errno with one line in why. */
int control_open(struct control *c, struct master *m, char *why, size_t why_len);
void control_close(struct control *c);

/*
 * A reload in two steps: opens the socket of a new configuration if it is
 * another one (else ret->fd is -1); then puts the configuration into force,
 * which takes the socket, or lets go of it. Clients stay.
 */
int control_rebind(const struct control *c, const struct conf *conf, struct control_socket *ret,
    char *why, size_t why_len);
/* Would that go well, as far as can be seen without doing it? */
int control_try(const struct control *c, const struct conf *conf, char *why, size_t why_len);
void control_move(struct control *c, const struct conf *conf, struct control_socket *s);
void control_unbind(struct control_socket *s);
