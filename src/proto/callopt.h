/* SPDX-License-Identifier: ISC */
/*
 * callopt: the options in front of the service name in CALL. No I/O, no clock.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

#define CALL_MAX_META 16
#define CALL_META_KEY_MAX 64
#define CALL_META_VALUE_MAX 1024
#define CALL_TOKEN_MAX 128

struct callopt {
	bool full;
	bool stream;
	bool named;
	bool input;		/* --stdin: the last argument is the input */
	bool open;		/* the input follows in INPUT requests */
	bool notify;		/* ... and a push tells the client when no more input is wanted */
	bool explain;		/* the reply tells how the call would run; nothing runs */
	bool has_timeout;
	uint64_t timeout_ms;
	struct slice token;	/* --id; data NULL: none */
	struct {
		struct slice key, value;
	} meta[CALL_MAX_META];
	size_t n_meta;

	struct slice service;
	const struct slice *args;	/* the arguments without the input */
	size_t n_args;
	struct slice stdin_data;	/* the input given by --stdin */
};

#define CALLOPT_WHY 160

/* True if the text can be a token of --id. */
bool callopt_is_token(struct slice text);

/*
 * Parses a CALL; argv[0] is the word CALL. 0, or 1 with why (escaped, one line)
 * when an option or its value is wrong, the service name is missing, or options
 * exclude each other. Options and service name are matched without regard to
 * case. Token: 1-128 bytes of [A-Za-z0-9._:-]. Meta key: [A-Za-z0-9_]{1,64};
 * value: printable UTF-8 without control characters.
 */
int callopt_parse(const struct slice *argv, size_t argc, struct callopt *ret,
    char why[static CALLOPT_WHY]);
