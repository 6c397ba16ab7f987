/* SPDX-License-Identifier: ISC */
/* The table of reqctl top: its columns, and the lines that it may have. */
#include "config.h"

#include "ctl/topscreen.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "unit.h"

/* So many services, workers and pools, with the longest names and large numbers. */
static json_t *
status_of(unsigned n_services, unsigned n_workers)
{
	json_t *services = json_array(), *workers = json_array();

	for (unsigned i = 0; i < n_services; i++) {
		char name[96];

		(void)snprintf(name, sizeof(name), "s%02u%s", i,
		    i % 2 == 0 ? "" : "-0123456789012345678901234567890123456789012345678901234567890");
		(void)json_array_append_new(services, json_pack("{s:s, s:s, s:{s:I, s:I, s:I, s:I}}",
		    "name", name, "state", i % 3 == 0 ? "open" : i % 3 == 1 ? "drain" : "pause",
		    "pool", "processes", (json_int_t)INT64_MAX, "busy", (json_int_t)1, "idle",
		    (json_int_t)-5, "waiting", (json_int_t)77777777));
	}
	for (unsigned i = 0; i < n_workers; i++)
		(void)json_array_append_new(workers, json_pack("{s:i, s:I, s:s, s:I}", "slot",
		    (int)i, "pid", (json_int_t)4194304, "state", "serving\033[2J", "connections",
		    (json_int_t)123456789012));
	return json_pack("{s:i, s:I, s:s, s:s, s:o, s:o, s:b}", "pid", 1, "uptime_usec",
	    (json_int_t)INT64_MAX, "version", "0.1.0-a-very-long-version-indeed", "state",
	    "serving", "services", services, "workers", workers, "drained", 1);
}

static struct top_sample *
sample(unsigned n_services, unsigned n_workers, unsigned second)
{
	json_t *h = json_pack("{s:[{s:s, s:I, s:I, s:[[I,I]]}]}", "services", "name", "s00",
	    "calls", (json_int_t)second * 123456789, "failed", (json_int_t)second * 99999,
	    "usec", (json_int_t)3599999999999, (json_int_t)second * 123456789);
	json_t *calls = json_array();
	struct top_sample *s = topsample_new(status_of(n_services, n_workers), h, calls,
	    (uint64_t)second * 1000000);

	json_decref(h);
	json_decref(calls);
	return s;
}

/* The places that a line takes on a terminal: UTF-8 of one place each, no escapes within. */
static size_t
width(const char *line, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++)
		n += ((unsigned char)line[i] & 0xc0) != 0x80;
	return n;
}

/* Checks all lines of a screen. Returns their number, and the width of the widest. */
static size_t
check_lines(struct buf *b, bool is_terminal, size_t *ret_widest)
{
	const char *p = buf_text(b);
	size_t n = 0;

	*ret_widest = 0;
	for (; *p != '\0'; n++) {
		const char *end = strchr(p, '\n'), *text_end;

		if (end == NULL)
			end = p + strlen(p);
		text_end = end;
		if (is_terminal) {
			if (text_end > p && text_end[-1] == '\r')
				text_end--;
			ck_assert(text_end - p >= 3 && strncmp(text_end - 3, "\033[K", 3) == 0);
			text_end -= 3;
		}
		ck_assert_ptr_null(memchr(p, '\033', (size_t)(text_end - p)));
		if (width(p, (size_t)(text_end - p)) > *ret_widest)
			*ret_widest = width(p, (size_t)(text_end - p));
		p = *end == '\n' ? end + 1 : end;
	}
	return n;
}

static const struct {
	unsigned services, workers;
	size_t rows;
	bool is_utf8;
} cases[] = {
	{ 0, 0, 24, true }, { 1, 2, 24, true }, { 40, 64, 24, true }, { 40, 64, 24, false },
	{ 40, 64, 5, true }, { 3, 3, 2, true }, { 40, 2, 200, true }, { 40, 64, 0, true },
	{ 40, 64, 0, false },
};

START_TEST(no_line_is_wider_and_no_screen_longer)
{
	struct top_sample *before = sample(cases[_i].services, cases[_i].workers, 1);
	struct top_sample *s = sample(cases[_i].services, cases[_i].workers, 2);
	CLEANUP(buf_done) struct buf b = BUF_INIT(0);
	struct top_view v = { .rows = cases[_i].rows, .is_utf8 = cases[_i].is_utf8 };
	size_t widest, n;

	topsample_compare(s, before);
	topscreen_write(&b, s, &v);
	n = check_lines(&b, v.rows > 0, &widest);
	ck_assert_uint_le(widest, TOP_COLUMNS);
	if (v.rows > 0)
		ck_assert_uint_eq(n, v.rows);
	else
		ck_assert_uint_gt(n, cases[_i].services);
	/* The row of a busy service is as wide as the terminal. */
	if (cases[_i].services > 0 && v.rows != 2)
		ck_assert_uint_eq(widest, TOP_COLUMNS);
	topsample_free(before);
	topsample_free(s);
}
END_TEST

START_TEST(a_note_stands_in_the_last_line)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(0);
	struct top_view v = { .rows = 24, .note = "no answer" };
	size_t widest;

	topscreen_write(&b, NULL, &v);
	ck_assert_uint_eq(check_lines(&b, true, &widest), 24);
	ck_assert_ptr_nonnull(strstr(buf_text(&b), "no answer\033[K"));
}
END_TEST

UNIT_MAIN("topscreen", tcase_add_loop_test(tc, no_line_is_wider_and_no_screen_longer, 0,
    sizeof(cases) / sizeof(cases[0]));
    tcase_add_test(tc, a_note_stands_in_the_last_line))
