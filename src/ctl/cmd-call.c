/* SPDX-License-Identifier: ISC */
/*
 * reqctl call: prints output as it comes and exits with the status of the
 * service.
 *
 * SIGINT and SIGPIPE keep their default action: they kill reqctl, the kernel
 * closes the connection, and that cancels the call.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "ctl/answer.h"
#include "ctl/ctl.h"
#include "ctl/description.h"
#include "ctl/explanation.h"
#include "ctl/outjson.h"
#include "ctl/params.h"
#include "ctl/remote.h"

struct run {
	const struct ctl *ctl;
	const char *service;
	size_t n_words;		/* words behind the service */
	char **words;
	struct reqd *conn;
	struct reqd_call *call;
	json_t *description;	/* NULL: not asked for */
	int input_fd;		/* -1: none */
	bool owns_input;
	int write_error;	/* errno of a failed write to standard output or standard error */
};

static void
run_done(struct run *r)
{
	if (r->owns_input)
		(void)close(r->input_fd);
	json_decref(r->description);
	reqd_call_free(r->call);
	reqd_free(r->conn);
}

/* --------------------------------------------------------------- report --- */

static json_t *
json_or_null(bool have, json_int_t n)
{
	return have ? json_integer(n) : json_null();
}

static void
add_text_or_null(struct out_object *o, const char *key, const char *text)
{
	if (*text != '\0')
		out_object_add_bytes(o, key, slice_of(text));
	else
		out_object_add(o, key, json_null());
}

static void
print_result(const struct ctl *ctl, const struct reqd_result *res)
{
	struct out_object o;

	out_object_begin(&o, ctl);
	out_object_add(&o, "outcome", json_string(reqd_outcome_word(res->outcome)));
	out_object_add(&o, "status", json_or_null(res->outcome == REQD_EXIT, res->status));
	out_object_add(&o, "signal", json_or_null(res->outcome == REQD_SIGNAL, res->signal));
	if (res->value != NULL)
		out_object_add(&o, "value", out_json_value(res->value));
	else
		out_object_add_bytes(&o, "stdout", (struct slice){ res->out, res->out_len });
	out_object_add_bytes(&o, "stderr", (struct slice){ res->err, res->err_len });
	out_object_add(&o, "truncated", json_boolean(res->truncated));
	out_object_add(&o, "usec", json_integer((json_int_t)res->usec));
	add_text_or_null(&o, "id", res->id);
	add_text_or_null(&o, "error", res->error);
	out_object_end(&o);
}

static void
print_failure(const struct ctl *ctl, const char *outcome, const char *text)
{
	out_json(ctl, json_pack("{s:s, s:n, s:n, s:s, s:s, s:b, s:i, s:n, s:o}",
	    "outcome", outcome, "status", "signal", "stdout", "", "stderr", "", "truncated", 0,
	    "usec", 0, "id", "error", out_json_bytes(text, strlen(text))));
}

/* The call has no result: outcome is one word, text is for people. */
static int
run_failed(const struct run *r, const char *outcome, const char *text, int status)
{
	ctl_message(r->ctl, "%s: %s", r->service, text);
	if (r->ctl->json)
		print_failure(r->ctl, outcome, text);
	return status;
}

/* libreqd could not finish the call. */
static int
run_broken(const struct run *r)
{
	const struct reqd *c = r->conn;
	char text[1100];
	int error = reqd_error(c);

	if (error == REQD_E_STOPPED && r->write_error == EPIPE)
		return 128 + SIGPIPE;
	if (error == REQD_E_STOPPED) {
		(void)snprintf(text, sizeof(text), "cannot write standard output: %s",
		    strerror(r->write_error));
		return run_failed(r, "local", text, STATUS_LOCAL);
	}
	if (error == REQD_E_TIMEOUT && r->ctl->timeout_ms > 0) {
		(void)snprintf(text, sizeof(text), "timed out: %s", reqd_error_text(c));
		return run_failed(r, "timeout", text, 240);
	}
	if (error == REQD_E_CLOSED && reqd_was_sent(c)) {
		(void)snprintf(text, sizeof(text), "%s; the program may have run",
		    reqd_error_text(c));
		return run_failed(r, "lost", text, 245);
	}
	switch (error) {
	case REQD_E_PROTOCOL:
	case REQD_E_LIMIT:
		return run_failed(r, "protocol", reqd_error_text(c), STATUS_PROTOCOL);
	case REQD_E_INVALID:
		return run_failed(r, "badarg", reqd_error_text(c), STATUS_USAGE);
	case REQD_E_NOMEM:
	case REQD_E_INPUT:
		return run_failed(r, "local", reqd_error_text(c), STATUS_LOCAL);
	default:
		return run_failed(r, "connect", reqd_error_text(c), remote_status(error));
	}
}

/* True if a word behind the service looks like an option. */
static bool
has_option(const struct run *r)
{
	for (size_t i = 0; i < r->n_words && strcmp(r->words[i], "--") != 0; i++) {
		if (r->words[i][0] == '-' && r->words[i][1] != '\0')
			return true;
	}
	return false;
}

/* Prints how the call would run. Returns the exit status of the call that would be refused. */
static int
run_explained(const struct run *r, const struct reqd_result *res)
{
	struct reqd_result refused = { .outcome = REQD_EXIT };
	const struct reqd_value *word;
	struct slice s;

	if (reqd_value_kind(res->value) != REQD_MAP)
		return run_failed(r, "protocol", "the server did not explain the call", STATUS_PROTOCOL);
	if (r->ctl->json)
		out_json(r->ctl, out_json_value(res->value));
	else
		explanation_print(res->value);
	word = reqd_value_get(res->value, "outcome");
	if (reqd_value_kind(word) != REQD_BULK)
		return 0;
	s.data = reqd_value_data(word, &s.len);
	refused.outcome = answer_refusal(s);
	return reqd_result_exit_status(&refused);
}

static int
run_ended(const struct run *r, const struct reqd_result *res)
{
	CLEANUP_FREE char *near = NULL;
	char text[1100];

	if (r->ctl->explain && res->outcome == REQD_EXIT)
		return run_explained(r, res);
	if (r->ctl->json) {
		print_result(r->ctl, res);
	} else {
		/* out and err are empty when the output was streamed. */
		(void)fwrite(res->out, 1, res->out_len, stdout);
		answer_print(r->ctl, res->value);
		(void)fflush(stdout);
		(void)fwrite(res->err, 1, res->err_len, stderr);
	}
	/* Too much output is an outcome of its own, which is told below. */
	if (res->truncated && res->outcome != REQD_TOOBIG)
		ctl_message(r->ctl, "%s: the output is not complete", r->service);
	(void)reqd_result_text(res, text, sizeof(text));
	if (res->outcome == REQD_DENIED)
		near = remote_suggest(r->ctl, r->conn, r->service);
	if (near != NULL)
		ctl_message(r->ctl, "%s; did you mean '%s'?", text, near);
	else if (res->outcome == REQD_DENIED)
		ctl_message(r->ctl, "%s", text);	/* this text names the service itself */
	else if (res->outcome == REQD_BADARG && has_option(r))
		ctl_message(r->ctl, "%s: %s (options of reqctl go before the name of the service)",
		    r->service, text);
	else if (res->outcome != REQD_EXIT || res->status != 0)
		ctl_message(r->ctl, "%s: %s", r->service, text);
	return reqd_result_exit_status(res);
}

/* ------------------------------------------------------------- prepare --- */

/*
 * True if standard input is a file or pipe with data, and no terminal or
 * /dev/null.
 */
static bool
stdin_has_data(void)
{
	struct stat st;

	return fstat(STDIN_FILENO, &st) == 0 &&
	    (S_ISREG(st.st_mode) || S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode));
}

/* Handles an error reply in place of a description. */
static int
describe_refused(const struct run *r, const struct reqd_value *v)
{
	struct reqd_result res = { .outcome = reqd_value_outcome(v), .status = -1 };
	CLEANUP_FREE char *line = remote_text(v);

	res.out = res.err = res.id = "";
	res.error = line;
	return run_ended(r, &res);
}

static int
run_describe(struct run *r)
{
	const char *words[] = { "DESCRIBE", r->service };
	CLEANUP(reqd_value_freep) struct reqd_value *v = NULL;
	const char *data;
	size_t len;

	if (reqd_request(r->conn, &v, 2, words) < 0)
		return run_broken(r);
	if (reqd_value_kind(v) == REQD_ERROR)
		return describe_refused(r, v);
	data = reqd_value_data(v, &len);
	r->description = remote_json(data, len);
	if (r->description == NULL)
		return run_failed(r, "protocol", "the server did not describe the service in JSON",
		    STATUS_PROTOCOL);
	return 0;
}

static int
run_open_input(struct run *r)
{
	const struct ctl *ctl = r->ctl;
	const char *wanted = out_json_text(r->description, "input");
	char text[300];

	/* Nothing of the input is read. */
	if (ctl->explain)
		return 0;
	if (ctl->input == NULL) {
		bool required = strcmp(wanted, "required") == 0;
		bool none = *wanted == '\0' || strcmp(wanted, "none") == 0;

		if (required && isatty(STDIN_FILENO) == 1)
			return run_failed(r, "badarg", "needs input: use -i FILE before the name "
			    "of the service, or -i - to type the input", 246);
		if (required || (!none && stdin_has_data()))
			r->input_fd = STDIN_FILENO;
		return 0;
	}
	if (strcmp(ctl->input, "-") == 0) {
		r->input_fd = STDIN_FILENO;
		return 0;
	}
	r->input_fd = open(ctl->input, O_RDONLY | O_CLOEXEC);
	if (r->input_fd < 0) {
		(void)snprintf(text, sizeof(text), "cannot open %.200s: %s", ctl->input,
		    strerror(errno));
		return run_failed(r, "local", text, STATUS_LOCAL);
	}
	r->owns_input = true;
	return 0;
}

static int
add_meta(const struct run *r)
{
	for (size_t i = 0; i < r->ctl->meta.n; i++) {
		const char *text = r->ctl->meta.items[i], *colon = strchr(text, ':');
		CLEANUP_FREE char *key = NULL;

		if (colon == NULL)
			return ctl_usage(r->ctl, "option --meta: '%s' is not KEY:VALUE", text);
		key = ctl_need(strndup(text, (size_t)(colon - text)));
		if (reqd_call_add_meta(r->call, key, colon + 1) < 0)
			return ctl_usage(r->ctl, "option --meta: '%s' has no key, or is too long",
			    text);
	}
	return 0;
}

static int
run_build(struct run *r)
{
	const struct ctl *ctl = r->ctl;
	char why[PARAMS_WHY];

	r->call = ctl_need(reqd_call_new(r->service));
	if (!params_are_named(r->n_words, r->words))
		params_add(r->call, r->n_words, r->words);
	else if (!params_add_named(r->call, r->description, r->n_words, r->words, why))
		return run_failed(r, "badarg", why, 246);
	if (ctl->id != NULL && reqd_call_set_id(r->call, ctl->id) < 0)
		return ctl_usage(ctl,
		    "option --id: '%s' is not 1 to 128 letters, digits and . _ : -", ctl->id);
	if (r->input_fd >= 0)
		(void)reqd_call_set_input_fd(r->call, r->input_fd);
	if (ctl->explain)
		(void)reqd_call_set_explain(r->call);
	return add_meta(r);
}

/* ----------------------------------------------------------------- run --- */

static int
on_output(void *arg, int stream, const void *data, size_t len)
{
	struct run *r = arg;
	int e = fd_write_all(stream == 1 ? STDOUT_FILENO : STDERR_FILENO, data, len);

	r->write_error = -e;
	return e < 0;
}

/*
 * True if the output should be streamed. With an id the server keeps the result
 * for a retry, and the result holds only output that is not streamed.
 */
static bool
wants_stream(const struct ctl *ctl)
{
	return !ctl->no_stream && !ctl->json && !ctl->explain && ctl->id == NULL;
}

static int
run_call(struct run *r)
{
	struct reqd_result *res = NULL;
	int status;

	remote_set_deadline(r->ctl, r->conn, r->call);
	if (wants_stream(r->ctl))
		(void)reqd_call_set_output(r->call, on_output, r);
	else
		(void)reqd_set_reply_limit(r->conn, REMOTE_OUTPUT_LIMIT);
	if (reqd_call(r->conn, r->call, &res) < 0)
		return run_broken(r);
	status = run_ended(r, res);
	reqd_result_free(res);
	return status;
}

static int
run_connect(struct run *r)
{
	int status = remote_connect(r->ctl, &r->conn);

	if (status != 0 && r->ctl->json)
		print_failure(r->ctl, "connect", reqd_error_text(r->conn));
	return status;
}

static int
call_run(struct ctl *ctl, size_t n, char **words)
{
	CLEANUP(run_done) struct run r = {
		.ctl = ctl,
		.service = words[0],
		.n_words = n - 1,
		.words = words + 1,
		.input_fd = -1,
	};
	int status;

	status = run_connect(&r);
	if (status == 0 && ((ctl->input == NULL && !ctl->explain) ||
	    params_are_named(r.n_words, r.words)))
		status = run_describe(&r);
	if (status == 0 && params_want_help(r.description, r.n_words, r.words)) {
		description_print(ctl, r.description);
		return 0;
	}
	if (status == 0)
		status = run_open_input(&r);
	if (status == 0)
		status = run_build(&r);
	return status != 0 ? status : run_call(&r);
}

static const struct ctl_opt options[] = {
	{ .letter = 'i', .name = "input", .arg = "FILE", .kind = OPT_TEXT,
	    .offset = offsetof(struct ctl, input), .help = "send FILE as input; - is standard input" },
	{ .name = "id", .arg = "TOKEN", .kind = OPT_TEXT, .offset = offsetof(struct ctl, id),
	    .help = "retry safely: the same TOKEN returns the first result" },
	{ .name = "meta", .arg = "KEY:VALUE", .kind = OPT_LIST,
	    .offset = offsetof(struct ctl, meta),
	    .help = "pass a value to the program as REQD_META_KEY" },
	{ .name = "no-stream", .kind = OPT_FLAG, .offset = offsetof(struct ctl, no_stream),
	    .help = "print the output in one piece, at the end" },
	{ .name = "explain", .kind = OPT_FLAG, .offset = offsetof(struct ctl, explain),
	    .help = "show how the call would run, and run nothing" },
};

const struct ctl_cmd cmd_call = {
	.name = "call",
	.synopsis = "SERVICE [ARG]...",
	.summary = "run a service and print its output",
	.details = "ARG is VALUE, --NAME VALUE or --NAME=VALUE; -- ends the names. SERVICE --help\n"
		   "shows them. The exit status is that of the service, 128+N for signal N, or 239\n"
		   "to 255: reqctl(1). Standard input is sent, if taken, when it is no terminal.\n",
	.options = options,
	.n_options = ARRAY_LEN(options),
	.min_words = 1,
	.max_words = CTL_ANY_WORDS,
	.words = CTL_WORDS_CALL,
	.pass = true,
	.run = call_run,
};
