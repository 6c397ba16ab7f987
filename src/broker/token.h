/* SPDX-License-Identifier: ISC */
/*
 * token: the tokens (--id) in progress, and the results of those that are done,
 * so that a request sent again is answered and not run again.
 *
 * A token that is done is known for ten minutes, its result may go earlier: such a token
 * is spent. Results and tokens are shared by parties (base/share.h): a party that
 * has its share loses its own oldest, not those of others.
 *
 * The key is a digest of owner and token, so two callers cannot meet. No clock:
 * the caller says what time it is.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/tree.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/share.h"

#define TOKENS_MAX_KEPT 1024			/* results kept, each an open file */
#define TOKENS_MAX_DONE 65536			/* tokens known that are done */
#define TOKENS_KEEP_USEC (600 * USEC_PER_SEC)	/* a token is known so long */
#define TOKENS_DEPOSIT_USEC (5 * USEC_PER_SEC)	/* longest time from end to result */

enum token_state {
	TOKEN_FREE,
	TOKEN_RUNNING,
	TOKEN_ENDED,	/* the program is gone, its result not yet here */
	TOKEN_DONE,
};

struct entry;

TAILQ_HEAD(token_twins, entry);

struct token {
	enum token_state state;
	struct digest key;
	uint64_t id;		/* of the request that runs it */
	int fd;			/* DONE: sealed result, -1: spent; before: the file, -1: none */
	uint64_t bytes;		/* DONE: of the result */
	struct token_party *party;	/* NULL: no memory was left to count it */
	struct token_twins twins;	/* requests that want the result */
	uint64_t due_usec;	/* ENDED: lost then; DONE: forgotten then */
	RB_ENTRY(token) by_key;
	RB_ENTRY(token) by_id;	/* until DONE */
	TAILQ_ENTRY(token) next;	/* ENDED, DONE: oldest first; or free */
	TAILQ_ENTRY(token) next_kept;	/* DONE, not spent: oldest first */
	TAILQ_ENTRY(token) next_own, next_own_kept;	/* the same, of the party */
};

RB_HEAD(token_keys, token);
RB_HEAD(token_ids, token);
TAILQ_HEAD(token_list, token);

/* Results and finished tokens of one party. */
struct token_party {
	struct share share;		/* a hold for each token */
	struct token_list done, kept;	/* oldest first */
	size_t n_done, n_kept;
	uint64_t bytes;
};

struct tokens {
	struct token *slots;
	size_t n_slots, n_touched, n_done, n_kept;
	size_t max_kept;		/* TOKENS_MAX_KEPT, or fewer with few open files */
	uint64_t bytes, max_bytes;	/* of the results that are kept */
	uint64_t n_spent;		/* results given up before their time, ever */
	struct token_keys keys;
	struct token_ids ids;
	struct token_list ended, done, kept, free;
	struct shares parties;
};

/* slots and parties are zeroed memory for n of each, borrowed. */
void tokens_init(struct tokens *t, struct token *slots, struct token_party *parties, size_t n);

/* Sets the limit of bytes for results, also for those that are kept already. */
void tokens_limit(struct tokens *t, uint64_t max_bytes);

struct token *tokens_find(struct tokens *t, const struct digest *key);
/* The token of this request, if its result is not here yet; or NULL. */
struct token *tokens_find_id(struct tokens *t, uint64_t id);

/*
 * A token begins to run; NULL when the table is full, or has that token or a
 * token of that request already. Takes fd, the file for its result.
 */
struct token *tokens_add(struct tokens *t, const struct digest *key, const struct digest *party,
    uint64_t id, int fd);

/* Notes that the program ended: its worker has TOKENS_DEPOSIT_USEC to bring the result. */
void token_end(struct tokens *t, struct token *k, uint64_t now_usec);

/* Notes that the result is in its file, with so many bytes. May forget or spend other tokens. */
void token_finish(struct tokens *t, struct token *k, uint64_t bytes, uint64_t now_usec);

/* Forgets the token, closing the result. */
void token_remove(struct tokens *t, struct token *k);

/* When the next token is due; USEC_NEVER: none. */
uint64_t tokens_due(const struct tokens *t);
/* A token that is due, for the caller to act on and remove, or NULL. */
struct token *tokens_expired(const struct tokens *t, uint64_t now_usec);

/* The tokens not DONE, in the order of their ids; after NULL comes the first. */
struct token *tokens_next_unfinished(struct tokens *t, struct token *k);
