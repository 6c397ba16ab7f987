/* SPDX-License-Identifier: ISC */
/* httpargs: query, form and JSON as named arguments. */
#include "config.h"

#include "door/http/httpargs.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "proto/httpform.h"
#include "proto/jsontext.h"

#define NAME_SHOWN 32	/* bytes of a name that a refusal shows */

static unsigned __attribute__((format(printf, 3, 4)))
refuse(struct httpargs *a, unsigned status, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(a->why, sizeof(a->why), fmt, ap);
	va_end(ap);
	return status;
}

static unsigned
no_memory(struct httpargs *a)
{
	return refuse(a, 500, "the server: out of memory");
}

void
httpargs_init(struct httpargs *a, const struct httpargs_limits *limits)
{
	*a = (struct httpargs){ .limits = *limits };
}

void
httpargs_done(struct httpargs *a)
{
	buf_done(&a->text);
	free(a->words);
	free(a->argv);
}

static bool
is_name(struct slice name)
{
	for (size_t i = 0; i < name.len; i++) {
		char c = name.data[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '_' && c != '-')
			return false;
	}
	return name.len > 0;
}

/* Makes room for one more word. */
static unsigned
begin_word(struct httpargs *a, struct slice name)
{
	void *grown;

	if (!is_name(name))
		return refuse(a, 400, "a name of an argument has small letters, digits, '_' and '-'");
	if (a->n_words >= a->limits.max_arguments)
		return refuse(a, 413, "more than %zu arguments", a->limits.max_arguments);
	for (size_t i = 0; i < a->n_words; i++) {
		const struct httpargs_word *w = &a->words[i];

		if (w->place != a->place && w->name_len == name.len &&
		    memcmp(buf_data(&a->text) + w->at, name.data, name.len) == 0)
			return refuse(a, 400, "argument '%.*s' comes from two of path, query and body",
			    (int)(name.len < NAME_SHOWN ? name.len : NAME_SHOWN), name.data);
	}
	if (a->n_words < a->room)
		return HTTPARGS_OK;
	grown = reallocarray(a->words, a->room + 16, sizeof(*a->words));
	if (grown == NULL)
		return no_memory(a);
	a->words = grown;
	a->room += 16;
	return HTTPARGS_OK;
}

/* Adds a word whose name is at the end of the text, with a value behind it. */
static unsigned
end_word(struct httpargs *a, size_t at, size_t name_len)
{
	size_t len = buf_len(&a->text) - at;

	if (buf_failed(&a->text))
		return no_memory(a);
	if (len - name_len - 1 > a->limits.argument_limit)
		return refuse(a, 413, "an argument is longer than %zu bytes", a->limits.argument_limit);
	a->words[a->n_words++] = (struct httpargs_word){ at, len, name_len, a->place };
	return HTTPARGS_OK;
}

unsigned
httpargs_add(struct httpargs *a, struct slice name, struct slice value)
{
	size_t at = buf_len(&a->text);
	unsigned status = begin_word(a, name);

	if (status != HTTPARGS_OK)
		return status;
	(void)buf_append_slice(&a->text, name);
	(void)buf_append_char(&a->text, '=');
	(void)buf_append_slice(&a->text, value);
	return end_word(a, at, name.len);
}

/* ----------------------------------------------------------------- form --- */

unsigned
httpargs_add_form(struct httpargs *a, struct slice text)
{
	CLEANUP_FREE struct httppair *pairs = NULL;
	CLEANUP_FREE char *room = NULL;
	unsigned status = HTTPARGS_OK;
	size_t n = 0, most = 1;
	const char *why;

	a->place++;
	if (text.len == 0)
		return HTTPARGS_OK;
	for (size_t i = 0; i < text.len && most <= a->limits.max_arguments; i++)
		most += text.data[i] == '&';
	room = malloc(text.len);
	pairs = calloc(most, sizeof(*pairs));
	if (room == NULL || pairs == NULL)
		return no_memory(a);
	why = httpform_parse(text, room, pairs, most, &n);
	if (why != NULL)
		return refuse(a, 400, "%s", why);
	for (size_t i = 0; i < n && status == HTTPARGS_OK; i++)
		status = httpargs_add(a, pairs[i].name, pairs[i].value);
	return status;
}

/* ----------------------------------------------------------------- JSON --- */

/* Adds one value, all of which become text. */
static unsigned
add_scalar(struct httpargs *a, struct slice name, const json_t *v)
{
	char room[REAL_TEXT];
	struct slice text;

	if (json_is_null(v))
		return HTTPARGS_OK;
	if (jsontext_of(v, room, &text))
		return httpargs_add(a, name, text);
	return refuse(a, 422, "argument '%.*s': a value is a text, a number, true, false, null, or "
	    "an array of these", (int)(name.len < NAME_SHOWN ? name.len : NAME_SHOWN), name.data);
}

unsigned
httpargs_add_value(struct httpargs *a, struct slice name, const json_t *v)
{
	unsigned status = HTTPARGS_OK;

	/* The name is shown in refusals, so it is looked at first. */
	if (!is_name(name))
		return begin_word(a, name);
	if (!json_is_array(v))
		return add_scalar(a, name, v);
	for (size_t i = 0; i < json_array_size(v) && status == HTTPARGS_OK; i++)
		status = add_scalar(a, name, json_array_get(v, i));
	return status;
}

static void
json_done(json_t **j)
{
	json_decref(*j);
}

unsigned
httpargs_add_json(struct httpargs *a, struct slice text)
{
	CLEANUP(json_done) json_t *root = NULL;
	unsigned status = HTTPARGS_OK;
	json_error_t error;
	const char *key;
	json_t *v;

	a->place++;
	if (text.len > HTTPARGS_JSON_MAX)
		return refuse(a, 413, "a body of JSON has at most %u bytes", HTTPARGS_JSON_MAX);
	root = json_loadb(text.data, text.len, JSON_REJECT_DUPLICATES, &error);
	if (root == NULL && json_error_code(&error) == json_error_out_of_memory)
		return no_memory(a);
	if (root == NULL)
		return refuse(a, 400, "the body is not JSON (line %d, column %d), or a member is there twice",
		    error.line, error.column);
	if (!json_is_object(root))
		return refuse(a, 400, "the body is JSON, but no object with the arguments by name");
	json_object_foreach(root, key, v) {
		status = httpargs_add_value(a, slice_of(key), v);
		if (status != HTTPARGS_OK)
			break;
	}
	return status;
}

unsigned
httpargs_finish(struct httpargs *a, const struct slice **ret, size_t *ret_n)
{
	a->argv = reallocarray(NULL, a->n_words + 1, sizeof(*a->argv));
	if (a->argv == NULL)
		return no_memory(a);
	for (size_t i = 0; i < a->n_words; i++)
		a->argv[i] = (struct slice){ buf_data(&a->text) + a->words[i].at, a->words[i].len };
	*ret = a->argv;
	*ret_n = a->n_words;
	return HTTPARGS_OK;
}
