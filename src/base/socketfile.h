/* SPDX-License-Identifier: ISC */
/*
 * socketfile: a unix socket in the file system, and which file it is, so
 * that nobody else's file at the same path is ever changed or removed.
 */
#pragma once

#include <stdbool.h>
#include <sys/stat.h>
#include <sys/types.h>

enum listen_use {
	LISTEN_OPEN,
	LISTEN_TRY,	/* to see whether it could be opened: nobody can connect, no file is made */
};

struct socket_file {
	dev_t dev;
	ino_t ino;	/* 0: none */
};

/* Of a socket file. uid, gid -1: ours. */
struct socket_rights {
	mode_t mode;
	uid_t uid;
	gid_t gid;
};

/*
 * A listening unix socket with its final mode and owner before anybody can
 * connect. A stale socket file is removed; one that answers is -EADDRINUSE.
 * LISTEN_TRY gives a socket that is bound to nothing, if all would go well as far as
 * can be seen. Descriptor or -errno: -EPERM, too, when it could not be given away.
 */
int socket_file_open(const char *path, enum listen_use use, const struct socket_rights *rights,
    int backlog, struct socket_file *ret);

/* A socket as LISTEN_TRY gives it, for a path of which nothing can be seen. */
int socket_file_unbound(void);

/* True if the two paths name one place. Nothing has to be there. */
bool socket_file_same_place(const char *a, const char *b);

/* The reason in words why socket_file_open() has failed. */
const char *socket_file_error(int error);

/* True if the file at this path is (still) the one that was made. */
bool socket_file_is(const struct socket_file *f, const char *path);

/*
 * Other rights for a file that is still ours. LISTEN_TRY changes nothing and sees
 * whether that would go well. 0 or -errno.
 */
int socket_file_change(const struct socket_file *f, const char *path, enum listen_use use,
    const struct socket_rights *rights);

/*
 * The file of a socket that somebody else has bound, and its state, if that
 * file is at this path. 0; -ENOENT: nothing is there; -ESTALE: the file there
 * is another one; -EOPNOTSUPP: there is a socket, but the kernel does not tell
 * which one (*ret_st is filled in).
 */
int socket_file_of(int fd, const char *path, struct socket_file *ret, struct stat *ret_st);

/* Removes the file if it is still ours. */
void socket_file_remove(struct socket_file *f, const char *path);
