/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "conf/arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK_SIZE 16384

struct arena_chunk {
	struct arena_chunk *next;
	alignas(max_align_t) char data[];
};

void
arena_done(struct arena *a)
{
	while (a->chunks != NULL) {
		struct arena_chunk *next = a->chunks->next;

		free(a->chunks);
		a->chunks = next;
	}
	a->used = a->size = 0;
}

void
arena_merge(struct arena *a, struct arena *from)
{
	struct arena_chunk **end = &a->chunks;

	if (a->chunks == NULL) {
		*a = *from;
	} else {
		while (*end != NULL)
			end = &(*end)->next;
		*end = from->chunks;
	}
	*from = (struct arena){ 0 };
}

void *
arena_alloc(struct arena *a, size_t n)
{
	const size_t align = alignof(max_align_t);
	void *p;

	if (n > SIZE_MAX / 2)
		return NULL;
	n = (n + align - 1) / align * align;
	if (a->chunks == NULL || n > a->size - a->used) {
		size_t size = n > CHUNK_SIZE ? n : CHUNK_SIZE;
		struct arena_chunk *c = calloc(1, sizeof(*c) + size);

		if (c == NULL)
			return NULL;
		c->next = a->chunks;
		a->chunks = c;
		a->used = 0;
		a->size = size;
	}
	p = a->chunks->data + a->used;
	a->used += n;
	return p;
}

char *
arena_strndup(struct arena *a, const char *s, size_t len)
{
	char *copy = arena_alloc(a, len + 1);

	if (copy != NULL && len > 0)
		memcpy(copy, s, len);
	return copy;
}

char *
arena_strdup(struct arena *a, const char *s)
{
	return arena_strndup(a, s, strlen(s));
}

void *
arena_grow(struct arena *a, void *array, size_t n, size_t size)
{
	void *bigger;

	if ((n & (n - 1)) != 0)		/* full only at powers of two */
		return array;
	bigger = arena_alloc(a, (n == 0 ? 1 : 2 * n) * size);
	if (bigger != NULL && n > 0)
		memcpy(bigger, array, n * size);
	return bigger;
}
