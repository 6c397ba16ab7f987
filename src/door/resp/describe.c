/* SPDX-License-Identifier: ISC */
/* describe: writes the declaration of a service as JSON. */
#include "config.h"

#include "door/resp/describe.h"

#include <errno.h>

#include "base/clock.h"
#include "base/jsonbuf.h"
#include "base/units.h"
#include "call/call.h"
#include "conf/schemajson.h"

/* A text that there may be or not. */
static void
put_text(struct buf *b, const char *key, const char *value)
{
	if (value != NULL)
		jsonbuf_text(b, key, value);
}

static void
put_list(struct buf *b, const char *key, char *const *list)
{
	if (list == NULL)
		return;
	jsonbuf_open(b, key, '[');
	for (size_t i = 0; list[i] != NULL; i++)
		jsonbuf_text(b, NULL, list[i]);
	jsonbuf_close(b, ']');
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
		jsonbuf_key(b, key);
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
		jsonbuf_key(b, key);
		(void)buf_append_i64(b, i);
		return;
	}
}

static void
put_argument(struct buf *b, const struct argument *a)
{
	jsonbuf_open(b, NULL, '{');
	jsonbuf_text(b, "name", a->name);
	put_text(b, "type", argument_type_name(a->type));
	put_text(b, "help", a->help);
	/* The default of a secret argument is secret, too. */
	put_text(b, "default", a->secret ? NULL : a->def);
	jsonbuf_bool(b, "optional", schemajson_is_optional(a));
	jsonbuf_bool(b, "repeat", a->repeat);
	jsonbuf_bool(b, "secret", a->secret);
	jsonbuf_bool(b, "dash", a->dash);
	jsonbuf_number(b, "max_length", a->max_length);
	if (a->has_min)
		put_bound(b, "min", a, a->min_int, a->min_dec);
	if (a->has_max)
		put_bound(b, "max", a, a->max_int, a->max_dec);
	put_list(b, "values", a->values);
	put_text(b, "below", a->below);
	put_text(b, "pattern", a->pattern);
	if (a->type == ARGUMENT_FLAG)
		put_text(b, "value", a->value);
	jsonbuf_close(b, '}');
}

int
describe_service(const struct service *s, struct buf *b)
{
	jsonbuf_open(b, NULL, '{');
	jsonbuf_text(b, "name", s->name);
	put_text(b, "kind", s->handler != NULL ? "handler" : "command");
	put_text(b, "summary", s->summary);
	put_text(b, "description", s->description);
	jsonbuf_open(b, "arguments", '[');
	for (size_t i = 0; i < s->n_args; i++)
		put_argument(b, &s->args[i]);
	jsonbuf_close(b, ']');
	put_text(b, "input", service_input_word(s));
	jsonbuf_number(b, "timeout_ms", s->timeout_usec / USEC_PER_MSEC);
	jsonbuf_number(b, "output_limit", s->output_limit);
	put_text(b, "on_disconnect", s->finish_on_disconnect ? "finish" : "kill");
	jsonbuf_bool(b, "idempotent", s->idempotent);
	put_text(b, "effects", service_effects_word(s));
	put_list(b, "verbs", s->verbs);
	put_text(b, "sandbox", service_sandbox_word(s));
	if (s->sandbox != FENCE_NONE)
		jsonbuf_bool(b, "sandbox_files", fence_has_files());
	schemajson_service(b, "input_schema", s);
	jsonbuf_close(b, '}');
	return buf_failed(b) ? -ENOMEM : 0;
}

static int
run_describe(const struct call *call, struct buf *out)
{
	return describe_service(call->service, out);
}

const struct builtin builtin_describe = { "describe", run_describe };
