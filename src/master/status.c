/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "master/status.h"

#include <errno.h>
#include <inttypes.h>
#include <unistd.h>

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

/* The fields every process has. */
static void
put_process(struct buf *b, const struct process *p)
{
	(void)buf_printf(b, "\"pid\":%d,\"state\":\"%s\",\"restarts\":%u", (int)p->pid,
	    state_name(p), p->restarts);
}

static void
put_workers(struct buf *b, const struct master *m)
{
	(void)buf_append_str(b, ",\"workers\":[");
	for (size_t i = 0; i < CONF_MAX_WORKERS; i++) {
		const struct process *p = &m->processes[MASTER_WORKERS + i];
		const struct stats *s = p->stats;

		if (i >= master_n_workers(m) && !process_is_up(p))
			continue;
		(void)buf_printf(b, "%s{\"slot\":%u,", i > 0 ? "," : "", p->slot);
		put_process(b, p);
		(void)buf_printf(b, ",\"connections\":%" PRIu64 ",\"connections_total\":%" PRIu64
		    ",\"connections_closed\":%" PRIu64 ",\"refused\":%" PRIu64
		    ",\"requests\":%" PRIu64 ",\"replies\":%" PRIu64 ",\"aborted\":%" PRIu64 ",\"errors\":%" PRIu64
		    ",\"protocol_errors\":%" PRIu64 ",\"running\":%" PRIu64 ",\"bytes_in\":%" PRIu64
		    ",\"bytes_out\":%" PRIu64 "}", s->connections_open, s->connections_total,
		    s->connections_closed, s->connections_refused, s->requests_total,
		    s->requests_replied, s->requests_aborted, s->errors_total, s->protocol_errors,
		    s->running, s->bytes_in, s->bytes_out);
	}
	(void)buf_append_char(b, ']');
}

static void
put_runner(struct buf *b, const struct master *m)
{
	const struct process *p = &m->processes[MASTER_RUNNER];
	const struct stats *s = p->stats;

	(void)buf_append_str(b, ",\"runner\":{");
	put_process(b, p);
	(void)buf_printf(b, ",\"running\":%" PRIu64 ",\"queued\":%" PRIu64 ",\"started\":%" PRIu64
	    ",\"strays_killed\":%" PRIu64 ",\"bad_frames\":%" PRIu64 "}", s->running, s->queued,
	    s->started_total, s->strays_killed, s->bad_frames);
}

static void
put_log(struct buf *b, const struct master *m)
{
	uint64_t dropped = 0;

	for (size_t i = MASTER_RUNNER; i < MASTER_MAX_PROCESSES; i++) {
		if (m->processes[i].stats != NULL)
			dropped += m->processes[i].stats->log_dropped;
	}
	(void)buf_append_str(b, ",\"log\":{");
	put_process(b, &m->processes[MASTER_LOG]);
	(void)buf_printf(b, ",\"dropped\":%" PRIu64 "}", dropped);
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

	for (size_t i = MASTER_WORKERS; i < MASTER_MAX_PROCESSES; i++) {
		const struct stats *s = m->processes[i].stats;

		if (s != NULL && s->generation == m->conf->generation)
			service_total_add(&sum, s, number);
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
	(void)buf_printf(b, ",\"%s\":", key);
	if (have)
		(void)buf_append_u64(b, usec);
	else
		(void)buf_append_str(b, "null");
}

static struct pool_stats
pool_of(const struct master *m, const struct service *s)
{
	const struct stats *of = m->processes[MASTER_RUNNER].stats;

	if (of != NULL && of->generation == m->conf->generation)
		return of->pool[s->number];
	return (struct pool_stats){ 0 };
}

static void
put_pool(struct buf *b, const struct master *m, const struct service *s)
{
	struct pool_stats p = pool_of(m, s);
	uint64_t now = clock_usec();

	(void)buf_printf(b, ",\"pool\":{\"processes\":%" PRIu32 ",\"busy\":%" PRIu32 ",\"idle\":%"
	    PRIu32 ",\"waiting\":%" PRIu32 ",\"started\":%" PRIu64 ",\"died\":%" PRIu64
	    ",\"recycled\":%" PRIu64 ",\"failing\":%s,\"last_death\":", p.processes, p.busy, p.idle,
	    p.waiting, p.started, p.died, p.recycled, p.is_failing ? "true" : "false");
	put_death(b, &p);
	put_usec_or_null(b, "last_death_age_usec", p.last_usec != 0, elapsed(p.last_usec, now));
	put_usec_or_null(b, "failing_usec", p.is_failing != 0, elapsed(p.failing_usec, now));
	put_usec_or_null(b, "next_try_usec", p.is_failing != 0, elapsed(now, p.retry_usec));
	(void)buf_append_char(b, '}');
}

static void
put_times(struct buf *b, const char *prefix, const struct histogram *h)
{
	(void)buf_printf(b, ",\"%susec\":%" PRIu64 ",\"%sp50_usec\":%" PRIu64 ",\"%sp99_usec\":%"
	    PRIu64, prefix, h->usec, prefix, histogram_quantile(h, 0.5), prefix,
	    histogram_quantile(h, 0.99));
}

static void
put_service(struct buf *b, const struct master *m, const struct service *s)
{
	struct service_total t = service_total(m, s->number);

	(void)buf_printf(b, "{\"name\":\"%s\",\"calls\":%" PRIu64 ",\"failed\":%" PRIu64
	    ",\"rejected\":%" PRIu64, s->name, t.n.calls, t.n.failed, t.n.rejected);
	put_times(b, "", &t.times.all);
	put_times(b, "queue_", &t.times.queue);
	put_times(b, "run_", &t.times.run);
	(void)buf_append_str(b, ",\"outcomes\":{");
	for (size_t k = 0, n = 0; k < OUTCOME_N; k++) {
		if (t.n.outcome[k] == 0)
			continue;
		(void)buf_printf(b, "%s\"%s\":%" PRIu64, n++ > 0 ? "," : "",
		    outcome_word((enum outcome_kind)k), t.n.outcome[k]);
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
	put_workers(b, m);
	put_runner(b, m);
	put_log(b, m);
	put_listeners(b, m->conf);
	put_services(b, m);
	(void)buf_append_char(b, '}');
	return buf_failed(b) ? -ENOMEM : 0;
}
