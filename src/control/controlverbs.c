/* SPDX-License-Identifier: ISC */
/* Executes the requests of the control socket, one function for each. */
#include "config.h"

#include "control/controlverbs.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fd.h"
#include "conf/access.h"
#include "control/control.h"
#include "control/controlchange.h"
#include "control/status.h"
#include "ipc/roster.h"
#include "proto/outcome.h"
#include "proto/resp.h"

/* Limit of the list of one worker's calls. */
#define LIST_MAX (1u << 20)
/* Limit of an answer of the master, such as the list of changes of a reload. */
#define TOLD_MAX (64u << 20)
/* A worker that takes longer than this to answer is stuck, and killed. */
#define PATIENCE_USEC (10 * USEC_PER_SEC)
#define LATE_USEC (2 * USEC_PER_SEC)

static struct control *
control_of(const struct control_client *c)
{
	return CONTAINER_OF(c->socket, struct control, socket);
}

static void
usage(struct control_client *c, const char *text)
{
	resp_error(&c->out, "BADARG", slice_of(text));
}

/* The service of that name, or NULL after an error reply. */
static const struct service *
find_service(struct control_client *c, struct slice name)
{
	const struct service *s =
	    conf_find_service(control_of(c)->member.current, name.data, name.len);

	if (s == NULL)
		resp_errorf(&c->out, "NOSERVICE", "unknown service '%.*s'", (int)name.len, name.data);
	return s;
}

static void
no_memory(struct control_client *c)
{
	resp_error(&c->out, "ERR", SLICE("out of memory"));
}

/* ------------------------------------------------------------- workers --- */

static void
forget(struct control_client *c)
{
	loop_disarm(c->socket->loop, &c->timer);
	for (size_t i = 0; i < CONF_MAX_WORKERS; i++) {
		struct control_question *q = &c->questions[i];

		if (q->ask.serial != 0)
			mail_forget(&control_of(c)->workers.list[i]->mail, &q->ask);
		if (q->list >= 0)
			(void)close(TAKE_FD(q->list));
	}
}

static loop_timer_fn on_unanswered;

/* Lets the client wait until the workers that were asked have answered or are dead. */
static void
wait_for_workers(struct control_client *c, enum control_wait wait)
{
	c->wait = wait;
	c->timer.fn = on_unanswered;
	c->due_usec = clock_usec() + PATIENCE_USEC;
	loop_arm(c->socket->loop, &c->timer, c->due_usec);
}

/* Reports silent workers, which the master then replaces: their end answers the questions. */
static void
on_unanswered(struct loop_timer *t)
{
	struct control_client *c = CONTAINER_OF(t, struct control_client, timer);

	/* A timer that rings late has been stopped, and the workers perhaps as well. */
	if (clock_usec() - c->due_usec > LATE_USEC) {
		wait_for_workers(c, c->wait);
		return;
	}
	for (size_t i = 0; i < CONF_MAX_WORKERS; i++) {
		if (c->questions[i].ask.serial != 0)
			worker_link_accuse(control_of(c)->workers.list[i], "does not answer");
	}
}

/* ------------------------------------------------------------------ ps --- */

/* Passes on the list of a worker, whose bytes nobody looks at. */
static void
put_list(struct buf *out, int list)
{
	ssize_t size = fd_size(list), got = 0;
	char *room;

	room = size > 0 && size <= LIST_MAX ? malloc((size_t)size) : NULL;
	if (room != NULL)
		got = pread(list, room, (size_t)size, 0);
	resp_bulk(out, (struct slice){ room, got > 0 ? (size_t)got : 0 });
	free(room);
}

/* Replies when all workers have answered, or are dead. */
static void
list_check(struct control_client *c)
{
	size_t n = 0;

	for (size_t i = 0; i < CONF_MAX_WORKERS; i++) {
		if (c->questions[i].ask.serial != 0)
			return;
		n += c->questions[i].list >= 0;
	}
	resp_array(&c->out, n);
	for (size_t i = 0; i < CONF_MAX_WORKERS; i++) {
		if (c->questions[i].list >= 0)
			put_list(&c->out, c->questions[i].list);
	}
	forget(c);
	control_client_resume(c);
}

static void
on_listed(struct mail_ask *ask, const struct frame *answer)
{
	struct control_question *q = CONTAINER_OF(ask, struct control_question, ask);

	if (answer == NULL)
		(void)close(TAKE_FD(q->list));
	list_check(q->client);
}

/* Asks a worker for its list. A worker that cannot be asked is left out. */
static void
list_ask(struct control_question *q, struct worker_link *l, const char *service)
{
	struct frame f = { .type = FRAME_LIST };
	CLEANUP_CLOSE int list = memfd_create("reqd-ps", MFD_CLOEXEC);
	CLEANUP_CLOSE int theirs = list < 0 ? -1 : fcntl(list, F_DUPFD_CLOEXEC, 0);

	q->ask.fn = on_listed;
	(void)strlcpy(f.text, service, sizeof(f.text));
	if (theirs < 0 || !mail_ask_with(&l->mail, &f, &theirs, 1, &q->ask))
		return;
	(void)TAKE_FD(theirs);
	q->list = TAKE_FD(list);
}

static void
do_ps(struct control_client *c)
{
	const struct service *s = NULL;

	if (c->request.argc > 2) {
		usage(c, "PS takes nothing but the name of a service");
		return;
	}
	if (c->request.argc == 2) {
		s = find_service(c, c->request.argv[1]);
		if (s == NULL)
			return;
	}
	wait_for_workers(c, CONTROL_WAIT_LIST);
	/* Workers that only finish their calls are asked, too. */
	for (unsigned slot = 0; slot < CONF_MAX_WORKERS; slot++) {
		struct worker_link *l = worker_link_at(&control_of(c)->workers, slot);

		if (l != NULL)
			list_ask(&c->questions[slot], l, s != NULL ? s->name : "");
	}
	list_check(c);
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
on_killed(struct mail_ask *ask, const struct frame *answer)
{
	struct control_client *c = CONTAINER_OF(ask, struct control_question, ask)->client;

	resp_integer(&c->out, answer != NULL && answer->cancel.found != 0);
	control_client_resume(c);
}

static void
do_kill(struct control_client *c)
{
	struct frame f = { .type = FRAME_KILL };
	struct control_question *q;
	struct worker_link *l;

	if (c->request.argc != 2 || !id_parse(c->request.argv[1], &f.id)) {
		usage(c, "KILL wants the id of a request, 16 hex digits");
		return;
	}
	l = worker_link_at(&control_of(c)->workers, request_slot(f.id));
	if (l != NULL) {
		q = &c->questions[l->slot];
		q->ask.fn = on_killed;
	}
	if (l != NULL && mail_ask(&l->mail, &f, &q->ask))
		wait_for_workers(c, CONTROL_WAIT_KILL);
	else
		resp_integer(&c->out, 0);
}

/* -------------------------------------------------------------- master --- */

/* Sends the master a frame under a new id; the client waits for its answer. */
static void
tell_master(struct control_client *c, struct frame *f, enum control_wait wait)
{
	f->id = ++control_of(c)->last_id;
	if (!member_tell(&control_of(c)->member, f)) {
		resp_error(&c->out, "ERR", SLICE("the master is not listening, try again"));
		return;
	}
	c->wait = wait;
	c->id = f->id;
}

static void
ask_master(struct control_client *c, enum frame_what what)
{
	c->what = (uint8_t)what;
	tell_master(c, &(struct frame){ .type = FRAME_ASK, .what = (uint8_t)what },
	    CONTROL_WAIT_MASTER);
}

static void
do_reload(struct control_client *c)
{
	if (c->request.argc == 2 && slice_is_nocase(c->request.argv[1], "CHECK"))
		ask_master(c, WHAT_CHECK);
	else if (c->request.argc > 1)
		usage(c, "RELOAD takes nothing but CHECK");
	else
		ask_master(c, WHAT_RELOAD);
}

/* Sends a part of a change to the master; with the last one the client waits. */
static bool
send_change(struct control_client *c, const struct frame *change)
{
	struct frame f = *change;

	c->what = WHAT_OVERLAY;
	tell_master(c, &f, f.overlay.is_last ? CONTROL_WAIT_MASTER : CONTROL_WAIT_NONE);
	return buf_len(&c->out) == 0;
}

static void
do_drain(struct control_client *c)
{
	(void)change_states(c, OVERLAY_DRAIN, send_change);
}

static void
do_pause(struct control_client *c)
{
	(void)change_states(c, OVERLAY_PAUSE, send_change);
}

static void
do_resume(struct control_client *c)
{
	(void)change_states(c, OVERLAY_OPEN, send_change);
}

static void
do_log_level(struct control_client *c)
{
	(void)change_level(c, send_change);
}

static void
do_status(struct control_client *c)
{
	ask_master(c, WHAT_ROSTER);
}

static void
do_histograms(struct control_client *c)
{
	CLEANUP(buf_done) struct buf json = BUF_INIT(0);

	if (status_format_histograms(control_of(c), &json) < 0)
		no_memory(c);
	else
		resp_bulk(&c->out, buf_slice(&json));
}

static void
put_status(struct control_client *c, struct slice told)
{
	CLEANUP(buf_done) struct buf json = BUF_INIT(0);
	const struct roster *roster = (const void *)told.data;

	if (told.len != sizeof(*roster) || status_format_json(control_of(c), roster, &json) < 0)
		no_memory(c);
	else
		resp_bulk(&c->out, buf_slice(&json));
}

/* Takes an answer of the master. It answers all earlier questions of its kind, too. */
void
control_on_told(struct control *control, const struct frame *f, int fd)
{
	struct control_client *c;
	struct slice told = { 0 };
	bool is_there = fd >= 0 && fd_map_sealed(fd, TOLD_MAX, &told.data, &told.len) >= 0;

	FOR_EACH_CONTROL_CLIENT(c, &control->socket) {
		if (c->wait != CONTROL_WAIT_MASTER || c->what != f->what || c->id > f->id)
			continue;
		if (!is_there)
			no_memory(c);
		else if (f->what == WHAT_ROSTER)
			put_status(c, told);
		else
			resp_bulk(&c->out, told);
		control_client_resume(c);
	}
	if (told.len > 0)
		(void)munmap((void *)(uintptr_t)told.data, told.len);
}

/* ------------------------------------------------------------- restart --- */

static void
do_restart(struct control_client *c)
{
	struct frame f = { .type = FRAME_RESTART };
	const struct service *s;

	if (c->request.argc != 2) {
		usage(c, "RESTART wants the name of a service");
		return;
	}
	s = find_service(c, c->request.argv[1]);
	if (s == NULL)
		return;
	if (s->handler == NULL) {
		usage(c, "it has no handler: each of its calls starts the program anew");
		return;
	}
	(void)strlcpy(f.text, s->name, sizeof(f.text));
	(void)strlcpy(c->service, s->name, sizeof(c->service));
	tell_master(c, &f, CONTROL_WAIT_RESTART);
}

static void
put_restarted(struct control_client *c, const struct frame_restarted *done)
{
	const struct conf *conf = control_of(c)->member.current;
	const struct service *s = conf_find_service(conf, c->service, strlen(c->service));
	CLEANUP(buf_done) struct buf text = BUF_INIT(0);
	char why[DEATH_TEXT] = "it has ended";

	if (done->why[0] != '\0') {
		resp_bulk(&c->out, slice_of(done->why));
		return;
	}
	if (done->has_died == 0) {
		resp_integer(&c->out, done->n);
		return;
	}
	if (s != NULL)
		status_last_death(control_of(c), s, why);
	(void)buf_printf(&text, "the new process does not come up%s: %s",
	    done->n > 0 ? ", the old ones stay" : "", why);
	resp_bulk(&c->out, buf_slice(&text));
}

void
control_on_restarted(struct control *control, const struct frame *f)
{
	struct control_client *c;

	FOR_EACH_CONTROL_CLIENT(c, &control->socket) {
		if (c->wait != CONTROL_WAIT_RESTART || (f->id != 0 && c->id != f->id))
			continue;
		put_restarted(c, &f->restarted);
		control_client_resume(c);
	}
}

/* ----------------------------------------------------------------- why --- */

/* Executes WHY service caller: tells whether this caller (uid:N, login:L, cert:C, addr:A) may call it. */
static void
do_why(struct control_client *c)
{
	CLEANUP(buf_done) struct buf text = BUF_INIT(0);
	const struct conf *conf = control_of(c)->member.current;
	enum outcome_kind refused = OUTCOME_N;
	const struct service *s;
	struct caller who = { 0 };
	char words[2][CALLER_TEXT] = { "", "" };

	if (c->request.argc < 3 || c->request.argc > 4) {
		usage(c, "WHY wants a service and a caller");
		return;
	}
	for (size_t i = 0; i + 2 < c->request.argc; i++) {
		const struct slice word = c->request.argv[i + 2];

		if (word.len < CALLER_TEXT)
			memcpy(words[i], word.data, word.len);
		if (caller_add(words[i], &who) < 0) {
			usage(c, "a caller is uid:NUMBER, login:NAME, cert:NAME or addr:ADDRESS, "
			    "or two of them that go together");
			return;
		}
	}
	s = find_service(c, c->request.argv[1]);
	if (s == NULL)
		return;
	who.listeners = access_listeners(conf, &who);
	(void)access_explain(conf, s, &who, (int64_t)time(NULL), &text);
	if (status_explain_outage(control_of(c), s, &text))
		refused = s->state == SERVICE_DRAINED ? OUTCOME_DRAINING : OUTCOME_UNAVAIL;
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
	{ "HISTOGRAMS", do_histograms },
	{ "PS", do_ps },
	{ "KILL", do_kill },
	{ "RELOAD", do_reload },
	{ "RESTART", do_restart },
	{ "DRAIN", do_drain },
	{ "PAUSE", do_pause },
	{ "RESUME", do_resume },
	{ "LOG-LEVEL", do_log_level },
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
	resp_error(&c->out, "ERR", SLICE("unknown command; known: STATUS HISTOGRAMS PS KILL "
	    "RELOAD RESTART DRAIN PAUSE RESUME LOG-LEVEL WHY PING QUIT"));
}

const struct control_ops control_verbs = { execute, forget };
