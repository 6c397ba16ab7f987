/* SPDX-License-Identifier: ISC */
/*
 * outtable: prints tables with libsmartcols and cuts cells that are too wide.
 */
#include "config.h"

#include "ctl/outtable.h"

#include <langinfo.h>
#include <libsmartcols.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>
#include <wctype.h>

#include "base/cleanup.h"
#include "ctl/ctl.h"
#include "ctl/out.h"

/* A column is not cut below this width, nor below its heading. */
#define CUT_LEAST 8

struct out_table {
	struct libscols_table *table;	/* NULL: print fields and tabs */
	size_t n_columns;
	bool fit;			/* fit the width of the terminal */
};

struct out_table *
out_table_new(const struct ctl *ctl, enum out_style style, const struct out_column *columns,
    size_t n)
{
	struct out_table *t = ctl_need(calloc(1, sizeof(*t)));

	t->n_columns = n;
	t->fit = ctl->out_tty;
	if (style != OUT_TABLE_ALWAYS && !ctl->out_tty)
		return t;
	t->table = ctl_need(scols_new_table());
	/* libsmartcols would cut without a mark; table_fit() cuts with one. */
	(void)scols_table_set_termforce(t->table, SCOLS_TERMFORCE_NEVER);
	for (size_t i = 0; i < n; i++) {
		struct libscols_column *c = ctl_need(scols_table_new_column(t->table,
		    columns[i].name, 0, columns[i].right ? SCOLS_FL_RIGHT : 0));

		if (columns[i].cut)
			(void)scols_column_set_flags(c, SCOLS_FL_TRUNC);
		(void)scols_cell_set_color(scols_column_get_header(c), "bold");
	}
	(void)scols_table_enable_colors(t->table, out_wants_colour(ctl));
	return t;
}

static void
row_as_fields(const char *const *cells, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			(void)fputc('\t', stdout);
		out_word(cells[i]);
	}
	(void)fputc('\n', stdout);
}

/* libsmartcols itself shows bytes that are not printable as \xHH. */
void
out_table_row(struct out_table *t, const char *const *cells)
{
	struct libscols_line *line;

	if (t->table == NULL) {
		row_as_fields(cells, t->n_columns);
		return;
	}
	line = ctl_need(scols_table_new_line(t->table, NULL));
	for (size_t i = 0; i < t->n_columns; i++) {
		if (scols_line_set_data(line, i, cells[i]) < 0)
			(void)ctl_need(NULL);
	}
}

/* --------------------------------------------------------------- fitting --- */

/*
 * Returns the number of places that the character at s takes when libsmartcols
 * shows it.
 */
static size_t
char_width(const char *s, size_t *ret_bytes)
{
	mbstate_t state = { 0 };
	wchar_t wc;
	size_t n = mbrtowc(&wc, s, MB_CUR_MAX, &state);

	*ret_bytes = 1;
	if (n == 0 || n > MB_CUR_MAX || (s[0] == '\\' && s[1] == 'x'))
		return 4;
	*ret_bytes = n;
	return iswprint((wint_t)wc) ? (size_t)wcwidth(wc) : 4 * n;
}

static size_t
text_width(const char *s)
{
	size_t width = 0, n;

	for (; *s != '\0'; s += n)
		width += char_width(s, &n);
	return width;
}

static const char *
cell_text(const struct out_table *t, size_t row, size_t column)
{
	struct libscols_line *line = scols_table_get_line(t->table, row);
	const char *text = scols_cell_get_data(scols_line_get_cell(line, column));

	return text != NULL ? text : "";
}

/* Cuts a cell to a width, which includes the mark. */
static void
cell_cut(const struct out_table *t, size_t row, size_t column, size_t width)
{
	const char *mark = strcmp(nl_langinfo(CODESET), "UTF-8") == 0 ? "\xe2\x80\xa6" : "...";
	const char *text = cell_text(t, row, column), *p = text;
	size_t room, n;
	char *cut;

	if (text_width(text) <= width)
		return;
	room = width - text_width(mark);
	for (size_t w; (w = char_width(p, &n)) <= room; p += n)
		room -= w;
	if (asprintf(&cut, "%.*s%s", (int)(p - text), text, mark) < 0)
		(void)ctl_need(NULL);
	(void)scols_line_refer_data(scols_table_get_line(t->table, row), column, cut);
}

static size_t
column_width(const struct out_table *t, size_t column)
{
	size_t most = text_width(scols_column_get_name(scols_table_get_column(t->table, column)));

	for (size_t i = 0; i < scols_table_get_nlines(t->table); i++) {
		size_t width = text_width(cell_text(t, i, column));

		if (width > most)
			most = width;
	}
	return most;
}

/* Returns the widest column that may be cut, or n_columns. */
static size_t
widest_to_cut(const struct out_table *t, const size_t *widths)
{
	size_t widest = t->n_columns;

	for (size_t k = 0; k < t->n_columns; k++) {
		struct libscols_column *c = scols_table_get_column(t->table, k);

		if (scols_column_is_trunc(c) && widths[k] > CUT_LEAST &&
		    widths[k] > text_width(scols_column_get_name(c)) &&
		    (widest == t->n_columns || widths[k] > widths[widest]))
			widest = k;
	}
	return widest;
}

/*
 * Cuts columns until the table fits. The terminal breaks lines that are still
 * too wide.
 */
static void
table_fit(const struct out_table *t)
{
	CLEANUP_FREE size_t *widths = ctl_need(calloc(t->n_columns, sizeof(*widths)));
	size_t room = scols_table_get_termwidth(t->table), total = t->n_columns - 1, k;

	for (k = 0; k < t->n_columns; k++) {
		widths[k] = column_width(t, k);
		total += widths[k];
	}
	for (; total > room; total--) {
		k = widest_to_cut(t, widths);
		if (k == t->n_columns)
			break;
		widths[k]--;
	}
	for (k = 0; k < t->n_columns; k++) {
		for (size_t i = 0; i < scols_table_get_nlines(t->table); i++)
			cell_cut(t, i, k, widths[k]);
	}
}

void
out_table_end(struct out_table *t)
{
	if (t->table != NULL) {
		if (t->fit)
			table_fit(t);
		(void)fflush(stdout);
		(void)scols_print_table(t->table);
		scols_unref_table(t->table);
	}
	free(t);
}
