/* SPDX-License-Identifier: ISC */
/*
 * password: the question of a worker whether a password is right, and the answer of the
 * process that has the hashes.
 *
 * Questions go up the pipe of a mail, answers down its socket, one a message. They are
 * no frames of that mail: a frame is short, and its owner does not wipe it.
 */
#pragma once

#include <stdint.h>

#include "proto/credential.h"

#define PASSWORD_SECRET_MAX 1024

/* The kind of place that the caller is at. */
enum password_place { PASSWORD_FROM_UNIX, PASSWORD_FROM_IPV4, PASSWORD_FROM_IPV6, PASSWORD_FROM_N };

struct password_ask {
	uint64_t id;			/* chosen by the worker, never the same twice */
	uint32_t uid;			/* of a unix peer */
	uint16_t secret_len;
	uint8_t login_len;		/* 0: the one login that has a password */
	uint8_t place;			/* enum password_place */
	uint8_t address[16];		/* as in the packets; IPv4: the first four */
	char login[CREDENTIAL_LOGIN_MAX];
	char secret[PASSWORD_SECRET_MAX];
};

enum password_verdict {
	PASSWORD_RIGHT,
	PASSWORD_WRONG,
	PASSWORD_UNKNOWN,		/* nobody has this login, or it has no password */
	PASSWORD_OFF, PASSWORD_EXPIRED, PASSWORD_ELSEWHERE,
	/* not checked at all: */
	PASSWORD_PENALTY,		/* too many failures from there */
	PASSWORD_BUSY,			/* too many logins at a time */
	PASSWORD_N,
};

struct password_answer {
	uint64_t id;
	uint32_t retry_sec;		/* PENALTY, BUSY */
	uint8_t verdict;		/* enum password_verdict */
	char credential[CREDENTIAL_ID_TEXT];	/* RIGHT: its id */
	uint8_t unused[2];
};

_Static_assert(sizeof(struct password_ask) == 1120, "questions have one size, without holes");
_Static_assert(sizeof(struct password_answer) == 32, "answers have one size, without holes");
