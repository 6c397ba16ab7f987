/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "ctl/outjson.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/ctl.h"
#include "unit.h"

#define LARGE 40000	/* longer than a piece */

static FILE *file;
static int real_stdout;

static void
capture(void)
{
	file = tmpfile();
	ck_assert_ptr_nonnull(file);
	real_stdout = dup(STDOUT_FILENO);
	(void)fflush(stdout);
	ck_assert_int_ge(dup2(fileno(file), STDOUT_FILENO), 0);
}

/* From now on the output since capture() can be read from file. */
static void
release(void)
{
	ck_assert_int_eq(fflush(stdout), 0);
	ck_assert_int_ge(dup2(real_stdout, STDOUT_FILENO), 0);
	(void)close(real_stdout);
	rewind(file);
}

/* Returns the output as JSON. */
static json_t *
captured(void)
{
	json_error_t error;
	json_t *j;

	release();
	j = json_loadf(file, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
	ck_assert_msg(j != NULL, "%s", error.text);
	(void)fclose(file);
	return j;
}

static void
check_bytes(struct slice s, bool tty)
{
	struct ctl ctl = { .out_tty = tty };
	struct out_object o;
	json_t *want, *got;

	capture();
	out_object_begin(&o, &ctl);
	out_object_add(&o, "first", json_integer(-1));
	out_object_add_bytes(&o, "bytes", s);
	out_object_add(&o, "last", json_null());
	out_object_end(&o);
	got = captured();
	want = json_pack("{s:i, s:o, s:n}", "first", -1, "bytes", out_json_bytes(s.data, s.len),
	    "last");
	ck_assert(json_equal(got, want));
	json_decref(got);
	json_decref(want);
}

#define BYTES(literal) { literal, sizeof(literal) - 1 }

static const struct slice texts[] = {
	BYTES(""), BYTES("a"), BYTES("a\nb\t\"c\"\\/"), BYTES("\0\x01\x1f\x7f"),
	BYTES("\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"),
	BYTES("\xff"), BYTES("ab\xc3"), BYTES("\xed\xa0\x80"), BYTES("\xc0\x80"), BYTES("abc\xfe"),
	BYTES("\xf4\x90\x80\x80"),
};

START_TEST(pieces_say_what_the_whole_says)
{
	check_bytes(texts[_i], false);
	check_bytes(texts[_i], true);
}
END_TEST

/* A character stands at every place around the edge of a piece. */
START_TEST(large_texts)
{
	static const char *const fills[] = { "a", "\xc3\xa4", "\xe2\x82\xac", "\xf0\x9f\x98\x80",
		"\"", "\xff" };
	const char *fill = fills[_i];
	char *text = malloc(LARGE + 8);
	size_t width = strlen(fill);

	for (size_t shift = 0; shift < 5; shift++) {
		size_t len = shift;

		memset(text, '-', shift);
		for (; len + width <= LARGE; len += width)
			memcpy(text + len, fill, width);
		check_bytes((struct slice){ text, len }, false);
	}
	free(text);
}
END_TEST

static const struct {
	const char *from, *to;
} reals[] = {
	{ "[0.1]", "[0.1]\n" },
	{ "[0.1, {\"a\": [2.7]}]", "[0.1, {\"a\": [2.7]}]\n" },
	{ "{\"a\": 0.30000000000000004}", "{\"a\": 0.30000000000000004}\n" },
	{ "[0.0, -0.5, 3.0, 1e300]", "[0.0, -0.5, 3.0, 1e300]\n" },
	{ "[5e-324]", "[5e-324]\n" },
};

START_TEST(reals_have_no_more_digits_than_they_need)
{
	json_t *j = json_loads(reals[_i].from, 0, NULL);
	char text[100] = "";

	capture();
	out_json(&(struct ctl){ 0 }, j);
	release();
	ck_assert_ptr_nonnull(fgets(text, sizeof(text), file));
	(void)fclose(file);
	ck_assert_str_eq(text, reals[_i].to);
}
END_TEST

UNIT_MAIN("outjson",
	tcase_add_loop_test(tc, pieces_say_what_the_whole_says, 0,
	    sizeof(texts) / sizeof(texts[0]));
	tcase_add_loop_test(tc, large_texts, 0, 6);
	tcase_add_loop_test(tc, reals_have_no_more_digits_than_they_need, 0,
	    sizeof(reals) / sizeof(reals[0])))
