/* SPDX-License-Identifier: ISC */
/* Tokens of requests, by key, by request and by time. */
#include "config.h"

#include "broker/token.h"

#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/loop.h"

static int
key_compare(const struct token *a, const struct token *b)
{
	return memcmp(a->key.bytes, b->key.bytes, sizeof(a->key.bytes));
}

static int
id_compare(const struct token *a, const struct token *b)
{
	return a->id < b->id ? -1 : a->id > b->id;
}

RB_PROTOTYPE_INTERNAL(token_keys, token, by_key, key_compare,
    __attribute__((unused)) static)
RB_GENERATE_INTERNAL(token_keys, token, by_key, key_compare,
    __attribute__((unused)) static)
RB_PROTOTYPE_INTERNAL(token_ids, token, by_id, id_compare,
    __attribute__((unused)) static)
RB_GENERATE_INTERNAL(token_ids, token, by_id, id_compare,
    __attribute__((unused)) static)

void
tokens_init(struct tokens *t, struct token *slots, struct token_party *parties, size_t n)
{
	*t = (struct tokens){
		.slots = slots, .n_slots = n, .max_kept = TOKENS_MAX_KEPT, .max_bytes = UINT64_MAX,
	};
	shares_init(&t->parties, parties, n, sizeof(*parties));
	TAILQ_INIT(&t->kept);
	RB_INIT(&t->keys);
	RB_INIT(&t->ids);
	TAILQ_INIT(&t->ended);
	TAILQ_INIT(&t->done);
	TAILQ_INIT(&t->free);
}

struct token *
tokens_find(struct tokens *t, const struct digest *key)
{
	struct token k = { .key = *key };

	return RB_FIND(token_keys, &t->keys, &k);
}

struct token *
tokens_find_id(struct tokens *t, uint64_t id)
{
	struct token k = { .id = id };

	return RB_FIND(token_ids, &t->ids, &k);
}

/* -------------------------------------------------------------- parties --- */

static struct token_party *
party_get(struct tokens *t, const struct digest *party)
{
	struct share *s = shares_get(&t->parties, party, 0);
	struct token_party *p;

	if (s == NULL)
		return NULL;
	p = CONTAINER_OF(s, struct token_party, share);
	if (s->n == 1) {
		TAILQ_INIT(&p->done);
		TAILQ_INIT(&p->kept);
	}
	return p;
}

static void
party_put(struct tokens *t, struct token_party *p)
{
	if (p != NULL)
		(void)shares_put(&t->parties, &p->share);
}

/* Gives the result of a token up; the token stays known. */
static void
token_spend(struct tokens *t, struct token *k)
{
	if (k->fd < 0)
		return;
	(void)close(k->fd);
	k->fd = -1;
	TAILQ_REMOVE(&t->kept, k, next_kept);
	t->n_kept--;
	t->bytes -= k->bytes;
	if (k->party == NULL)
		return;
	TAILQ_REMOVE(&k->party->kept, k, next_own_kept);
	k->party->n_kept--;
	k->party->bytes -= k->bytes;
}

/* True if this party may have one more result of so many bytes. */
static bool
may_keep(const struct tokens *t, const struct token_party *p, uint64_t bytes)
{
	uint64_t left = t->bytes < t->max_bytes ? t->max_bytes - t->bytes : 0;
	size_t n_left = t->n_kept < t->max_kept ? t->max_kept - t->n_kept : 0;

	return share_allows(p == NULL ? 0 : p->bytes, left, bytes) &&
	    share_allows(p == NULL ? 0 : p->n_kept, n_left, 1);
}

/* Keeps the result of a token that is done, and gives others up for it; or spends it. */
static void
token_keep(struct tokens *t, struct token *k, uint64_t bytes)
{
	struct token_party *p = k->party;

	/* For a result that can never fit, no other one is given up. */
	if (k->fd >= 0 && bytes > t->max_bytes) {
		(void)close(TAKE_FD(k->fd));
		t->n_spent++;
	}
	while (k->fd >= 0 && !may_keep(t, p, bytes)) {
		/* The oldest of its own, or of all. */
		struct token *old = p != NULL && p->n_kept > 0 ? TAILQ_FIRST(&p->kept) :
		    TAILQ_FIRST(&t->kept);

		t->n_spent++;
		if (old != NULL) {
			token_spend(t, old);
			continue;
		}
		(void)close(k->fd);
		k->fd = -1;
	}
	if (k->fd < 0)
		return;
	k->bytes = bytes;
	TAILQ_INSERT_TAIL(&t->kept, k, next_kept);
	t->n_kept++;
	t->bytes += bytes;
	if (p == NULL)
		return;
	TAILQ_INSERT_TAIL(&p->kept, k, next_own_kept);
	p->n_kept++;
	p->bytes += bytes;
}

void
tokens_limit(struct tokens *t, uint64_t max_bytes)
{
	t->max_bytes = max_bytes;
	while (t->bytes > max_bytes) {
		t->n_spent++;
		token_spend(t, TAILQ_FIRST(&t->kept));
	}
}

/* --------------------------------------------------------------- tokens --- */

struct token *
tokens_add(struct tokens *t, const struct digest *key, const struct digest *party, uint64_t id,
    int fd)
{
	struct token *k = TAILQ_FIRST(&t->free);

	if (k != NULL)
		TAILQ_REMOVE(&t->free, k, next);
	else if (t->n_touched < t->n_slots)
		k = &t->slots[t->n_touched++];
	else
		goto refuse;
	*k = (struct token){ .state = TOKEN_RUNNING, .key = *key, .id = id, .fd = fd };
	TAILQ_INIT(&k->twins);
	if (RB_INSERT(token_keys, &t->keys, k) == NULL) {
		if (RB_INSERT(token_ids, &t->ids, k) == NULL) {
			k->party = party_get(t, party);
			return k;
		}
		RB_REMOVE(token_keys, &t->keys, k);
	}
	k->state = TOKEN_FREE;
	TAILQ_INSERT_HEAD(&t->free, k, next);
refuse:
	if (fd >= 0)
		(void)close(fd);
	return NULL;
}

void
token_end(struct tokens *t, struct token *k, uint64_t now_usec)
{
	k->state = TOKEN_ENDED;
	k->due_usec = now_usec + TOKENS_DEPOSIT_USEC;
	TAILQ_INSERT_TAIL(&t->ended, k, next);
}

void
token_finish(struct tokens *t, struct token *k, uint64_t bytes, uint64_t now_usec)
{
	struct token_party *p = k->party;

	if (!share_allows(p == NULL ? 0 : p->n_done, TOKENS_MAX_DONE - t->n_done, 1))
		token_remove(t, p != NULL && p->n_done > 0 ? TAILQ_FIRST(&p->done) : TAILQ_FIRST(&t->done));
	if (k->state == TOKEN_ENDED)
		TAILQ_REMOVE(&t->ended, k, next);
	RB_REMOVE(token_ids, &t->ids, k);
	k->state = TOKEN_DONE;
	k->due_usec = now_usec + TOKENS_KEEP_USEC;
	TAILQ_INSERT_TAIL(&t->done, k, next);
	t->n_done++;
	if (p != NULL) {
		TAILQ_INSERT_TAIL(&p->done, k, next_own);
		p->n_done++;
	}
	token_keep(t, k, bytes);
}

void
token_remove(struct tokens *t, struct token *k)
{
	if (k->state == TOKEN_DONE) {
		token_spend(t, k);
		TAILQ_REMOVE(&t->done, k, next);
		t->n_done--;
		if (k->party != NULL) {
			TAILQ_REMOVE(&k->party->done, k, next_own);
			k->party->n_done--;
		}
	} else {
		if (k->state == TOKEN_ENDED)
			TAILQ_REMOVE(&t->ended, k, next);
		RB_REMOVE(token_ids, &t->ids, k);
	}
	if (k->fd >= 0)
		(void)close(k->fd);
	RB_REMOVE(token_keys, &t->keys, k);
	party_put(t, TAKE_PTR(k->party));
	k->state = TOKEN_FREE;
	k->fd = -1;
	TAILQ_INSERT_HEAD(&t->free, k, next);
}

/* Each list is in order of time, because all tokens of one kind are kept equally long. */
static struct token *
first_due(const struct tokens *t)
{
	struct token *e = TAILQ_FIRST(&t->ended);
	struct token *d = TAILQ_FIRST(&t->done);

	if (e == NULL || d == NULL)
		return e == NULL ? d : e;
	return e->due_usec <= d->due_usec ? e : d;
}

uint64_t
tokens_due(const struct tokens *t)
{
	const struct token *k = first_due(t);

	return k == NULL ? USEC_NEVER : k->due_usec;
}

struct token *
tokens_expired(const struct tokens *t, uint64_t now_usec)
{
	struct token *k = first_due(t);

	return k != NULL && k->due_usec <= now_usec ? k : NULL;
}

struct token *
tokens_next_unfinished(struct tokens *t, struct token *k)
{
	return k == NULL ? RB_MIN(token_ids, &t->ids) : RB_NEXT(token_ids, &t->ids, k);
}
