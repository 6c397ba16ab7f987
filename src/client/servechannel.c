/* SPDX-License-Identifier: ISC */
/*
 * servechannel: the two descriptors of a handler, and all reading and writing
 * on them.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "client/serve.h"

#define READ_SIZE (64u << 10)
#define CHANNEL_FD 3

int
serve_fail(struct serve *s, const char *problem, const char *detail)
{
	if (s->problem == NULL) {
		s->problem = problem;
		s->detail = detail;
	}
	return -1;
}

static void
wait_for(int fd, short events)
{
	struct pollfd p = { .fd = fd, .events = events };

	(void)poll(&p, 1, -1);
}

/*
 * Does write(2) without SIGPIPE. Two system calls less where the program ignores that signal
 * from the start, as interpreters do.
 */
static ssize_t
write_quietly(const struct serve *s, const char *data, size_t len)
{
	const struct timespec now = { 0, 0 };
	sigset_t pipe_only, before;
	ssize_t n;
	int error;

	if (s->ignores_pipe)
		return write(s->out, data, len);
	(void)sigemptyset(&pipe_only);
	(void)sigaddset(&pipe_only, SIGPIPE);
	(void)pthread_sigmask(SIG_BLOCK, &pipe_only, &before);
	n = write(s->out, data, len);
	error = errno;
	if (n < 0 && error == EPIPE && !sigismember(&before, SIGPIPE))
		(void)sigtimedwait(&pipe_only, NULL, &now);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	errno = error;
	return n;
}

int
serve_send(struct serve *s, struct buf *b)
{
	while (buf_len(b) > 0) {
		ssize_t n = write_quietly(s, buf_data(b), buf_len(b));

		if (n >= 0)
			buf_consume(b, (size_t)n);
		else if (errno == EAGAIN)
			wait_for(s->out, POLLOUT);
		else if (errno != EINTR)
			return serve_fail(s, "cannot write the reply", strerror(errno));
	}
	return 0;
}

int
serve_queue(struct serve *s, struct buf *reply)
{
	if (buf_failed(reply))
		return serve_fail(s, "out of memory", NULL);
	if (buf_len(&s->ready) == 0) {
		struct buf empty = s->ready;

		s->ready = *reply;
		s->ready_usec = s->read_usec;
		*reply = empty;
	} else if (buf_append_slice(&s->ready, buf_slice(reply)) < 0) {
		return serve_fail(s, "out of memory", NULL);
	}
	return 0;
}

int
serve_flush(struct serve *s)
{
	return serve_send(s, &s->ready);
}

int
serve_read(struct serve *s, struct buf *to)
{
	char *room = buf_reserve(to, READ_SIZE);

	/* No caller may wait for a reply while the handler waits for bytes. */
	if (serve_flush(s) < 0)
		return -1;
	if (room == NULL)
		return serve_fail(s, "out of memory", NULL);
	if (s->read != NULL) {
		long n = s->read(s->arg, s->in, room, READ_SIZE);

		if (n < 0 || n > (long)READ_SIZE)
			return serve_fail(s, "", NULL);
		buf_commit(to, (size_t)n);
		return n > 0;
	}
	for (;;) {
		ssize_t n = read(s->in, room, READ_SIZE);

		if (n >= 0) {
			buf_commit(to, (size_t)n);
			return n > 0;
		}
		if (errno == EAGAIN)
			wait_for(s->in, POLLIN);
		else if (errno != EINTR)
			return serve_fail(s, "cannot read a request", strerror(errno));
	}
}

/* ---------------------------------------------------------- descriptors --- */

/* Opens a descriptor that has nothing to read. */
static int
empty_open(void)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -1;
	(void)close(fds[1]);
	return fds[0];
}

int
serve_channel_take(struct serve *s)
{
	const char *text = getenv("REQD_CHANNEL");
	CLEANUP_CLOSE int empty = empty_open();
	struct sigaction on_pipe;

	s->ignores_pipe = sigaction(SIGPIPE, NULL, &on_pipe) == 0 && on_pipe.sa_handler == SIG_IGN;

	s->channel = text == NULL ? STDOUT_FILENO : CHANNEL_FD;
	if (text != NULL && strcmp(text, "3") != 0)
		return serve_fail(s, "REQD_CHANNEL is not 3", NULL);
	if (empty < 0)
		return serve_fail(s, "cannot set up the channels", strerror(errno));
	s->in = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, CHANNEL_FD + 1);
	if (s->in < 0)
		return serve_fail(s, "standard input", strerror(errno));
	s->out = fcntl(s->channel, F_DUPFD_CLOEXEC, CHANNEL_FD + 1);
	if (s->out < 0)
		return serve_fail(s, s->channel == CHANNEL_FD ? "descriptor 3" : "standard output",
		    strerror(errno));
	(void)dup2(empty, STDIN_FILENO);
	if (s->channel == CHANNEL_FD)
		(void)fcntl(CHANNEL_FD, F_SETFD, FD_CLOEXEC);
	else if (dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
		(void)close(STDOUT_FILENO);
	return 0;
}

void
serve_channel_return(struct serve *s)
{
	(void)fflush(stdout);
	if (s->in >= 0) {
		(void)dup2(s->in, STDIN_FILENO);
		(void)close(s->in);
	}
	if (s->out >= 0) {
		if (s->channel == STDOUT_FILENO)
			(void)dup2(s->out, STDOUT_FILENO);
		(void)close(s->out);
	}
}
