/* SPDX-License-Identifier: ISC */
/*
 * control: the socket of reqctl status, ps, kill, reload and why. RESP, one
 * request at a time. Who may connect may command: the socket's mode and
 * group decide (R43). A malformed message ends that connection, nothing else.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "base/slice.h"

/* Few, and reserved: status answers however busy the workers are (R19). */
#define CONTROL_MAX_CLIENTS 32

struct control_client;
struct master;
struct process;

struct control {
	struct master *master;
	int fd;				/* -1: none */
	char *path;
	sd_event_source *io;
	struct control_client *clients[CONTROL_MAX_CLIENTS];
	uint64_t serial;
};

/* Opens the socket of the configuration in force. 0 or -errno. */
int control_open(struct control *c, struct master *m);
void control_close(struct control *c);

/* A reload has ended; the JSON goes to every client that waits for one. */
void control_reloaded(struct control *c, struct slice json);

/* Answers of workers to LIST and KILL, or their deaths. */
void control_on_listed(struct control *c, const struct process *p, uint64_t serial);
void control_on_killed(struct control *c, uint64_t id, bool found);
void control_on_died(struct control *c, const struct process *p);
