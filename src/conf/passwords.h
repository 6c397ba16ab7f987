/* SPDX-License-Identifier: ISC */
/*
 * passwords: takes the hashes of passwords out of the file of logins, for the process
 * that checks passwords. No configuration has them, and no other process gets them.
 */
#pragma once

#include <stddef.h>

#include "conf/reader.h"

/* Bytes of the sealed file: more than a file of logins makes. */
#define PASSWORDS_MAX (4u << 20)

/* A check of a password may take so much time of a processor. */
#define PASSWORDS_LIMIT_MS 300

/*
 * Seals the hashes of a text of a file of logins without mistakes, as lines "ID USEC HASH",
 * and keeps the file in the configuration. USEC is the time of one check, measured in a
 * child; a hash that takes too long is an error with its line. 0 or -ENOMEM.
 */
int passwords_load(struct reader *r, const char *file, const char *text, size_t len);
