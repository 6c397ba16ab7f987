/* SPDX-License-Identifier: ISC */
/* explanation: prints how a call would run. */
#include "config.h"

#include "ctl/explanation.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/escape.h"
#include "base/units.h"
#include "ctl/ctl.h"

#define COLUMNS 80
#define INDENT 14	/* width of the names */

/* A value, written word by word. */
struct line {
	size_t at;	/* the column; 0: the line has not begun */
	bool is_joined;	/* the next word follows without a blank */
};

static struct slice
text_of(const struct reqd_value *v)
{
	struct slice s = { "", 0 };

	if (v != NULL && reqd_value_kind(v) == REQD_BULK)
		s.data = reqd_value_data(v, &s.len);
	return s;
}

static bool
has_text(const struct reqd_value *map, const char *key)
{
	return text_of(reqd_value_get(map, key)).len > 0;
}

static int64_t
number_of(const struct reqd_value *map, const char *key)
{
	const struct reqd_value *v = reqd_value_get(map, key);

	return reqd_value_kind(v) == REQD_INTEGER ? reqd_value_integer(v) : 0;
}

/* A time as the configuration writes it, whatever a server says. */
static const char *
time_of(const struct reqd_value *map, const char *key, char ret[static UNITS_TEXT])
{
	int64_t ms = number_of(map, key);

	ms = ms < 0 ? 0 : ms < INT64_MAX / 1000 ? ms : INT64_MAX / 1000;
	duration_format((uint64_t)ms * USEC_PER_MSEC, ret, UNITS_TEXT);
	return ret;
}

/* Columns of a text of printable UTF-8, as a terminal shows most of them. */
static size_t
columns_of(const char *text)
{
	size_t n = 0;

	for (; *text != '\0'; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

/* Prints a word that can be printed, on the next line where this one has no room. */
static void
put_clean(struct line *l, const char *word)
{
	size_t len = columns_of(word), blank = l->at > INDENT && !l->is_joined;

	if (l->at > INDENT && l->at + blank + len > COLUMNS) {
		(void)printf("\n%*s", INDENT, "");
		l->at = INDENT;
		blank = 0;
	}
	(void)printf("%s%s", blank != 0 ? " " : "", word);
	l->at += blank + len;
	l->is_joined = false;
}

/* Prints bytes as one word, in quotes where that is not clear otherwise. */
static void
put_word(struct line *l, struct slice s)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(0);

	(void)escape_word(&b, s, SIZE_MAX);
	put_clean(l, ctl_need((char *)buf_text(&b)));
}

/* Prints the words of a sentence; the ends of its lines are blanks, too. */
static void
put_sentence(struct line *l, struct slice s)
{
	while (s.len > 0) {
		CLEANUP(buf_done) struct buf b = BUF_INIT(0);
		size_t n = 0;

		while (n < s.len && s.data[n] != ' ' && s.data[n] != '\n')
			n++;
		(void)escape_controls(&b, (struct slice){ s.data, n }, SIZE_MAX);
		if (n > 0)
			put_clean(l, ctl_need((char *)buf_text(&b)));
		n += n < s.len;
		s.data += n;
		s.len -= n;
	}
}

static struct line
line_begin(const char *name)
{
	(void)printf("%-*s", INDENT, name);
	return (struct line){ .at = INDENT };
}

static void
line_end(void)
{
	(void)fputc('\n', stdout);
}

static void
put_items(struct line *l, const struct reqd_value *list)
{
	for (size_t i = 0; i < reqd_value_count(list); i++) {
		const struct reqd_value *item = reqd_value_at(list, i);
		char text[24];

		if (reqd_value_kind(item) == REQD_INTEGER) {
			(void)snprintf(text, sizeof(text), "%" PRId64, reqd_value_integer(item));
			put_clean(l, text);
		} else {
			put_word(l, text_of(item));
		}
	}
}

/* ---------------------------------------------------------------- lines --- */

static void
print_word(const struct reqd_value *map, const char *key, const char *name)
{
	struct line l;

	if (!has_text(map, key))
		return;
	l = line_begin(name);
	put_word(&l, text_of(reqd_value_get(map, key)));
	line_end();
}

static void
print_list(const struct reqd_value *map, const char *key, const char *name)
{
	const struct reqd_value *list = reqd_value_get(map, key);
	struct line l;

	if (reqd_value_count(list) == 0)
		return;
	l = line_begin(name);
	put_items(&l, list);
	line_end();
}

static void
print_verdict(const struct reqd_value *map)
{
	struct line l = line_begin(has_text(map, "outcome") ? "refused" : "allowed");

	if (has_text(map, "outcome")) {
		put_word(&l, text_of(reqd_value_get(map, "outcome")));
		put_clean(&l, "-");
	}
	put_sentence(&l, text_of(reqd_value_get(map, "why")));
	line_end();
}

static void
print_account(const struct reqd_value *map)
{
	struct line l = line_begin("account");
	const struct reqd_value *groups = reqd_value_get(map, "groups");
	char text[64];

	if (has_text(map, "user"))
		put_word(&l, text_of(reqd_value_get(map, "user")));
	l.is_joined = has_text(map, "user");
	if (l.is_joined)
		put_clean(&l, ",");
	if (reqd_value_kind(reqd_value_get(map, "uid")) == REQD_INTEGER) {
		(void)snprintf(text, sizeof(text), "uid %" PRId64 ", gid %" PRId64,
		    number_of(map, "uid"), number_of(map, "gid"));
		put_clean(&l, text);
	} else {
		put_sentence(&l, SLICE("not there"));
	}
	if (reqd_value_count(groups) > 0) {
		l.is_joined = true;
		put_clean(&l, ", groups");
		put_items(&l, groups);
	}
	line_end();
}

static void
print_limits(const struct reqd_value *map)
{
	const struct reqd_value *limits = reqd_value_get(map, "limits");
	struct line l;

	if (reqd_value_count(limits) == 0)
		return;
	l = line_begin("limits");
	for (size_t i = 0; i + 1 < reqd_value_count(limits); i += 2) {
		struct slice name = text_of(reqd_value_at(limits, i));
		int64_t n = reqd_value_integer(reqd_value_at(limits, i + 1));
		char value[UNITS_TEXT];

		if (slice_is(name, "memory") || slice_is(name, "file-size"))
			size_format((uint64_t)n, value, sizeof(value));
		else
			(void)snprintf(value, sizeof(value), "%" PRId64 "%s", n,
			    slice_is(name, "cpu") ? "s" : "");
		l.is_joined = i > 0;
		if (i > 0)
			put_clean(&l, ",");
		put_word(&l, name);
		put_clean(&l, value);
	}
	line_end();
}

static void
print_sandbox(const struct reqd_value *map)
{
	static const char *const keys[][2] = {
		{ "sandbox_read", "and reads" }, { "sandbox_write", "and writes" },
	};
	struct line l;

	if (!has_text(map, "sandbox"))
		return;
	l = line_begin("sandbox");
	put_word(&l, text_of(reqd_value_get(map, "sandbox")));
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		if (reqd_value_count(reqd_value_get(map, keys[i][0])) == 0)
			continue;
		put_clean(&l, keys[i][1]);
		put_items(&l, reqd_value_get(map, keys[i][0]));
	}
	line_end();
}

/* Prints how many run and wait, and which calls run one after the other. */
static void
print_places(const struct reqd_value *map)
{
	struct line l = line_begin("places");
	char text[UNITS_TEXT + 64], wait[UNITS_TEXT];

	if (reqd_value_kind(reqd_value_get(map, "processes")) == REQD_INTEGER)
		(void)snprintf(text, sizeof(text), "%" PRId64 " processes at most,",
		    number_of(map, "processes"));
	else
		(void)snprintf(text, sizeof(text), "%" PRId64 " at a time,",
		    number_of(map, "concurrency"));
	put_sentence(&l, slice_of(text));
	(void)snprintf(text, sizeof(text), "%" PRId64 " wait, %s at most", number_of(map, "queue"),
	    time_of(map, "queue_timeout_ms", wait));
	put_sentence(&l, slice_of(text));
	line_end();
}

static void
print_numbers(const struct reqd_value *map)
{
	char text[UNITS_TEXT];

	if (reqd_value_kind(reqd_value_get(map, "nice")) == REQD_INTEGER)
		(void)printf("%-*s%" PRId64 "\n", INDENT, "nice", number_of(map, "nice"));
	(void)printf("%-*s%s\n", INDENT, "time limit", time_of(map, "timeout_ms", text));
	if (number_of(map, "output_limit") > 0) {
		size_format((uint64_t)number_of(map, "output_limit"), text, sizeof(text));
		(void)printf("%-*s%s\n", INDENT, "output limit", text);
	}
}

void
explanation_print(const struct reqd_value *map)
{
	print_word(map, "service", "service");
	print_word(map, "kind", "kind");
	print_word(map, "caller", "caller");
	print_verdict(map);
	print_list(map, "argv", "argv");
	print_list(map, "request", "request");
	print_list(map, "environment", "environment");
	print_account(map);
	print_word(map, "directory", "directory");
	print_word(map, "umask", "umask");
	print_limits(map);
	print_sandbox(map);
	print_word(map, "input", "input");
	print_places(map);
	print_word(map, "lock", "lock");
	print_numbers(map);
	print_word(map, "on_disconnect", "on disconnect");
}
