/* SPDX-License-Identifier: ISC */
/*
 * outtable: columns with headings on a terminal, which they fit; else lines of
 * fields separated by tabs, or columns that nothing is cut from.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct ctl;
struct out_table;

struct out_column {
	const char *name;
	bool right;	/* numbers */
	bool cut;	/* gives way where the terminal is narrow, and shows it */
};

enum out_style {
	OUT_TABLE_ON_TERMINAL,	/* elsewhere tabs, and no headings */
	OUT_TABLE_ALWAYS,
};

/* A table with n columns, which are read at once. Never NULL: without memory reqctl ends. */
struct out_table *out_table_new(const struct ctl *ctl, enum out_style style,
    const struct out_column *columns, size_t n);
/* As many cells as columns; copied. */
void out_table_row(struct out_table *t, const char *const *cells);
/* Prints and frees. */
void out_table_end(struct out_table *t);
