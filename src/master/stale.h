/* SPDX-License-Identifier: ISC */
/*
 * stale: handlers whose program has changed since their processes were
 * started. A reload that changes nothing of a service leaves its processes as
 * they are, and so does not bring the new program into effect.
 */
#pragma once

struct conf;
struct conf_errors;
struct stats;

/*
 * Adds a note for each such service. c is in force; broker is the page of the
 * broker, or NULL.
 */
void stale_notes(const struct conf *c, const struct stats *broker, struct conf_errors *notes);
