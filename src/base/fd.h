/* SPDX-License-Identifier: ISC */
/*
 * fd: small things done to descriptors.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* 0 or -errno. */
int fd_set_nonblock(int fd, bool on);
int fd_set_cloexec(int fd, bool on);

/*
 * A pipe, close-on-exec, whose end own (0 to read, 1 to write) does not
 * block, while the other, which is for a program, does. 0 or -errno.
 */
int fd_pipe(int ret[static 2], int own);

/* The same open file under a number of at least min, close-on-exec; takes fd.
 * A number or -errno, which it hands on when fd is one. */
int fd_lift(int fd, int min);

/* An option of a socket that is a number; -errno: there is none. */
int fd_option(int fd, int level, int option);

/* The family of a socket; AF_UNSPEC: it is none. */
int fd_domain(int fd);

/*
 * Opens /dev/null for each number below n that is closed, so that nothing else ever
 * gets it: 0, 1 and 2 for children, too. 0 or -errno.
 */
int fd_fill(int n);

/*
 * The beginning of a file, opened as by openat(), as text with a NUL at its
 * end: as much as one read gives and as fits. Meant for files of the kernel
 * (/proc, /sys), which give theirs at once and do not block; of a pipe or the
 * like it would wait. Returns the length, or -errno with an empty text.
 */
ssize_t fd_read_text(int dir_fd, const char *path, char *text, size_t size);

/* Writes all of it to a blocking descriptor. 0 or -errno. */
int fd_write_all(int fd, const void *data, size_t len);

/*
 * A sealed memory file holding these bytes, read position at 0. Nobody, not
 * even the maker, can change it. Returns the descriptor or -errno.
 */
int fd_sealed(const char *name, const void *data, size_t len);

/*
 * Maps a sealed memory file for reading. Fails with -EPERM when it can still
 * be written or shrunk by somebody, with -EFBIG above max bytes.
 * *ret is NULL for an empty file; release with munmap.
 */
int fd_map_sealed(int fd, size_t max, const char **ret, size_t *ret_len);
