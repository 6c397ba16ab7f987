/* SPDX-License-Identifier: ISC */
/*
 * arena: memory that is released as a whole.
 *
 * A configuration is built once, never changed, and freed at once; so is the
 * tree it is read from. Everything is zeroed.
 */
#pragma once

#include <stddef.h>

struct arena_chunk;

struct arena {
	struct arena_chunk *chunks;
	size_t used, size;	/* of the first chunk */
};

void arena_done(struct arena *a);

/* Moves what from holds into a. */
void arena_merge(struct arena *a, struct arena *from);

/* All return NULL without memory. */
void *arena_alloc(struct arena *a, size_t n);
char *arena_strdup(struct arena *a, const char *s);
char *arena_strndup(struct arena *a, const char *s, size_t len);

/*
 * Room for one more element after the n of an array that was made by this
 * function only. The array may move; the new element is zeroed.
 */
void *arena_grow(struct arena *a, void *array, size_t n, size_t size);
