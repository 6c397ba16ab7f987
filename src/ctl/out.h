/* SPDX-License-Identifier: ISC */
/*
 * out: text for people; JSON is in outjson.h, tables are in outtable.h. All
 * text that may hold bytes of a server passes through one of these, so that no
 * control character reaches a terminal.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/slice.h"

struct ctl;

enum out_lines {
	OUT_ONE_LINE,	/* line feeds and tabs are escaped, too */
	OUT_LINES,
};

/* Prints s; bytes that are not printable UTF-8 become \xHH. */
void out_text(FILE *f, struct slice s, enum out_lines lines);

/* Prints text on standard output, within a line. */
void out_word(const char *text);

/* Room for out_duration and out_count. */
#define OUT_NUMBER 32

/*
 * Writes a duration for people: "85us", "1.2ms", "3.4s", "2h05m", "3d04h".
 * Returns ret.
 */
const char *out_duration(uint64_t usec, char ret[static OUT_NUMBER]);
const char *out_count(int64_t n, char ret[static OUT_NUMBER]);

/*
 * True if the output is a terminal that shows colours and the user wants them.
 */
bool out_wants_colour(const struct ctl *ctl);

/* Prints a heading, bold on a terminal. The line holds nothing else. */
void out_heading(const struct ctl *ctl, const char *text);
