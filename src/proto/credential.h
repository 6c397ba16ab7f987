/* SPDX-License-Identifier: ISC */
/*
 * credential: one line of the file of logins, by which reqd knows a caller.
 *
 *	LOGIN:SECRET[:WORD[,WORD]...]
 *
 * SECRET is "token$" or "key$" and the base64url of a SHA-256, or a hash of
 * crypt(3). WORD is label=TEXT, expires=YYYY-MM-DD, services=NAME|NAME,
 * from=NET|NET, or off. A line that is empty or begins with "#" says nothing.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/digest.h"
#include "base/slice.h"

#define CREDENTIAL_LINE_MAX 4096
#define CREDENTIAL_LOGIN_MAX 64
#define CREDENTIAL_LABEL_MAX 64
#define CREDENTIAL_ID_TEXT 17	/* 16 hex digits and NUL */

/* The order is that of the words in the canonical configuration. */
enum credential_kind { CREDENTIAL_TOKEN, CREDENTIAL_KEY, CREDENTIAL_PASSWORD };

/* All texts point into the line. data NULL: the word is not given. */
struct credential_line {
	struct slice login;
	struct slice secret;
	enum credential_kind kind;
	struct slice hash;		/* base64url of a SHA-256; of a password not set */
	struct slice label, expires, services, from;
	bool off;
};

enum credential_status {
	CREDENTIAL_OK = 0,
	CREDENTIAL_BLANK,	/* the line says nothing */
	CREDENTIAL_BAD,
};

/* Reads a line without its line feed. CREDENTIAL_BAD: *ret_why is a constant text. */
enum credential_status credential_parse(struct slice line, struct credential_line *ret,
    const char **ret_why);

/* True for a small letter or digit, then small letters, digits, '.', '_' and '-'. */
bool credential_is_login(struct slice name);

/* True if text has 1 to 64 printable ASCII characters and none of: blank , : " \ */
bool credential_is_label(struct slice text);

/* Writes the id, by which people and logs name the credential: it gives nothing away. */
void credential_id(struct slice login, struct slice secret, char ret[static CREDENTIAL_ID_TEXT]);

/*
 * A number that stands for a login, so that logins can be compared in a time that does
 * not depend on them.
 */
uint64_t credential_tag(struct slice login);

/*
 * Reads YYYY-MM-DD: *ret is the first second after that day, UTC. 0 or -EINVAL.
 */
int credential_date(struct slice text, int64_t *ret);

/* Takes the next of the values that '|' separates. False: there is none. */
bool credential_next(struct slice *list, struct slice *ret);
