/* SPDX-License-Identifier: ISC */
/*
 * sparse: zeroed memory that costs nothing until it is touched and is not
 * copied to children at a fork; for tables that are made once. Also keeps
 * libraries out of children.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>

/* gcc has a macro for the address sanitizer, clang a question. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SPARSE_SANITIZED 1
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#define SPARSE_SANITIZED 1
#endif

#ifdef SPARSE_SANITIZED
#include <sanitizer/lsan_interface.h>
#endif

/*
 * Allocates n things of this size; NULL when memory is out. The memory is never
 * given back.
 */
static inline void *
sparse_alloc(size_t n, size_t size)
{
	void *p = mmap(NULL, n * size, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		return NULL;
	(void)madvise(p, n * size, MADV_DONTFORK);
#ifdef SPARSE_SANITIZED
	/* The leak check must follow pointers from here. */
	__lsan_register_root_region(p, n * size);
#endif
	return p;
}

/*
 * Keeps every library but the C library and its loader out of children, if this
 * program is linked so that a child needs no other. own_code is the address of
 * any function of the program. The fork has to be a bare system call: fork()
 * would run handlers of libraries in the child, where they are missing.
 */
void sparse_libraries(uintptr_t own_code);
