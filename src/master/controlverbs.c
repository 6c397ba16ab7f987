/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "master/controlverbs.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "conf/access.h"
#include "master/master.h"
#include "master/status.h"
#include "proto/outcome.h"
#include "proto/resp.h"

/* One worker's list of calls is no longer than this. */
#define LIST_MAX (1u << 20)
/* A worker that takes longer than this to answer is stuck, and killed. */
#define PATIENCE_USEC (10 * USEC_PER_SEC)
#define LATE_USEC (2 * USEC_PER_SEC)

static unsigned
id_slot(uint64_t id)
{
	return id >> 32 & 0xff;
}

static struct master *
master_of(const struct control_client *c)
{
	return CONTAINER_OF(c->control, struct master, control);
}

static void
usage(struct control_client *c, const char *text)
{
	resp_error(&c->out, "BADARG", slice_of(text));
}

static void
forget(struct control_client *c)
{
	loop_disarm(c->control->loop, &c->timer);
	for (size_t i = 0; i < CONF_MAX_WORKERS && c->wait == CONTROL_WAIT_LIST; i++) {
		if (c->lists[i] >= 0)
			(void)close(TAKE_FD(c->lists[i]));
	}
}

static loop_timer_fn on_unanswered;

/* Until the workers asked have answered, or are dead. */
static void
client_wait(struct control_client *c, enum control_wait wait)
{
	c->wait = wait;
	c->timer.fn = on_unanswered;
	c->due_usec = clock_usec() + PATIENCE_USEC;
	loop_arm(c->control->loop, &c->timer, c->due_usec);
}

/* The death of a silent worker is an answer, too. */
static void
on_unanswered(struct loop_timer *t)
{
	struct control_client *c = CONTAINER_OF(t, struct control_client, timer);

	/* A timer that rings late has been stopped, and the workers perhaps as well. */
	if (clock_usec() - c->due_usec > LATE_USEC) {
		client_wait(c, c->wait);
		return;
	}
	for (size_t i = 0; i < CONF_MAX_WORKERS; i++) {
		bool owes = c->wait == CONTROL_WAIT_LIST ? c->lists[i] >= 0 && !c->listed[i] :
		    i == id_slot(c->number);

		if (owes)
			process_kill(process_at(&master_of(c)->processes, ROLE_WORKER, i),
			    "does not answer");
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
	forget(c);
	control_resume(c);
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
	c->number = ++c->control->n_lists;
	client_wait(c, CONTROL_WAIT_LIST);
	/* Those that only finish what they have are asked, too. */
	for (size_t i = 0; i < CONF_MAX_WORKERS; i++) {
		struct process *p = process_at(&master_of(c)->processes, ROLE_WORKER, i);
		struct frame f = { .type = FRAME_LIST, .id = c->number };

		c->lists[i] = -1;
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
	struct control_client *c;

	FOR_EACH_CONTROL_CLIENT(c, control) {
		if (c->wait == CONTROL_WAIT_LIST && c->number == serial) {
			c->listed[p->slot] = true;
			list_check(c);
		}
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
	struct frame f = { .type = FRAME_KILL };
	struct process *p;

	if (c->request.argc != 2 || !id_parse(c->request.argv[1], &f.id)) {
		usage(c, "KILL wants the id of a request, 16 hex digits");
		return;
	}
	p = id_slot(f.id) >= CONF_MAX_WORKERS ? NULL :
	    process_at(&master_of(c)->processes, ROLE_WORKER, id_slot(f.id));
	if (p == NULL || !process_is_up(p) || process_send(p, &f, NULL, 0) < 0) {
		resp_integer(&c->out, 0);
		return;
	}
	client_wait(c, CONTROL_WAIT_KILL);
	c->number = f.id;
}

void
control_on_killed(struct control *control, const struct process *p, uint64_t id, bool found)
{
	struct control_client *c;

	FOR_EACH_CONTROL_CLIENT(c, control) {
		if (c->wait == CONTROL_WAIT_KILL && c->number == id && id_slot(id) == p->slot) {
			resp_integer(&c->out, found);
			control_resume(c);
		}
	}
}

void
control_on_died(struct control *control, const struct process *p)
{
	struct control_client *c;

	if (!p->rules->lists_calls)
		return;
	FOR_EACH_CONTROL_CLIENT(c, control) {
		if (c->wait == CONTROL_WAIT_LIST && c->lists[p->slot] >= 0) {
			(void)close(TAKE_FD(c->lists[p->slot]));
			list_check(c);
		} else if (c->wait == CONTROL_WAIT_KILL) {
			control_on_killed(control, p, c->number, false);
		}
	}
}

/* ------------------------------------------------------ reload, status --- */

static void
do_reload(struct control_client *c)
{
	CLEANUP(buf_done) struct buf json = BUF_INIT(0);
	struct master *m = master_of(c);

	if (c->request.argc == 2 && slice_is_nocase(c->request.argv[1], "CHECK")) {
		reload_check(m, &json);
		resp_bulk(&c->out, buf_slice(&json));
		return;
	}
	if (c->request.argc > 1) {
		usage(c, "RELOAD takes nothing but CHECK");
		return;
	}
	/* One that is in progress may have read the files before they were as they are. */
	c->number = m->n_reloads + 1;
	c->wait = CONTROL_WAIT_RELOAD;
	reload_start(m);
}

void
control_on_reloaded(struct control *control, uint64_t number, struct slice json)
{
	struct control_client *c;

	FOR_EACH_CONTROL_CLIENT(c, control) {
		if (c->wait == CONTROL_WAIT_RELOAD && c->number == number) {
			resp_bulk(&c->out, json);
			control_resume(c);
		}
	}
}

static void
do_status(struct control_client *c)
{
	CLEANUP(buf_done) struct buf json = BUF_INIT(0);

	if (status_format_json(master_of(c), &json) < 0)
		resp_error(&c->out, "ERR", SLICE("out of memory"));
	else
		resp_bulk(&c->out, buf_slice(&json));
}

/* WHY service caller: why may this caller (uid:N, addr:A) call it, or not? */
static void
do_why(struct control_client *c)
{
	CLEANUP(buf_done) struct buf text = BUF_INIT(0);
	const struct conf *conf = master_of(c)->now.conf;
	enum outcome_kind refused = OUTCOME_N;
	const struct service *s;
	struct caller who;
	char caller[ADDR_TEXT];

	if (c->request.argc != 3 || c->request.argv[2].len >= sizeof(caller)) {
		usage(c, "WHY wants a service and a caller");
		return;
	}
	memcpy(caller, c->request.argv[2].data, c->request.argv[2].len);
	caller[c->request.argv[2].len] = '\0';
	if (caller_parse(caller, &who) < 0) {
		usage(c, "a caller is uid:NUMBER or addr:ADDRESS");
		return;
	}
	s = conf_find_service(conf, c->request.argv[1].data, c->request.argv[1].len);
	if (s == NULL) {
		resp_errorf(&c->out, "NOSERVICE", "unknown service '%.*s'",
		    (int)c->request.argv[1].len, c->request.argv[1].data);
		return;
	}
	(void)access_explain(conf, s, &who, &text);
	if (status_explain_outage(master_of(c), s, &text))
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
execute(struct control_client *c)
{
	for (size_t i = 0; i < ARRAY_LEN(verbs); i++) {
		if (slice_is_nocase(c->request.argv[0], verbs[i].name)) {
			verbs[i].fn(c);
			return;
		}
	}
	resp_error(&c->out, "ERR", SLICE("unknown command; known: STATUS PS KILL RELOAD WHY PING QUIT"));
}

const struct control_ops control_verbs = { execute, forget };
