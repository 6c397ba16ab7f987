/* SPDX-License-Identifier: ISC */
/*
 * Cleanup attributes: the release stands on the line of the allocation.
 *
 *	CLEANUP(thing_freep) struct thing *t = NULL;
 *	CLEANUP_CLOSE int fd = -1;
 *	...
 *	*ret = TAKE_PTR(t);
 *
 * A destructor accepts NULL (or -1) and half-built objects.
 */
#pragma once

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define CLEANUP(fn) __attribute__((cleanup(fn)))
#define CLEANUP_FREE CLEANUP(cleanup_free)
#define CLEANUP_CLOSE CLEANUP(cleanup_close)
#define CLEANUP_FILE CLEANUP(cleanup_file)

#define TAKE_PTR(p)                                                          \
	({                                                                   \
		__typeof__(p) taken_ = (p);                                  \
		(p) = NULL;                                                  \
		taken_;                                                      \
	})

#define TAKE_FD(fd)                                                          \
	({                                                                   \
		int taken_ = (fd);                                           \
		(fd) = -1;                                                   \
		taken_;                                                      \
	})

/*
 * Marks code that a child runs between fork and exec. The linker puts such code
 * together, because each page of the program that a child has to map costs it 2
 * us.
 */
#define CHILD_CODE __attribute__((hot))

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

static inline void
cleanup_free(void *p)
{
	free(*(void **)p);
}

static inline void
cleanup_close(const int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		(void)close(*fd);
	errno = saved;
}

static inline void
cleanup_file(FILE **f)
{
	if (*f != NULL)
		(void)fclose(*f);
}
