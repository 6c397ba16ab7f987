/* SPDX-License-Identifier: ISC */
/*
 * hooksecrets: takes the secrets of webhooks out of their files, for the workers that speak
 * HTTP. No configuration has them, and no other process gets them.
 *
 * The sealed file has a record for each name of a file, as the configuration has it: two
 * numbers of 32 bits, which are the lengths of the name and of the secret, and both of them.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"
#include "conf/reader.h"

#define HOOKSECRETS_MAX (64u << 20)	/* bytes of the sealed file */

/*
 * Reads and seals the secrets of all webhooks, and keeps the file in the configuration. A
 * file that is not there, or that others may read, is an error. 0 or -ENOMEM.
 */
int hooksecrets_load(struct reader *r);

/* The sealed file, mapped. All zero: it has no secrets. */
struct hooksecrets {
	const char *data;
	size_t len;
};

/* Maps and checks a sealed file, which is borrowed. 0 or -errno. */
int hooksecrets_open(int fd, struct hooksecrets *ret);
void hooksecrets_done(struct hooksecrets *s);

/* Finds the secret of this name. False: there is none. */
bool hooksecrets_find(const struct hooksecrets *s, const char *name, struct slice *ret);
