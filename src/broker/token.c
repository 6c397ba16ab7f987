/* SPDX-License-Identifier: ISC */
/* Tokens of requests, by key, by request and by time. */
#include "config.h"

#include "broker/token.h"

#include <string.h>
#include <unistd.h>

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
tokens_init(struct tokens *t, struct token *slots, size_t n)
{
	*t = (struct tokens){ .slots = slots, .n_slots = n };
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

struct token *
tokens_add(struct tokens *t, const struct digest *key, uint64_t id, int fd)
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
		if (RB_INSERT(token_ids, &t->ids, k) == NULL)
			return k;
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
token_finish(struct tokens *t, struct token *k, uint64_t now_usec)
{
	if (t->n_done == TOKENS_MAX_DONE)
		token_remove(t, TAILQ_FIRST(&t->done));
	if (k->state == TOKEN_ENDED)
		TAILQ_REMOVE(&t->ended, k, next);
	RB_REMOVE(token_ids, &t->ids, k);
	k->state = TOKEN_DONE;
	k->due_usec = now_usec + TOKENS_KEEP_USEC;
	TAILQ_INSERT_TAIL(&t->done, k, next);
	t->n_done++;
}

void
token_remove(struct tokens *t, struct token *k)
{
	if (k->state == TOKEN_DONE) {
		TAILQ_REMOVE(&t->done, k, next);
		t->n_done--;
	} else {
		if (k->state == TOKEN_ENDED)
			TAILQ_REMOVE(&t->ended, k, next);
		RB_REMOVE(token_ids, &t->ids, k);
	}
	if (k->fd >= 0)
		(void)close(k->fd);
	RB_REMOVE(token_keys, &t->keys, k);
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
