/* SPDX-License-Identifier: ISC */
/*
 * import-webhook: the hooks.json of webhook. A hook becomes a service whose
 * arguments are what the hook took out of the request. Its trigger rule cannot be
 * said, so nobody may call it until somebody writes who.
 */
#include "config.h"

#include <ctype.h>
#include <jansson.h>
#include <string.h>

#include "base/cleanup.h"
#include "ctl/import.h"
#include "ctl/outjson.h"
#include "ctl/remote.h"

#define ARGUMENT_MAX 31	/* bytes of a name */
#define MAX_ARGUMENTS 64

/* Says nothing about who may call or what runs. */
static const char *const known[] = {
	"id", "execute-command", "command-working-directory", "pass-arguments-to-command",
	"pass-environment-to-command",
};

/* The values of a request that a hook takes, each one argument. */
struct hook_values {
	struct import_words arguments;
	struct import_words origins;	/* the source of each */
};

/* A template of a value of the request, for which it declares an argument. */
static const char *
value_of(struct import *im, const json_t *item, struct hook_values *values)
{
	const char *source = out_json_text(item, "source"), *name = out_json_text(item, "name");
	const char *origin = import_text(im, "%s %s", source, name), *wish, *argument;

	if (strcmp(source, "string") == 0)
		return import_literal(im, name);
	for (size_t i = 0; i < values->origins.n; i++) {
		if (strcmp(values->origins.v[i], origin) == 0)
			return import_text(im, "{%s}", values->arguments.v[i]);
	}
	if (strncmp(source, "entire-", 7) == 0)
		name = source + 7;
	wish = import_name(im, name, ARGUMENT_MAX);
	if (isdigit((unsigned char)*wish) != 0)
		wish = import_text(im, "x%.*s", ARGUMENT_MAX - 1, wish);
	argument = import_unused_name(im, &values->arguments, wish, ARGUMENT_MAX);
	if (argument != wish)
		import_note(im, "%s: the argument is called %s, another value is %s", origin,
		    argument, wish);
	if (values->arguments.n == MAX_ARGUMENTS)
		import_off(im, "more than %d arguments", MAX_ARGUMENTS);
	import_add(im, &values->arguments, argument);
	import_add(im, &values->origins, origin);
	return import_text(im, "{%s}", argument);
}

static void
read_command(struct import *im, const json_t *hook, struct hook_values *values)
{
	const char *program = out_json_text(hook, "execute-command");
	struct import_words words = { 0 };
	const json_t *item;
	size_t i;

	if (*program != '/')
		import_off(im, "the program is not named by an absolute path: %s", program);
	import_add(im, &words, import_literal(im, program));
	json_array_foreach(json_object_get(hook, "pass-arguments-to-command"), i, item)
		import_add(im, &words, value_of(im, item, values));
	import_list(im, "command", &words);
}

static void
read_environment(struct import *im, const json_t *hook, struct hook_values *values)
{
	struct import_words words = { 0 };
	const json_t *item;
	size_t i;

	json_array_foreach(json_object_get(hook, "pass-environment-to-command"), i, item) {
		const char *name = out_json_text(item, "envname");

		if (*name == '\0')
			name = import_text(im, "HOOK_%s", out_json_text(item, "name"));
		import_add_variable(im, &words, name, value_of(im, item, values));
	}
	import_list(im, "environment", &words);
}

static void
read_hook(struct import *im, json_t *hook)
{
	struct hook_values values = { 0 };
	const char *key, *directory = out_json_text(hook, "command-working-directory");
	json_t *value;

	import_service(im, import_name(im, out_json_text(hook, "id"), 64));
	read_command(im, hook, &values);
	read_environment(im, hook, &values);
	for (size_t i = 0; i < values.arguments.n; i++)
		import_argument(im, values.arguments.v[i], "");
	if (*directory != '\0' && *directory != '/')
		import_off(im, "the directory is no absolute path: %s", directory);
	if (*directory != '\0')
		import_key(im, "directory", directory);
	json_object_foreach(hook, key, value) {
		bool is_known = false;

		for (size_t i = 0; i < ARRAY_LEN(known); i++)
			is_known = is_known || strcmp(known[i], key) == 0;
		if (!is_known)
			import_note(im, "no counterpart: %s", key);
	}
	import_service_end(im);
}

void
import_webhook(struct import *im)
{
	json_error_t error;
	CLEANUP(json_freep) json_t *hooks =
	    json_loads(im->next != NULL ? im->next : "", JSON_REJECT_DUPLICATES, &error);
	json_t *hook;
	size_t i;

	if (!json_is_array(hooks)) {
		im->line = hooks == NULL && error.line > 0 ? (unsigned int)error.line : 1;
		im->error = hooks == NULL ? import_text(im, "%s", error.text) :
		    "no list of hooks in JSON";
		return;
	}
	json_array_foreach(hooks, i, hook)
		read_hook(im, hook);
}
