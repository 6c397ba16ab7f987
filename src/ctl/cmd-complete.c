/* SPDX-License-Identifier: ISC */
/*
 * reqctl __complete: answers the completion scripts. The words are those of the
 * command line up to the cursor; the last one may be empty or half typed.
 * Prints one candidate a line, with a tab and a few words about it; ":files"
 * stands for names of files. Prints no errors.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "ctl/ctl.h"
#include "ctl/options.h"
#include "ctl/out.h"
#include "ctl/outjson.h"
#include "ctl/params.h"
#include "ctl/remote.h"

#define COMPLETE_MS 2000	/* milliseconds; after this time the user has typed on */

/*
 * True if the candidate is one word for every shell without quotes. Other
 * candidates are left out, because each shell would quote them differently.
 */
static bool
is_plain(const char *s)
{
	static const char ok[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				 "0123456789._-+,:/@%=";

	return *s != '\0' && strspn(s, ok) == strlen(s);
}

static void
offer(const char *prefix, const char *word, const char *typed, const char *about)
{
	size_t n = strlen(prefix);

	if (!is_plain(word))
		return;
	if (strncmp(typed, prefix, strlen(typed) < n ? strlen(typed) : n) != 0)
		return;
	if (strlen(typed) > n && strncmp(word, typed + n, strlen(typed) - n) != 0)
		return;
	(void)printf("%s%s\t", prefix, word);
	out_word(about);
	(void)printf("\n");
}

static void
offer_options(const struct ctl_opt *options, size_t n, const char *typed)
{
	for (size_t i = 0; i < n; i++)
		offer("--", options[i].name, typed, options[i].help);
}

static void
offer_verbs(const struct ctl *ctl, const char *typed)
{
	for (size_t i = 0; i < ctl->n_verbs; i++) {
		if (!ctl->verbs[i]->hidden)
			offer("", ctl->verbs[i]->name, typed, ctl->verbs[i]->summary);
	}
}

static void
offer_services(const struct ctl *ctl, const char *typed)
{
	static const char *const request[] = { "SERVICES" };
	CLEANUP(reqd_freep) struct reqd *c = NULL;
	CLEANUP(reqd_value_freep) struct reqd_value *map = NULL;

	if (remote_connect(ctl, &c) != 0 || remote_ask(ctl, c, NULL, &map, 1, request) != 0)
		return;
	for (size_t i = 0; i + 1 < reqd_value_count(map); i += 2) {
		CLEANUP_FREE char *name = remote_text(reqd_value_at(map, i));
		CLEANUP_FREE char *about = remote_text(reqd_value_at(map, i + 1));

		offer("", name, typed, about);
	}
}

static void
offer_requests(const struct ctl *ctl, const char *typed)
{
	static const char *const request[] = { "PS" };
	CLEANUP(reqd_freep) struct reqd *c = NULL;
	CLEANUP(reqd_value_freep) struct reqd_value *v = NULL;

	if (remote_control(ctl, &c) != 0 || remote_ask(ctl, c, NULL, &v, 1, request) != 0)
		return;
	for (size_t i = 0; i < reqd_value_count(v); i++) {
		CLEANUP_FREE char *text = remote_text(reqd_value_at(v, i));
		char *rest = text, *line;

		while ((line = strsep(&rest, "\n")) != NULL) {
			CLEANUP(json_freep) json_t *row = remote_json(line, strlen(line));

			offer("", out_json_text(row, "id"), typed, out_json_text(row, "service"));
		}
	}
}

/* ------------------------------------------------ arguments of a service --- */

static void
offer_values(const json_t *argument, const char *prefix, const char *typed)
{
	static const char *const yes_no[] = { "yes", "no" };
	const json_t *values = json_object_get(argument, "values"), *v;
	const char *def = out_json_text(argument, "default");
	const char *help = out_json_text(argument, "help");
	size_t i;

	if (params_is_flag(argument)) {
		for (i = 0; i < ARRAY_LEN(yes_no); i++)
			offer(prefix, yes_no[i], typed, help);
		return;
	}
	json_array_foreach((json_t *)values, i, v) {
		if (json_is_string(v))
			offer(prefix, json_string_value(v), typed, help);
	}
	if (values == NULL)
		offer(prefix, def, typed, "default");
}

static void
offer_arguments(const json_t *description, size_t n, char **words, const char *typed)
{
	const char *equals = strchr(typed, '=');
	bool pending = false;
	const json_t *a = params_next(description, n, words, &pending);
	size_t i;

	if (!pending && strncmp(typed, "--", 2) == 0 && equals != NULL) {
		CLEANUP_FREE char *prefix = ctl_need(strndup(typed, (size_t)(equals - typed) + 1));

		a = params_find(description, typed + 2, (size_t)(equals - typed) - 2);
		offer_values(a, prefix, typed);
		return;
	}
	if (a != NULL)
		offer_values(a, "", typed);
	if (pending || *typed != '-')
		return;
	json_array_foreach(json_object_get(description, "arguments"), i, a)
		offer("--", out_json_text(a, "name"), typed, out_json_text(a, "help"));
}

static void
offer_service_arguments(const struct ctl *ctl, size_t n, char **words, const char *typed)
{
	const char *request[] = { "DESCRIBE", words[0] };
	CLEANUP(reqd_freep) struct reqd *c = NULL;
	CLEANUP(json_freep) json_t *description = NULL;

	if (remote_connect(ctl, &c) == 0 &&
	    remote_ask_json(ctl, c, NULL, &description, 2, request) == 0)
		offer_arguments(description, n - 1, words + 1, typed);
}

/* ------------------------------------------------------------ the words --- */

static void
offer_words(const struct ctl *ctl, size_t n, char **words, const char *typed)
{
	switch (ctl->cmd->words) {
	case CTL_WORDS_SERVICE:
	case CTL_WORDS_CALL:
		if (n == 0)
			offer_services(ctl, typed);
		else if (ctl->cmd->words == CTL_WORDS_CALL)
			offer_service_arguments(ctl, n, words, typed);
		return;
	case CTL_WORDS_SERVICES:
		offer_services(ctl, typed);
		return;
	case CTL_WORDS_REQUEST:
		offer_requests(ctl, typed);
		return;
	case CTL_WORDS_CHOICE:
	case CTL_WORDS_CHOICE_FILE:
		for (const char *const *p = ctl->cmd->choices; n == 0 && *p != NULL; p++)
			offer("", *p, typed, "");
		if (n == 1 && ctl->cmd->words == CTL_WORDS_CHOICE_FILE)
			(void)printf(":files\n");
		return;
	case CTL_WORDS_VERB:
		offer_verbs(ctl, typed);
		return;
	case CTL_WORDS_NONE:
		return;
	}
}

/* Offers values of an option. */
static void
offer_option_value(const struct ctl_opt *o)
{
	if (strcmp(o->arg, "FILE") == 0 || strcmp(o->arg, "PATH") == 0)
		(void)printf(":files\n");
}

static int
complete_run(struct ctl *ctl, size_t n, char **words)
{
	/* The words to complete are the command line of another reqctl. */
	struct ctl inner = { .verbs = ctl->verbs, .n_verbs = ctl->n_verbs };
	const char *typed = n > 0 ? words[n - 1] : "";
	struct options_error e;
	enum options_status s = options_read(&inner, n > 0 ? n - 1 : 0, words, &n, &e);

	inner.due_usec = clock_usec() + COMPLETE_MS * USEC_PER_MSEC;
	inner.quiet = true;
	inner.timeout_ms = COMPLETE_MS;
	if (s == OPTIONS_NO_VALUE) {
		offer_option_value(e.opt);
		return 0;
	}
	if (s != OPTIONS_OK)
		return 0;
	if (*typed == '-' && (inner.cmd == NULL || !inner.cmd->pass || n == 0)) {
		if (inner.cmd != NULL)
			offer_options(inner.cmd->options, inner.cmd->n_options, typed);
		offer_options(options_general, options_n_general, typed);
	} else if (inner.cmd == NULL) {
		offer_verbs(&inner, typed);
	} else {
		offer_words(&inner, n, words + 1, typed);
	}
	return 0;
}

const struct ctl_cmd cmd_complete = {
	.name = "__complete",
	.synopsis = "-- [WORD]...",
	.summary = "list words that can follow (for completion scripts)",
	.max_words = CTL_ANY_WORDS,
	.pass = true,
	.hidden = true,
	.run = complete_run,
};
