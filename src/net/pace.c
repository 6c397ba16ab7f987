/* SPDX-License-Identifier: ISC */
/* pace: a table of the sources that have begun something lately. */
#include "config.h"

#include "net/pace.h"

#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>

#define PROBES 8

void
pace_init(struct pace *p)
{
	const void *random = (const void *)(uintptr_t)getauxval(AT_RANDOM);

	*p = (struct pace){ 0 };
	/* Sources choose their addresses, so their places in the table must not be known. */
	if (random != NULL)
		memcpy(p->seed, random, sizeof(p->seed));
}

void
pace_done(struct pace *p)
{
	free(p->slots);
	p->slots = NULL;
}

static size_t
place_of(const struct pace *p, const struct digest *source)
{
	uint64_t half[2], h;

	memcpy(half, source->bytes, sizeof(half));
	h = (half[0] ^ p->seed[0]) * UINT64_C(0x9e3779b97f4a7c15);
	h ^= h >> 32;
	h = (h + (half[1] ^ p->seed[1])) * UINT64_C(0xff51afd7ed558ccd);
	return (size_t)(h >> 40);
}

/*
 * The slot of the source. Where it has none it takes the one whose source has begun least:
 * whoever has so many addresses that all slots are in use is not held by such a limit,
 * and shall not make it harder for others.
 */
static struct pace_slot *
slot_of(struct pace *p, const struct digest *source)
{
	size_t place = place_of(p, source);
	struct pace_slot *least = NULL;

	for (size_t i = 0; i < PROBES; i++) {
		struct pace_slot *s = &p->slots[(place + i) % PACE_SLOTS];

		if (digest_eq(&s->source, source))
			return s;
		if (least == NULL || s->next_usec < least->next_usec)
			least = s;
	}
	*least = (struct pace_slot){ .source = *source };
	return least;
}

bool
pace_allows(struct pace *p, const struct digest *source, uint64_t interval_usec,
    uint64_t now_usec)
{
	struct pace_slot *s;

	if (p->slots == NULL)
		p->slots = calloc(PACE_SLOTS, sizeof(*p->slots));
	if (p->slots == NULL)
		return true;
	s = slot_of(p, source);
	if (s->next_usec > now_usec && s->next_usec - now_usec > PACE_BURST_USEC - 1)
		return false;
	s->next_usec = (s->next_usec > now_usec ? s->next_usec : now_usec) + interval_usec;
	return true;
}
