/* SPDX-License-Identifier: ISC */
/*
 * hashes: the hashes of the passwords of one configuration, and the check of a password
 * against them. A no takes the time of the dearest hash at least, and no other time for a
 * login that nobody has: of one hash that is cheaper, too, where costs differ.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "conf/conf.h"
#include "ipc/password.h"

struct hashes {
	char *text;		/* the sealed file; NULL: none */
	size_t len;
	struct hash {
		const char *id;		/* of the credential */
		const char *hash;	/* for crypt(3) */
		uint64_t usec;		/* the time of one check, as the loader has measured it */
	} *list;		/* sorted by id */
	size_t n;
	const struct hash *dearest;
};

/*
 * Reads the sealed file of conf/passwords. NULL, or what is wrong: a constant string, and
 * nothing is read.
 */
const char *hashes_read(struct hashes *h, int fd);

/* Forgets the hashes, and overwrites them. */
void hashes_done(struct hashes *h);

/*
 * Checks the password of a question, which has passed password_ask_is_valid(), under
 * these rules. RIGHT: *ret is the credential. Overwrites what it has used.
 */
enum password_verdict hashes_check(const struct hashes *h, const struct conf *c,
    const struct password_ask *ask, const struct credential **ret);
