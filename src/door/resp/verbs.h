/* SPDX-License-Identifier: ISC */
/*
 * verbs: the requests that a client can make. Each has one row and one
 * function.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/request.h"

struct buf;
struct session;

enum verb_group { VERB_CONNECTION, VERB_SERVER, VERB_SERVICES };

/*
 * A flag beside the group: client libraries send this verb before the user asks
 * anything.
 */
#define VERB_INTRODUCES 0x10u
/* This verb is for callers that are somebody: others are told to log in. */
#define VERB_NEEDS_CALLER 0x20u
/* The words may be a secret: the request is overwritten when the verb is done. */
#define VERB_HAS_SECRET 0x40u
#define VERB_FLAGS (VERB_INTRODUCES | VERB_NEEDS_CALLER | VERB_HAS_SECRET)

/*
 * Executes a verb for the session c: writes its reply, or calls session_wait()
 * and replies later.
 */
typedef void verb_fn(struct session *c, const struct request *r);

struct verb {
	const char *name;	/* upper case */
	verb_fn *fn;
	int min_args, max_args;	/* counts with the verb itself; max -1: any number */
	unsigned group;		/* enum verb_group and VERB_FLAGS */
	const char *summary;
	const char *usage;	/* arguments, in the form that redis-cli shows as a hint */
};

extern const struct verb verbs[];
extern const size_t n_verbs;

/* Executes one request. */
void verb_execute(struct session *c, const struct request *r);

/* In service-verbs.c. */
verb_fn verb_call, verb_input, verb_cancel, verb_services, verb_describe, verb_whoami, verb_why;
/* Calls a service by its bound verb. False: this caller has no such verb. */
struct service;
bool verb_bound(struct session *c, const struct service *s, const struct request *r);

/* In client-verbs.c. */
#define CLIENT_NAME_MAX 128
#define CLIENT_NAME_COMPLAINT \
	"Client names cannot contain spaces, newlines or special characters, or more than 128 bytes"
verb_fn verb_client;
/*
 * True for printable ASCII without blanks, so that CLIENT LIST stays readable.
 */
bool client_name_is_valid(struct slice s);
/* In login-verbs.c. */
verb_fn verb_auth, verb_acl;
struct slice;

/* The reply to a login that succeeds, and what the verb needs for it. */
struct login_reply {
	void (*fn)(struct session *c, const struct login_reply *reply);
	uint8_t version;		/* HELLO: enum resp_version */
	bool has_name;			/* ... and SETNAME */
	char name[CLIENT_NAME_MAX + 1];
};

/*
 * Logs the session in with this secret, now or later, and then writes the reply. login:
 * data NULL for none. A no is an error reply, and changes nothing.
 */
void verb_log_in(struct session *c, struct slice login, struct slice secret,
    const struct login_reply *reply);

/* Nobody waits any more for the login that is being checked, if there is one. */
void verb_forget_login(struct session *c);
/* In probe-verbs.c. The request has a subcommand where the verb has any. */
verb_fn verb_probe;
/* In docs.c. */
verb_fn verb_command;
/* In info.c. */
verb_fn verb_info;
