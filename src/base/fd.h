/* SPDX-License-Identifier: ISC */
/* fd: small operations on descriptors. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Turns O_NONBLOCK on or off. 0 or -errno. */
int fd_set_nonblock(int fd, bool on);
int fd_set_cloexec(int fd, bool on);

/*
 * Makes a pipe, close-on-exec. Its end number own (0 to read, 1 to write) does
 * not block; the other end, which is for a program, does. 0 or -errno.
 */
int fd_pipe(int ret[static 2], int own);

/*
 * Moves an open file to a number of at least min, close-on-exec. Takes fd.
 * Returns the number or -errno; if fd is already -errno, returns fd.
 */
int fd_lift(int fd, int min);

/* Returns an option of a socket that is a number, or -errno. */
int fd_option(int fd, int level, int option);

/*
 * Returns the family of a socket, or AF_UNSPEC if the descriptor is no socket.
 */
int fd_domain(int fd);

/*
 * Opens /dev/null for each number below n that is closed, so that no other file
 * ever gets these numbers: 0, 1 and 2 for children, too. 0 or -errno.
 */
int fd_fill(int n);

/*
 * Reads the beginning of a file, opened as by openat(), as text with a NUL at
 * its end: as much as one read gives and as fits. Meant for files of the kernel
 * (/proc, /sys), which answer at once; reading a pipe could block. Returns the
 * length, or -errno with an empty text.
 */
ssize_t fd_read_text(int dir_fd, const char *path, char *text, size_t size);

/* Writes all bytes to a blocking descriptor. 0 or -errno. */
int fd_write_all(int fd, const void *data, size_t len);

/*
 * Makes a sealed memory file with these bytes, read position at 0. After that
 * no process can change it. Returns the descriptor or -errno.
 */
int fd_sealed(const char *name, const void *data, size_t len);

/*
 * The size of a memory file, or -errno. Not by fstat(), which the C library makes a call
 * that takes a path: no confined process may have that one.
 */
ssize_t fd_size(int fd);

/*
 * Maps a sealed memory file for reading. Fails with -EPERM when a process can
 * still write or shrink the file, with -EFBIG when the file has more than max
 * bytes. *ret is NULL for an empty file; release with munmap.
 */
int fd_map_sealed(int fd, size_t max, const char **ret, size_t *ret_len);
