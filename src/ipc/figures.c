/* SPDX-License-Identifier: ISC */
/* figures: sums the pages of all processes for a service. */
#include "config.h"

#include "ipc/figures.h"

#include "base/clock.h"
#include "base/jsonbuf.h"
#include "ipc/death.h"
#include "ipc/frame.h"
#include "ipc/roles.h"

static struct service_total
service_total(const struct figures *f, uint16_t number)
{
	struct service_total sum = { 0 };

	for (size_t i = 0; i < ROLE_MAX_PROCESSES; i++) {
		const struct stats *page = figures_page(f, i);

		if (page != NULL && page->generation == f->conf->generation)
			service_total_add(&sum, page, number);
	}
	return sum;
}

static uint64_t
elapsed(uint64_t from, uint64_t to)
{
	return from < to ? to - from : 0;
}

struct pool_stats
figures_pool(const struct figures *f, const struct service *s)
{
	const struct stats *broker = figures_page(f, ROLE_PROCESS(ROLE_BROKER, 0));

	if (broker != NULL && broker->generation == f->conf->generation)
		return broker->pool[s->number];
	return (struct pool_stats){ 0 };
}

static void
put_pool(struct buf *b, struct pool_stats p, bool with_words)
{
	uint64_t now = clock_usec();
	bool has_died = p.died != 0 || p.last.stage != STAGE_NONE;
	char why[DEATH_TEXT];

	jsonbuf_open(b, "pool", '{');
	jsonbuf_number(b, "processes", p.processes);
	jsonbuf_number(b, "busy", p.busy);
	jsonbuf_number(b, "idle", p.idle);
	jsonbuf_number(b, "waiting", p.waiting);
	jsonbuf_number(b, "started", p.started);
	jsonbuf_number(b, "died", p.died);
	jsonbuf_number(b, "recycled", p.recycled);
	jsonbuf_bool(b, "failing", p.is_failing);
	/* In words, why the last of them died. */
	if (has_died && with_words)
		death_describe_words(&p.last, &p.words, why);
	else if (has_died)
		death_describe(&p.last, why, sizeof(why));
	jsonbuf_text(b, "last_death", has_died ? why : NULL);
	jsonbuf_number_or_null(b, "last_death_age_usec", p.last_usec != 0, elapsed(p.last_usec, now));
	jsonbuf_number_or_null(b, "failing_usec", p.is_failing != 0, elapsed(p.failing_usec, now));
	jsonbuf_number_or_null(b, "next_try_usec", p.is_failing != 0, elapsed(now, p.retry_usec));
	jsonbuf_close(b, '}');
}

static void
put_times(struct buf *b, const char *const keys[3], const struct histogram *h)
{
	jsonbuf_number(b, keys[0], h->usec);
	jsonbuf_number(b, keys[1], histogram_quantile(h, 0.5));
	jsonbuf_number(b, keys[2], histogram_quantile(h, 0.99));
}

static void
put_state(const struct service *s, struct buf *b)
{
	jsonbuf_text(b, "state", service_state_word(s->state));
	if (s->state == SERVICE_OPEN)
		return;
	jsonbuf_text(b, "state_text", s->state_text);
	jsonbuf_text(b, "state_by", s->state_by);
	jsonbuf_text(b, "state_since", s->state_since);
}

void
figures_put_service(const struct figures *f, const struct service *s, struct buf *b)
{
	static const char *const all[] = { "usec", "p50_usec", "p99_usec" };
	static const char *const queue[] = { "queue_usec", "queue_p50_usec", "queue_p99_usec" };
	static const char *const run[] = { "run_usec", "run_p50_usec", "run_p99_usec" };
	struct service_total t = service_total(f, s->number);
	struct pool_stats p = figures_pool(f, s);

	jsonbuf_open(b, NULL, '{');
	jsonbuf_text(b, "name", s->name);
	/* The reason, if the service is out of order though its configuration is in force. */
	jsonbuf_text(b, "unavailable", s->unavailable);
	put_state(s, b);
	jsonbuf_number(b, "calls", t.n.calls);
	jsonbuf_number(b, "failed", t.n.failed);
	jsonbuf_number(b, "rejected", t.n.rejected);
	jsonbuf_number(b, "running", p.busy);
	jsonbuf_number(b, "waiting", p.waiting);
	put_times(b, all, &t.times.all);
	put_times(b, queue, &t.times.queue);
	put_times(b, run, &t.times.run);
	jsonbuf_open(b, "outcomes", '{');
	for (size_t k = 0; k < OUTCOME_N; k++) {
		if (t.n.outcome[k] != 0)
			jsonbuf_number(b, outcome_word((enum outcome_kind)k), t.n.outcome[k]);
	}
	jsonbuf_close(b, '}');
	if (s->handler != NULL)
		put_pool(b, p, f->with_words);
	jsonbuf_close(b, '}');
}

void
figures_put_histogram(const struct figures *f, const struct service *s, struct buf *b)
{
	struct service_total t = service_total(f, s->number);
	const struct histogram *h = &t.times.all;

	if (t.n.calls == 0)
		return;
	jsonbuf_open(b, NULL, '{');
	jsonbuf_text(b, "name", s->name);
	jsonbuf_number(b, "calls", t.n.calls);
	jsonbuf_number(b, "failed", t.n.failed);
	jsonbuf_number(b, "rejected", t.n.rejected);
	jsonbuf_open(b, "usec", '[');
	for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
		if (h->bucket[i] == 0)
			continue;
		jsonbuf_open(b, NULL, '[');
		jsonbuf_number(b, NULL, histogram_end(i));
		jsonbuf_number(b, NULL, h->bucket[i]);
		jsonbuf_close(b, ']');
	}
	jsonbuf_close(b, ']');
	jsonbuf_close(b, '}');
}
