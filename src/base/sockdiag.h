/* SPDX-License-Identifier: ISC */
/*
 * sockdiag: asks the kernel for the file that a unix socket is bound to, which no
 * call on the socket itself tells.
 */
#pragma once

#include <stdint.h>

/* A file as the kernel numbers it: on some file systems stat() says otherwise. */
struct sockdiag_file {
	uint32_t dev, ino;	/* the lower half of the number */
};

/*
 * The file that a unix socket is bound to, which need not be at its path any
 * more. 0, or -EOPNOTSUPP: it has none, or the kernel does not tell.
 */
int sockdiag_file(int fd, struct sockdiag_file *ret);

/* The same of a file that is open (O_PATH is enough). 0 or -errno. */
int sockdiag_number(int fd, struct sockdiag_file *ret);
