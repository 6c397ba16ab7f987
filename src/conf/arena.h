/* SPDX-License-Identifier: ISC */
/*
 * arena: memory that is released as a whole.
 *
 * A configuration is built once, never changed, and released at once; so is the
 * tree it is read from. Both go back to the kernel, while a heap would keep the
 * memory for later. The mapping is a shared one: fork() copies no page tables
 * of it, so a process forks as fast with it as without.
 */
#pragma once

#include <stddef.h>

struct arena_chunk;

struct arena {
	struct arena_chunk *chunks;
	size_t used, size;	/* of the first chunk */
};

void arena_done(struct arena *a);

/* All return zeroed memory, or NULL. */
void *arena_alloc(struct arena *a, size_t n);
char *arena_strdup(struct arena *a, const char *s);
char *arena_strndup(struct arena *a, const char *s, size_t len);
char *arena_printf(struct arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/*
 * Makes room for one more element after the n of an array that only this
 * function has made. The array may move; the new element is zeroed.
 */
void *arena_grow(struct arena *a, void *array, size_t n, size_t size);
