/* SPDX-License-Identifier: ISC */
/*
 * text: the bytes of a configuration file, made fit for libconfuse.
 *
 * libconfuse 3.3 reads on happily where it should not: it miscounts lines
 * after a comment and refuses comments in a list, ends at the end of the
 * file inside a string, a comment or a section, puts environment variables
 * into strings, skips bytes it does not know, and never tells where a section
 * starts or that a list is empty. So its lexical rules are gone through once
 * before it: comments become blanks, "${" is taken apart, every section gets a
 * hidden key at its start and its end, and what libconfuse would pass over in
 * silence is an error.
 */
#pragma once

#include <stddef.h>

#include "conf/errors.h"

/* Hidden keys. No control character can be written in a file itself. */
#define TEXT_OPEN "\001open"
#define TEXT_CLOSE "\001close"

/*
 * Reads a regular file of at most max bytes. Never waits for a writer of a
 * fifo. 0 and a new string (free), or -EINVAL with one error, or -ENOMEM.
 */
int text_read(const char *file, size_t max, char **ret, size_t *ret_len,
    struct conf_errors *errors);

/*
 * The text for libconfuse, as a new string (free). Stops at the first byte
 * it cannot make sense of: then *ret_text is what stands before, and the
 * error is given to the caller as line and reason, to be reported after
 * those found before it. 0, 1 (stopped there) or -ENOMEM.
 */
struct text_fault {
	unsigned line;
	char why[160];
};

int text_clean(const char *data, size_t len, char **ret_text, size_t *ret_len,
    struct text_fault *ret_fault);

/* Puts together again what text_clean took apart, in place. */
void text_restore(char *value);
