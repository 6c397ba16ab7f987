/* SPDX-License-Identifier: ISC */
/* Tells how a call would run: its program, account, limits, sandbox and places. */
#include "config.h"

#include "call/explain.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "call/call.h"
#include "call/callrequest.h"
#include "call/callstrings.h"
#include "conf/arguments.h"
#include "ipc/job.h"
#include "net/identity.h"
#include "proto/reply.h"
#include "proto/resp.h"

#define MASK "***"
#define N_MEMBERS 29	/* of the answer */

/* --------------------------------------------------------------- members --- */

static void
put_text(struct buf *b, const char *key, const char *value)
{
	resp_bulk_str(b, key);
	if (value != NULL)
		resp_bulk_str(b, value);
	else
		resp_null(b, RESP3);
}

static void
put_number(struct buf *b, const char *key, uint64_t value)
{
	resp_bulk_str(b, key);
	resp_integer(b, value > INT64_MAX ? INT64_MAX : (int64_t)value);
}

/* A number that may be missing. */
static void
put_number_or_null(struct buf *b, const char *key, bool known, int64_t value)
{
	resp_bulk_str(b, key);
	if (known)
		resp_integer(b, value);
	else
		resp_null(b, RESP3);
}

static void
put_list(struct buf *b, const char *key, char *const *list)
{
	size_t n = 0;

	while (list[n] != NULL)
		n++;
	resp_bulk_str(b, key);
	resp_array(b, n);
	for (size_t i = 0; i < n; i++)
		resp_bulk_str(b, list[i]);
}

/* Adds the first n of strings that are ended by NUL. Returns the rest. */
static struct slice
put_strings(struct buf *b, const char *key, struct slice strings, size_t n)
{
	resp_bulk_str(b, key);
	resp_array(b, n);
	for (size_t i = 0; i < n; i++) {
		size_t len = strlen(strings.data);

		resp_bulk(b, (struct slice){ strings.data, len });
		strings.data += len + 1;
		strings.len -= len + 1;
	}
	return strings;
}

/* ----------------------------------------------------------- environment --- */

/* Names of variables, each once. */
struct names {
	struct slice list[JOB_MAX_STRINGS];
	size_t n;
};

static void
names_add(struct names *names, const char *text)
{
	struct slice name = { text, strcspn(text, "=") };

	for (size_t i = 0; i < names->n; i++) {
		if (slice_eq(names->list[i], name))
			return;
	}
	if (names->n < JOB_MAX_STRINGS)
		names->list[names->n++] = name;
}

/* Adds what the child sets itself, where it has a directory of its own, and writes all. */
static void
put_names(struct buf *b, struct names *names, const struct service *s)
{
	if (service_is_temporary(s))
		names_add(names, "TMPDIR");
	resp_bulk_str(b, "environment");
	resp_array(b, names->n);
	for (size_t i = 0; i < names->n; i++)
		resp_bulk(b, names->list[i]);
}

/* The variables of a handler's process, which the broker sets. */
static void
put_handler_names(struct buf *b, struct names *names, const struct service *s)
{
	static const char *const always[] = {
		JOB_ENV_PATH, JOB_ENV_LANG, JOB_ENV_SHELL, "HOME", JOB_ENV_ID, "REQD_SERVICE",
	};

	for (size_t i = 0; i < ARRAY_LEN(always); i++)
		names_add(names, always[i]);
	if (s->run_as.user != NULL) {
		names_add(names, "USER");
		names_add(names, "LOGNAME");
	}
	if (s->pool.own_channel)
		names_add(names, "REQD_CHANNEL");
	for (char **p = s->environment; *p != NULL; p++)
		names_add(names, *p);
	put_names(b, names, s);
}

/* --------------------------------------------------- command and handler --- */

/*
 * Checks the strings of the program as a call does, and tells those in which the secret
 * values are masked. 0 or -errno, as callstrings_append().
 */
static int
put_command(struct buf *b, struct call *call, const struct callopt *opt,
    const struct values *values, const struct values *masked, const char **ret_why)
{
	CLEANUP(buf_done) struct buf strings = BUF_INIT(JOB_MAX_BYTES);
	CLEANUP_FREE struct names *names = calloc(1, sizeof(*names));
	struct callstrings n;
	struct slice rest;
	int r;

	if (names == NULL)
		return -ENOMEM;
	r = callstrings_append(call, opt, values, &strings, &n, ret_why);
	if (r >= 0)
		r = job_check(buf_slice(&strings), n.n_argv, n.n_env);
	buf_clear(&strings);
	if (r >= 0)
		r = callstrings_append(call, opt, masked, &strings, &n, ret_why);
	if (r < 0)
		return r;
	rest = put_strings(b, "argv", buf_slice(&strings), n.n_argv);
	for (; n.n_env > 0; n.n_env--) {
		names_add(names, rest.data);
		rest.data += strlen(rest.data) + 1;
	}
	put_names(b, names, call->service);
	resp_bulk_str(b, "request");
	resp_null(b, RESP3);
	return 0;
}

/* Tells the process of a handler, and the request that it would get. 0 or -errno. */
static int
put_handler(struct buf *b, struct call *call, const struct callopt *opt,
    const struct values *masked)
{
	CLEANUP(buf_done) struct buf request = BUF_INIT(0);
	CLEANUP_FREE struct names *names = calloc(1, sizeof(*names));
	struct callopt without_input = *opt;
	int r;

	if (names == NULL)
		return -ENOMEM;
	/* The input, which may be long or still to come, is no part of the answer. */
	without_input.input = without_input.open = false;
	r = callrequest_append(call, &without_input, masked, call->service->name, &request);
	if (r < 0)
		return r;
	put_list(b, "argv", call->service->handler);
	put_handler_names(b, names, call->service);
	resp_bulk_str(b, "request");
	(void)buf_append(b, buf_data(&request), call->exchange.request_len);
	return 0;
}

/* ------------------------------------------------------------ the answer --- */

static void
put_account(struct buf *b, const struct identity *who)
{
	bool known = who->uid != (uid_t)-1;

	put_text(b, "user", who->user);
	put_number_or_null(b, "uid", known, who->uid);
	put_number_or_null(b, "gid", known, who->gid);
	resp_bulk_str(b, "groups");
	resp_array(b, who->n_groups);
	for (size_t i = 0; i < who->n_groups; i++)
		resp_integer(b, who->groups[i]);
}

static void
put_limits(struct buf *b, const struct service *s)
{
	resp_bulk_str(b, "limits");
	resp_map(b, RESP3, s->n_limits);
	for (size_t i = 0; i < s->n_limits; i++)
		put_number(b, conf_limit_name(s->limits[i].resource), s->limits[i].value);
}

/* Tells the text that calls have in common of which one runs at a time. 0 or -ENOMEM. */
static int
put_lock(struct buf *b, const struct service *s, const struct values *masked)
{
	CLEANUP(buf_done) struct buf lock = BUF_INIT(0);

	resp_bulk_str(b, "lock");
	if (s->lock == NULL) {
		resp_null(b, RESP3);
		return 0;
	}
	if (arguments_expand_text(s->lock, masked, &lock) < 0)
		return -ENOMEM;
	resp_bulk(b, buf_slice(&lock));
	return 0;
}

static int
put_settings(struct buf *b, const struct call *call, const struct values *masked)
{
	const struct service *s = call->service;
	uint64_t usec = call->run.deadline_usec - call->accepted_usec;
	char mask[16];

	put_account(b, &s->run_as);
	put_text(b, "directory", s->directory);
	(void)snprintf(mask, sizeof(mask), "%03o", (unsigned)s->umask);
	put_text(b, "umask", mask);
	put_number_or_null(b, "nice", s->nice != SERVICE_NICE_UNSET, s->nice);
	put_limits(b, s);
	put_text(b, "sandbox", service_sandbox_word(s));
	put_list(b, "sandbox_read", s->sandbox_read);
	put_list(b, "sandbox_write", s->sandbox_write);
	put_text(b, "input", service_input_word(s));
	put_number_or_null(b, "processes", s->handler != NULL, s->pool.max);
	put_number(b, "concurrency", s->concurrency);
	put_number(b, "queue", s->queue);
	put_number(b, "queue_timeout_ms", s->queue_timeout_usec / USEC_PER_MSEC);
	put_number(b, "timeout_ms", usec / USEC_PER_MSEC);
	put_number(b, "output_limit", s->output_limit);
	put_text(b, "on_disconnect", s->finish_on_disconnect ? "finish" : "kill");
	return put_lock(b, s, masked);
}

/* Appends the answer as RESP. 0 or -errno, as put_command(). */
static int
put_answer(struct buf *b, struct call *call, const struct call_request *rq,
    const struct values *values, const struct values *masked, const char **ret_why)
{
	const struct explanation *e = rq->explanation;
	const struct service *s = call->service;
	int r;

	resp_map(b, RESP3, N_MEMBERS);
	put_text(b, "service", s->name);
	put_text(b, "kind", s->handler != NULL ? "handler" : "command");
	put_text(b, "caller", call->who->text);
	put_text(b, "outcome", e->refused != OUTCOME_N ? outcome_word(e->refused) : NULL);
	put_text(b, "role", e->role);
	put_text(b, "why", e->why);
	r = s->handler != NULL ? put_handler(b, call, rq->opt, masked) :
	    put_command(b, call, rq->opt, values, masked, ret_why);
	return r < 0 ? r : put_settings(b, call, masked);
}

/* Copies values, with a mask in place of those that are secret. 0 or -ENOMEM. */
static int
values_mask(const struct values *v, struct values *ret)
{
	struct values masked = *v;

	masked.all = calloc(v->n_all + 1, sizeof(*masked.all));
	if (masked.all == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < v->n_all; i++)
		masked.all[i] = v->all[i];
	for (size_t i = 0; i < v->service->n_args; i++) {
		for (size_t j = 0; j < v->n[i] && v->service->args[i].secret; j++)
			masked.all[v->first[i] + j] = SLICE(MASK);
	}
	*ret = masked;
	return 0;
}

/* Turns the answer into the value of a result, in any version of RESP, and delivers it. */
static int
explain_deliver(struct call *call, struct slice answer)
{
	const struct reply_limits limits = {
		.max_bytes = answer.len, .max_items = UINT32_MAX,
	};
	struct reply_cursor cursor = { 0 };
	struct result res = {
		.outcome.kind = OUTCOME_EXIT,
		.service = slice_of(call->service->name),
		.id = call->id,
		.is_value = true,
	};
	struct value *value = NULL;
	const char *wrong;
	size_t used;
	int r = reply_decode(answer, &limits, &cursor, &value, &used, &wrong);

	if (r != REPLY_OK)
		return r < 0 ? r : -E2BIG;
	res.value = value;
	call_deliver(call, &res);
	(void)value_free(value);
	return 0;
}

static int
explain_start(struct call *call, const struct call_request *rq, const struct values *values,
    const char **ret_why)
{
	CLEANUP(values_done) struct values masked = { 0 };
	/* The lengths of the request and of a job bound the answer. */
	CLEANUP(buf_done) struct buf answer = BUF_INIT(0);
	int r = values_mask(values, &masked);

	if (r >= 0)
		r = put_answer(&answer, call, rq, values, &masked, ret_why);
	if (r >= 0 && buf_failed(&answer))
		r = -ENOMEM;
	return r < 0 ? r : explain_deliver(call, buf_slice(&answer));
}

/* A call that only asks may leave the input out. */
static const char *
explain_complaint(const struct call_request *rq)
{
	const struct call_backend *real = rq->service->handler != NULL ? &call_by_handler :
	    &call_by_command;
	struct call_request asked = *rq;
	struct callopt opt = *rq->opt;

	asked.opt = &opt;
	if (rq->service->input != INPUT_NONE)
		opt.input = true;
	return real->complaint(&asked);
}

/* The call has ended before it could hold anything. */
static void
explain_release(struct call *call)
{
	(void)call;
}

const struct call_backend call_by_explain = {
	.complaint = explain_complaint,
	.start = explain_start,
	.release = explain_release,
};
