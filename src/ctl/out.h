/* SPDX-License-Identifier: ISC */
/*
 * out: text for people; JSON is in outjson.h, tables are in outtable.h.
 * Everything that may hold bytes of a server passes one of these, so that none
 * of them reaches a terminal as a control character.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/slice.h"

struct ctl;

enum out_lines {
	OUT_ONE_LINE,	/* line feeds and tabs are escaped as well */
	OUT_LINES,
};

/* Prints s; what is not printable UTF-8 becomes \xHH. */
void out_text(FILE *f, struct slice s, enum out_lines lines);

/* Prints text on standard output, within a line. */
void out_word(const char *text);

/* Room for out_duration and out_count. */
#define OUT_NUMBER 32

/* For people: "85us", "1.2ms", "3.4s", "2h05m", "3d04h". Returns ret. */
const char *out_duration(uint64_t usec, char ret[static OUT_NUMBER]);
const char *out_count(int64_t n, char ret[static OUT_NUMBER]);

/* True if there is a terminal that shows colours, and a user who wants them. */
bool out_wants_colour(const struct ctl *ctl);

/* Bold on a terminal. Returns text around which nothing else is printed. */
void out_heading(const struct ctl *ctl, const char *text);
