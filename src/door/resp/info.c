/* SPDX-License-Identifier: ISC */
/*
 * info: the verb INFO. Adds up the numbers of the whole server over the pages
 * of all workers, the broker and the runner, in a form that monitoring tools
 * for Redis understand.
 */
#include "config.h"

#include <inttypes.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "conf/access.h"
#include "door/resp/session.h"
#include "door/resp/verbs.h"
#include "proto/resp.h"

/*
 * The sum over the pages whose generation is that of the configuration in
 * force.
 */
struct totals {
	uint64_t open, total, closed, refused;
	uint64_t requests, replied, aborted, errors, protocol_errors, logins, logins_failed;
	uint64_t in, out;
	uint64_t running, queued;
};

static void
totals_add(struct totals *t, const struct stats *s)
{
	t->open += s->connections_open;
	t->total += s->connections_total;
	t->closed += s->connections_closed;
	t->refused += s->connections_refused;
	t->requests += s->requests_total;
	t->replied += s->requests_replied;
	t->aborted += s->requests_aborted;
	t->errors += s->errors_total;
	t->protocol_errors += s->protocol_errors;
	t->logins += s->logins;
	t->logins_failed += s->logins_failed;
	t->in += s->bytes_in;
	t->out += s->bytes_out;
	t->running += s->running;
}

static struct totals
totals_of(const struct stats_pages *pages)
{
	struct totals t = { 0 };

	totals_add(&t, pages->own);
	for (size_t i = 0; i < CONF_MAX_WORKERS; i++) {
		if (pages->others[i] != NULL && i != pages->slot)
			totals_add(&t, pages->others[i]);
	}
	/* Running calls have been counted by the workers that have them. */
	if (pages->others[ROLE_PROCESS(ROLE_BROKER, 0)] != NULL)
		t.queued = pages->others[ROLE_PROCESS(ROLE_BROKER, 0)]->queued;
	return t;
}

static struct service_total
service_total(const struct session *c, uint16_t number)
{
	const struct stats_pages *pages = c->resp->pages;
	struct service_total sum = { 0 };

	service_total_add(&sum, pages->own, number);
	for (size_t i = 0; i < ARRAY_LEN(pages->others); i++) {
		const struct stats *s = pages->others[i];

		if (s != NULL && i != pages->slot && s->generation == c->resp->conf->generation)
			service_total_add(&sum, s, number);
	}
	return sum;
}

/*
 * Other workers count while their pages are read, so sums may be inconsistent
 * for a moment. A difference is never below zero.
 */
static uint64_t
least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t
succeeded(const struct service_stats *t)
{
	uint64_t ran = t->calls - least(t->calls, t->rejected);

	return ran - least(ran, t->failed);
}

static void
info_server(struct session *c, struct buf *b)
{
	const struct resp_door *d = c->resp;
	uint64_t up = (d->net->loop->now_usec - d->started_usec) / USEC_PER_SEC;
	struct utsname u;

	(void)uname(&u);
	(void)buf_printf(b, "# Server\r\nredis_version:7.0.0\r\nserver_name:reqd\r\n"
	    "reqd_version:%s\r\nredis_mode:standalone\r\nos:%s %s %s\r\narch_bits:%zu\r\n"
	    "process_id:%d\r\nworker:%u\r\nconfig_generation:%u\r\n"
	    "uptime_in_seconds:%" PRIu64 "\r\nuptime_in_days:%" PRIu64 "\r\n",
	    PACKAGE_VERSION, u.sysname, u.release, u.machine, sizeof(void *) * 8,
	    (int)getpid(), d->pages->slot, d->conf->generation, up, up / 86400);
}

static void
info_clients(struct session *c, struct buf *b)
{
	struct totals t = totals_of(c->resp->pages);

	(void)buf_printf(b, "# Clients\r\nconnected_clients:%" PRIu64 "\r\n"
	    "blocked_clients:%" PRIu64 "\r\n", t.open, t.running);
}

static void
info_persistence(struct session *c, struct buf *b)
{
	(void)buf_printf(b, "# Persistence\r\nloading:%d\r\n", c->resp->net->stopping ? 1 : 0);
}

static void
info_stats(struct session *c, struct buf *b)
{
	struct totals t = totals_of(c->resp->pages);

	(void)buf_printf(b, "# Stats\r\ntotal_connections_received:%" PRIu64 "\r\n"
	    "total_commands_processed:%" PRIu64 "\r\ntotal_net_input_bytes:%" PRIu64 "\r\n"
	    "total_net_output_bytes:%" PRIu64 "\r\nrejected_connections:%" PRIu64 "\r\n"
	    "total_error_replies:%" PRIu64 "\r\nprotocol_errors:%" PRIu64 "\r\n"
	    "total_connections_closed:%" PRIu64 "\r\ntotal_replies:%" PRIu64 "\r\n"
	    "aborted_requests:%" PRIu64 "\r\n"
	    "logins:%" PRIu64 "\r\nlogins_failed:%" PRIu64 "\r\n"
	    "calls_running:%" PRIu64 "\r\ncalls_queued:%" PRIu64 "\r\n",
	    t.total, t.requests, t.in, t.out, t.refused, t.errors, t.protocol_errors,
	    t.closed, t.replied, t.aborted, t.logins, t.logins_failed, t.running, t.queued);
}

static void
info_replication(struct session *c, struct buf *b)
{
	(void)c;
	(void)buf_append_str(b, "# Replication\r\nrole:master\r\nconnected_slaves:0\r\n");
}

/* Finds the next service whose figures this caller may see. */
static bool
next_service(struct session *c, const struct caller *who, size_t *i, const struct service **ret)
{
	const struct conf *conf = c->resp->conf;

	while (*i < conf->n_services) {
		const struct service *s = &conf->services[(*i)++];

		if ((session_roles(c) & conf->watch) != 0 ||
		    access_allowed(conf, s, who, session_roles(c))) {
			*ret = s;
			return true;
		}
	}
	return false;
}

static void
info_commandstats(struct session *c, struct buf *b)
{
	const struct service *s;
	struct caller who;
	size_t i = 0;

	session_caller(c, &who);
	(void)buf_append_str(b, "# Commandstats\r\n");
	while (next_service(c, &who, &i, &s)) {
		struct service_total total = service_total(c, s->number);
		const struct service_stats *t = &total.n;
		uint64_t usec = total.times.all.usec;

		(void)buf_printf(b, "cmdstat_call|%s:calls=%" PRIu64 ",usec=%" PRIu64
		    ",usec_per_call=%.2f,rejected_calls=%" PRIu64 ",failed_calls=%" PRIu64 "\r\n",
		    s->name, t->calls - least(t->calls, t->rejected), usec,
		    t->calls > 0 ? (double)usec / (double)t->calls : 0.0, t->rejected, t->failed);
	}
}

static void
info_errorstats(struct session *c, struct buf *b)
{
	uint64_t sum[OUTCOME_N] = { 0 };
	const struct service *s;
	struct caller who;
	size_t i = 0;

	session_caller(c, &who);
	(void)buf_append_str(b, "# Errorstats\r\n");
	while (next_service(c, &who, &i, &s)) {
		struct service_stats t = service_total(c, s->number).n;

		/* A call that ended by itself failed if its status is not 0. */
		for (size_t k = 0; k < OUTCOME_N; k++)
			sum[k] += t.outcome[k];
		sum[OUTCOME_EXIT] -= least(sum[OUTCOME_EXIT], succeeded(&t));
	}
	for (size_t k = 0; k < OUTCOME_N; k++) {
		if (sum[k] > 0)
			(void)buf_printf(b, "errorstat_%s:count=%" PRIu64 "\r\n",
			    outcome_code((enum outcome_kind)k), sum[k]);
	}
}

static void
put_percentiles(struct buf *b, const char *what, const struct service *s,
    const struct histogram *h)
{
	(void)buf_printf(b, "latency_percentiles_usec_%s|%s:p50=%" PRIu64 ".000,p99=%" PRIu64
	    ".000,p99.9=%" PRIu64 ".000\r\n", what, s->name, histogram_quantile(h, 0.5),
	    histogram_quantile(h, 0.99), histogram_quantile(h, 0.999));
}

static void
info_latencystats(struct session *c, struct buf *b)
{
	const struct service *s;
	struct caller who;
	size_t i = 0;

	session_caller(c, &who);
	(void)buf_append_str(b, "# Latencystats\r\n");
	while (next_service(c, &who, &i, &s)) {
		struct service_total t = service_total(c, s->number);

		if (t.n.calls == 0)
			continue;
		put_percentiles(b, "call", s, &t.times.all);
		put_percentiles(b, "queue", s, &t.times.queue);
		put_percentiles(b, "run", s, &t.times.run);
	}
}

static uint64_t
from_now(uint64_t now, uint64_t usec)
{
	return usec > now ? usec - now : 0;
}

static uint64_t
since(uint64_t now, uint64_t usec)
{
	return usec != 0 && usec < now ? now - usec : 0;
}

static void
put_pool(struct buf *b, uint64_t now, const struct service *s, const struct pool_stats *p,
    const struct service_times *t)
{
	(void)buf_printf(b, "pool_%s:processes=%" PRIu32 ",busy=%" PRIu32 ",idle=%" PRIu32
	    ",waiting=%" PRIu32 ",started=%" PRIu64 ",died=%" PRIu64 ",recycled=%" PRIu64
	    ",failing=%d,failing_usec=%" PRIu64 ",next_try_usec=%" PRIu64, s->name, p->processes,
	    p->busy, p->idle, p->waiting, p->started, p->died, p->recycled, p->is_failing != 0,
	    since(now, p->failing_usec), from_now(now, p->retry_usec));
	(void)buf_printf(b, ",queue_p50_usec=%" PRIu64 ",queue_p99_usec=%" PRIu64
	    ",run_p50_usec=%" PRIu64 ",run_p99_usec=%" PRIu64 "\r\n",
	    histogram_quantile(&t->queue, 0.5), histogram_quantile(&t->queue, 0.99),
	    histogram_quantile(&t->run, 0.5), histogram_quantile(&t->run, 0.99));
}

/*
 * The counters are the broker's, so the services must be those that it knows.
 */
static void
info_pools(struct session *c, struct buf *b)
{
	const struct stats *of = c->resp->pages->others[ROLE_PROCESS(ROLE_BROKER, 0)];
	const struct service *s;
	struct caller who;
	size_t i = 0;

	session_caller(c, &who);
	(void)buf_append_str(b, "# Pools\r\n");
	while (next_service(c, &who, &i, &s)) {
		struct service_times t;
		struct pool_stats p;

		if (s->handler == NULL || of == NULL || of->generation != c->resp->conf->generation)
			continue;
		p = of->pool[s->number];
		t = service_total(c, s->number).times;
		put_pool(b, c->resp->net->loop->now_usec, s, &p, &t);
	}
}

static const struct {
	const char *name;
	void (*put)(struct session *c, struct buf *b);
} sections[] = {
	{ "server", info_server },
	{ "clients", info_clients },
	{ "persistence", info_persistence },
	{ "stats", info_stats },
	{ "replication", info_replication },
	{ "commandstats", info_commandstats },
	{ "errorstats", info_errorstats },
	{ "latencystats", info_latencystats },
	{ "pools", info_pools },
};

static bool
is_wanted(const struct request *r, const char *section)
{
	for (size_t i = 1; i < r->argc; i++) {
		if (slice_is_nocase(r->argv[i], section) || slice_is_nocase(r->argv[i], "all") ||
		    slice_is_nocase(r->argv[i], "everything") ||
		    slice_is_nocase(r->argv[i], "default"))
			return true;
	}
	return r->argc == 1;
}

void
verb_info(struct session *c, const struct request *r)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(0);

	if (!session_may_say_much(c))
		return;
	for (size_t i = 0; i < ARRAY_LEN(sections); i++) {
		if (!is_wanted(r, sections[i].name))
			continue;
		if (buf_len(&b) > 0)
			(void)buf_append_str(&b, "\r\n");
		sections[i].put(c, &b);
	}
	resp_bulk(session_out(c), buf_slice(&b));
}
