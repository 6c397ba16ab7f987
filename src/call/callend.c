/* SPDX-License-Identifier: ISC */
/* callend: the end of a call: its result, its record, its place in the statistics. */
#include "config.h"

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "call/call.h"
#include "ipc/death.h"
#include "ipc/logrec.h"
#include "net/identity.h"
#include "proto/reply.h"

/* Limit of a program's stderr in the log. */
#define STDERR_LOG (8u << 10)

uint64_t
call_output_max(const struct call *call)
{
	uint64_t limit = call->service->output_limit;

	if (call->streamed)
		return limit == 0 ? UINT64_MAX : limit;
	return limit == 0 || limit > CALL_BUFFERED_MAX ? CALL_BUFFERED_MAX : limit;
}

static struct outcome
call_outcome(const struct call *call)
{
	const struct frame_ended *end = &call->end;
	struct outcome o = { .kind = (enum outcome_kind)end->outcome };

	switch (o.kind) {
	case OUTCOME_EXIT:
	case OUTCOME_SIGNAL:
		if (WIFSIGNALED(end->wait_status)) {
			o.kind = OUTCOME_SIGNAL;
			o.status = WTERMSIG(end->wait_status);
		} else if (call->out.cut) {
			/* The program ended before it could be killed for too much output. */
			o.kind = OUTCOME_TOOBIG;
			o.limit = call_output_max(call);
		} else if (call->reply != NULL) {
			o.kind = OUTCOME_EXIT;
			o.status = exchange_reply_status(call->reply);
		} else {
			o.kind = OUTCOME_EXIT;
			o.status = WEXITSTATUS(end->wait_status);
		}
		break;
	case OUTCOME_TIMEOUT:
		o.limit = (call->run.deadline_usec - call->accepted_usec) / USEC_PER_MSEC;
		break;
	case OUTCOME_TOOBIG:
		o.limit = call_output_max(call);
		break;
	default:
		break;
	}
	return o;
}

/* Describes why a call did not get a place, or not in time. */
static void
busy_detail(const struct call *call, char *ret, size_t len)
{
	static const char *const busy[] = {
		[BUSY_QUEUE_FULL] = "queue full",
		[BUSY_WAITED] = "waited too long in the queue",
		[BUSY_TABLE_FULL] = "the server has too many requests",
		[BUSY_CROWDED_QUEUE] = CALL_CROWDED_QUEUE,
		[BUSY_CROWDED_PARTY] = "you have your share of the requests that the server can "
		    "hold: one caller gets at most 3072 of 4096. Wait for your calls to end",
		[BUSY_CROWDED_SERVICE] = "the service has its share of the requests that the "
		    "server can hold: at most 3072 of 4096. Try later, or have its concurrency and "
		    "queue lowered",
	};
	unsigned reason = call->end.reason;

	if (reason >= ARRAY_LEN(busy))
		return;
	if (!call->end.is_locked)
		(void)strlcpy(ret, busy[reason], len);
	else if (call->lock != NULL)
		(void)snprintf(ret, len, "%s: a request with the same lock '%s' runs", busy[reason],
		    call->lock);
	else
		(void)snprintf(ret, len, "%s: a request with the same lock runs", busy[reason]);
}

/* Describes the failure, for outcomes that have no stderr. */
static void
call_detail(const struct call *call, enum outcome_kind kind, char *ret, size_t len)
{
	static const char *const lost[] = {
		[LOST_PROCESS] = "a process of the server died while it ran",
		[LOST_SPENT] = "it has run, and its result is not kept any more: newer results took "
		    "its place, or it is too large; ask earlier, or have kept-limit raised",
	};
	static const char *const cancelled[] = {
		[CANCEL_BY_CLIENT] = "by the caller",
		[CANCEL_BY_DISCONNECT] = "the client went away",
		[CANCEL_BY_ADMIN] = "by an administrator",
		[CANCEL_BY_OUTPUT] = "too much output",
		[CANCEL_BY_SHUTDOWN] = "reqd is stopping",
	};
	unsigned reason = call->end.reason;

	*ret = '\0';
	if (call->why != NULL) {
		(void)strlcpy(ret, call->why, len);
		return;
	}
	switch (kind) {
	case OUTCOME_BUSY:
		busy_detail(call, ret, len);
		return;
	case OUTCOME_CANCELLED:
		if (reason < ARRAY_LEN(cancelled))
			(void)strlcpy(ret, cancelled[reason], len);
		return;
	case OUTCOME_TIMEOUT:
		if (call->open)
			(void)strlcpy(ret, "the input was still coming, which counts", len);
		return;
	case OUTCOME_NOSTART:
		death_describe_start(call->end.stage, call->end.error, ret, len);
		return;
	case OUTCOME_LOST:
		(void)strlcpy(ret, lost[reason < ARRAY_LEN(lost) ? reason : LOST_PROCESS], len);
		return;
	case OUTCOME_NOAUTH:
		(void)strlcpy(ret, "Authentication required: the login has gone while the call "
		    "waited", len);
		return;
	case OUTCOME_UNAVAIL:
		(void)strlcpy(ret, "the configuration has changed, try again", len);
		return;
	default:
		return;
	}
}

/* True if the call has waited and run longer than "slow" of the log allows. */
static bool
is_slow(const struct call *call, const struct call_times *t)
{
	uint64_t limit = call->desk->conf->log_slow_usec;
	uint64_t queued = t->has_queued ? t->queued_usec : 0;

	return limit != 0 && (queued > limit || (t->has_run && t->run_usec > limit - queued));
}

void
call_log(struct call *call, const struct result *res)
{
	struct call_times times = call->backend->times(call, res);
	const struct outcome *o = &res->outcome;
	bool failed = !outcome_is_success(o), slow = is_slow(call, &times);
	int level = failed ? LOG_WARNING : slow ? LOG_NOTICE : LOG_INFO;
	struct logrec r;

	if (call->service->log == SERVICE_LOG_NONE ||
	    (call->service->log == SERVICE_LOG_ERRORS && !failed && !slow) || log_level() < level)
		return;
	logrec_start(&r, level);
	logrec_add_str(&r, LOG_KEY_REQUEST, call->id_text);
	logrec_add_str(&r, LOG_KEY_CALLER, call->who->text);
	logrec_add_str(&r, LOG_KEY_PEER, call->who->peer);
	if (call->who->via != NULL)
		logrec_add_str(&r, LOG_KEY_VIA, call->who->via);
	if (call->who->credential[0] != '\0')
		logrec_add_str(&r, LOG_KEY_CREDENTIAL, call->who->credential);
	logrec_add_str(&r, LOG_KEY_SERVICE, call->service->name);
	logrec_add_str(&r, LOG_KEY_OUTCOME, outcome_word(o->kind));
	if (o->kind == OUTCOME_EXIT || o->kind == OUTCOME_SIGNAL)
		logrec_add_u64(&r, LOG_KEY_STATUS, (uint64_t)o->status);
	if (call->exchange.pid != 0)
		logrec_add_u64(&r, LOG_KEY_HANDLER, call->exchange.pid);
	if (times.has_queued)
		logrec_add_u64(&r, LOG_KEY_QUEUED_USEC, times.queued_usec);
	if (times.has_run)
		logrec_add_u64(&r, LOG_KEY_RAN_USEC, times.run_usec);
	logrec_add_u64(&r, LOG_KEY_DURATION_USEC, res->usec);
	/* A handler's use of resources belongs to all its requests, so it is left out. */
	if (times.has_run && call->backend->is_metered) {
		logrec_add_u64(&r, LOG_KEY_CPU_USEC, call->end.cpu_usec);
		logrec_add_u64(&r, LOG_KEY_MAX_RSS_KB, call->end.max_rss_kb);
	}
	logrec_add_u64(&r, LOG_KEY_BYTES_IN, call->bytes_in);
	logrec_add_u64(&r, LOG_KEY_BYTES_OUT, call->bytes_out);
	/* Output is for the caller alone, not for the log. */
	if (res->detail.len > 0 &&
	    (o->kind != OUTCOME_EXIT || res->is_value || res->err.len > 0))
		logrec_add(&r, LOG_KEY_DETAIL, res->detail);
	if (call->arguments != NULL)
		logrec_add_str(&r, LOG_KEY_ARGUMENTS, call->arguments);
	log_send(&r);
}

void
call_log_stderr(struct call *call, bool all)
{
	struct slice seen = buf_slice(&call->err.data);
	size_t end = seen.len < STDERR_LOG ? seen.len : STDERR_LOG;

	if (call->service->log == SERVICE_LOG_NONE || log_level() < LOG_INFO) {
		call->err_logged = seen.len;
		return;
	}
	while (call->err_logged < end) {
		const char *line = seen.data + call->err_logged;
		size_t rest = end - call->err_logged;
		const char *nl = memchr(line, '\n', rest);
		struct slice text = { line, nl != NULL ? (size_t)(nl - line) : rest };
		struct logrec r;

		if (nl == NULL && !all && end < STDERR_LOG)
			return;
		logrec_start(&r, LOG_INFO);
		logrec_add_str(&r, LOG_KEY_REQUEST, call->id_text);
		logrec_add_str(&r, LOG_KEY_SERVICE, call->service->name);
		logrec_add(&r, LOG_KEY_STDERR, text);
		log_send(&r);
		call->err_logged += text.len + (nl != NULL ? 1 : 0);
	}
}

struct result
call_result(struct call *call, char *detail, size_t detail_len)
{
	struct result res = {
		.outcome = call_outcome(call),
		.out = buf_slice(&call->out.data),
		.own_out = &call->out.data,
		.err = buf_slice(&call->err.data),
		.usec = call->desk->loop->now_usec - call->accepted_usec,
		.id = call->id,
		.service = slice_of(call->service->name),
		.is_value = call->backend->has_value,
		.value = call->reply,
	};

	res.truncated = call->out.cut || call->err.cut;
	if (call->reply != NULL && call->reply->kind == VALUE_ERROR)
		res.detail = call->reply->text;
	else if (res.outcome.kind == OUTCOME_EXIT && res.err.len > 0)
		res.detail = result_first_line(res.err);
	else if (res.outcome.kind == OUTCOME_EXIT && res.outcome.status != 0)
		res.detail = result_first_line(res.out);
	if (res.detail.len == 0 && !outcome_is_success(&res.outcome)) {
		call_detail(call, res.outcome.kind, detail, detail_len);
		res.detail = slice_of(detail);
	}
	return res;
}

/* True if the call was refused before it could wait or run. */
static bool
is_refused_at_once(const struct call *call, enum outcome_kind kind)
{
	if (kind == OUTCOME_BUSY)
		return call->end.reason != BUSY_WAITED;
	return kind == OUTCOME_UNAVAIL || kind == OUTCOME_DRAINING;
}

void
call_count(const struct call *call, const struct result *res)
{
	const struct call_desk *desk = call->desk;
	struct service_times *counted;
	struct call_times times;
	const struct service *s = call->service;

	if (desk->stats->generation != desk->conf->generation)
		return;
	if (call->conf != desk->conf)
		s = conf_find_service(desk->conf, s->name, strlen(s->name));
	if (s == NULL)
		return;
	stats_count(&desk->stats->service[s->number], &res->outcome);
	if (is_refused_at_once(call, res->outcome.kind))
		return;
	times = call->backend->times(call, res);
	counted = &desk->stats->times[s->number];
	histogram_add(&counted->all, res->usec);
	if (times.has_queued)
		histogram_add(&counted->queue, times.queued_usec);
	if (times.has_run)
		histogram_add(&counted->run, times.run_usec);
}
