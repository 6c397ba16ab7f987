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
	c->control->clients[c->index] = NULL;
	c->io = sd_event_source_disable_unref(c->io);
	c->wake = sd_event_source_disable_unref(c->wake);
	(void)close(c->fd);
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
		ssize_t n = send(c->fd, buf_data(&c->out), buf_len(&c->out),
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
	(void)sd_event_source_set_io_events(c->io, buf_len(&c->out) > 0 ? EPOLLOUT :
	    c->wait == CONTROL_WAIT_NONE ? EPOLLIN : 0);
}

static int
on_wake(sd_event_source *s, void *userdata)
{
	(void)s;
	client_run(userdata);
	return 0;
}

static int
on_client(sd_event_source *s, int fd, uint32_t events, void *userdata)
{
	struct control_client *c = userdata;
	char bytes[4096];
	ssize_t n;

	(void)s;
	if ((events & EPOLLIN) != 0) {
		n = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return 0;
		c->eof = n == 0;
		if (n < 0 || buf_append(&c->in, bytes, (size_t)n) < 0) {
			client_close(c);
			return 0;
		}
	} else if ((events & (EPOLLERR | EPOLLHUP)) != 0) {
		client_close(c);
		return 0;
	}
	client_run(c);
	return 0;
}

static void
client_open(struct control *control, unsigned index, int fd)
{
	sd_event *event = control->master->event;
	struct control_client *c = calloc(1, sizeof(*c));

	if (c == NULL) {
		(void)close(fd);
		return;
	}
	c->control = control;
	c->fd = fd;
	c->index = index;
	c->in = BUF_INIT(64u << 10);
	c->out = BUF_INIT(OUT_MAX);
	request_init(&c->request);
	for (size_t l = 0; l < CONF_MAX_WORKERS; l++)
		c->lists[l] = -1;
	control->clients[index] = c;
	if (sd_event_add_io(event, &c->io, fd, EPOLLIN, on_client, c) < 0 ||
	    sd_event_add_defer(event, &c->wake, on_wake, c) < 0 ||
	    sd_event_source_set_enabled(c->wake, SD_EVENT_OFF) < 0)
		client_close(c);
}

static int
on_rested(sd_event_source *s, uint64_t usec, void *userdata)
{
	struct control *control = userdata;

	(void)s;
	(void)usec;
	control->rest = sd_event_source_disable_unref(control->rest);
	(void)sd_event_source_set_enabled(control->io, SD_EVENT_ON);
	return 0;
}

/* Without a descriptor for the client the event would come again at once. */
static void
control_rest(struct control *control)
{
	if (sd_event_add_time(control->master->event, &control->rest, CLOCK_MONOTONIC,
	    clock_usec() + REST_USEC, 0, on_rested, control) >= 0)
		(void)sd_event_source_set_enabled(control->io, SD_EVENT_OFF);
}

static int
on_connect(sd_event_source *s, int fd, uint32_t events, void *userdata)
{
	static const char full[] = "-ERR max number of clients reached\r\n";
	struct control *control = userdata;
	unsigned i = 0;
	int client;

	(void)s;
	(void)events;
	client = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (client < 0) {
		if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
			control_rest(control);
		return 0;
	}
	while (i < CONTROL_MAX_CLIENTS && control->clients[i] != NULL)
		i++;
	if (i < CONTROL_MAX_CLIENTS) {
		client_open(control, i, client);
		return 0;
	}
	(void)send(client, full, sizeof(full) - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
	(void)close(client);
	return 0;
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
static int
control_listen(struct control *c, struct control_socket *s)
{
	sd_event_source *io = NULL;
	int r;

	r = sd_event_add_io(c->master->event, &io, s->fd, EPOLLIN, on_connect, c);
	if (r < 0) {
		control_unbind(s);
		return r;
	}
	c->io = sd_event_source_disable_unref(c->io);
	c->rest = sd_event_source_disable_unref(c->rest);
	control_unbind(&c->socket);
	c->io = io;
	c->socket = *s;
	*s = (struct control_socket){ .fd = -1 };
	return 0;
}

int
control_open(struct control *c, struct master *m, char *why, size_t why_len)
{
	struct control_socket s;
	int r;

	c->master = m;
	r = control_bind(m->conf, &s, why, why_len);
	return r < 0 ? r : control_listen(c, &s);
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

	r = s->fd >= 0 ? control_listen(c, s) :
	    socket_file_change(&c->socket.file, c->socket.path, control_mode(conf), (uid_t)-1,
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
	c->io = sd_event_source_disable_unref(c->io);
	c->rest = sd_event_source_disable_unref(c->rest);
	control_unbind(&c->socket);
}
