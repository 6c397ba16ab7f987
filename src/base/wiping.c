/* SPDX-License-Identifier: ISC */
/* wiping: memory that is overwritten when it is freed. */
#include "config.h"

#include "base/wiping.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

void *
wiping_malloc(size_t n, const char *file, int line)
{
	(void)file;
	(void)line;
	return malloc(n);
}

void
wiping_free(void *p, const char *file, int line)
{
	(void)file;
	(void)line;
	if (p != NULL)
		explicit_bzero(p, malloc_usable_size(p));
	free(p);
}

/* Always moves: what realloc() leaves behind could not be overwritten. */
void *
wiping_realloc(void *p, size_t n, const char *file, int line)
{
	size_t old = p != NULL ? malloc_usable_size(p) : 0;
	void *to = n > 0 ? malloc(n) : NULL;

	if (to == NULL && n > 0)
		return NULL;
	if (to != NULL && p != NULL)
		(void)memcpy(to, p, old < n ? old : n);
	wiping_free(p, file, line);
	return to;
}
