/* SPDX-License-Identifier: ISC */
/*
 * topsample: the counters of a server at one moment, and what has happened since the sample
 * before it. No I/O: the answers of the control socket come in as JSON.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TOP_HISTORY 64

/* Times of calls: so many of at most end_usec. */
struct top_bucket {
	uint64_t end_usec, n;
};

struct top_service {
	const char *name;		/* in the JSON of the sample */
	const char *state;		/* "open", "pause", "drain", or "out": out of order */
	uint64_t calls, failed, rejected;
	struct top_bucket *buckets;	/* sorted */
	size_t n_buckets;
	uint64_t running, waiting;	/* now */
	/* Of the interval. */
	double rate, fail_rate;		/* a second */
	bool has_times;
	uint64_t p50_usec, p99_usec;
	double history[TOP_HISTORY];	/* rates, the newest first */
	size_t n_history;
};

struct top_sample {
	json_t *status;
	int64_t pid;			/* of the master; another one is another reqd */
	uint64_t at_usec;
	uint64_t interval_usec;		/* 0: there is no sample before this one */
	struct top_service *services;	/* by name */
	const struct top_service **order;	/* the same, as topsample_sort() has them */
	size_t n;
	double rate;			/* of all */
};

/*
 * Makes a sample of the answers to STATUS, HISTOGRAMS and PS. Takes status. Never NULL.
 */
struct top_sample *topsample_new(json_t *status, const json_t *histograms, const json_t *calls,
    uint64_t at_usec);
struct top_sample *topsample_free(struct top_sample *s);

/* Computes what has happened since the sample before; NULL, or of another reqd: nothing known. */
void topsample_compare(struct top_sample *s, const struct top_sample *before);

enum top_key { TOP_BY_NAME, TOP_BY_RATE, TOP_BY_RUNNING, TOP_BY_WAITING, TOP_BY_FAILED, TOP_BY_P50,
	TOP_BY_P99, TOP_KEYS };

/* Sets the order of services: by name upwards, else the largest first. */
void topsample_sort(struct top_sample *s, enum top_key key);

/* One sample as JSON, for a program. New. */
json_t *topsample_json(const struct top_sample *s);
