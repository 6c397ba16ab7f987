/* SPDX-License-Identifier: ISC */
/*
 * token: the tokens (--id) in progress, and the results of those that are done,
 * so that a request sent again is answered and not run again.
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

#define TOKENS_MAX_DONE 256			/* results kept; the oldest goes first */
#define TOKENS_KEEP_USEC (600 * USEC_PER_SEC)	/* a result is kept so long */
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
	int fd;			/* DONE: sealed result; before: the file for it; -1: none */
	struct token_twins twins;	/* requests that want the result */
	uint64_t due_usec;	/* ENDED: lost then; DONE: forgotten then */
	RB_ENTRY(token) by_key;
	RB_ENTRY(token) by_id;	/* until DONE */
	TAILQ_ENTRY(token) next;	/* ENDED, DONE: oldest first; or free */
};

RB_HEAD(token_keys, token);
RB_HEAD(token_ids, token);
TAILQ_HEAD(token_list, token);

struct tokens {
	struct token *slots;
	size_t n_slots, n_touched, n_done;
	struct token_keys keys;
	struct token_ids ids;
	struct token_list ended, done, free;
};

/* slots is zeroed memory for n tokens, borrowed. */
void tokens_init(struct tokens *t, struct token *slots, size_t n);

struct token *tokens_find(struct tokens *t, const struct digest *key);
/* The token of this request, if its result is not here yet; or NULL. */
struct token *tokens_find_id(struct tokens *t, uint64_t id);

/*
 * A token begins to run; NULL when the table is full, or has that token or a
 * token of that request already. Takes fd, the file for its result.
 */
struct token *tokens_add(struct tokens *t, const struct digest *key, uint64_t id, int fd);

/* Notes that the program ended: its worker has TOKENS_DEPOSIT_USEC to bring the result. */
void token_end(struct tokens *t, struct token *k, uint64_t now_usec);

/* Notes that the result is in its file. */
void token_finish(struct tokens *t, struct token *k, uint64_t now_usec);

/* Forgets the token, closing the result. */
void token_remove(struct tokens *t, struct token *k);

/* When the next token is due; USEC_NEVER: none. */
uint64_t tokens_due(const struct tokens *t);
/* A token that is due, for the caller to act on and remove, or NULL. */
struct token *tokens_expired(const struct tokens *t, uint64_t now_usec);

/* The tokens not DONE, in the order of their ids; after NULL comes the first. */
struct token *tokens_next_unfinished(struct tokens *t, struct token *k);
