/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "ctl/options.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "unit.h"

static const struct ctl_opt near_options[] = {
	{ .letter = 'n', .name = "count", .arg = "N", .kind = OPT_COUNT, .max = 9,
	    .offset = offsetof(struct ctl, count) },
	{ .name = "check", .kind = OPT_FLAG, .offset = offsetof(struct ctl, check) },
};

static const struct ctl_cmd near = {
	.name = "near", .options = near_options, .n_options = ARRAY_LEN(near_options),
};
static const struct ctl_cmd far = {
	.name = "far", .options = near_options, .n_options = ARRAY_LEN(near_options), .pass = true,
};
static const struct ctl_cmd unseen = { .name = "unseen", .hidden = true };
static const struct ctl_cmd help = { .name = "help", .is_help = true };
static const struct ctl_cmd plug = { .name = "plug", .pass = true, .is_plugin = true };
static const struct ctl_cmd *const verbs[] = { &near, &far, &unseen, &help, &plug };

static const struct row {
	const char *line;	/* words with a blank between them */
	const char *verb;	/* NULL: none */
	const char *words;
	int count;
	bool quiet;
	uint64_t timeout_ms;
	enum options_status status;
	const char *message;	/* NULL: the status is OPTIONS_OK */
} rows[] = {
	{ .line = "" },
	{ .line = "-q", .quiet = true },
	{ .line = "near", .verb = "near", .words = "" },
	{ .line = "near a -n 3 b", .verb = "near", .words = "a b", .count = 3 },
	{ .line = "near -qn3", .verb = "near", .words = "", .count = 3, .quiet = true },
	{ .line = "near --count=9 - -- -q", .verb = "near", .words = "- -q", .count = 9 },
	{ .line = "-t 0.25 near", .verb = "near", .words = "", .timeout_ms = 250 },
	{ .line = "--timeout=2s near", .verb = "near", .words = "", .timeout_ms = 2000 },
	/* All words behind the first word of "far" are data. */
	{ .line = "far -n 3 a -q --no", .verb = "far", .words = "a -q --no", .count = 3 },
	{ .line = "-- far", .verb = "far", .words = "" },
	{ .line = "unseen", .verb = "unseen", .words = "" },

	{ .line = "-n 3 near", .status = OPTIONS_UNKNOWN,
	    .message = "reqctl: unknown option '-n'\nreqctl: try 'reqctl help'\n" },
	{ .line = "--quit", .status = OPTIONS_UNKNOWN,
	    .message = "reqctl: unknown option '--quit'; did you mean '--quiet'?\n"
		       "reqctl: try 'reqctl help'\n" },
	{ .line = "near --chek", .verb = "near", .status = OPTIONS_UNKNOWN,
	    .message = "reqctl: unknown option '--chek'; did you mean '--check'?\n"
		       "reqctl: try 'reqctl help near'\n" },
	/* A mistake in the words before a plugin belongs on standard output. */
	{ .line = "-x plug a", .verb = "plug", .status = OPTIONS_UNKNOWN, .message = "" },
	{ .line = "-t never plug", .verb = "plug", .status = OPTIONS_BAD_VALUE, .message = "" },
	{ .line = "-x near plug", .status = OPTIONS_UNKNOWN,
	    .message = "reqctl: unknown option '-x'\nreqctl: try 'reqctl help'\n" },
	{ .line = "neer", .status = OPTIONS_UNKNOWN_VERB,
	    .message = "reqctl: unknown verb 'neer'; did you mean 'near'?\n"
		       "reqctl: try 'reqctl help'\n" },
	{ .line = "unsee", .status = OPTIONS_UNKNOWN_VERB,
	    .message = "reqctl: unknown verb 'unsee'; a service is called with "
	    "'reqctl call unsee'\nreqctl: try 'reqctl help'\n" },
	{ .line = "near -n", .verb = "near", .status = OPTIONS_NO_VALUE,
	    .message = "reqctl: option --count needs a value: N\n"
		       "reqctl: try 'reqctl help near'\n" },
	{ .line = "near --check=1", .verb = "near", .status = OPTIONS_EXTRA_VALUE,
	    .message = "reqctl: option --check takes no value\n"
		       "reqctl: try 'reqctl help near'\n" },
	{ .line = "near -n 10", .verb = "near", .status = OPTIONS_BAD_VALUE,
	    .message = "reqctl: option --count: '10' is not a number from 1 to 9\n"
		       "reqctl: try 'reqctl help near'\n" },
	{ .line = "help -t x", .verb = "help", .status = OPTIONS_BAD_VALUE,
	    .message = "reqctl: option --timeout: 'x' is not a time such as 5, 0.5 or 250ms\n"
		       "reqctl: try 'reqctl help'\n" },
};

/* Returns the text of options_complain(); free it. */
static char *
complaint(const struct ctl *ctl, enum options_status status, const struct options_error *e)
{
	FILE *real = stderr;
	char *text = NULL;
	size_t len;

	stderr = open_memstream(&text, &len);
	ck_assert_ptr_nonnull(stderr);
	ck_assert_int_eq(options_complain(ctl, status, e), STATUS_USAGE);
	(void)fclose(stderr);
	stderr = real;
	return text;
}

START_TEST(reads)
{
	const struct row *row = &rows[_i];
	CLEANUP_FREE char *line = strdup(row->line);
	struct ctl ctl = { .verbs = verbs, .n_verbs = ARRAY_LEN(verbs) };
	char *argv[16], *rest = line, words[64] = "";
	struct options_error e = { NULL, NULL, NULL };
	size_t argc = 0, n = 99;

	while (*row->line != '\0' && rest != NULL)
		argv[argc++] = strsep(&rest, " ");
	ck_assert_int_eq(options_read(&ctl, argc, argv, &n, &e), row->status);
	ck_assert_pstr_eq(ctl.cmd != NULL ? ctl.cmd->name : NULL, row->verb);
	if (row->message != NULL) {
		CLEANUP_FREE char *text = complaint(&ctl, row->status, &e);

		ck_assert_str_eq(text, row->message);
		return;
	}
	ck_assert_int_eq(ctl.count, row->count);
	ck_assert_int_eq(ctl.quiet, row->quiet);
	ck_assert_uint_eq(ctl.timeout_ms, row->timeout_ms);
	if (row->verb == NULL) {
		ck_assert_uint_eq(n, 0);
		return;
	}
	ck_assert_str_eq(argv[0], row->verb);
	for (size_t i = 0; i < n; i++) {
		(void)strlcat(words, i > 0 ? " " : "", sizeof(words));
		(void)strlcat(words, argv[1 + i], sizeof(words));
	}
	ck_assert_str_eq(words, row->words);
}
END_TEST

START_TEST(list_is_full)
{
	struct ctl ctl = { .verbs = verbs, .n_verbs = ARRAY_LEN(verbs) };
	char option[] = "-sx", *argv[CTL_MAX_LIST + 1];
	struct options_error e;
	size_t n;

	for (size_t i = 0; i < ARRAY_LEN(argv); i++)
		argv[i] = option;
	ck_assert_int_eq(options_read(&ctl, CTL_MAX_LIST, argv, &n, &e), OPTIONS_OK);
	ck_assert_uint_eq(ctl.servers.n, CTL_MAX_LIST);
	ctl.servers.n = 0;
	ck_assert_int_eq(options_read(&ctl, CTL_MAX_LIST + 1, argv, &n, &e), OPTIONS_BAD_VALUE);
}
END_TEST

START_TEST(finds_verbs)
{
	struct ctl ctl = { .verbs = verbs, .n_verbs = ARRAY_LEN(verbs) };

	ck_assert_ptr_eq(options_find_verb(&ctl, "far"), &far);
	ck_assert_ptr_eq(options_find_verb(&ctl, "unseen"), &unseen);
	ck_assert_ptr_null(options_find_verb(&ctl, "fa"));
	ck_assert_ptr_null(options_find_verb(&ctl, ""));
}
END_TEST

START_TEST(plugins_without_memory_are_unknown)
{
	struct ctl ctl = { .verbs = verbs, .n_verbs = ARRAY_LEN(verbs) };

	ctl_set_verb(&ctl, &plug);
	(void)ctl_need(NULL);
}
END_TEST

UNIT_MAIN("options",
	tcase_add_loop_test(tc, reads, 0, ARRAY_LEN(rows));
	tcase_add_test(tc, list_is_full);
	tcase_add_test(tc, finds_verbs);
	tcase_add_exit_test(tc, plugins_without_memory_are_unknown, CTL_PLUGIN_UNKNOWN))
