/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "master/controlverbs.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "conf/access.h"
#include "master/master.h"
#include "master/status.h"
#include "proto/outcome.h"
#include "proto/resp.h"

/* One worker's list of calls is no longer than this. */
#define LIST_MAX (1u << 20)

/*
 * What the client waited for has come. It goes on at the end of the turn, so that an
 * answer never runs a client's next request inside of what gave the answer.
 */
static void
client_resume(struct control_client *c)
{
	c->wait = CONTROL_WAIT_NONE;
	loop_defer(&c->control->master->loop, &c->wake);
}

void
control_forget(struct control_client *c)
{
	for (size_t i = 0; i < CONF_MAX_WORKERS; i++) {
		if (c->lists[i] >= 0)
			(void)close(TAKE_FD(c->lists[i]));
	}
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
	control_forget(c);
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
	c->wait = CONTROL_WAIT_LIST;
	/* Those that only finish what they have are asked, too. */
	for (size_t i = 0; i < CONF_MAX_WORKERS; i++) {
		struct process *p = master_process(m, ROLE_WORKER, i);
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

		if (c == NULL || c->wait != CONTROL_WAIT_LIST || c->serial != serial)
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
	struct process *p;

	if (c->request.argc != 2 || !id_parse(c->request.argv[1], &f.id)) {
		resp_error(&c->out, "BADARG", SLICE("KILL wants the id of a request, 16 hex digits"));
		return;
	}
	p = id_slot(f.id) < CONF_MAX_WORKERS ? master_process(m, ROLE_WORKER, id_slot(f.id)) : NULL;
	if (p == NULL || !process_is_up(p) || process_send(p, &f, NULL, 0) < 0) {
		resp_integer(&c->out, 0);
		return;
	}
	c->wait = CONTROL_WAIT_KILL;
	c->kill_id = f.id;
}

void
control_on_killed(struct control *control, const struct process *p, uint64_t id, bool found)
{
	if (id_slot(id) != p->slot)
		return;
	for (size_t i = 0; i < CONTROL_MAX_CLIENTS; i++) {
		struct control_client *c = control->clients[i];

		if (c == NULL || c->wait != CONTROL_WAIT_KILL || c->kill_id != id)
			continue;
		resp_integer(&c->out, found);
		client_resume(c);
	}
}

void
control_on_died(struct control *control, const struct process *p)
{
	if (!p->rules->lists_calls)
		return;
	for (size_t i = 0; i < CONTROL_MAX_CLIENTS; i++) {
		struct control_client *c = control->clients[i];

		if (c == NULL)
			continue;
		if (c->wait == CONTROL_WAIT_LIST && c->lists[p->slot] >= 0) {
			(void)close(TAKE_FD(c->lists[p->slot]));
			list_check(c);
		} else if (c->wait == CONTROL_WAIT_KILL && id_slot(c->kill_id) == p->slot) {
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
	c->wait = CONTROL_WAIT_RELOAD;
	reload_start(m);
}

void
control_on_reloaded(struct control *control, uint64_t number, struct slice json)
{
	for (size_t i = 0; i < CONTROL_MAX_CLIENTS; i++) {
		struct control_client *c = control->clients[i];

		if (c == NULL || c->wait != CONTROL_WAIT_RELOAD || c->serial != number)
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

void
control_execute(struct control_client *c)
{
	for (size_t i = 0; i < ARRAY_LEN(verbs); i++) {
		if (slice_is_nocase(c->request.argv[0], verbs[i].name)) {
			verbs[i].fn(c);
			return;
		}
	}
	resp_error(&c->out, "ERR", SLICE("unknown command; known: STATUS PS KILL RELOAD WHY PING QUIT"));
}
