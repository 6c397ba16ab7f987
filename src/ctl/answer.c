/* SPDX-License-Identifier: ISC */
/* answer: prints the answer of a handler. */
#include "config.h"

#include "ctl/answer.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/units.h"
#include "ctl/out.h"
#include "ctl/outjson.h"

#define INDENT 2

static struct slice
text_of(const struct reqd_value *v)
{
	struct slice s;

	s.data = reqd_value_data(v, &s.len);
	return s;
}

static bool
is_aggregate(const struct reqd_value *v)
{
	enum reqd_kind k = reqd_value_kind(v);

	return k == REQD_ARRAY || k == REQD_MAP || k == REQD_SET || k == REQD_PUSH;
}

static void
print_double(double x)
{
	if (isfinite(x))
		(void)printf("%.*g", real_digits(x), x);
	else
		(void)fputs(isnan(x) ? "nan" : x < 0 ? "-inf" : "inf", stdout);
}

/* Prints a value that fits on one line. */
static void
print_scalar(const struct reqd_value *v)
{
	switch (reqd_value_kind(v)) {
	case REQD_ERROR:
		(void)fputs("(error) ", stdout);
		out_text(stdout, text_of(v), OUT_ONE_LINE);
		break;
	case REQD_SIMPLE:
	case REQD_BULK:
	case REQD_VERBATIM:
	case REQD_BIG:
		out_text(stdout, text_of(v), OUT_ONE_LINE);
		break;
	case REQD_INTEGER:
		(void)printf("%" PRId64, reqd_value_integer(v));
		break;
	case REQD_DOUBLE:
		print_double(reqd_value_double(v));
		break;
	case REQD_BOOL:
		(void)fputs(reqd_value_integer(v) != 0 ? "true" : "false", stdout);
		break;
	case REQD_MAP:
		(void)fputs("{}", stdout);
		break;
	case REQD_ARRAY:
	case REQD_SET:
	case REQD_PUSH:
		(void)fputs("[]", stdout);
		break;
	case REQD_NULL:
		break;
	}
}

static void
print_key(const struct reqd_value *v)
{
	CLEANUP_FREE char *key = NULL;

	if (is_aggregate(v)) {
		key = out_json_key(v);
		out_word(key);
	} else {
		print_scalar(v);
	}
	(void)fputc(':', stdout);
}

/* Recursion is limited by the depth that the decoder allows. */
static void
print_items(const struct reqd_value *v, int indent)
{
	bool is_map = reqd_value_kind(v) == REQD_MAP;

	for (size_t i = 0; i < reqd_value_count(v); i++) {
		const struct reqd_value *item = reqd_value_at(v, i);
		bool has_below;

		(void)printf("%*s", indent, "");
		if (is_map) {
			print_key(item);
			item = reqd_value_at(v, ++i);
		}
		has_below = is_aggregate(item) && reqd_value_count(item) > 0;
		if (is_map && !has_below && reqd_value_kind(item) != REQD_NULL)
			(void)fputc(' ', stdout);
		if (!has_below)
			print_scalar(item);
		else if (!is_map)
			(void)fputc('-', stdout);
		(void)fputc('\n', stdout);
		if (has_below)
			print_items(item, indent + INDENT);
	}
}

static void
print_text(const struct ctl *ctl, struct slice s)
{
	(void)fwrite(s.data, 1, s.len, stdout);
	if (ctl->out_tty && s.len > 0 && s.data[s.len - 1] != '\n')
		(void)fputc('\n', stdout);
}

void
answer_print(const struct ctl *ctl, const struct reqd_value *v)
{
	switch (reqd_value_kind(v)) {
	case REQD_NULL:
	case REQD_ERROR:
		break;
	case REQD_SIMPLE:
	case REQD_BULK:
	case REQD_VERBATIM:
	case REQD_BIG:
		print_text(ctl, text_of(v));
		break;
	case REQD_INTEGER:
	case REQD_DOUBLE:
	case REQD_BOOL:
		print_scalar(v);
		(void)fputc('\n', stdout);
		break;
	case REQD_ARRAY:
	case REQD_MAP:
	case REQD_SET:
	case REQD_PUSH:
		print_items(v, 0);
		break;
	}
}

enum reqd_outcome
answer_refusal(struct slice word)
{
	int o = REQD_SIGNAL + 1;	/* outcomes up to REQD_SIGNAL mean that the
					 * program ran, so no refusal */

	while (o < REQD_FAILED && !slice_is(word, reqd_outcome_word((enum reqd_outcome)o)))
		o++;
	return (enum reqd_outcome)o;
}
