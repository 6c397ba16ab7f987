/* SPDX-License-Identifier: ISC */
/*
 * outtable: columns with headings that fit the terminal. Where the output is no
 * terminal: lines of fields separated by tabs, or columns that are not cut.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct ctl;
struct out_table;

struct out_column {
	const char *name;
	bool right;	/* numbers, aligned to the right */
	bool cut;	/* may be cut on a narrow terminal, with a mark */
};

enum out_style {
	OUT_TABLE_ON_TERMINAL,	/* without a terminal: tabs, and no headings */
	OUT_TABLE_ALWAYS,
};

/*
 * Makes a table. columns are read at once. Never NULL: without memory reqctl
 * ends.
 */
struct out_table *out_table_new(const struct ctl *ctl, enum out_style style,
    const struct out_column *columns, size_t n);
/* Adds a row with one cell for each column. Copies the cells. */
void out_table_row(struct out_table *t, const char *const *cells);
/* Prints and frees the table. */
void out_table_end(struct out_table *t);
