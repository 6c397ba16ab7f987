/* SPDX-License-Identifier: ISC */
/*
 * sparse: zeroed memory that costs nothing until it is touched, and nothing
 * at a fork, as children do not get it. For tables made once.
 */
#pragma once

#include <stddef.h>
#include <sys/mman.h>
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/lsan_interface.h>
#endif

/* For n things of this size; NULL without memory. It is never given back. */
static inline void *
sparse_alloc(size_t n, size_t size)
{
	void *p = mmap(NULL, n * size, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		return NULL;
	(void)madvise(p, n * size, MADV_DONTFORK);
#ifdef __SANITIZE_ADDRESS__
	/* What is reached from here is not lost. */
	__lsan_register_root_region(p, n * size);
#endif
	return p;
}
