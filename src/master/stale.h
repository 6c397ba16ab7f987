/* SPDX-License-Identifier: ISC */
/*
 * stale: files that have changed since they were read, and handlers whose program has
 * changed since their processes were started. A reload that changes nothing of a service
 * leaves its processes as they are, and so does not bring the new program into effect.
 */
#pragma once

#include <stddef.h>

struct conf;
struct conf_errors;
struct edition;
struct stats;

/*
 * Finds a file of an edition that has been changed, added or taken away since it was
 * read. 0 with the path in ret; -ENOENT: there is none.
 */
int stale_file(const struct edition *e, char *ret, size_t len);

/*
 * Adds a note for each such service. c is in force; broker is the page of the
 * broker, or NULL.
 */
void stale_notes(const struct conf *c, const struct stats *broker, struct conf_errors *notes);
