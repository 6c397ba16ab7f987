/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "master/control.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "conf/access.h"
#include "ipc/logrec.h"
#include "ipc/stats.h"
#include "master/master.h"
#include "master/status.h"
#include "proto/request.h"
#include "proto/resp.h"

/* A request for the control socket is a few short words. */
static const struct request_limits limits = {
	.max_arguments = 8,
	.argument_limit = 1024,
	.request_limit = 4096,
	.inline_allowed = true,
};

/* One worker's list of calls is no longer than this. */
#define LIST_MAX (1u << 20)
#define OUT_MAX (80u << 20)

enum client_wait { WAIT_NONE, WAIT_RELOAD, WAIT_LIST, WAIT_KILL };

struct control_client {
	struct control *control;
	int fd;
	unsigned index;
	sd_event_source *io;
	struct buf in, out;
	struct request_cursor cursor;
	struct request request;
	enum client_wait wait;
	bool quit;
	/* PS: what each worker is to write; -1: nothing (any more) to wait for. */
	uint64_t serial;
	int lists[CONF_MAX_WORKERS];
	bool listed[CONF_MAX_WORKERS];
	uint64_t kill_id;
};

static void client_run(struct control_client *c);

/* ---------------------------------------------------------------- life --- */

static void
lists_close(struct control_client *c)
{
	for (size_t i = 0; i < CONF_MAX_WORKERS; i++) {
		if (c->lists[i] >= 0)
			(void)close(TAKE_FD(c->lists[i]));
	}
}

static void
client_close(struct control_client *c)
{
	c->control->clients[c->index] = NULL;
	c->io = sd_event_source_disable_unref(c->io);
	(void)close(c->fd);
	lists_close(c);
	buf_done(&c->in);
	buf_done(&c->out);
	request_done(&c->request);
	free(c);
}

/* Sends what the peer takes; false when the client is gone. */
static bool
client_send(struct control_client *c)
{
	while (buf_len(&c->out) > 0) {
		ssize_t n = send(c->fd, buf_data(&c->out), buf_len(&c->out),
		    MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			break;
		if (n < 0) {
			client_close(c);
			return false;
		}
		buf_consume(&c->out, (size_t)n);
	}
	if (c->quit && buf_len(&c->out) == 0) {
		client_close(c);
		return false;
	}
	(void)sd_event_source_set_io_events(c->io, buf_len(&c->out) > 0 ? EPOLLOUT :
	    c->wait == WAIT_NONE ? EPOLLIN : EPOLLRDHUP);
	return true;
}

/* ------------------------------------------------------------------ ps --- */

static void
list_reply(struct control_client *c)
{
	size_t n = 0;

	for (size_t i = 0; i < CONF_MAX_WORKERS; i++)
		n += c->lists[i] >= 0;
	resp_array(&c->out, n);
	for (size_t i = 0; i < CONF_MAX_WORKERS; i++) {
		struct stat st;
		char *room;
		ssize_t got = 0;

		if (c->lists[i] < 0)
			continue;
		/* Copied and passed on: the master looks at none of it. */
		if (fstat(c->lists[i], &st) < 0 || st.st_size < 0 || st.st_size > LIST_MAX ||
		    !c->listed[i])
			st.st_size = 0;
		room = st.st_size > 0 ? malloc((size_t)st.st_size) : NULL;
		if (room != NULL)
			got = pread(c->lists[i], room, (size_t)st.st_size, 0);
		resp_bulk(&c->out, (struct slice){ room, got > 0 ? (size_t)got : 0 });
		free(room);
	}
	lists_close(c);
	c->wait = WAIT_NONE;
	client_run(c);
}

static void
list_check(struct control_client *c)
{
	for (size_t i = 0; i < CONF_MAX_WORKERS; i++) {
		if (c->lists[i] >= 0 && !c->listed[i])
			return;
	}
	list_reply(c);
}

static void
do_ps(struct control_client *c)
{
	struct master *m = c->control->master;

	c->serial = ++c->control->serial;
	c->wait = WAIT_LIST;
	for (size_t i = 0; i < master_n_workers(m); i++) {
		struct process *p = &m->processes[MASTER_WORKERS + i];
		struct frame f = { .type = FRAME_LIST, .id = c->serial };

		c->listed[i] = false;
		if (p->state != PROCESS_SERVING && p->state != PROCESS_STOPPING)
			continue;
		c->lists[i] = memfd_create("reqd-ps", MFD_CLOEXEC);
		if (c->lists[i] >= 0 && process_send(p, &f, &c->lists[i], 1) < 0)
			(void)close(TAKE_FD(c->lists[i]));
	}
	list_check(c);
}

void
control_on_listed(struct control *control, const struct process *p, uint64_t serial)
{
	for (size_t i = 0; i < CONTROL_MAX_CLIENTS; i++) {
		struct control_client *c = control->clients[i];

		if (c == NULL || c->wait != WAIT_LIST || c->serial != serial)
			continue;
		c->listed[p->slot] = true;
		list_check(c);
	}
}

/* ---------------------------------------------------------------- kill --- */

static bool
id_parse(struct slice text, uint64_t *ret)
{
	char copy[17], *end;

	if (text.len != 16)
		return false;
	memcpy(copy, text.data, 16);
	copy[16] = '\0';
	*ret = strtoull(copy, &end, 16);
	return end == copy + 16;
}

static void
do_kill(struct control_client *c)
{
	struct master *m = c->control->master;
	struct frame f = { .type = FRAME_KILL };
	struct process *p;
	size_t slot;

	if (c->request.argc != 2 || !id_parse(c->request.argv[1], &f.id)) {
		resp_error(&c->out, "BADARG", SLICE("KILL wants the id of a request, 16 hex digits"));
		return;
	}
	slot = f.id >> 32 & 0xff;
	p = slot < master_n_workers(m) ? &m->processes[MASTER_WORKERS + slot] : NULL;
	if (p == NULL || process_send(p, &f, NULL, 0) < 0) {
		resp_integer(&c->out, 0);
		return;
	}
	c->wait = WAIT_KILL;
	c->kill_id = f.id;
}

void
control_on_killed(struct control *control, uint64_t id, bool found)
{
	for (size_t i = 0; i < CONTROL_MAX_CLIENTS; i++) {
		struct control_client *c = control->clients[i];

		if (c == NULL || c->wait != WAIT_KILL || c->kill_id != id)
			continue;
		resp_integer(&c->out, found);
		c->wait = WAIT_NONE;
		client_run(c);
	}
}

void
control_on_died(struct control *control, const struct process *p)
{
	if (p->kind != ROLE_WORKER)
		return;
	for (size_t i = 0; i < CONTROL_MAX_CLIENTS; i++) {
		struct control_client *c = control->clients[i];

		if (c == NULL)
			continue;
		if (c->wait == WAIT_LIST && c->lists[p->slot] >= 0) {
			(void)close(TAKE_FD(c->lists[p->slot]));
			list_check(c);
		} else if (c->wait == WAIT_KILL && (c->kill_id >> 32 & 0xff) == p->slot) {
			resp_integer(&c->out, 0);
			c->wait = WAIT_NONE;
			client_run(c);
		}
	}
}

/* ------------------------------------------------------ reload, status --- */

static void
do_reload(struct control_client *c)
{
	c->wait = WAIT_RELOAD;
	reload_start(c->control->master);
}

void
control_reloaded(struct control *control, struct slice json)
{
	for (size_t i = 0; i < CONTROL_MAX_CLIENTS; i++) {
		struct control_client *c = control->clients[i];

		if (c == NULL || c->wait != WAIT_RELOAD)
			continue;
		resp_bulk(&c->out, json);
		c->wait = WAIT_NONE;
		client_run(c);
	}
}

static void
do_status(struct control_client *c)
{
	CLEANUP(buf_done) struct buf json = BUF_INIT(0);

	if (status_format_json(c->control->master, &json) < 0)
		resp_error(&c->out, "ERR", SLICE("out of memory"));
	else
		resp_bulk(&c->out, buf_slice(&json));
}

/* WHY service caller: why may this caller (uid:N, addr:A) call it, or not? */
static void
do_why(struct control_client *c)
{
	CLEANUP(buf_done) struct buf text = BUF_INIT(0);
	const struct conf *conf = c->control->master->conf;
	const struct service *s;
	struct caller who;
	char caller[ADDR_TEXT];

	if (c->request.argc != 3 || c->request.argv[2].len >= sizeof(caller)) {
		resp_error(&c->out, "BADARG", SLICE("WHY wants a service and a caller"));
		return;
	}
	memcpy(caller, c->request.argv[2].data, c->request.argv[2].len);
	caller[c->request.argv[2].len] = '\0';
	if (caller_parse(caller, &who) < 0) {
		resp_error(&c->out, "BADARG", SLICE("a caller is uid:NUMBER or addr:ADDRESS"));
		return;
	}
	s = conf_find_service(conf, c->request.argv[1].data, c->request.argv[1].len);
	if (s == NULL) {
		resp_error(&c->out, "NOSERVICE", SLICE("no service of that name"));
		return;
	}
	(void)access_explain(conf, s, &who, &text);
	resp_bulk(&c->out, buf_slice(&text));
}

static void
do_ping(struct control_client *c)
{
	resp_simple(&c->out, "PONG");
}

static void
do_quit(struct control_client *c)
{
	resp_simple(&c->out, "OK");
	c->quit = true;
}

static void
do_hello(struct control_client *c)
{
	/* RESP2 is enough here; a client that insists learns so. */
	resp_error(&c->out, "NOPROTO", SLICE("the control socket speaks RESP2"));
}

static const struct {
	const char *name;
	void (*fn)(struct control_client *c);
} verbs[] = {
	{ "STATUS", do_status },
	{ "PS", do_ps },
	{ "KILL", do_kill },
	{ "RELOAD", do_reload },
	{ "WHY", do_why },
	{ "PING", do_ping },
	{ "HELLO", do_hello },
	{ "QUIT", do_quit },
};

static void
client_execute(struct control_client *c)
{
	for (size_t i = 0; i < ARRAY_LEN(verbs); i++) {
		if (slice_is_nocase(c->request.argv[0], verbs[i].name)) {
			verbs[i].fn(c);
			return;
		}
	}
	resp_error(&c->out, "ERR", SLICE("unknown command; known: STATUS PS KILL RELOAD WHY PING QUIT"));
}

/* Executes what has been received, one request after another. */
static void
client_run(struct control_client *c)
{
	/* A verb may end in client_run() itself; it then waits no more. */
	while (c->wait == WAIT_NONE && !c->quit && buf_len(&c->in) > 0) {
		const char *why = "";
		size_t used = 0;
		int r;

		r = request_decode(buf_slice(&c->in), &limits, &c->cursor, &c->request, &used, &why);
		if (r == REQUEST_AGAIN)
			break;
		memset(&c->cursor, 0, sizeof(c->cursor));
		if (r != REQUEST_OK && r != REQUEST_EMPTY) {
			resp_errorf(&c->out, "ERR", "Protocol error: %s", why);
			c->quit = true;
			break;
		}
		buf_consume(&c->in, used);
		if (r == REQUEST_OK) {
			unsigned index = c->index;
			struct control *control = c->control;

			client_execute(c);
			if (control->clients[index] != c)
				return;
		}
	}
	(void)client_send(c);
}

static int
on_client(sd_event_source *s, int fd, uint32_t events, void *userdata)
{
	struct control_client *c = userdata;
	char bytes[4096];
	ssize_t n;

	(void)s;
	if ((events & (EPOLLERR | EPOLLHUP)) != 0) {
		client_close(c);
		return 0;
	}
	if ((events & EPOLLIN) != 0) {
		n = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return 0;
		if (n <= 0 || buf_append(&c->in, bytes, (size_t)n) < 0) {
			client_close(c);
			return 0;
		}
	} else if ((events & EPOLLRDHUP) != 0 && c->wait != WAIT_NONE) {
		client_close(c);
		return 0;
	}
	client_run(c);
	return 0;
}

static int
on_connect(sd_event_source *s, int fd, uint32_t events, void *userdata)
{
	struct control *control = userdata;
	struct control_client *c;
	unsigned i = 0;
	int client;

	(void)s;
	(void)events;
	client = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (client < 0)
		return 0;
	while (i < CONTROL_MAX_CLIENTS && control->clients[i] != NULL)
		i++;
	c = i < CONTROL_MAX_CLIENTS ? calloc(1, sizeof(*c)) : NULL;
	if (c == NULL) {
		(void)close(client);
		return 0;
	}
	c->control = control;
	c->fd = client;
	c->index = i;
	c->in = BUF_INIT(64u << 10);
	c->out = BUF_INIT(OUT_MAX);
	request_init(&c->request);
	for (size_t l = 0; l < CONF_MAX_WORKERS; l++)
		c->lists[l] = -1;
	control->clients[i] = c;
	if (sd_event_add_io(control->master->event, &c->io, client, EPOLLIN, on_client, c) < 0)
		client_close(c);
	return 0;
}

int
control_open(struct control *c, struct master *m)
{
	const struct conf *conf = m->conf;
	bool shared = conf->control_gid != (gid_t)-1;
	int r;

	c->master = m;
	c->path = strdup(conf->control_path);
	if (c->path == NULL)
		return -ENOMEM;
	c->fd = listen_unix(c->path, shared ? 0660 : 0600, (uid_t)-1, conf->control_gid, 16);
	if (c->fd < 0)
		return c->fd;
	r = sd_event_add_io(m->event, &c->io, c->fd, EPOLLIN, on_connect, c);
	if (r < 0)
		return r;
	/* Commands of the operator come before everything else. */
	return sd_event_source_set_priority(c->io, SD_EVENT_PRIORITY_IMPORTANT);
}

void
control_close(struct control *c)
{
	for (size_t i = 0; i < CONTROL_MAX_CLIENTS; i++) {
		if (c->clients[i] != NULL)
			client_close(c->clients[i]);
	}
	c->io = sd_event_source_disable_unref(c->io);
	if (c->fd >= 0) {
		(void)unlink(c->path);
		(void)close(TAKE_FD(c->fd));
	}
	free(TAKE_PTR(c->path));
}
