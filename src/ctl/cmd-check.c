/* SPDX-License-Identifier: ISC */
/*
 * reqctl check: a service as a plugin of a monitoring system. The exit status
 * is 0 to 3, and the result stands on standard output: what the service
 * printed, unchanged, or one line that says why there is nothing of it.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "ctl/answer.h"
#include "ctl/ctl.h"
#include "ctl/outjson.h"
#include "ctl/params.h"
#include "ctl/remote.h"

/* A plugin that nobody gave a time limit must not hold up its scheduler. */
#define CHECK_MS 10000

static const char *const states[] = { "OK", "WARNING", "CRITICAL", "UNKNOWN" };

/* Says why a result is no plugin's result. */
static int
unknown(const struct ctl *ctl, struct reqd *c, const char *service, const struct reqd_result *res)
{
	CLEANUP_FREE char *near = NULL;
	struct slice line = slice_line((struct slice){ res->err, res->err_len });
	char text[1100];

	(void)reqd_result_text(res, text, sizeof(text));
	if (line.len == 0)
		line = slice_line((struct slice){ res->out, res->out_len });
	if (res->outcome == REQD_DENIED) {
		near = remote_suggest(ctl, c, service);
		ctl_message(ctl, near != NULL ? "%s; did you mean '%s'?" : "%s", text, near);
	} else {
		ctl_message(ctl, line.len > 0 ? "%s: %s: %.*s" : "%s: %s", service, text,
		    (int)line.len, line.data);
	}
	return CTL_PLUGIN_UNKNOWN;
}

/* A state without a word of the service about it. */
static void
print_state(const char *service, const struct reqd_result *res)
{
	struct slice line = slice_line((struct slice){ res->err, res->err_len });
	char text[1100];

	(void)reqd_result_text(res, text, sizeof(text));
	if (line.len == 0)
		line = slice_of(text);
	(void)printf("%s - %s: ", states[res->status], service);
	ctl_print_plugin_text(line);
	(void)printf(" | time=%.6fs\n", (double)res->usec / USEC_PER_SEC);
}

/* True if the value prints something: null, empty texts and empty lists do not. */
static bool
has_words(const struct reqd_value *v)
{
	size_t len;

	switch (reqd_value_kind(v)) {
	case REQD_NULL:
	case REQD_ERROR:
		return false;
	case REQD_SIMPLE:
	case REQD_BULK:
	case REQD_VERBATIM:
	case REQD_BIG:
		(void)reqd_value_data(v, &len);
		return len > 0;
	case REQD_ARRAY:
	case REQD_MAP:
	case REQD_SET:
	case REQD_PUSH:
		return reqd_value_count(v) > 0;
	default:
		return true;
	}
}

static int
check_ended(const struct ctl *ctl, struct reqd *c, const char *service,
    const struct reqd_result *res)
{
	if (res->outcome != REQD_EXIT || res->status > CTL_PLUGIN_UNKNOWN || res->truncated)
		return unknown(ctl, c, service, res);
	if (res->value != NULL && has_words(res->value))
		answer_print(ctl, res->value);
	else if (res->out_len > 0)
		(void)fwrite(res->out, 1, res->out_len, stdout);
	else
		print_state(service, res);
	return res->status;
}

static int
add_words(const struct ctl *ctl, struct reqd *c, struct reqd_call *call, size_t n, char **words)
{
	const char *request[] = { "DESCRIBE", words[0] };
	CLEANUP(json_freep) json_t *description = NULL;
	char why[PARAMS_WHY];
	int status;

	if (!params_are_named(n - 1, words + 1)) {
		params_add(call, n - 1, words + 1);
		return 0;
	}
	status = remote_ask_json(ctl, c, words[0], &description, 2, request);
	if (status != 0 || params_add_named(call, description, n - 1, words + 1, why))
		return status;
	ctl_message(ctl, "%s: %s", words[0], why);
	return CTL_PLUGIN_UNKNOWN;
}

static int
check_run(struct ctl *ctl, size_t n, char **words)
{
	CLEANUP(reqd_freep) struct reqd *c = NULL;
	struct reqd_call *call;
	struct reqd_result *res = NULL;
	int status;

	if (ctl->json)
		return ctl_usage(ctl, "check prints what monitoring systems read; --json does "
		    "not fit it");
	if (ctl->timeout_ms == 0) {
		ctl->timeout_ms = CHECK_MS;
		ctl->due_usec = clock_usec() + CHECK_MS * USEC_PER_MSEC;
	}
	status = remote_connect(ctl, &c);
	if (status != 0)
		return status;
	call = ctl_need(reqd_call_new(words[0]));
	status = add_words(ctl, c, call, n, words);
	if (status == 0) {
		remote_set_deadline(ctl, c, call);
		if (reqd_call(c, call, &res) < 0) {
			ctl_message(ctl, "%s: %s", words[0], reqd_error_text(c));
			status = CTL_PLUGIN_UNKNOWN;
		} else {
			status = check_ended(ctl, c, words[0], res);
		}
	}
	reqd_result_free(res);
	reqd_call_free(call);
	return status;
}

const struct ctl_cmd cmd_check = {
	.name = "check",
	.synopsis = "SERVICE [ARG]...",
	.summary = "run a service as a plugin of a monitoring system",
	.details = "ARG is as with call. The exit status is that of the service when it is 0 to\n"
		   "3, else 3, with one line on standard output that says why. -t is 10 seconds\n"
		   "unless it is given.\n",
	.min_words = 1,
	.max_words = CTL_ANY_WORDS,
	.words = CTL_WORDS_CALL,
	.pass = true,
	.is_plugin = true,
	.run = check_run,
};
