/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "master/control.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
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
#include "proto/outcome.h"
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

#define CONTROL_BACKLOG 64

/* No descriptors, no memory: so long nothing is accepted. */
#define REST_USEC (100 * USEC_PER_MSEC)

enum client_wait { WAIT_NONE, WAIT_RELOAD, WAIT_LIST, WAIT_KILL };

struct control_client {
	struct control *control;
	int fd;
	unsigned index;
	sd_event_source *io;
	sd_event_source *wake;	/* its answer is there: go on */
	struct buf in, out;
	struct request_cursor cursor;
	struct request request;
	enum client_wait wait;
	bool quit;		/* closed when all is sent */
	bool eof;		/* it sends no more, but may read */
	/* PS: what each worker is to write; -1: nothing (any more) to wait for. */
	uint64_t serial;	/* also RELOAD: the number of it */
	int lists[CONF_MAX_WORKERS];
	bool listed[CONF_MAX_WORKERS];
	uint64_t kill_id;
};

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
	c->wake = sd_event_source_disable_unref(c->wake);
	(void)close(c->fd);
	lists_close(c);
	buf_done(&c->in);
	buf_done(&c->out);
	request_done(&c->request);
	free(c);
}

/*
 * What it waited for has come. It goes on from the event loop, so that an
 * answer never runs a client's next request inside of what gave the answer.
 */
static void
client_resume(struct control_client *c)
{
	c->wait = WAIT_NONE;
	(void)sd_event_source_set_enabled(c->wake, SD_EVENT_ONESHOT);
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
	client_resume(c);
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
	/* Those that only finish what they have are asked, too. */
	for (size_t i = 0; i < CONF_MAX_WORKERS; i++) {
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

static unsigned
id_slot(uint64_t id)
{
	return id >> 32 & 0xff;
}

static void
do_kill(struct control_client *c)
{
	struct master *m = c->control->master;
	struct frame f = { .type = FRAME_KILL };
	size_t slot;

	if (c->request.argc != 2 || !id_parse(c->request.argv[1], &f.id)) {
		resp_error(&c->out, "BADARG", SLICE("KILL wants the id of a request, 16 hex digits"));
		return;
	}
	slot = id_slot(f.id);
	if (slot >= CONF_MAX_WORKERS || !process_is_up(&m->processes[MASTER_WORKERS + slot]) ||
	    process_send(&m->processes[MASTER_WORKERS + slot], &f, NULL, 0) < 0) {
		resp_integer(&c->out, 0);
		return;
	}
	c->wait = WAIT_KILL;
	c->kill_id = f.id;
}

void
control_on_killed(struct control *control, const struct process *p, uint64_t id, bool found)
{
	if (id_slot(id) != p->slot)
		return;
	for (size_t i = 0; i < CONTROL_MAX_CLIENTS; i++) {
		struct control_client *c = control->clients[i];

		if (c == NULL || c->wait != WAIT_KILL || c->kill_id != id)
			continue;
		resp_integer(&c->out, found);
		client_resume(c);
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
		} else if (c->wait == WAIT_KILL && id_slot(c->kill_id) == p->slot) {
			resp_integer(&c->out, 0);
			client_resume(c);
		}
	}
}

/* ------------------------------------------------------ reload, status --- */

static void
do_reload(struct control_client *c)
{
	struct master *m = c->control->master;
	CLEANUP(buf_done) struct buf json = BUF_INIT(0);

	if (c->request.argc == 2 && slice_is_nocase(c->request.argv[1], "CHECK")) {
		reload_check(m, &json);
		resp_bulk(&c->out, buf_slice(&json));
		return;
	}
	if (c->request.argc > 1) {
		resp_error(&c->out, "BADARG", SLICE("RELOAD takes nothing but CHECK"));
		return;
	}
	/* One that is in progress may have read the files before they were as they are. */
	c->serial = m->n_reloads + 1;
	c->wait = WAIT_RELOAD;
	reload_start(m);
}

void
control_reloaded(struct control *control, uint64_t number, struct slice json)
{
	for (size_t i = 0; i < CONTROL_MAX_CLIENTS; i++) {
		struct control_client *c = control->clients[i];

		if (c == NULL || c->wait != WAIT_RELOAD || c->serial != number)
			continue;
		resp_bulk(&c->out, json);
		client_resume(c);
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
	enum outcome_kind refused = OUTCOME_N;
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
		resp_errorf(&c->out, "NOSERVICE", "unknown service '%.*s'",
		    (int)c->request.argv[1].len, c->request.argv[1].data);
		return;
	}
	(void)access_explain(conf, s, &who, &text);
	if (status_explain_outage(c->control->master, s, &text))
		refused = OUTCOME_UNAVAIL;
	if (!access_allowed(conf, s, &who, access_roles(conf, &who)))
		refused = OUTCOME_DENIED;
	outcome_why(&c->out, RESP2, refused, buf_slice(&text));
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
	resp_error(&c->out, "NOPROTO", SLICE("this is the control socket; it speaks RESP2"));
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

	if (c->wait != WAIT_NONE || c->quit || buf_len(&c->out) > 0 || buf_len(&c->in) == 0)
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
		client_execute(c);
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
	    ((c->quit || c->eof) && c->wait == WAIT_NONE && buf_len(&c->out) == 0)) {
		client_close(c);
		return;
	}
	(void)sd_event_source_set_io_events(c->io, buf_len(&c->out) > 0 ? EPOLLOUT :
	    c->wait == WAIT_NONE ? EPOLLIN : 0);
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
	fd = socket_file_try(conf->control_path);
	if (fd < 0)
		return control_failed(conf, fd, why, why_len);
	(void)close(fd);
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
