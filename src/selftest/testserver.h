/* SPDX-License-Identifier: ISC */
/*
 * testserver: the private reqd of the self-test: its directory, its files, its process.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/pin.h"
#include "selftest/testline.h"

/* The listeners by a key of each kind have TLS, and so has HTTPS. */
enum door { DOOR_TCP, DOOR_UNIX, DOOR_CONTROL, DOOR_TLS, DOOR_RSA, DOOR_ED25519, DOOR_KEY,
	DOOR_HTTP, DOOR_HTTPS, DOOR_N };

/* A token of nobody: the private reqd lives for seconds. */
#define TESTSERVER_TOKEN "reqd_c2VsZi10ZXN0IG9mIHJlcWQsIG5vdCBhIHNlY3JldC4rPj0"

struct testserver {
	char dir[64];
	char *log;		/* standard error of reqd, as testserver_read_log() has found it */
	pid_t pid;		/* 0: it does not run */
	uint16_t ports[DOOR_N];
	char pin[PIN_TEXT];	/* of the key of DOOR_TLS */
};

/* Makes the directory and chooses ports. 0 or -errno. */
int testserver_init(struct testserver *t);

/* Ends it, and removes the directory. */
void testserver_done(struct testserver *t);

/* Writes a path of its directory. */
void testserver_path(const struct testserver *t, const char *name, char ret[static 108]);

const char *testserver_door(enum door door);

/* Writes keys, logins and configuration, and waits until it serves. 0 or -errno. */
int testserver_start(struct testserver *t);

/* Writes a configuration with a further service and another worker. 0 or -errno. */
int testserver_change(struct testserver *t);

/*
 * Opens the line of a door. NULL, or what went wrong. The caller closes it in any case.
 */
const char *testserver_open(const struct testserver *t, enum door door, struct testline *ret);

/* Asks it to stop. Returns its status, or -1. */
int testserver_stop(struct testserver *t);

/* Reads the log anew. 0 or -errno. */
int testserver_read_log(struct testserver *t);
