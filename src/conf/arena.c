/* SPDX-License-Identifier: ISC */
/* Memory in a few large shared mappings, freed as a whole. */
#include "config.h"

#include "conf/arena.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/*
 * Each mapping makes a fork slower, so there are few: after the first one, all
 * are large. Pages that are not touched cost nothing.
 */
#define CHUNK_FIRST ((size_t)64 << 10)
#define CHUNK_NEXT ((size_t)16 << 20)

struct arena_chunk {
	struct arena_chunk *next;
	size_t size;		/* with this head */
	alignas(max_align_t) char data[];
};

void
arena_done(struct arena *a)
{
	while (a->chunks != NULL) {
		struct arena_chunk *next = a->chunks->next;

		(void)munmap(a->chunks, a->chunks->size);
		a->chunks = next;
	}
	*a = (struct arena){ 0 };
}

static struct arena_chunk *
chunk_new(const struct arena_chunk *last, size_t n)
{
	size_t size = last == NULL ? CHUNK_FIRST : CHUNK_NEXT;
	struct arena_chunk *c;

	if (n > size - sizeof(*c))
		size = n + sizeof(*c);
	c = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (c == MAP_FAILED)
		return NULL;
	c->size = size;
	return c;
}

static void *
take(struct arena *a, size_t n, size_t align)
{
	size_t start = (a->used + align - 1) / align * align;

	if (n > SIZE_MAX / 2)
		return NULL;
	if (a->chunks == NULL || start > a->size || n > a->size - start) {
		struct arena_chunk *c = chunk_new(a->chunks, n);

		if (c == NULL)
			return NULL;
		c->next = a->chunks;
		a->chunks = c;
		a->size = c->size - sizeof(*c);
		start = 0;
	}
	a->used = start + n;
	return a->chunks->data + start;
}

void *
arena_alloc(struct arena *a, size_t n)
{
	return take(a, n, alignof(max_align_t));
}

char *
arena_strndup(struct arena *a, const char *s, size_t len)
{
	char *copy = take(a, len + 1, 1);

	if (copy != NULL && len > 0)
		memcpy(copy, s, len);
	return copy;
}

char *
arena_strdup(struct arena *a, const char *s)
{
	return arena_strndup(a, s, strlen(s));
}

char *
arena_printf(struct arena *a, const char *fmt, ...)
{
	char *text = NULL, *copy;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	copy = text != NULL ? arena_strdup(a, text) : NULL;
	free(text);
	return copy;
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
