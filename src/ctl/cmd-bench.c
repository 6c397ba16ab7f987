/* SPDX-License-Identifier: ISC */
/*
 * reqctl bench: makes the same call again and again over some connections. Each
 * has a thread of its own, because a call of libreqd waits for its end.
 */
#include "config.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "ctl/ctl.h"
#include "ctl/out.h"
#include "ctl/outjson.h"
#include "ctl/params.h"
#include "ctl/remote.h"

#define PROGRESS_USEC (200 * USEC_PER_MSEC)
#define N_OUTCOMES (REQD_FAILED + 1)
#define WHY_TEXT 1100

struct bench {
	const struct ctl *ctl;
	size_t n_words;
	char **words;		/* the service and its arguments */
	atomic_llong next;	/* requests handed out */
	atomic_llong done;
	uint32_t *usec;		/* duration of each request */
	int64_t n_usec;
	pthread_mutex_t lock;	/* protects all fields below */
	pthread_cond_t ended;
	int64_t running;	/* threads that run */
	int64_t outcomes[N_OUTCOMES];
	int64_t succeeded;
	int status;		/* exit status of the first failure */
	char why[WHY_TEXT];	/* the first failure in words; "" when they have been printed */
};

struct bencher {
	struct bench *bench;
	struct reqd *conn;
	struct reqd_call *call;
	pthread_t thread;
	int64_t outcomes[N_OUTCOMES];
	int64_t succeeded;
	int status;
	char why[WHY_TEXT];
};

static bool
bench_once(struct bencher *b, int64_t i)
{
	struct reqd_result *res = NULL;
	uint64_t start = clock_usec(), took;

	if (reqd_call(b->conn, b->call, &res) < 0) {
		int status = remote_failed(b->bench->ctl, b->conn);

		if (b->status == 0)
			b->status = status;
		return false;
	}
	took = clock_usec() - start;
	b->bench->usec[i] = took < UINT32_MAX ? (uint32_t)took : UINT32_MAX;
	b->outcomes[res->outcome]++;
	if (res->outcome == REQD_EXIT && res->status == 0) {
		b->succeeded++;
	} else if (b->status == 0) {
		b->status = reqd_result_exit_status(res);
		(void)reqd_result_text(res, b->why, sizeof(b->why));
	}
	reqd_result_free(res);
	(void)atomic_fetch_add(&b->bench->done, 1);
	return true;
}

static void *
bencher_main(void *arg)
{
	struct bencher *b = arg;
	struct bench *all = b->bench;

	for (;;) {
		int64_t i = atomic_fetch_add(&all->next, 1);

		if (i >= all->ctl->requests || !bench_once(b, i))
			break;
	}
	(void)pthread_mutex_lock(&all->lock);
	for (size_t k = 0; k < N_OUTCOMES; k++)
		all->outcomes[k] += b->outcomes[k];
	all->succeeded += b->succeeded;
	if (all->status == 0 && b->status != 0) {
		all->status = b->status;
		memcpy(all->why, b->why, sizeof(all->why));
	}
	all->running--;
	(void)pthread_cond_signal(&all->ended);
	(void)pthread_mutex_unlock(&all->lock);
	return NULL;
}

/* ------------------------------------------------------------- prepare --- */

static int
bencher_open(struct bencher *b)
{
	const struct ctl *ctl = b->bench->ctl;
	int status = remote_connect(ctl, &b->conn);

	if (status != 0)
		return status;
	b->call = ctl_need(reqd_call_new(b->bench->words[0]));
	params_add(b->call, b->bench->n_words - 1, b->bench->words + 1);
	if (ctl->timeout_ms > 0)
		(void)reqd_call_set_timeout(b->call, ctl->timeout_ms);
	(void)reqd_set_reply_limit(b->conn, REMOTE_OUTPUT_LIMIT);
	/* -t limits each call here, and the server keeps that limit. */
	(void)reqd_set_deadline(b->conn, 0);
	return 0;
}

static void
benchers_free(struct bencher *list, int64_t n)
{
	for (int64_t i = 0; i < n; i++) {
		reqd_call_free(list[i].call);
		reqd_free(list[i].conn);
	}
	free(list);
}

/* -------------------------------------------------------------- report --- */

static int
compare_usec(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static uint32_t
percentile(const struct bench *b, int percent)
{
	int64_t i = (b->n_usec * percent + 99) / 100 - 1;

	return b->n_usec == 0 ? 0 : b->usec[i < 0 ? 0 : i];
}

static json_t *
outcomes_json(const struct bench *b)
{
	json_t *j = ctl_need(json_object());

	for (int k = 0; k < N_OUTCOMES; k++) {
		if (b->outcomes[k] > 0)
			(void)json_object_set_new(j, reqd_outcome_word((enum reqd_outcome)k),
			    json_integer(b->outcomes[k]));
	}
	return j;
}

static void
report(const struct bench *b, uint64_t took)
{
	const struct ctl *ctl = b->ctl;
	char p50[OUT_NUMBER], p99[OUT_NUMBER], max[OUT_NUMBER];
	double seconds = (double)(took > 0 ? took : 1) / 1e6;
	double rate = (double)b->n_usec / seconds;

	if (ctl->json) {
		out_json(ctl, json_pack("{s:I, s:I, s:I, s:f, s:f, s:{s:I, s:I, s:I}, s:o}",
		    "requests", (json_int_t)b->n_usec, "succeeded", (json_int_t)b->succeeded,
		    "connections", (json_int_t)ctl->connections, "seconds", seconds,
		    "per_second", round(rate), "usec", "p50", (json_int_t)percentile(b, 50),
		    "p99", (json_int_t)percentile(b, 99), "max", (json_int_t)percentile(b, 100),
		    "outcomes", outcomes_json(b)));
		return;
	}
	(void)printf("%lld requests over %lld connections in %.2f s: %.0f/s\n",
	    (long long)b->n_usec, (long long)ctl->connections, seconds, rate);
	(void)printf("half within %s, 99%% within %s, all within %s\n",
	    out_duration(percentile(b, 50), p50), out_duration(percentile(b, 99), p99),
	    out_duration(percentile(b, 100), max));
	(void)printf("%lld succeeded", (long long)b->succeeded);
	for (int k = 0; k < N_OUTCOMES; k++) {
		int64_t n = b->outcomes[k] - (k == REQD_EXIT ? b->succeeded : 0);

		if (n > 0)
			(void)printf(", %lld %s%s", (long long)n,
			    reqd_outcome_word((enum reqd_outcome)k),
			    k == REQD_EXIT ? " with another status" : "");
	}
	(void)printf("\n");
}

/* Waits for the threads; shows their progress. */
static void
watch(struct bench *b)
{
	bool show = b->ctl->err_tty && !b->ctl->quiet;

	(void)pthread_mutex_lock(&b->lock);
	while (b->running > 0) {
		uint64_t due = clock_wall_usec() + PROGRESS_USEC;
		struct timespec ts = {
			.tv_sec = (time_t)(due / USEC_PER_SEC),
			.tv_nsec = (long)(due % USEC_PER_SEC) * 1000,
		};

		if (!show) {
			(void)pthread_cond_wait(&b->ended, &b->lock);
			continue;
		}
		(void)pthread_cond_timedwait(&b->ended, &b->lock, &ts);
		(void)fprintf(stderr, "\r%lld of %lld", (long long)atomic_load(&b->done),
		    (long long)b->ctl->requests);
	}
	(void)pthread_mutex_unlock(&b->lock);
	if (show)
		(void)fputs("\r\033[K", stderr);
}

static int
run_threads(struct bench *b, struct bencher *list)
{
	int64_t n = b->ctl->connections;
	uint64_t start = clock_usec();
	int r = 0;

	for (int64_t i = 0; i < n && r == 0; i++) {
		(void)pthread_mutex_lock(&b->lock);
		r = pthread_create(&list[i].thread, NULL, bencher_main, &list[i]);
		b->running += r == 0;
		(void)pthread_mutex_unlock(&b->lock);
		if (r != 0) {
			/* The running threads find no more requests to make. */
			atomic_store(&b->next, b->ctl->requests);
			n = i;
		}
	}
	watch(b);
	for (int64_t i = 0; i < n; i++)
		(void)pthread_join(list[i].thread, NULL);
	if (r != 0) {
		ctl_message(b->ctl, "cannot start a thread: %s", strerror(r));
		return STATUS_LOCAL;
	}
	start = clock_usec() - start;
	b->n_usec = 0;
	/* A request that never ended has left a zero. */
	for (int64_t i = 0; i < b->ctl->requests; i++) {
		if (b->usec[i] > 0)
			b->usec[b->n_usec++] = b->usec[i];
	}
	qsort(b->usec, (size_t)b->n_usec, sizeof(*b->usec), compare_usec);
	report(b, start);
	if (*b->why != '\0')
		ctl_message(b->ctl, "%s: the first failure: %s", b->words[0], b->why);
	return b->status;
}

static int
bench_run(struct ctl *ctl, size_t n, char **words)
{
	CLEANUP_FREE uint32_t *usec = ctl_need(calloc((size_t)ctl->requests, sizeof(*usec)));
	struct bencher *list = ctl_need(calloc((size_t)ctl->connections, sizeof(*list)));
	struct bench b = {
		.ctl = ctl,
		.n_words = n,
		.words = words,
		.usec = usec,
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.ended = PTHREAD_COND_INITIALIZER,
	};
	int status = 0;

	for (int64_t i = 0; i < ctl->connections && status == 0; i++) {
		list[i].bench = &b;
		status = bencher_open(&list[i]);
	}
	if (status == 0)
		status = run_threads(&b, list);
	benchers_free(list, ctl->connections);
	return status;
}

static const struct ctl_opt options[] = {
	{ .letter = 'c', .name = "connections", .arg = "N", .kind = OPT_COUNT, .max = 1000,
	    .offset = offsetof(struct ctl, connections),
	    .help = "connections at the same time (4)" },
	{ .letter = 'n', .name = "requests", .arg = "N", .kind = OPT_COUNT, .max = 10000000,
	    .offset = offsetof(struct ctl, requests), .help = "calls in all (1000)" },
};

const struct ctl_cmd cmd_bench = {
	.name = "bench",
	.synopsis = "SERVICE [ARG]...",
	.summary = "call a service many times and measure",
	.details = "ARG is a value; values are passed in their order. -t is for each call.\n",
	.options = options,
	.n_options = ARRAY_LEN(options),
	.min_words = 1,
	.max_words = CTL_ANY_WORDS,
	.words = CTL_WORDS_SERVICE,
	.pass = true,
	.run = bench_run,
};
