/* SPDX-License-Identifier: ISC */
/*
 * params: matches the words of a command line with the declared arguments of a
 * service.
 */
#include "config.h"

#include "ctl/params.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/suggest.h"
#include "ctl/ctl.h"
#include "ctl/outjson.h"

static bool
is_name_word(const char *word)
{
	return word[0] == '-' && word[1] == '-' && word[2] != '\0';
}

bool
params_are_named(size_t n, char **words)
{
	for (size_t i = 0; i < n && strcmp(words[i], "--") != 0; i++) {
		if (is_name_word(words[i]))
			return true;
	}
	return false;
}

bool
params_want_help(const json_t *description, size_t n, char **words)
{
	for (size_t i = 0; i < n && strcmp(words[i], "--") != 0; i++) {
		if (strcmp(words[i], "--help") == 0)
			return params_find(description, "help", 4) == NULL;
	}
	return false;
}

void
params_add(struct reqd_call *call, size_t n, char **words)
{
	bool ended = false;

	for (size_t i = 0; i < n; i++) {
		if (!ended && strcmp(words[i], "--") == 0)
			ended = true;
		else
			(void)reqd_call_add(call, words[i], strlen(words[i]));
	}
}

const json_t *
params_find(const json_t *description, const char *name, size_t len)
{
	const json_t *list = json_object_get(description, "arguments"), *a;
	size_t i;

	json_array_foreach((json_t *)list, i, a) {
		const char *s = out_json_text(a, "name");

		if (strlen(s) == len && strncmp(s, name, len) == 0)
			return a;
	}
	return NULL;
}

bool
params_is_flag(const json_t *argument)
{
	return strcmp(out_json_text(argument, "type"), "flag") == 0;
}

/* -------------------------------------------------------------- reading --- */

/* Goes over the words and notes which declared arguments are taken. */
struct reader {
	const json_t *list;
	bool *named;		/* by index: the argument is given by name */
	size_t next;		/* the first argument that a positional word may get */
	size_t n, i;
	char **words;
	bool ended;		/* "--" was seen */
};

enum reader_status {
	READER_OK,
	READER_END,
	READER_NO_SUCH,		/* "--name" is not declared */
	READER_NO_VALUE,	/* "--name" is the last word */
	READER_TOO_MANY,	/* no argument is left for a positional word */
};

static void
reader_freep(struct reader *r)
{
	free(r->named);
}

/*
 * Looks for all names first: a positional word must not take an argument that
 * is named later.
 */
static void
reader_init(struct reader *r, const json_t *description, size_t n, char **words)
{
	const json_t *list = json_object_get(description, "arguments"), *a;
	size_t i;

	*r = (struct reader){ .list = list, .n = n, .words = words };
	r->named = ctl_need(calloc(json_array_size(list) + 1, sizeof(bool)));
	json_array_foreach((json_t *)list, i, a) {
		const char *name = out_json_text(a, "name");
		size_t len = strlen(name);

		for (size_t w = 0; w < n && strcmp(words[w], "--") != 0; w++) {
			if (is_name_word(words[w]) && strncmp(words[w] + 2, name, len) == 0 &&
			    (words[w][2 + len] == '\0' || words[w][2 + len] == '='))
				r->named[i] = true;
		}
	}
}

/*
 * Returns the argument that gets the next positional word; NULL: none is left.
 */
static const json_t *
reader_positional(struct reader *r)
{
	while (r->next < json_array_size(r->list)) {
		const json_t *a = json_array_get(r->list, r->next);

		if (!r->named[r->next] && !params_is_flag(a)) {
			if (!json_is_true(json_object_get(a, "repeat")))
				r->next++;
			return a;
		}
		r->next++;
	}
	return NULL;
}

/* Reads "--name", "--name=value" or "--name" "value". */
static enum reader_status
reader_named(struct reader *r, const json_t *description, const json_t **ret_arg,
    const char **ret_value)
{
	const char *name = r->words[r->i] + 2, *equals = strchr(name, '=');
	size_t len = equals != NULL ? (size_t)(equals - name) : strlen(name);

	*ret_arg = params_find(description, name, len);
	if (*ret_arg == NULL)
		return READER_NO_SUCH;
	r->i++;
	if (equals != NULL)
		*ret_value = equals + 1;
	else if (params_is_flag(*ret_arg))
		*ret_value = "yes";
	else if (r->i == r->n)
		return READER_NO_VALUE;
	else
		*ret_value = r->words[r->i++];
	return READER_OK;
}

static enum reader_status
reader_step(struct reader *r, const json_t *description, const json_t **ret_arg,
    const char **ret_value)
{
	if (!r->ended && r->i < r->n && strcmp(r->words[r->i], "--") == 0) {
		r->ended = true;
		r->i++;
	}
	if (r->i == r->n)
		return READER_END;
	if (!r->ended && is_name_word(r->words[r->i]))
		return reader_named(r, description, ret_arg, ret_value);
	*ret_arg = reader_positional(r);
	if (*ret_arg == NULL)
		return READER_TOO_MANY;
	*ret_value = r->words[r->i++];
	return READER_OK;
}

static void
explain_unknown(const json_t *list, const char *word, char why[static PARAMS_WHY])
{
	CLEANUP_FREE const char **names = ctl_need(calloc(json_array_size(list) + 1, sizeof(*names)));
	CLEANUP_FREE char *name = ctl_need(strndup(word + 2, strcspn(word + 2, "=")));
	const char *near;
	const json_t *a;
	size_t i;

	json_array_foreach((json_t *)list, i, a)
		names[i] = out_json_text(a, "name");
	near = suggest_word(name, names, json_array_size(list));
	if (near != NULL)
		(void)snprintf(why, PARAMS_WHY, "no argument --%.60s; did you mean --%.60s?", name,
		    near);
	else
		(void)snprintf(why, PARAMS_WHY, "no argument --%.60s (put -- in front of words "
		    "that are not names)", name);
}

bool
params_add_named(struct reqd_call *call, const json_t *description, size_t n, char **words,
    char why[static PARAMS_WHY])
{
	CLEANUP(reader_freep) struct reader r;

	reader_init(&r, description, n, words);
	for (;;) {
		const json_t *arg = NULL;
		const char *value = NULL;

		switch (reader_step(&r, description, &arg, &value)) {
		case READER_OK:
			(void)reqd_call_add_named(call, out_json_text(arg, "name"), value,
			    strlen(value));
			continue;
		case READER_END:
			return true;
		case READER_NO_SUCH:
			explain_unknown(r.list, words[r.i], why);
			return false;
		case READER_NO_VALUE:
			(void)snprintf(why, PARAMS_WHY, "--%.60s needs a value",
			    out_json_text(arg, "name"));
			return false;
		case READER_TOO_MANY:
			(void)snprintf(why, PARAMS_WHY, "one argument too many: %.100s",
			    words[r.i]);
			return false;
		}
	}
}

const json_t *
params_next(const json_t *description, size_t n, char **words, bool *ret_pending)
{
	CLEANUP(reader_freep) struct reader r;
	const json_t *arg = NULL;
	const char *value;

	*ret_pending = false;
	reader_init(&r, description, n, words);
	for (;;) {
		switch (reader_step(&r, description, &arg, &value)) {
		case READER_OK:
			continue;
		case READER_END:
			return reader_positional(&r);
		case READER_NO_VALUE:
			*ret_pending = true;
			return arg;
		case READER_NO_SUCH:
		case READER_TOO_MANY:
			return NULL;
		}
	}
}
