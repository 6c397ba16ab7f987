/* SPDX-License-Identifier: ISC */
/* httpmetrics: writes counters, gauges and histograms of the pages of all processes. */
#include "config.h"

#include "door/http/httpmetrics.h"

#include <inttypes.h>
#include <stddef.h>

#include "base/cleanup.h"
#include "call/call.h"
#include "door/http/httpaccess.h"
#include "door/http/httpanswer.h"
#include "ipc/stats.h"

#define METRICS_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* Bytes of an answer at most: some 5000 services that are called. */
#define METRICS_MAX (16u << 20)

/* Bounds of the buckets are powers of 4 us; the pages count those exactly. */
#define BOUND_FIRST 8u	/* 256 us */
#define BOUND_LAST 28u	/* 268 s */

static void
put_family(struct buf *b, const char *name, const char *type, const char *help)
{
	(void)buf_printf(b, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* Writes the value of a label: quotes, backslashes and line feeds are escaped. */
static void
put_label(struct buf *b, const char *name, const char *value)
{
	(void)buf_printf(b, "%s=\"", name);
	for (; *value != '\0'; value++) {
		if (*value == '"' || *value == '\\')
			(void)buf_append_char(b, '\\');
		if (*value == '\n')
			(void)buf_append_str(b, "\\n");
		else
			(void)buf_append_char(b, *value);
	}
	(void)buf_append_char(b, '"');
}

/* -------------------------------------------------------------- workers --- */

/* Sums a counter over all workers; at is its place in a page. */
static uint64_t
sum_of(const struct stats_pages *pages, size_t at)
{
	uint64_t sum = 0, n;

	for (unsigned i = 0; i < CONF_MAX_WORKERS; i++) {
		const struct stats *page = i == pages->slot ? pages->own : pages->others[i];

		if (page == NULL)
			continue;
		memcpy(&n, (const char *)page + at, sizeof(n));
		sum += n;
	}
	return sum;
}

static const struct {
	const char *name, *type, *help;
	size_t at;
} figures[] = {
	{ "reqd_connections_opened_total", "counter", "Connections accepted.",
	  offsetof(struct stats, connections_total) },
	{ "reqd_connections_refused_total", "counter", "Connections refused for want of room.",
	  offsetof(struct stats, connections_refused) },
	{ "reqd_received_bytes_total", "counter", "Bytes from clients.",
	  offsetof(struct stats, bytes_in) },
	{ "reqd_sent_bytes_total", "counter", "Bytes to clients.", offsetof(struct stats, bytes_out) },
	{ "reqd_protocol_errors_total", "counter", "Requests that were none.",
	  offsetof(struct stats, protocol_errors) },
	{ "reqd_logins_total", "counter", "Logins.", offsetof(struct stats, logins) },
	{ "reqd_logins_failed_total", "counter", "Logins that failed.",
	  offsetof(struct stats, logins_failed) },
	{ "reqd_running", "gauge", "Calls in progress.", offsetof(struct stats, running) },
};

static void
put_workers(struct http_session *s, struct buf *b)
{
	const struct stats *broker = s->http->pages->others[ROLE_PROCESS(ROLE_BROKER, 0)];
	const struct conf *conf = s->http->conf;

	for (size_t i = 0; i < ARRAY_LEN(figures); i++) {
		put_family(b, figures[i].name, figures[i].type, figures[i].help);
		(void)buf_printf(b, "%s %" PRIu64 "\n", figures[i].name,
		    sum_of(s->http->pages, figures[i].at));
	}
	put_family(b, "reqd_queued", "gauge", "Requests that wait in queues.");
	(void)buf_printf(b, "reqd_queued %" PRIu64 "\n", broker != NULL ? broker->queued : 0);
	put_family(b, "reqd_connections", "gauge", "Open connections.");
	for (size_t i = 0; i < conf->n_listeners; i++) {
		(void)buf_append_str(b, "reqd_connections{");
		put_label(b, "listener", conf->listeners[i].url);
		(void)buf_printf(b, "} %" PRIu64 "\n", sum_of(s->http->pages,
		    offsetof(struct stats, port_connections) + i * sizeof(uint64_t)));
	}
	put_family(b, "reqd_config_generation", "gauge", "Number of the configuration in force.");
	(void)buf_printf(b, "reqd_config_generation %" PRIu32 "\n", conf->generation);
	put_family(b, "reqd_build_info", "gauge", "The version of reqd.");
	(void)buf_printf(b, "reqd_build_info{version=\"%s\"} 1\n", PACKAGE_VERSION);
}

/* ------------------------------------------------------------- services --- */

/* Sums the pages of all workers for a service, if they are of these rules. */
static void
sum_service(const struct http_session *s, uint16_t number, struct service_total *ret)
{
	const struct stats_pages *pages = s->http->pages;

	*ret = (struct service_total){ 0 };
	for (unsigned i = 0; i < CONF_MAX_WORKERS; i++) {
		const struct stats *page = i == pages->slot ? pages->own : pages->others[i];

		if (page != NULL && page->generation == s->http->conf->generation)
			service_total_add(ret, page, number);
	}
}

static void
put_outcomes(struct buf *b, const struct service *service, const struct service_stats *n)
{
	for (enum outcome_kind k = 0; k < OUTCOME_N; k++) {
		if (n->outcome[k] == 0)
			continue;
		(void)buf_append_str(b, "reqd_requests_total{");
		put_label(b, "service", service->name);
		(void)buf_printf(b, ",outcome=\"%s\"} %" PRIu64 "\n", outcome_word(k), n->outcome[k]);
	}
}

static void
put_histogram(struct buf *b, const char *name, const struct service *service,
    const struct histogram *h)
{
	uint64_t all = histogram_count(h, UINT64_MAX);

	for (unsigned bits = BOUND_FIRST; bits <= BOUND_LAST; bits += 2) {
		(void)buf_printf(b, "%s_bucket{", name);
		put_label(b, "service", service->name);
		(void)buf_printf(b, ",le=\"%.6f\"} %" PRIu64 "\n", (double)(UINT64_C(1) << bits) / 1e6,
		    histogram_count(h, UINT64_C(1) << bits));
	}
	(void)buf_printf(b, "%s_bucket{", name);
	put_label(b, "service", service->name);
	(void)buf_printf(b, ",le=\"+Inf\"} %" PRIu64 "\n%s_sum{", all, name);
	put_label(b, "service", service->name);
	(void)buf_printf(b, "} %" PRIu64 ".%06" PRIu64 "\n%s_count{", h->usec / 1000000,
	    h->usec % 1000000, name);
	put_label(b, "service", service->name);
	(void)buf_printf(b, "} %" PRIu64 "\n", all);
}

/* The kinds of lines about services; each is a family, whose lines stand together. */
static const struct {
	const char *name, *help;
	size_t at;	/* of the histogram in struct service_times */
} times[] = {
	{ "reqd_request_duration_seconds", "Time from the request to the answer.",
	  offsetof(struct service_times, all) },
	{ "reqd_queue_duration_seconds", "Time until a process had the request.",
	  offsetof(struct service_times, queue) },
	{ "reqd_run_duration_seconds", "Time for which a process had the request.",
	  offsetof(struct service_times, run) },
};

static void
put_services(struct http_session *s, struct buf *b)
{
	const struct conf *conf = s->http->conf;
	struct service_total total;

	put_family(b, "reqd_requests_total", "counter", "Calls that have ended, by outcome.");
	for (size_t i = 0; i < conf->n_services; i++) {
		if (!http_session_may_see(s, &conf->services[i]))
			continue;
		sum_service(s, (uint16_t)i, &total);
		put_outcomes(b, &conf->services[i], &total.n);
	}
	put_family(b, "reqd_requests_failed_total", "counter", "Calls that began and were no success.");
	for (size_t i = 0; i < conf->n_services; i++) {
		if (!http_session_may_see(s, &conf->services[i]))
			continue;
		sum_service(s, (uint16_t)i, &total);
		(void)buf_append_str(b, "reqd_requests_failed_total{");
		put_label(b, "service", conf->services[i].name);
		(void)buf_printf(b, "} %" PRIu64 "\n", total.n.failed);
	}
	for (size_t k = 0; k < ARRAY_LEN(times); k++) {
		put_family(b, times[k].name, "histogram", times[k].help);
		for (size_t i = 0; i < conf->n_services && !buf_failed(b); i++) {
			if (!http_session_may_see(s, &conf->services[i]))
				continue;
			sum_service(s, (uint16_t)i, &total);
			if (total.n.calls > 0)
				put_histogram(b, times[k].name, &conf->services[i],
				    (const struct histogram *)(const void *)((const char *)&total.times +
				    times[k].at));
		}
	}
}

static void
put_pools(struct http_session *s, struct buf *b)
{
	const struct stats *broker = s->http->pages->others[ROLE_PROCESS(ROLE_BROKER, 0)];
	const struct conf *conf = s->http->conf;

	if (broker == NULL || broker->generation != conf->generation)
		return;
	put_family(b, "reqd_pool_processes", "gauge", "Handler processes, by state.");
	for (size_t i = 0; i < conf->n_services; i++) {
		const struct pool_stats *p = &broker->pool[i];

		if (conf->services[i].handler == NULL || !http_session_may_see(s, &conf->services[i]))
			continue;
		(void)buf_printf(b, "reqd_pool_processes{service=\"%s\",state=\"busy\"} %" PRIu32 "\n"
		    "reqd_pool_processes{service=\"%s\",state=\"idle\"} %" PRIu32 "\n",
		    conf->services[i].name, p->busy, conf->services[i].name, p->idle);
	}
	put_family(b, "reqd_pool_failing", "gauge", "1 where no handler process stays up.");
	for (size_t i = 0; i < conf->n_services; i++) {
		if (conf->services[i].handler != NULL && http_session_may_see(s, &conf->services[i]))
			(void)buf_printf(b, "reqd_pool_failing{service=\"%s\"} %d\n",
			    conf->services[i].name, broker->pool[i].is_failing != 0);
	}
}

enum http_next
http_metrics(struct http_session *s, const struct http_request *rq)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(METRICS_MAX);

	(void)rq;
	if (!http_has_role(s))
		return HTTP_DONE;
	put_workers(s, &b);
	put_services(s, &b);
	put_pools(s, &b);
	if (buf_failed(&b)) {
		http_refuse(s, 503, "BUSY", "the figures of so many services take too much room");
		return HTTP_DONE;
	}
	(void)http_answer_head(s, 200, METRICS_TYPE);
	http_answer_body(s, buf_slice(&b));
	http_session_finish(s);
	return HTTP_DONE;
}
