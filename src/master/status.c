/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "master/status.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/escape.h"
#include "ipc/stats.h"
#include "master/master.h"

static const char *const states[] = {
	[PROCESS_DOWN] = "down",
	[PROCESS_STARTING] = "starting",
	[PROCESS_PREPARING] = "starting",
	[PROCESS_SERVING] = "serving",
	[PROCESS_STOPPING] = "stopping",
};

static const char *
state_name(const struct process *p)
{
	return p->state == PROCESS_SERVING && !master_wants(p) ? "retiring" : states[p->state];
}

/*
 * The largest number that every reader of JSON takes, and exactly. Pages may say
 * more, as any process may write anything into its own.
 */
#define NUMBER_MAX ((UINT64_C(1) << 53) - 1)

static uint64_t
shown(uint64_t n)
{
	return n < NUMBER_MAX ? n : NUMBER_MAX;
}

static void
put_number(struct buf *b, const char *key, uint64_t n)
{
	(void)buf_printf(b, ",\"%s\":%" PRIu64, key, shown(n));
}

struct number {
	const char *key;
	size_t offset;		/* of an uint64_t in the page */
};

static const struct number worker_numbers[] = {
	{ "connections", offsetof(struct stats, connections_open) },
	{ "connections_total", offsetof(struct stats, connections_total) },
	{ "connections_closed", offsetof(struct stats, connections_closed) },
	{ "refused", offsetof(struct stats, connections_refused) },
	{ "requests", offsetof(struct stats, requests_total) },
	{ "replies", offsetof(struct stats, requests_replied) },
	{ "aborted", offsetof(struct stats, requests_aborted) },
	{ "errors", offsetof(struct stats, errors_total) },
	{ "protocol_errors", offsetof(struct stats, protocol_errors) },
	{ "running", offsetof(struct stats, running) },
	{ "bytes_in", offsetof(struct stats, bytes_in) },
	{ "bytes_out", offsetof(struct stats, bytes_out) },
};

static const struct number broker_numbers[] = {
	{ "running", offsetof(struct stats, running) },
	{ "queued", offsetof(struct stats, queued) },
	{ "started", offsetof(struct stats, started_total) },
	{ "bad_frames", offsetof(struct stats, bad_frames) },
};

static const struct number runner_numbers[] = {
	{ "running", offsetof(struct stats, running) },
	{ "strays_killed", offsetof(struct stats, strays_killed) },
	{ "bad_frames", offsetof(struct stats, bad_frames) },
};

static const struct {
	const struct number *list;
	size_t n;
} pages[] = {
	[ROLE_PAGE_NONE] = { NULL, 0 },
	[ROLE_PAGE_RUNNER] = { runner_numbers, ARRAY_LEN(runner_numbers) },
	[ROLE_PAGE_BROKER] = { broker_numbers, ARRAY_LEN(broker_numbers) },
	[ROLE_PAGE_WORKER] = { worker_numbers, ARRAY_LEN(worker_numbers) },
};

/* Without a page, as when the process could never be started: zeros. */
static void
put_page(struct buf *b, const struct process *p)
{
	for (size_t i = 0; i < pages[p->rules->page].n; i++) {
		const struct number *n = &pages[p->rules->page].list[i];
		uint64_t value = 0;

		if (p->stats != NULL)
			memcpy(&value, (const char *)p->stats + n->offset, sizeof(value));
		put_number(b, n->key, value);
	}
}

static uint64_t
dropped_records(const struct master *m)
{
	const struct process *p;
	uint64_t sum = 0;

	FOR_EACH_PROCESS(p, m) {
		if (p->stats != NULL)
			sum += p->stats->log_dropped;
	}
	return sum;
}

static void
put_process(struct buf *b, const struct process *p)
{
	(void)buf_printf(b, "\"pid\":%d,\"state\":\"%s\",\"restarts\":%u", (int)p->pid,
	    state_name(p), p->restarts);
	put_page(b, p);
	if (p->kind == ROLE_LOG)
		put_number(b, "dropped", dropped_records(p->master));
	(void)buf_append_char(b, '}');
}

/* An object, or a list of them where there can be more than one. */
static void
put_role(struct buf *b, const struct master *m, enum role_kind kind)
{
	const struct process *p = &m->processes[ROLE_PROCESS(kind, 0)];

	(void)buf_printf(b, ",\"%s", role_name(kind));
	if (role_slots(kind) == 1) {
		(void)buf_append_str(b, "\":{");
		put_process(b, p);
		return;
	}
	(void)buf_append_str(b, "s\":[");
	for (unsigned slot = 0; slot < role_slots(kind); slot++, p++) {
		if (!master_wants(p) && !process_is_up(p))
			continue;
		(void)buf_printf(b, "%s{\"slot\":%u,", slot > 0 ? "," : "", slot);
		put_process(b, p);
	}
	(void)buf_append_char(b, ']');
}

static void
put_listeners(struct buf *b, const struct conf *c)
{
	(void)buf_append_str(b, ",\"listeners\":[");
	for (size_t i = 0; i < c->n_listeners; i++) {
		(void)buf_append_str(b, i > 0 ? ",{\"url\":" : "{\"url\":");
		(void)escape_json(b, slice_of(c->listeners[i].url));
		(void)buf_append_char(b, '}');
	}
	(void)buf_append_char(b, ']');
}

static struct service_total
service_total(const struct master *m, uint16_t number)
{
	struct service_total sum = { 0 };
	const struct process *p;

	FOR_EACH_PROCESS(p, m) {
		if (p->stats != NULL && p->stats->generation == m->conf->generation)
			service_total_add(&sum, p->stats, number);
	}
	return sum;
}

/* In words, why the last of them died. */
static void
put_death(struct buf *b, const struct pool_stats *p)
{
	char why[160];

	if (p->died == 0 && p->last.stage == STAGE_NONE) {
		(void)buf_append_str(b, "null");
		return;
	}
	death_describe(&p->last, why, sizeof(why));
	(void)escape_json(b, slice_of(why));
}

static uint64_t
elapsed(uint64_t from, uint64_t to)
{
	return from < to ? to - from : 0;
}

/* A time that there may be or not. */
static void
put_usec_or_null(struct buf *b, const char *key, bool have, uint64_t usec)
{
	if (have)
		put_number(b, key, usec);
	else
		(void)buf_printf(b, ",\"%s\":null", key);
}

static struct pool_stats
pool_of(const struct master *m, const struct service *s)
{
	const struct stats *of = m->processes[ROLE_PROCESS(ROLE_BROKER, 0)].stats;

	if (of != NULL && of->generation == m->conf->generation)
		return of->pool[s->number];
	return (struct pool_stats){ 0 };
}

static void
put_pool(struct buf *b, const struct master *m, const struct service *s)
{
	struct pool_stats p = pool_of(m, s);
	uint64_t now = clock_usec();

	(void)buf_printf(b, ",\"pool\":{\"processes\":%" PRIu32, p.processes);
	put_number(b, "busy", p.busy);
	put_number(b, "idle", p.idle);
	put_number(b, "waiting", p.waiting);
	put_number(b, "started", p.started);
	put_number(b, "died", p.died);
	put_number(b, "recycled", p.recycled);
	(void)buf_printf(b, ",\"failing\":%s,\"last_death\":", p.is_failing ? "true" : "false");
	put_death(b, &p);
	put_usec_or_null(b, "last_death_age_usec", p.last_usec != 0, elapsed(p.last_usec, now));
	put_usec_or_null(b, "failing_usec", p.is_failing != 0, elapsed(p.failing_usec, now));
	put_usec_or_null(b, "next_try_usec", p.is_failing != 0, elapsed(now, p.retry_usec));
	(void)buf_append_char(b, '}');
}

static void
put_times(struct buf *b, const char *const keys[3], const struct histogram *h)
{
	put_number(b, keys[0], h->usec);
	put_number(b, keys[1], histogram_quantile(h, 0.5));
	put_number(b, keys[2], histogram_quantile(h, 0.99));
}

static void
put_service(struct buf *b, const struct master *m, const struct service *s)
{
	static const char *const all[] = { "usec", "p50_usec", "p99_usec" };
	static const char *const queue[] = { "queue_usec", "queue_p50_usec", "queue_p99_usec" };
	static const char *const run[] = { "run_usec", "run_p50_usec", "run_p99_usec" };
	struct service_total t = service_total(m, s->number);

	(void)buf_printf(b, "{\"name\":\"%s\"", s->name);
	put_number(b, "calls", t.n.calls);
	put_number(b, "failed", t.n.failed);
	put_number(b, "rejected", t.n.rejected);
	put_times(b, all, &t.times.all);
	put_times(b, queue, &t.times.queue);
	put_times(b, run, &t.times.run);
	(void)buf_append_str(b, ",\"outcomes\":{");
	for (size_t k = 0, n = 0; k < OUTCOME_N; k++) {
		if (t.n.outcome[k] == 0)
			continue;
		(void)buf_printf(b, "%s\"%s\":%" PRIu64, n++ > 0 ? "," : "",
		    outcome_word((enum outcome_kind)k), shown(t.n.outcome[k]));
	}
	(void)buf_append_char(b, '}');
	if (s->handler != NULL)
		put_pool(b, m, s);
	(void)buf_append_char(b, '}');
}

static void
put_services(struct buf *b, const struct master *m)
{
	(void)buf_append_str(b, ",\"services\":[");
	for (size_t i = 0; i < m->conf->n_services; i++) {
		(void)buf_append_str(b, i > 0 ? "," : "");
		put_service(b, m, &m->conf->services[i]);
	}
	(void)buf_append_char(b, ']');
}

bool
status_explain_outage(const struct master *m, const struct service *s, struct buf *b)
{
	struct pool_stats p = pool_of(m, s);

	return s->handler != NULL && pool_stats_explain(&p, s->name, clock_usec(), b);
}

int
status_format_json(const struct master *m, struct buf *b)
{
	const char *state = m->stopping ? "stopping" : !m->ready ? "starting" :
	    m->reload.phase != RELOAD_IDLE ? "reloading" : "serving";

	(void)buf_printf(b, "{\"version\":\"%s\",\"pid\":%d,\"state\":\"%s\",\"generation\":%u,"
	    "\"uptime_usec\":%" PRIu64 ",\"config\":", PACKAGE_VERSION, (int)getpid(), state,
	    m->conf->generation, clock_usec() - m->started_usec);
	(void)escape_json(b, slice_of(m->options.conf_file));
	for (unsigned kind = ROLE_N; kind-- > 0;)
		put_role(b, m, kind);
	put_listeners(b, m->conf);
	put_services(b, m);
	(void)buf_append_char(b, '}');
	return buf_failed(b) ? -ENOMEM : 0;
}
