/* SPDX-License-Identifier: ISC */
/* penalty: remembers failed logins by source, in a table of fixed size. */
#include "config.h"

#include "auth/penalty.h"

#include <stdlib.h>
#include <string.h>

void
penalty_init(struct penalty *p)
{
	*p = (struct penalty){ .sources = NULL };
}

void
penalty_done(struct penalty *p)
{
	free(p->sources);
	p->sources = NULL;
}

static struct penalty_source *
set_of(const struct penalty *p, const struct digest *source)
{
	uint32_t number;

	/* A digest is secret to its source, so that nobody can choose the set. */
	memcpy(&number, source->bytes, sizeof(number));
	return &p->sources[(size_t)(number % PENALTY_SETS) * PENALTY_WAYS];
}

static struct penalty_source *
find(const struct penalty *p, const struct digest *source)
{
	struct penalty_source *set = p->sources != NULL ? set_of(p, source) : NULL;

	for (size_t i = 0; set != NULL && i < PENALTY_WAYS; i++) {
		if (digest_eq(&set[i].source, source))
			return &set[i];
	}
	return NULL;
}

uint64_t
penalty_left(const struct penalty *p, const struct digest *source, uint64_t now_usec)
{
	const struct penalty_source *s = find(p, source);

	return s != NULL && s->until_usec > now_usec ? s->until_usec - now_usec : 0;
}

/* The last time that means anything for a source. */
static uint64_t
last_of(const struct penalty_source *s)
{
	return s->until_usec > s->failed_usec[0] ? s->until_usec : s->failed_usec[0];
}

/* Makes a place for the source, instead of the one that has been quiet longest. */
static struct penalty_source *
add(struct penalty *p, const struct digest *source)
{
	struct penalty_source *set, *oldest;

	if (p->sources == NULL)
		p->sources = calloc((size_t)PENALTY_SETS * PENALTY_WAYS, sizeof(*p->sources));
	if (p->sources == NULL)
		return NULL;
	set = set_of(p, source);
	oldest = set;
	for (size_t i = 1; i < PENALTY_WAYS; i++) {
		if (last_of(&set[i]) < last_of(oldest))
			oldest = &set[i];
	}
	*oldest = (struct penalty_source){ .source = *source };
	return oldest;
}

void
penalty_fail(struct penalty *p, const struct digest *source, uint64_t now_usec)
{
	const size_t oldest = PENALTY_FAILURES - 2;
	struct penalty_source *s = find(p, source);

	if (s == NULL)
		s = add(p, source);
	if (s == NULL)
		return;
	if (s->span_usec != 0 && now_usec > s->until_usec + PENALTY_MEMORY_USEC)
		s->span_usec = s->until_usec = 0;
	if (s->span_usec != 0)
		s->span_usec = s->span_usec * 2 < PENALTY_LAST_USEC ? s->span_usec * 2 :
		    PENALTY_LAST_USEC;
	else if (s->failed_usec[oldest] != 0 &&
	    now_usec - s->failed_usec[oldest] <= PENALTY_MEMORY_USEC)
		s->span_usec = PENALTY_FIRST_USEC;
	if (s->span_usec != 0)
		s->until_usec = now_usec + s->span_usec;
	memmove(&s->failed_usec[1], &s->failed_usec[0], sizeof(s->failed_usec[0]) * oldest);
	s->failed_usec[0] = now_usec;
}
