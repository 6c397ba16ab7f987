/* SPDX-License-Identifier: ISC */
/* describe: writes the declaration of a service as JSON. */
#include "config.h"

#include "door/resp/describe.h"

#include <errno.h>

#include "base/clock.h"
#include "base/escape.h"
#include "base/units.h"
#include "call/call.h"

static void
put_key(struct buf *b, const char *key)
{
	(void)buf_append_char(b, ',');
	(void)escape_json(b, slice_of(key));
	(void)buf_append_char(b, ':');
}

static void
put_text(struct buf *b, const char *key, const char *value)
{
	if (value == NULL)
		return;
	put_key(b, key);
	(void)escape_json(b, slice_of(value));
}

static void
put_u64(struct buf *b, const char *key, uint64_t value)
{
	put_key(b, key);
	(void)buf_append_u64(b, value);
}

static void
put_bool(struct buf *b, const char *key, bool value)
{
	put_key(b, key);
	(void)buf_append_str(b, value ? "true" : "false");
}

static void
put_list(struct buf *b, const char *key, char *const *list)
{
	if (list == NULL)
		return;
	put_key(b, key);
	(void)buf_append_char(b, '[');
	for (size_t i = 0; list[i] != NULL; i++) {
		if (i > 0)
			(void)buf_append_char(b, ',');
		(void)escape_json(b, slice_of(list[i]));
	}
	(void)buf_append_char(b, ']');
}

/*
 * Writes a bound in the words of the configuration: a number, a size, a
 * duration.
 */
static void
put_bound(struct buf *b, const char *key, const struct argument *a, int64_t i, double d)
{
	char text[UNITS_TEXT];

	switch (a->type) {
	case ARGUMENT_DECIMAL:
		put_key(b, key);
		(void)buf_printf(b, "%.*g", real_digits(d), d);
		return;
	case ARGUMENT_SIZE:
		size_format((uint64_t)i, text, sizeof(text));
		put_text(b, key, text);
		return;
	case ARGUMENT_DURATION:
		duration_format((uint64_t)i, text, sizeof(text));
		put_text(b, key, text);
		return;
	default:
		put_key(b, key);
		(void)buf_append_i64(b, i);
		return;
	}
}

static void
put_argument(struct buf *b, const struct argument *a)
{
	(void)buf_append_str(b, "{\"name\":");
	(void)escape_json(b, slice_of(a->name));
	put_text(b, "type", argument_type_name(a->type));
	put_text(b, "help", a->help);
	/* The default of a secret argument is secret, too. */
	put_text(b, "default", a->secret ? NULL : a->def);
	put_bool(b, "optional", a->optional || a->def != NULL || a->type == ARGUMENT_FLAG);
	put_bool(b, "repeat", a->repeat);
	put_bool(b, "secret", a->secret);
	put_bool(b, "dash", a->dash);
	put_u64(b, "max_length", a->max_length);
	if (a->has_min)
		put_bound(b, "min", a, a->min_int, a->min_dec);
	if (a->has_max)
		put_bound(b, "max", a, a->max_int, a->max_dec);
	put_list(b, "values", a->values);
	put_text(b, "below", a->below);
	put_text(b, "pattern", a->pattern);
	if (a->type == ARGUMENT_FLAG)
		put_text(b, "value", a->value);
	(void)buf_append_char(b, '}');
}

int
describe_service(const struct service *s, struct buf *b)
{
	static const char *const inputs[] = {
		[INPUT_NONE] = "none",
		[INPUT_OPTIONAL] = "optional",
		[INPUT_REQUIRED] = "required",
		[INPUT_PUSHED] = "pushed",
	};

	(void)buf_append_str(b, "{\"name\":");
	(void)escape_json(b, slice_of(s->name));
	put_text(b, "kind", s->handler != NULL ? "handler" : "command");
	put_text(b, "summary", s->summary);
	put_text(b, "description", s->description);
	put_key(b, "arguments");
	(void)buf_append_char(b, '[');
	for (size_t i = 0; i < s->n_args; i++) {
		if (i > 0)
			(void)buf_append_char(b, ',');
		put_argument(b, &s->args[i]);
	}
	(void)buf_append_char(b, ']');
	put_text(b, "input", inputs[s->input]);
	put_u64(b, "timeout_ms", s->timeout_usec / USEC_PER_MSEC);
	put_u64(b, "output_limit", s->output_limit);
	put_text(b, "on_disconnect", s->finish_on_disconnect ? "finish" : "kill");
	put_bool(b, "idempotent", s->idempotent);
	if (s->verbs != NULL)
		put_list(b, "verbs", s->verbs);
	(void)buf_append_char(b, '}');
	return buf_failed(b) ? -ENOMEM : 0;
}

static int
run_describe(const struct call *call, struct buf *out)
{
	return describe_service(call->service, out);
}

const struct builtin builtin_describe = { "describe", run_describe };
