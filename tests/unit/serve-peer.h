/* SPDX-License-Identifier: ISC */
/*
 * serve-peer: the handler side of libreqd through its public functions. A child
 * serves requests from a file (or from a pipe) and leaves its replies and
 * messages in files.
 */
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/reqd.h"
#include "unit.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))
#define PING "*1\r\n$4\r\nPING\r\n"
#define PONG "+PONG\r\n"
#define LARGE (3u << 20)

/* ------------------------------------------------------------- functions --- */

/*
 * The function of the child; the program that includes this header defines it.
 */
static void handle(void *arg, struct reqd_request *req);

struct function {
	const char *name;
	void (*fn)(struct reqd_request *req);
};

#define FUNCTION(fn) { #fn, fn }

/* ck_assert cannot be used: Check's own messages would go to descriptor 3. */
static inline void
must(bool condition)
{
	if (!condition)
		abort();
}

/* Calls the function that the request names; without one there is no reply. */
static inline void
call_function(const struct function *functions, size_t n, const char *arg,
    struct reqd_request *req)
{
	must(strcmp(arg, "argument") == 0);
	for (size_t i = 0; i < n; i++) {
		if (strcmp(functions[i].name, req->argv[0]) == 0)
			functions[i].fn(req);
	}
}

static inline void
echo(struct reqd_request *req)
{
	for (size_t i = 0; i < req->argc; i++)
		must(req->argv[i][req->lens[i]] == '\0');
	must(req->argv[req->argc] == NULL);
	if (req->argc == 2) {
		reqd_reply_bulk(req, req->argv[1], req->lens[1]);
		return;
	}
	reqd_reply_array(req, req->argc - 1);
	for (size_t i = 1; i < req->argc; i++)
		reqd_reply_bulk(req, req->argv[i], req->lens[i]);
}

/* -------------------------------------------------------------- children --- */

struct text {
	char *data;
	size_t len;
};

/* channel is the value of REQD_CHANNEL; the child then has a descriptor 3. */
struct child {
	int in, out;
	int not_its;		/* the other end of in, to be closed; 0: none */
	const char *channel;
	bool is_batch;
	reqd_read_fn *read;	/* NULL: none */
	pid_t pid;
	int err;
};

struct served {
	struct text out, err;
	int status;		/* as of wait(2) */
};

static inline int
file_new(const void *data, size_t len)
{
	int fd = memfd_create("test", MFD_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, data, len), (ssize_t)len);
	ck_assert_int_eq(lseek(fd, 0, SEEK_SET), 0);
	return fd;
}

static inline struct text
file_take(int fd)
{
	struct text t = { NULL, (size_t)lseek(fd, 0, SEEK_END) };

	t.data = calloc(1, t.len + 1);
	ck_assert_ptr_nonnull(t.data);
	ck_assert_int_eq(pread(fd, t.data, t.len, 0), (ssize_t)t.len);
	(void)close(fd);
	return t;
}

static inline void
child_start(struct child *c)
{
	char argument[] = "argument";

	c->err = file_new("", 0);
	(void)fflush(NULL);
	c->pid = fork();
	ck_assert_int_ge(c->pid, 0);
	if (c->pid > 0)
		return;
	(void)signal(SIGPIPE, SIG_DFL);
	if (c->not_its > 0)
		(void)close(c->not_its);
	(void)dup2(c->in, 0);
	(void)dup2(c->err, 2);
	if (c->channel == NULL) {
		(void)dup2(c->out, 1);
		(void)unsetenv("REQD_CHANNEL");
	} else {
		(void)dup2(c->err, 1);
		(void)dup2(c->out, 3);
		(void)setenv("REQD_CHANNEL", c->channel, 1);
	}
	if (c->read != NULL)
		exit(reqd_serve_with(handle, c->read, argument, 0));
	exit(c->is_batch ? reqd_serve_batch(handle, argument) : reqd_serve(handle, argument));
}

static inline struct served
child_end(struct child *c)
{
	struct served s = { 0 };

	ck_assert_int_eq(waitpid(c->pid, &s.status, 0), c->pid);
	s.err = file_take(c->err);
	return s;
}

/* Runs a child from start to end, with files at both ends. */
static inline struct served
serve_child(struct child *c)
{
	struct served s;

	c->out = file_new("", 0);
	child_start(c);
	s = child_end(c);
	s.out = file_take(c->out);
	(void)close(c->in);
	return s;
}

static inline struct served
serve(const void *data, size_t len)
{
	return serve_child(&(struct child){ .in = file_new(data, len) });
}

/* ---------------------------------------------------------------- checks --- */

static inline void
assert_bytes(const char *what, struct text got, const void *want, size_t len)
{
	ck_assert_msg(got.len == len && memcmp(got.data, want, len) == 0,
	    "%s: got %zu bytes: %s", what, got.len, got.data);
}

/* The child has ended with this status; its results are freed. */
static inline void
ck_ended(const char *what, struct served *s, int status, const char *err)
{
	ck_assert_msg(WIFEXITED(s->status) && WEXITSTATUS(s->status) == status,
	    "%s: status %x, %s", what, (unsigned)s->status, s->err.data);
	ck_assert_msg(strcmp(s->err.data, err) == 0, "%s: %s", what, s->err.data);
	free(s->out.data);
	free(s->err.data);
}

/* The child has answered this, and reported nothing. */
static inline void
ck_served(const char *what, struct served *s, const void *want, size_t len)
{
	assert_bytes(what, s->out, want, len);
	ck_ended(what, s, 0, "");
}

/* The child has answered this, and then given up. */
static inline void
ck_failed(const char *what, struct served *s, const char *want, const char *err)
{
	assert_bytes(what, s->out, want, strlen(want));
	ck_ended(what, s, 1, err);
}

/* ------------------------------------------------------------- exchanges --- */

/* All input of a child, and all its output. */
struct exchange {
	const char *name;
	const char *in;
	size_t in_len;
	const char *out;
	size_t out_len;
};

#define EXCHANGE(name, in, out) { name, in, sizeof(in) - 1, out, sizeof(out) - 1 }

static inline void
ck_exchange(const struct exchange *e)
{
	struct served s = serve(e->in, e->in_len);

	ck_served(e->name, &s, e->out, e->out_len);
}

/*
 * Does the same a byte at a time, through a pipe that does not block its
 * reader.
 */
static inline void
ck_exchange_slowly(const struct exchange *e)
{
	struct child c = { .out = file_new("", 0) };
	struct served s;
	int fds[2];

	ck_assert_int_eq(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
	c.in = fds[0];
	c.not_its = fds[1];
	child_start(&c);
	(void)close(fds[0]);
	for (size_t i = 0; i < e->in_len; i++)
		ck_assert_int_eq(write(fds[1], e->in + i, 1), 1);
	(void)close(fds[1]);
	s = child_end(&c);
	s.out = file_take(c.out);
	ck_served(e->name, &s, e->out, e->out_len);
}
