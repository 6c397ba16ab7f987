/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "master/control.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "ipc/logrec.h"
#include "master/controlverbs.h"
#include "master/master.h"
#include "master/rundir.h"
#include "proto/resp.h"

/* A request for the control socket is a few short words. */
static const struct request_limits limits = {
	.max_arguments = 8,
	.argument_limit = 1024,
	.request_limit = 4096,
	.inline_allowed = true,
};

/* What a client has not read yet: a list of every worker, and some. */
#define OUT_MAX (80u << 20)

#define CONTROL_BACKLOG 64

/* No descriptors, no memory: so long nothing is accepted. */
#define REST_USEC (100 * USEC_PER_MSEC)

/* -------------------------------------------------------------- clients --- */

static void
client_close(struct control_client *c)
{
	struct loop *l = &c->control->master->loop;

	c->control->clients[c->index] = NULL;
	loop_undefer(l, &c->wake);
	loop_close_shared(l, &c->io);
	control_forget(c);
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
		control_execute(c);
	return true;
}

/* Goes on as far as it can. The client may be gone afterwards. */
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
	(void)loop_modify(&c->control->master->loop, &c->io, buf_len(&c->out) > 0 ? EPOLLOUT :
	    c->wait == CONTROL_WAIT_NONE ? EPOLLIN : EPOLLERR);
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
client_open(struct control *control, unsigned index, int fd)
{
	struct control_client *c = calloc(1, sizeof(*c));

	if (c == NULL) {
		(void)close(fd);
		return;
	}
	c->control = control;
	c->io = (struct loop_io){ .fn = on_client, .fd = fd };
	c->wake.fn = on_wake;
	c->index = index;
	c->in = BUF_INIT(64u << 10);
	c->out = BUF_INIT(OUT_MAX);
	request_init(&c->request);
	for (size_t l = 0; l < CONF_MAX_WORKERS; l++)
		c->lists[l] = -1;
	control->clients[index] = c;
	if (loop_add(&control->master->loop, &c->io, EPOLLIN) < 0)
		client_close(c);
}

/* Without a descriptor for the client the event would come again at once. */
static void
control_rest(struct control *control)
{
	struct loop *l = &control->master->loop;

	loop_remove(l, &control->io);
	loop_arm(l, &control->rest, clock_usec() + REST_USEC);
}

static void
on_rested(struct loop_timer *t)
{
	struct control *control = CONTAINER_OF(t, struct control, rest);

	if (loop_add(&control->master->loop, &control->io, EPOLLIN) < 0)
		control_rest(control);
}

static void
on_connect(struct loop_io *io, uint32_t events)
{
	static const char full[] = "-ERR max number of clients reached\r\n";
	struct control *control = CONTAINER_OF(io, struct control, io);
	unsigned i = 0;
	int client;

	(void)events;
	client = accept4(io->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (client < 0) {
		if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
			control_rest(control);
		return;
	}
	while (i < CONTROL_MAX_CLIENTS && control->clients[i] != NULL)
		i++;
	if (i < CONTROL_MAX_CLIENTS) {
		client_open(control, i, client);
		return;
	}
	(void)send(client, full, sizeof(full) - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
	(void)close(client);
}

/* -------------------------------------------------------------- socket --- */

static mode_t
control_mode(const struct conf *conf)
{
	return conf->control_gid != (gid_t)-1 ? 0660 : 0600;
}

/* Returns error. */
static int
control_failed(const struct conf *conf, int error, char *why, size_t why_len)
{
	(void)snprintf(why, why_len, "cannot open the control socket %s: %s", conf->control_path,
	    socket_file_error(error));
	return error;
}

static int
control_bind(const struct conf *conf, struct control_socket *ret, char *why, size_t why_len)
{
	struct control_socket s = { .path = strdup(conf->control_path) };

	if (s.path == NULL)
		return -ENOMEM;
	s.fd = socket_file_open(s.path, control_mode(conf), (uid_t)-1, conf->control_gid, CONTROL_BACKLOG,
	    &s.file);
	if (s.fd < 0) {
		free(s.path);
		return control_failed(conf, s.fd, why, why_len);
	}
	*ret = s;
	return 0;
}

/* Takes s. */
static void
control_listen(struct control *c, struct control_socket *s)
{
	struct loop *l = &c->master->loop;

	loop_disarm(l, &c->rest);
	loop_remove(l, &c->io);
	control_unbind(&c->socket);
	c->socket = *s;
	*s = (struct control_socket){ .fd = -1 };
	c->rest.fn = on_rested;
	c->io = (struct loop_io){ .fn = on_connect, .fd = c->socket.fd };
	on_rested(&c->rest);
}

int
control_open(struct control *c, struct master *m, char *why, size_t why_len)
{
	struct control_socket s;
	int r;

	c->master = m;
	r = control_bind(m->conf, &s, why, why_len);
	if (r >= 0)
		control_listen(c, &s);
	return r;
}

/* Is its socket the one that is open, and still to be found? */
static bool
control_stays(const struct control *c, const struct conf *conf)
{
	return strcmp(c->socket.path, conf->control_path) == 0 &&
	    socket_file_is(&c->socket.file, c->socket.path);
}

int
control_rebind(const struct control *c, const struct conf *conf, struct control_socket *ret,
    char *why, size_t why_len)
{
	return control_stays(c, conf) ? 0 : control_bind(conf, ret, why, why_len);
}

int
control_try(const struct control *c, const struct conf *conf, char *why, size_t why_len)
{
	int fd;

	if (control_stays(c, conf))
		return 0;
	fd = socket_file_try(conf->control_path, (uid_t)-1, conf->control_gid);
	if (fd < 0 && !(fd == -ENOENT && rundir_comes_for(conf, conf->control_path)))
		return control_failed(conf, fd, why, why_len);
	if (fd >= 0)
		(void)close(fd);
	/* A listener of the same configuration would be there before. */
	for (size_t i = 0; i < conf->n_listeners; i++) {
		const struct addr *a = &conf->listeners[i].addr;

		if (a->kind == ADDR_UNIX && socket_file_same_place(a->path, conf->control_path))
			return control_failed(conf, -EADDRINUSE, why, why_len);
	}
	return 0;
}

void
control_move(struct control *c, const struct conf *conf, struct control_socket *s)
{
	int r;

	if (s->fd >= 0) {
		control_listen(c, s);
		return;
	}
	r = socket_file_change(&c->socket.file, c->socket.path, control_mode(conf), (uid_t)-1,
	    conf->control_gid);
	if (r < 0)
		log_err("control socket %s: %s", conf->control_path, strerror(-r));
}

void
control_unbind(struct control_socket *s)
{
	if (s->fd < 0)
		return;
	socket_file_remove(&s->file, s->path);
	(void)close(TAKE_FD(s->fd));
	free(TAKE_PTR(s->path));
}

void
control_close(struct control *c)
{
	for (size_t i = 0; i < CONTROL_MAX_CLIENTS; i++) {
		if (c->clients[i] != NULL)
			client_close(c->clients[i]);
	}
	loop_disarm(&c->master->loop, &c->rest);
	loop_remove(&c->master->loop, &c->io);
	control_unbind(&c->socket);
}
