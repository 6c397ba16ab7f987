/* SPDX-License-Identifier: ISC */
/* figures: the counters of a service over all processes, as JSON. */
#pragma once

#include "base/buf.h"
#include "conf/conf.h"
#include "ipc/stats.h"

/* The pages of all processes, by their numbers. */
struct figures {
	const struct conf *conf;		/* the rules that the numbers of services are of */
	const struct stats *const *pages;	/* NULL: no page */
	const struct stats *own;		/* of process own_number; NULL: it is in pages */
	size_t own_number;
	bool with_words;			/* ... of programs that died */
};

/* The page of a process, by its number; NULL: it has none. */
static inline const struct stats *
figures_page(const struct figures *f, size_t number)
{
	return f->own != NULL && number == f->own_number ? f->own : f->pages[number];
}

/* The pool of a service; zeros where it has none, or nobody knows. */
struct pool_stats figures_pool(const struct figures *f, const struct service *s);

/* Appends one object. */
void figures_put_service(const struct figures *f, const struct service *s, struct buf *b);

/*
 * Appends one object with the time of each call by the buckets of the histogram, for a client
 * that wants the quantiles of an interval. Nothing for a service that was never called.
 */
void figures_put_histogram(const struct figures *f, const struct service *s, struct buf *b);
