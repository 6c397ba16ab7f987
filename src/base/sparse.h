/* SPDX-License-Identifier: ISC */
/*
 * sparse: zeroed memory that costs nothing until it is touched, and nothing
 * at a fork, as children do not get it. For tables made once. And what else
 * children do not need.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
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

/*
 * Children get no library but the C library and its loader, if this program is
 * linked so that a child needs none. own_code: some function of it. The fork
 * has to be a bare system call: handlers that a library wants run in the child
 * would not be there.
 */
void sparse_libraries(uintptr_t own_code);
