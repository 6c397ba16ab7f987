/* SPDX-License-Identifier: ISC */
/* topsample: computes rates and times of an interval from two samples of counters. */
#include "config.h"

#include "ctl/topsample.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "ctl/ctl.h"
#include "ctl/outjson.h"

/* No histogram of reqd has more. */
#define MAX_BUCKETS 256

static uint64_t
number_of(const json_t *j, const char *key)
{
	int64_t v = out_json_number(j, key);

	return v > 0 ? (uint64_t)v : 0;
}

static int
compare_names(const void *a, const void *b)
{
	return strcmp(((const struct top_service *)a)->name, ((const struct top_service *)b)->name);
}

static struct top_service *
find(const struct top_sample *s, const char *name)
{
	struct top_service key = { .name = name };

	return s->n == 0 ? NULL : bsearch(&key, s->services, s->n, sizeof(key), compare_names);
}

/* --------------------------------------------------------------- reading --- */

static const char *
state_of(const json_t *service)
{
	const char *state = out_json_text(service, "state");

	if (strcmp(state, "pause") == 0 || strcmp(state, "drain") == 0)
		return state;
	if (json_is_string(json_object_get(service, "unavailable")) ||
	    json_is_true(json_object_get(json_object_get(service, "pool"), "failing")))
		return "out";
	return "open";
}

static void
read_services(struct top_sample *s)
{
	const json_t *list = json_object_get(s->status, "services"), *row;
	size_t i;

	s->services = ctl_need(calloc(json_array_size(list) + 1, sizeof(*s->services)));
	json_array_foreach((json_t *)list, i, row) {
		s->services[s->n].name = out_json_text(row, "name");
		s->services[s->n++].state = state_of(row);
	}
	qsort(s->services, s->n, sizeof(*s->services), compare_names);
	s->order = ctl_need(calloc(s->n + 1, sizeof(*s->order)));
	for (i = 0; i < s->n; i++)
		s->order[i] = &s->services[i];
}

static void
read_buckets(struct top_service *t, const json_t *list)
{
	const json_t *pair;
	size_t i;

	t->buckets = ctl_need(calloc(MAX_BUCKETS, sizeof(*t->buckets)));
	json_array_foreach((json_t *)list, i, pair) {
		json_int_t end = json_integer_value(json_array_get(pair, 0));
		json_int_t n = json_integer_value(json_array_get(pair, 1));

		if (t->n_buckets < MAX_BUCKETS && end >= 0 && n > 0)
			t->buckets[t->n_buckets++] =
			    (struct top_bucket){ (uint64_t)end, (uint64_t)n };
	}
}

static void
read_histograms(struct top_sample *s, const json_t *histograms)
{
	const json_t *row;
	size_t i;

	json_array_foreach(json_object_get(histograms, "services"), i, row) {
		struct top_service *t = find(s, out_json_text(row, "name"));

		if (t == NULL || t->buckets != NULL)
			continue;
		t->calls = number_of(row, "calls");
		t->failed = number_of(row, "failed");
		t->rejected = number_of(row, "rejected");
		read_buckets(t, json_object_get(row, "usec"));
	}
}

static void
count_calls(struct top_sample *s, const json_t *calls)
{
	const json_t *row;
	size_t i;

	json_array_foreach((json_t *)calls, i, row) {
		struct top_service *t = find(s, out_json_text(row, "service"));

		if (t == NULL)
			continue;
		if (strcmp(out_json_text(row, "state"), "waiting") == 0)
			t->waiting++;
		else
			t->running++;
	}
}

struct top_sample *
topsample_new(json_t *status, const json_t *histograms, const json_t *calls, uint64_t at_usec)
{
	struct top_sample *s = ctl_need(calloc(1, sizeof(*s)));

	s->status = status;
	s->pid = out_json_number(status, "pid");
	s->at_usec = at_usec;
	read_services(s);
	read_histograms(s, histograms);
	count_calls(s, calls);
	return s;
}

struct top_sample *
topsample_free(struct top_sample *s)
{
	if (s == NULL)
		return NULL;
	for (size_t i = 0; i < s->n; i++)
		free(s->services[i].buckets);
	free(s->services);
	free(s->order);
	json_decref(s->status);
	free(s);
	return NULL;
}

/* ------------------------------------------------------------- comparing --- */

/* A counter that has gone back was begun anew: all of it is new. */
static uint64_t
increase(uint64_t now, uint64_t before)
{
	return now >= before ? now - before : now;
}

/* The buckets of a time span. */
static size_t
subtract(const struct top_service *t, const struct top_service *before,
    struct top_bucket ret[static MAX_BUCKETS], uint64_t *ret_total)
{
	size_t n = 0, k = 0;

	*ret_total = 0;
	for (size_t i = 0; i < t->n_buckets; i++) {
		struct top_bucket b = t->buckets[i];

		while (before != NULL && k < before->n_buckets &&
		    before->buckets[k].end_usec < b.end_usec)
			k++;
		if (before != NULL && k < before->n_buckets &&
		    before->buckets[k].end_usec == b.end_usec)
			b.n = increase(b.n, before->buckets[k].n);
		*ret_total += b.n;
		ret[n++] = b;
	}
	return n;
}

static uint64_t
quantile(const struct top_bucket *buckets, size_t n, uint64_t total, double q)
{
	uint64_t seen = 0;

	for (size_t i = 0; i < n; i++) {
		seen += buckets[i].n;
		if (buckets[i].n > 0 && (double)seen >= q * (double)total)
			return buckets[i].end_usec;
	}
	return n > 0 ? buckets[n - 1].end_usec : 0;
}

static void
add_history(struct top_service *t, const struct top_service *before)
{
	size_t n = before != NULL ? before->n_history : 0;

	if (n > TOP_HISTORY - 1)
		n = TOP_HISTORY - 1;
	if (n > 0)
		memcpy(t->history + 1, before->history, n * sizeof(t->history[0]));
	t->history[0] = t->rate;
	t->n_history = n + 1;
}

static void
compare_service(struct top_service *t, const struct top_service *before, double seconds)
{
	struct top_bucket buckets[MAX_BUCKETS];
	uint64_t total;
	size_t n = subtract(t, before, buckets, &total);

	t->rate = (double)increase(t->calls, before != NULL ? before->calls : 0) / seconds;
	t->fail_rate = (double)increase(t->failed, before != NULL ? before->failed : 0) / seconds;
	t->has_times = total > 0;
	t->p50_usec = t->has_times ? quantile(buckets, n, total, 0.5) : 0;
	t->p99_usec = t->has_times ? quantile(buckets, n, total, 0.99) : 0;
	add_history(t, before);
}

void
topsample_compare(struct top_sample *s, const struct top_sample *before)
{
	double seconds;

	if (before == NULL || before->pid != s->pid || s->at_usec <= before->at_usec)
		return;
	s->interval_usec = s->at_usec - before->at_usec;
	seconds = (double)s->interval_usec / (double)USEC_PER_SEC;
	for (size_t i = 0; i < s->n; i++) {
		compare_service(&s->services[i], find(before, s->services[i].name), seconds);
		s->rate += s->services[i].rate;
	}
}

/* --------------------------------------------------------------- sorting --- */

static double
weight(const struct top_service *t, enum top_key key)
{
	switch (key) {
	case TOP_BY_RATE: return t->rate;
	case TOP_BY_RUNNING: return (double)t->running;
	case TOP_BY_WAITING: return (double)t->waiting;
	case TOP_BY_FAILED: return t->fail_rate;
	case TOP_BY_P50: return (double)t->p50_usec;
	case TOP_BY_P99: return (double)t->p99_usec;
	default: return 0;
	}
}

static int
compare_weights(const void *a, const void *b, void *key)
{
	const struct top_service *ta = *(const struct top_service *const *)a;
	const struct top_service *tb = *(const struct top_service *const *)b;
	double wa = weight(ta, *(enum top_key *)key), wb = weight(tb, *(enum top_key *)key);

	return wa > wb ? -1 : wa < wb ? 1 : compare_names(ta, tb);
}

void
topsample_sort(struct top_sample *s, enum top_key key)
{
	qsort_r(s->order, s->n, sizeof(*s->order), compare_weights, &key);
}

/* ------------------------------------------------------------------ JSON --- */

static json_t *
service_json(const struct top_service *t, bool has_interval)
{
	json_t *j = json_pack("{s:s, s:s, s:I, s:I, s:I, s:I, s:I}", "name", t->name,
	    "state", t->state, "running", (json_int_t)t->running, "waiting",
	    (json_int_t)t->waiting, "calls", (json_int_t)t->calls, "failed",
	    (json_int_t)t->failed, "rejected", (json_int_t)t->rejected);

	(void)json_object_set_new(j, "rate", has_interval ? json_real(t->rate) : json_null());
	(void)json_object_set_new(j, "p50_usec", t->has_times ?
	    json_integer((json_int_t)t->p50_usec) : json_null());
	(void)json_object_set_new(j, "p99_usec", t->has_times ?
	    json_integer((json_int_t)t->p99_usec) : json_null());
	return j;
}

json_t *
topsample_json(const struct top_sample *s)
{
	json_t *services = ctl_need(json_array());

	for (size_t i = 0; i < s->n; i++)
		(void)json_array_append_new(services,
		    service_json(&s->services[i], s->interval_usec > 0));
	return ctl_need(json_pack("{s:I, s:I, s:I, s:O*, s:O*, s:o}",
	    "pid", (json_int_t)s->pid, "uptime_usec",
	    (json_int_t)number_of(s->status, "uptime_usec"), "interval_usec",
	    (json_int_t)s->interval_usec, "workers", json_object_get(s->status, "workers"),
	    "web", json_object_get(s->status, "web"), "services", services));
}
