/* SPDX-License-Identifier: ISC */
/* share: a table of what each party has, with a list for each hash. */
#include "config.h"

#include "base/share.h"

#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>

void
shares_init(struct shares *t, void *slots, size_t n, size_t size)
{
	const void *random = (const void *)(uintptr_t)getauxval(AT_RANDOM);

	*t = (struct shares){ .slots = slots, .n_slots = n, .size = size };
	LIST_INIT(&t->free);
	for (size_t i = 0; i < SHARE_BUCKETS; i++)
		LIST_INIT(&t->buckets[i]);
	/* Parties choose their addresses, so the places in the table must not be known. */
	if (random != NULL)
		memcpy(t->seed, random, sizeof(t->seed));
}

static struct share_list *
bucket_of(struct shares *t, const struct digest *party, uint64_t of)
{
	uint64_t half[2], h;

	memcpy(half, party->bytes, sizeof(half));
	h = (half[0] ^ t->seed[0]) * UINT64_C(0x9e3779b97f4a7c15);
	h ^= h >> 32;
	h = (h + (half[1] ^ t->seed[1])) * UINT64_C(0xff51afd7ed558ccd);
	h ^= h >> 32;
	h = (h + of) * UINT64_C(0xc4ceb9fe1a85ec53);
	return &t->buckets[(h >> 32) % SHARE_BUCKETS];
}

struct share *
shares_find(struct shares *t, const struct digest *party, uint64_t of)
{
	struct share *s;

	LIST_FOREACH(s, bucket_of(t, party, of), next) {
		if (s->of == of && digest_eq(&s->party, party))
			return s;
	}
	return NULL;
}

static struct share *
share_new(struct shares *t)
{
	struct share *s = LIST_FIRST(&t->free);

	if (t->slots == NULL)
		return calloc(1, t->size);
	if (s != NULL) {
		LIST_REMOVE(s, next);
		memset(s, 0, t->size);
	} else if (t->n_touched < t->n_slots) {
		s = (struct share *)(void *)(t->slots + t->size * t->n_touched++);
	}
	return s;
}

struct share *
shares_get(struct shares *t, const struct digest *party, uint64_t of)
{
	struct share *s = shares_find(t, party, of);

	if (s == NULL) {
		s = share_new(t);
		if (s == NULL)
			return NULL;
		s->party = *party;
		s->of = of;
		LIST_INSERT_HEAD(bucket_of(t, party, of), s, next);
	}
	s->n++;
	return s;
}

struct share *
shares_put(struct shares *t, struct share *s)
{
	if (s == NULL || --s->n > 0)
		return NULL;
	LIST_REMOVE(s, next);
	if (t->slots == NULL)
		free(s);
	else
		LIST_INSERT_HEAD(&t->free, s, next);
	return NULL;
}
