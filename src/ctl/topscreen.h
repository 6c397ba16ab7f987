/* SPDX-License-Identifier: ISC */
/*
 * topscreen: writes a sample as lines of 80 columns. No I/O: a terminal and a pipe get the
 * same table, and a terminal as many lines as it has.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "ctl/topsample.h"

#define TOP_COLUMNS 80

struct top_view {
	size_t rows;		/* of the terminal; 0: a pipe, which has no end */
	enum top_key key;
	bool is_utf8;
	const char *note;	/* shown in place of the last line; NULL: none */
};

/* Appends the table. s NULL: there is nothing to show but the note. */
void topscreen_write(struct buf *b, const struct top_sample *s, const struct top_view *v);
