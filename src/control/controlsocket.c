/* SPDX-License-Identifier: ISC */
/* Accepts clients of the control socket, and reads and writes their bytes. */
#include "config.h"

#include "control/controlsocket.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "proto/resp.h"

/* A request for the control socket is a few short words, and names of services. */
static const struct request_limits limits = {
	.max_arguments = 256,
	.argument_limit = 1024,
	.request_limit = 16384,
	.inline_allowed = true,
};

/* The most that a client may leave unread: a list of every worker, and some. */
#define OUT_MAX (80u << 20)

/* Time for which nothing is accepted after descriptors or memory ran out. */
#define REST_USEC (100 * USEC_PER_MSEC)

/* -------------------------------------------------------------- clients --- */

static void
client_close(struct control_client *c)
{
	struct loop *l = c->socket->loop;

	c->socket->clients[c->index] = NULL;
	loop_undefer(l, &c->wake);
	loop_close_shared(l, &c->io);
	c->socket->ops->forget(c);
	buf_done(&c->in);
	buf_done(&c->out);
	request_done(&c->request);
	free(c);
}

/* Sends what the peer takes; false when the client is gone. */
static bool
client_flush(struct control_client *c)
{
	while (buf_len(&c->out) > 0) {
		ssize_t n = send(c->io.fd, buf_data(&c->out), buf_len(&c->out),
		    MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return true;
		if (n < 0) {
			client_close(c);
			return false;
		}
		buf_consume(&c->out, (size_t)n);
	}
	return true;
}

/* Executes one request; false when there is none to be executed now. */
static bool
client_step(struct control_client *c)
{
	const char *why = "";
	size_t used = 0;
	int r;

	if (c->wait != CONTROL_WAIT_NONE || c->quit || buf_len(&c->out) > 0 ||
	    buf_len(&c->in) == 0)
		return false;
	r = request_decode(buf_slice(&c->in), &limits, &c->cursor, &c->request, &used, &why);
	if (r == REQUEST_AGAIN)
		return false;
	memset(&c->cursor, 0, sizeof(c->cursor));
	if (r != REQUEST_OK && r != REQUEST_EMPTY) {
		resp_errorf(&c->out, "ERR", "Protocol error: %s", why);
		c->quit = true;
		return true;
	}
	buf_consume(&c->in, used);
	if (r == REQUEST_OK)
		c->socket->ops->execute(c);
	return true;
}

/* Sends, and executes requests, as far as possible. May close and free the client. */
static void
client_run(struct control_client *c)
{
	do {
		if (!client_flush(c))
			return;
	} while (client_step(c));

	/* A reply that did not fit would leave the client waiting for ever. */
	if (buf_failed(&c->out) ||
	    ((c->quit || c->eof) && c->wait == CONTROL_WAIT_NONE && buf_len(&c->out) == 0)) {
		client_close(c);
		return;
	}
	/* While it waits only its end is of interest. */
	(void)loop_modify(c->socket->loop, &c->io, buf_len(&c->out) > 0 ? EPOLLOUT :
	    c->wait == CONTROL_WAIT_NONE ? EPOLLIN : EPOLLERR);
}

void
control_client_resume(struct control_client *c)
{
	c->wait = CONTROL_WAIT_NONE;
	loop_disarm(c->socket->loop, &c->timer);
	loop_defer(c->socket->loop, &c->wake);
}

static void
on_wake(struct loop_task *t)
{
	client_run(CONTAINER_OF(t, struct control_client, wake));
}

static void
on_client(struct loop_io *io, uint32_t events)
{
	struct control_client *c = CONTAINER_OF(io, struct control_client, io);
	char bytes[4096];
	ssize_t n;

	if ((events & EPOLLIN) != 0) {
		n = recv(io->fd, bytes, sizeof(bytes), MSG_DONTWAIT);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		c->eof = n == 0;
		if (n < 0 || buf_append(&c->in, bytes, (size_t)n) < 0) {
			client_close(c);
			return;
		}
	} else if ((events & (EPOLLERR | EPOLLHUP)) != 0) {
		client_close(c);
		return;
	}
	client_run(c);
}

static void
client_open(struct control_socket *s, unsigned index, int fd)
{
	struct control_client *c = calloc(1, sizeof(*c));

	if (c == NULL) {
		(void)close(fd);
		return;
	}
	c->socket = s;
	c->io = (struct loop_io){ .fn = on_client, .fd = fd };
	c->wake.fn = on_wake;
	c->index = index;
	c->in = BUF_INIT(64u << 10);
	c->out = BUF_INIT(OUT_MAX);
	for (size_t i = 0; i < CONF_MAX_WORKERS; i++) {
		c->questions[i].client = c;
		c->questions[i].list = -1;
	}
	request_init(&c->request);
	s->clients[index] = c;
	if (loop_add(s->loop, &c->io, EPOLLIN) < 0)
		client_close(c);
}

/* Without a descriptor for the client the event would come again at once. */
static void
control_rest(struct control_socket *s)
{
	struct loop *l = s->loop;

	loop_remove(l, &s->io);
	loop_arm(l, &s->rest, clock_usec() + REST_USEC);
}

static void
on_rested(struct loop_timer *t)
{
	struct control_socket *s = CONTAINER_OF(t, struct control_socket, rest);

	if (loop_add(s->loop, &s->io, EPOLLIN) < 0)
		control_rest(s);
}

static void
on_connect(struct loop_io *io, uint32_t events)
{
	static const char full[] = "-ERR max number of clients reached\r\n";
	struct control_socket *s = CONTAINER_OF(io, struct control_socket, io);
	unsigned i = 0;
	int client;

	(void)events;
	client = accept4(io->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (client < 0) {
		if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
			control_rest(s);
		return;
	}
	while (i < CONTROL_MAX_CLIENTS && s->clients[i] != NULL)
		i++;
	if (i < CONTROL_MAX_CLIENTS) {
		client_open(s, i, client);
		return;
	}
	(void)send(client, full, sizeof(full) - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
	(void)close(client);
}

/* -------------------------------------------------------------- socket --- */

void
control_socket_init(struct control_socket *s, struct loop *l, const struct control_ops *ops)
{
	*s = (struct control_socket){
		.loop = l, .ops = ops, .rest.fn = on_rested,
		.io = { .fn = on_connect, .fd = -1 },
	};
}

void
control_socket_listen(struct control_socket *s, int fd)
{
	loop_disarm(s->loop, &s->rest);
	loop_close_shared(s->loop, &s->io);
	s->io.fd = fd;
	if (fd >= 0)
		on_rested(&s->rest);
}
