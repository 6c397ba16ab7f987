/* SPDX-License-Identifier: ISC */
/* description: prints the answer to DESCRIBE. */
#include "config.h"

#include "ctl/description.h"

#include <stdio.h>

#include "base/cleanup.h"
#include "base/units.h"
#include "ctl/out.h"
#include "ctl/outjson.h"
#include "ctl/params.h"

static bool
is_true(const json_t *j, const char *key)
{
	return json_is_true(json_object_get(j, key));
}

/* Prints a string as it is, any other value as JSON. */
static void
put_json(const json_t *v)
{
	CLEANUP_FREE char *text = NULL;
	char real[REAL_TEXT];

	if (json_is_string(v)) {
		out_word(json_string_value(v));
		return;
	}
	/* Print a real as it may be given: without an exponent. */
	if (json_is_real(v)) {
		real_format(json_real_value(v), real);
		out_word(real);
		return;
	}
	text = ctl_need(json_dumps(v, out_json_digits(v) | JSON_ENCODE_ANY));
	out_word(text);
}

static void
put_capitals(const char *name)
{
	for (; *name != '\0'; name++) {
		bool lower = *name >= 'a' && *name <= 'z';

		out_word((char[]){ (char)(lower ? *name - 'a' + 'A' : *name), '\0' });
	}
}

/* Prints "[--all] [PATH]". */
static void
print_usage(const json_t *description)
{
	const json_t *a;
	size_t i;

	(void)printf("Usage: reqctl call ");
	out_word(out_json_text(description, "name"));
	json_array_foreach(json_object_get(description, "arguments"), i, a) {
		bool may_miss = is_true(a, "optional") || params_is_flag(a) ||
		    json_object_get(a, "default") != NULL;

		(void)printf(may_miss ? " [" : " ");
		if (params_is_flag(a)) {
			(void)printf("--");
			out_word(out_json_text(a, "name"));
		} else {
			put_capitals(out_json_text(a, "name"));
		}
		(void)printf("%s%s", may_miss ? "]" : "", is_true(a, "repeat") ? "..." : "");
	}
	(void)printf("\n");
}

static void
print_values(const json_t *values)
{
	const json_t *v;
	size_t i;

	json_array_foreach((json_t *)values, i, v) {
		(void)printf(i == 0 ? ": " : ", ");
		put_json(v);
	}
}

/* Prints "integer, 1 to 10, default 3: help". */
static void
print_argument(const json_t *a)
{
	static const char *const words[] = { "min", "max", "below", "pattern", "default" };

	(void)printf("  --");
	out_word(out_json_text(a, "name"));
	(void)printf("  ");
	out_word(out_json_text(a, "type"));
	print_values(json_object_get(a, "values"));
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		const json_t *v = json_object_get(a, words[i]);

		if (v == NULL)
			continue;
		(void)printf(", %s ", words[i]);
		put_json(v);
	}
	if (is_true(a, "optional") && !params_is_flag(a) && json_object_get(a, "default") == NULL)
		(void)printf(", optional");
	if (is_true(a, "repeat"))
		(void)printf(", any number of times");
	if (is_true(a, "secret"))
		(void)printf(", never logged");
	(void)printf("\n");
	if (*out_json_text(a, "help") != '\0') {
		(void)printf("        ");
		out_word(out_json_text(a, "help"));
		(void)printf("\n");
	}
}

static void
print_limits(const json_t *d)
{
	const char *sandbox = out_json_text(d, "sandbox");
	char text[UNITS_TEXT];
	int64_t timeout = out_json_number(d, "timeout_ms"), limit = out_json_number(d, "output_limit");

	(void)printf("\n  input          ");
	out_word(out_json_text(d, "input"));
	if (timeout > 0 && timeout <= INT64_MAX / 1000) {
		duration_format((uint64_t)timeout * 1000, text, sizeof(text));
		(void)printf("\n  time limit     %s", text);
	}
	if (limit > 0) {
		size_format((uint64_t)limit, text, sizeof(text));
		(void)printf("\n  output limit   %s", text);
	}
	(void)printf("\n  on disconnect  ");
	out_word(out_json_text(d, "on_disconnect"));
	if (*sandbox != '\0' && strcmp(sandbox, "none") != 0) {
		(void)printf("\n  sandbox        ");
		out_word(sandbox);
		if (json_is_false(json_object_get(d, "sandbox_files")))
			(void)printf(" (calls only: the kernel of the server has no Landlock)");
	}
	if (json_is_false(json_object_get(d, "idempotent")))
		(void)printf("\n  not idempotent: a call needs --id");
	(void)printf("\n");
}

void
description_print(const struct ctl *ctl, const json_t *description)
{
	const char *text = out_json_text(description, "description");
	const char *summary = out_json_text(description, "summary");
	const json_t *a;
	size_t i;

	if (ctl->json) {
		out_json(ctl, json_incref((json_t *)description));
		return;
	}
	out_heading(ctl, out_json_text(description, "name"));
	if (*summary != '\0')
		(void)printf(" - ");
	out_word(summary);
	(void)printf("\n\n");
	print_usage(description);
	if (*text != '\0') {
		(void)printf("\n");
		out_text(stdout, slice_of(text), OUT_LINES);
		(void)printf("\n");
	}
	json_array_foreach(json_object_get(description, "arguments"), i, a) {
		if (i == 0)
			(void)printf("\n");
		print_argument(a);
	}
	print_limits(description);
}
