/* SPDX-License-Identifier: ISC */
/*
 * command: a call whose program the runner starts: the job and the pipes at its
 * beginning, its input, the broker's reports, its end.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/escape.h"
#include "call/call.h"
#include "call/callio.h"
#include "call/callstrings.h"
#include "call/kits.h"
#include "conf/arguments.h"
#include "conf/template.h"
#include "ipc/channel.h"
#include "ipc/job.h"
#include "ipc/logrec.h"
#include "net/identity.h"
#include "net/party.h"

/* After deadline and kill-grace, the broker has this much time to report the end. */
#define BROKER_SLACK_USEC (10 * USEC_PER_SEC)
/* Bytes of a lock in the reply that says that it is held. */
#define LOCK_SHOWN 64

/* ------------------------------------------------------------- beginning --- */

static const char *
command_complaint(const struct call_request *rq)
{
	const char *complaint = call_input_complaint(rq);

	if (complaint == NULL && !rq->service->idempotent && rq->opt->token.data == NULL)
		complaint = "this service wants --id=TOKEN, so that a retry cannot run it twice";
	return complaint;
}

/* True if the text of the lock may show in a reply to the caller, which others may see. */
static bool
lock_is_public(const struct service *s)
{
	const char *p = s->lock;
	struct template_part part;

	while (template_next(&p, &part) == 1) {
		const struct argument *a = !part.is_name ? NULL :
		    service_find_argument(s, part.text.data, part.text.len);

		if (a != NULL && a->secret)
			return false;
	}
	return true;
}

/* Calls whose lock has the same text run one after the other. 0 or -errno. */
static int
lock_take(struct call *call, const struct values *values)
{
	CLEANUP(buf_done) struct buf text = BUF_INIT(0);
	char shown[LOCK_SHOWN];
	struct slice part;
	int r;

	r = arguments_expand_text(call->service->lock, values, &text);
	if (r < 0)
		return r;
	part = buf_slice(&text);
	call->run.lock = digest_of(&part, 1);
	escape_plain(part, shown, sizeof(shown));
	call->lock = lock_is_public(call->service) ? strdup(shown) : NULL;
	return 0;
}

/* Frees the places of a job that will not be read any more. */
static void
job_free(struct call *call)
{
	jobs_free(&call->desk->kits->jobs, call->placed_job);
	call->placed_job = 0;
	if (call->who->party != NULL)
		call->who->party->n_places -= call->n_places;
	call->n_places = 0;
}

/* Writes the job into places of the file, of which the caller may have its share. 0 or -errno. */
static int
job_place_strings(struct call *call, const struct buf *strings, size_t n_argv, size_t n_env)
{
	struct jobs *jobs = &call->desk->kits->jobs;
	size_t n = jobs_places(buf_len(strings));
	struct party *p = call->who->party;
	int r;

	if (p != NULL && !share_allows(p->n_places, JOB_PLACES - jobs->n_used, n) &&
	    jobs->n_used + n <= JOB_PLACES) {
		call->desk->stats->over_share++;
		return -ENOSPC;
	}
	r = jobs_write(jobs, &(struct job_strings){ buf_slice(strings), n_argv, n_env,
	    call->job_files }, &call->placed_job);
	if (r < 0 || p == NULL)
		return r;
	call->n_places = (uint32_t)n;
	p->n_places += call->n_places;
	return 0;
}

/* Starts the program with the pipes of this kit. Takes its descriptors. 0 or -errno. */
static int
kit_use(struct call *call, struct kit *kit, const struct buf *strings, size_t n_argv,
    size_t n_env)
{
	int r = job_place_strings(call, strings, n_argv, n_env);

	if (r >= 0)
		r = callio_open(call, kit->fds);
	channel_close_fds(kit->fds, CALL_FDS);
	if (r >= 0)
		r = call->desk->link->run(call, kit->number);
	if (r < 0) {
		job_free(call);
		call->desk->link->unkit(call->desk, kit->number,
		    (call->run.flags & RUN_HAS_INPUT) != 0);
	}
	return r;
}

/* Gives a waiting call its kit; NULL: there is none, because of why. */
static void
on_equipped(struct call *call, struct kit *kit, const char *why)
{
	int r = kit == NULL ? -ENOENT :
	    kit_use(call, kit, &call->job, call->job_argv, call->job_env);

	buf_done(&call->job);
	if (r < 0) {
		bool is_busy = r == -EBUSY || r == -ENOSPC;

		call->why = why != NULL ? why : r == -EBUSY ? "queue full" :
		    r == -ENOSPC ? CALL_CROWDED_JOBS : "the server: out of memory";
		callio_close(call);
		call_on_ended(call, &(struct frame_ended){
			.outcome = is_busy ? OUTCOME_BUSY : OUTCOME_NOSTART,
		});
		return;
	}
	if ((buf_len(&call->in_data) > 0 || call->in_end) && callio_feed(call))
		call_input_taken(call);
}

/* Launches the call with a kit at once, or when one comes. 0 or -errno. */
static int
command_launch(struct call *call, struct buf *strings, size_t n_argv, size_t n_env)
{
	struct kits *k = call->desk->kits;
	struct kit kit;
	int r = job_check(buf_slice(strings), n_argv, n_env);

	if (r < 0)
		return r;
	r = kits_take(k, (call->run.flags & RUN_HAS_INPUT) != 0, &kit);
	if (r == 0)
		return kit_use(call, &kit, strings, n_argv, n_env);
	if (r != -EAGAIN)
		return r;
	if (!kept_admits(call, buf_len(strings)))
		return -EDQUOT;
	call->job = *strings;
	*strings = BUF_INIT(JOB_MAX_BYTES);
	call->job_argv = n_argv;
	call->job_env = n_env;
	kits_wait(k, call, on_equipped);
	return 0;
}

/*
 * The time at which deadline, grace and the broker's time to report are over. A
 * call that the broker has not got yet waits for no report.
 */
static uint64_t
overdue_usec(const struct call *call)
{
	uint64_t due = call->run.deadline_usec + call->stalled_usec;

	return call->awaits_kit ? due :
	    due + call->service->kill_grace_usec + BROKER_SLACK_USEC;
}

static void on_task(struct loop_task *t);

static int
command_start(struct call *call, const struct call_request *rq, const struct values *values,
    const char **ret_why)
{
	CLEANUP(buf_done) struct buf strings = BUF_INIT(JOB_MAX_BYTES);
	const struct callopt *opt = rq->opt;
	const struct slice token[] = { slice_of(call->who->text), opt->token };
	struct callstrings counts;
	int r = 0;

	call->task.fn = on_task;
	/* The owner may cancel the request, and join it with --id. */
	call->run.owner = call->who->digest;
	call->run.party = call->who->party_name;
	call->run.credential = call->who->credential_id;
	if (opt->token.data != NULL)
		call->run.token = digest_of(token, ARRAY_LEN(token));
	if (call->service->lock != NULL)
		r = lock_take(call, values);
	if (r >= 0)
		r = callstrings_append(call, opt, values, &strings, &counts, ret_why);
	if (r < 0)
		return r;
	call->job_files = counts.n_files;
	if (opt->input) {
		if (!kept_admits(call, opt->stdin_data.len))
			return -EDQUOT;
		r = buf_append_slice(&call->in_data, opt->stdin_data);
		if (r < 0)
			return r;
		call->in_end = true;
	}
	r = command_launch(call, &strings, counts.n_argv, counts.n_env);
	if (r < 0)
		return r;
	loop_arm(call->desk->loop, &call->timer, overdue_usec(call));
	if (call->in_end)
		(void)callio_feed(call);
	return 0;
}

/* ----------------------------------------------------------------- input --- */

static int
command_input(struct call *call, struct slice chunk)
{
	if (call->in.fd < 0 && !call->awaits_kit)
		call->chunk = 0;
	else if (buf_append_slice(&call->in_data, chunk) < 0)
		return -ENOMEM;
	else if (!callio_feed(call))
		return 0;
	call_input_taken(call);
	return 0;
}

static void
command_input_end(struct call *call)
{
	call->in_end = true;
	callio_close_input(call);
}

/* ---------------------------------------------------------------- output --- */

/* Resumes reading while the program runs, or reads the rest after its end. */
static void result_take(struct call *call);

static void
command_read(struct call *call)
{
	if (call->result >= 0)
		result_take(call);
	else if (!call->ended)
		callio_watch(call);
	else if (callio_drain(call) && !call->finished)
		call_finish(call);
}

static void
on_task(struct loop_task *t)
{
	command_read(CONTAINER_OF(t, struct call, task));
}

/*
 * The pipes are read later: their scratch buffer may hold the request that a
 * connection is executing.
 */
static void
command_room(struct call *call)
{
	loop_defer(call->desk->loop, &call->task);
}

/* ------------------------------------------------- what the broker says --- */

void
call_on_ended(struct call *call, const struct frame_ended *end)
{
	if (call->ended)
		return;
	call->ended = true;
	call->end = *end;
	/* The program of a lost call may still run, and read its job. */
	if (end->outcome != OUTCOME_LOST)
		job_free(call);
	command_read(call);
}

static void
command_lost(struct call *call)
{
	struct frame_ended end = { .outcome = OUTCOME_LOST };

	call_on_ended(call, &end);
}

void
call_on_paper(struct call *call, int fd)
{
	if (call->paper >= 0)
		(void)close(call->paper);
	call->paper = fd;
	if (call->sink != NULL && call->sink->ops->kept != NULL)
		call->sink->ops->kept(call->sink, call);
}

/* Ends a call that cannot pass its result on. */
static void
result_lose(struct call *call, const char *why)
{
	(void)close(TAKE_FD(call->result));
	call->end.outcome = OUTCOME_LOST;
	call->why = why;
	callio_close(call);
	call_finish(call);
}

/* Passes the result of another request on, as soon as there is room for it. */
static void
result_take(struct call *call)
{
	struct result_map map;
	struct result res;

	if (result_map(call->result, &res, &map) < 0) {
		result_lose(call, NULL);
		return;
	}
	if (call->sink != NULL && res.out.len + res.err.len > PARTY_FREE &&
	    !kept_may_grow(call, res.out.len + res.err.len)) {
		result_unmap(&map);
		return;
	}
	res.service = slice_of(call->service->name);
	call_output(call, CALL_STDOUT, res.out);
	call_output(call, CALL_STDERR, res.err);
	call_deliver(call, &res);
	result_unmap(&map);
}

void
call_on_result(struct call *call, int fd)
{
	/* The result comes from another request, so this call's own job is not needed. */
	job_free(call);
	if (fd < 0) {
		command_lost(call);
		return;
	}
	call->ended = true;
	call->result = fd;
	result_take(call);
}

/* ------------------------------------------------------------------- end --- */

static void
command_cancel(struct call *call, enum cancel_reason reason)
{
	if (call->sent) {
		call->desk->link->cancel(call, reason);
		return;
	}
	kits_leave(call->desk->kits, call);
	call->ended = true;
	call->end = (struct frame_ended){
		.outcome = OUTCOME_CANCELLED,
		.reason = (uint8_t)reason,
	};
	command_room(call);
}

/* The broker judges what it has. */
static void
command_revoke(struct call *call)
{
	if (call->sent || !call->awaits_kit)
		return;
	kits_leave(call->desk->kits, call);
	callio_close(call);
	call_on_ended(call, &(struct frame_ended){ .outcome = OUTCOME_NOAUTH });
}

static void
command_on_timer(struct loop_timer *t)
{
	struct call *call = CONTAINER_OF(t, struct call, timer);
	struct loop *loop = call->desk->loop;

	/* The grace is over, and no twin has come. */
	if (call->sink == NULL && !call->attached && !call->service->finish_on_disconnect)
		call_cancel(call, CANCEL_BY_DISCONNECT);
	if (call->ended && call->result < 0)
		return;
	if (loop->now_usec < overdue_usec(call)) {
		loop_arm(loop, t, overdue_usec(call));
		return;
	}
	if (call->result >= 0) {
		result_lose(call, CALL_CROWDED ". The result is kept: ask again");
		return;
	}
	if (call->sent) {
		log_err("request %s: no word from the broker, giving up", call->id_text);
		command_lost(call);
		return;
	}
	kits_leave(call->desk->kits, call);
	call_on_ended(call, &(struct frame_ended){
		.outcome = OUTCOME_BUSY,
		.reason = BUSY_WAITED,
	});
}

static struct call_times
command_times(const struct call *call, const struct result *res)
{
	const struct frame_ended *end = &call->end;

	/* Times are known only as far as the broker reported them. */
	return (struct call_times){
		.has_queued = call->sent && res->outcome.kind != OUTCOME_LOST,
		.has_run = end->ran_usec > 0 && outcome_may_have_run(res->outcome.kind),
		.queued_usec = end->queued_usec, .run_usec = end->ran_usec,
	};
}

const struct call_backend call_by_command = {
	.complaint = command_complaint,
	.start = command_start,
	.input = command_input,
	.input_end = command_input_end,
	.close_input = callio_close_input,
	.cut_input = callio_cut_input,
	.cancel = command_cancel,
	.revoke = command_revoke,
	.lost = command_lost,
	.room = command_room,
	.release = callio_close,
	.times = command_times,
	.on_timer = command_on_timer,
	.is_metered = true,
};
