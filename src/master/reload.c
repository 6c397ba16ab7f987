/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "master/reload.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/escape.h"
#include "base/fd.h"
#include "ipc/channel.h"
#include "ipc/logrec.h"
#include "master/control.h"
#include "master/keep.h"
#include "master/master.h"
#include "master/notify.h"

/* A process that takes longer than this to prepare is stuck. */
#define RELOAD_PATIENCE_USEC (10 * USEC_PER_SEC)
#define RELOAD_LATE_USEC (2 * USEC_PER_SEC)

static void reload_advance(struct master *m);

/* -------------------------------------------------------------- report --- */

static void
names_append(struct buf *b, const char *key, const struct conf *in, const struct conf *not_in)
{
	bool first = true;

	(void)buf_printf(b, ",\"%s\":[", key);
	for (size_t i = 0; i < in->n_services; i++) {
		const char *name = in->services[i].name;

		if (conf_find_service(not_in, name, strlen(name)) != NULL)
			continue;
		(void)buf_printf(b, "%s\"%s\"", first ? "" : ",", name);
		first = false;
	}
	(void)buf_append_char(b, ']');
}

static bool
has_listener(const struct conf *c, const char *url)
{
	for (size_t i = 0; i < c->n_listeners; i++) {
		if (strcmp(c->listeners[i].url, url) == 0)
			return true;
	}
	return false;
}

static void
listeners_append(struct buf *b, const char *key, const struct conf *in, const struct conf *not_in)
{
	bool first = true;

	(void)buf_printf(b, ",\"%s\":[", key);
	for (size_t i = 0; i < in->n_listeners; i++) {
		if (has_listener(not_in, in->listeners[i].url))
			continue;
		(void)buf_append_str(b, first ? "" : ",");
		(void)escape_json(b, slice_of(in->listeners[i].url));
		first = false;
	}
	(void)buf_append_char(b, ']');
}

static void
changed_append(struct buf *b, const struct conf *from, const struct conf *to)
{
	bool first = true;

	(void)buf_append_str(b, ",\"changed\":[");
	for (size_t i = 0; i < to->n_services; i++) {
		const struct service *s = &to->services[i];
		const struct service *old = conf_find_service(from, s->name, strlen(s->name));

		if (old == NULL || conf_service_equal(old, s))
			continue;
		(void)buf_printf(b, "%s\"%s\"", first ? "" : ",", s->name);
		first = false;
	}
	(void)buf_append_char(b, ']');
}

static void
report_success(struct master *m, const struct conf *from, const struct conf *to)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(0);

	(void)buf_printf(&b, "{\"ok\":true,\"generation\":%u", to->generation);
	names_append(&b, "added", to, from);
	names_append(&b, "removed", from, to);
	changed_append(&b, from, to);
	listeners_append(&b, "listens", to, from);
	listeners_append(&b, "closed", from, to);
	(void)buf_append_char(&b, '}');
	log_event(LOG_EVENT_RELOAD_DONE, LOG_NOTICE, "configuration reloaded, generation %u: %zu listeners, %zu services",
	    to->generation, to->n_listeners, to->n_services);
	control_reloaded(&m->control, m->n_reloads, buf_slice(&b));
}

static void
report_errors(struct master *m, const struct conf_errors *errors)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(0);

	(void)buf_append_str(&b, "{\"ok\":false,\"errors\":[");
	for (size_t i = 0; i < errors->n; i++) {
		const struct conf_error *e = &errors->list[i];

		if (e->file == NULL)
			log_err("reload: %s", e->text);
		else if (e->line == 0)
			log_err("reload: %s: %s", e->file, e->text);
		else
			log_err("reload: %s:%u: %s", e->file, e->line, e->text);
		(void)buf_append_str(&b, i > 0 ? ",{\"file\":" : "{\"file\":");
		(void)escape_json(&b, slice_of(e->file != NULL ? e->file : ""));
		(void)buf_printf(&b, ",\"line\":%u,\"text\":", e->line);
		(void)escape_json(&b, slice_of(e->text));
		(void)buf_append_char(&b, '}');
	}
	(void)buf_append_str(&b, "]}");
	log_event(LOG_EVENT_RELOAD_REFUSED, LOG_ERR, "reload refused, the old configuration goes on");
	control_reloaded(&m->control, m->n_reloads, buf_slice(&b));
}

static void
report_error(struct master *m, const char *text)
{
	struct conf_error one = { .text = (char *)(uintptr_t)text };
	struct conf_errors errors = { .list = &one, .n = 1 };

	report_errors(m, &errors);
}

/* ---------------------------------------------------------------- ends --- */

static void
reload_clear(struct reload *r)
{
	r->timer = sd_event_source_disable_unref(r->timer);
	*r = (struct reload){ .text = -1, .control.fd = -1 };
}

static void
reload_end(struct master *m)
{
	bool again = m->reload.again;

	reload_clear(&m->reload);
	master_catch_up(m);
	notify_ready(m);
	if (again)
		reload_start(m);
}

/* Lets go of what a new configuration would have brought. */
static void
reload_discard(struct master *m)
{
	struct reload *r = &m->reload;

	listen_close(&r->listeners, &m->listeners);
	control_unbind(&r->control);
	r->conf = conf_unref(r->conf);
	if (r->text >= 0)
		(void)close(TAKE_FD(r->text));
}

/* Gives up: nobody has changed anything yet. */
static void
reload_abort(struct master *m, const char *why)
{
	struct reload *r = &m->reload;
	struct frame f = { .type = FRAME_ABORT, .generation = r->conf->generation };

	for (size_t i = 0; i < MASTER_MAX_PROCESSES; i++) {
		if (m->processes[i].state == PROCESS_SERVING && m->processes[i].in_reload)
			(void)process_send(&m->processes[i], &f, NULL, 0);
	}
	report_error(m, why);
	reload_discard(m);
	reload_end(m);
}

void
reload_cancel(struct master *m)
{
	if (m->reload.phase == RELOAD_IDLE)
		return;
	report_error(m, "reqd is stopping");
	reload_discard(m);
	reload_clear(&m->reload);
}

/* What only a new socket or a new process could follow. */
static void
warn_unchanged(const struct conf *from, const struct conf *to)
{
	if (from->run_as.uid != to->run_as.uid || from->run_as.gid != to->run_as.gid)
		log_warn("the new account of the workers and the log holds for those that are "
		    "started from now on");
	for (size_t i = 0; i < to->n_listeners; i++) {
		const struct listener *l = &to->listeners[i];

		for (size_t k = 0; k < from->n_listeners; k++) {
			const struct listener *old = &from->listeners[k];

			if (strcmp(l->url, old->url) == 0 && (l->ipv6_only != old->ipv6_only ||
			    l->freebind != old->freebind ||
			    (l->send_buffer == 0 && old->send_buffer != 0) ||
			    (l->receive_buffer == 0 && old->receive_buffer != 0)))
				log_warn("%s is open: what cannot be changed then (ipv6-only, "
				    "freebind, buffers back to 0) holds from the next start on",
				    l->url);
		}
	}
}

static void
reload_done(struct master *m)
{
	struct reload *r = &m->reload;
	struct conf *old = m->conf;

	m->conf = r->conf;
	listen_close(&m->listeners, &r->listeners);
	m->listeners = r->listeners;
	keep_store(&m->listeners, m->conf);
	listen_apply(&m->listeners, m->conf);
	control_move(&m->control, m->conf, &r->control);
	(void)close(m->conf_text);
	m->conf_text = r->text;
	log_set_level(m->conf->log_level);
	report_success(m, old, m->conf);
	warn_unchanged(old, m->conf);
	conf_unref(old);
	master_scale_workers(m, r->n_workers);
	reload_end(m);
}

/* --------------------------------------------------------------- phases --- */

static bool
takes_part(const struct process *p, enum reload_phase phase)
{
	if (p->state != PROCESS_SERVING || !p->in_reload)
		return false;
	switch (phase) {
	case RELOAD_PREPARE:
		return true;
	case RELOAD_COMMIT_RUNNER:
		return p->kind != ROLE_WORKER;
	case RELOAD_COMMIT_WORKERS:
		return p->kind == ROLE_WORKER;
	case RELOAD_IDLE:
		return false;
	}
	return false;
}

static bool
all_answered(const struct master *m)
{
	for (size_t i = 0; i < MASTER_MAX_PROCESSES; i++) {
		if (takes_part(&m->processes[i], m->reload.phase) && !m->processes[i].answered)
			return false;
	}
	return true;
}

static void
send_frame(struct process *p, const struct frame *f, const int *fds, size_t n_fds)
{
	/* A worker too many may just have ended, of which we will hear. */
	if (process_send(p, f, fds, n_fds) < 0 && master_wants(p))
		process_kill(p, "does not take its configuration");
}

/* Listeners: NULL for a process that has, or is to have, none. */
static void
send_prepare(struct process *p, const struct conf *c, int text, const struct listen_set *set)
{
	struct frame f = { .type = FRAME_PREPARE, .generation = c->generation };
	int fds[FRAME_MAX_FDS] = { text };
	size_t n = 1;

	for (size_t i = 0; set != NULL && i < set->n; i++)
		fds[n++] = set->list[i].fd;
	send_frame(p, &f, fds, n);
}

void
master_prepare(struct process *p)
{
	struct master *m = p->master;

	p->state = PROCESS_PREPARING;
	p->offered = m->conf->generation;
	p->owing_usec = clock_usec();
	send_prepare(p, m->conf, m->conf_text,
	    p->kind == ROLE_WORKER && master_wants(p) ? &m->listeners : NULL);
}

void
master_catch_up(struct master *m)
{
	for (size_t i = 0; i < MASTER_MAX_PROCESSES; i++) {
		struct process *p = &m->processes[i];

		if (p->state == PROCESS_SERVING && p->generation != m->conf->generation)
			master_prepare(p);
	}
}

static void
reload_phase(struct master *m, enum reload_phase phase)
{
	struct reload *r = &m->reload;
	struct frame commit = { .type = FRAME_COMMIT, .generation = r->conf->generation };

	r->phase = phase;
	/* From here there is no way back: what is given up ends with its clients. */
	if (phase == RELOAD_COMMIT_WORKERS) {
		commit.sealed = listen_seal(&m->listeners, &r->listeners);
		if (r->n_workers < master_n_workers(m))
			master_scale_workers(m, r->n_workers);
	}
	for (size_t i = 0; i < MASTER_MAX_PROCESSES; i++) {
		struct process *p = &m->processes[i];

		/* Who comes to serve in the middle of it follows at its end. */
		if (phase == RELOAD_PREPARE)
			p->in_reload = p->state == PROCESS_SERVING;
		if (!takes_part(p, phase))
			continue;
		p->answered = false;
		if (phase == RELOAD_PREPARE)
			send_prepare(p, r->conf, r->text,
			    p->kind == ROLE_WORKER && p->slot < r->n_workers ? &r->listeners : NULL);
		else
			send_frame(p, &commit, NULL, 0);
	}
}

/* Goes to the next phase when the present one is complete. */
static void
reload_advance(struct master *m)
{
	while (m->reload.phase != RELOAD_IDLE && all_answered(m)) {
		switch (m->reload.phase) {
		case RELOAD_PREPARE:
			reload_phase(m, RELOAD_COMMIT_RUNNER);
			break;
		case RELOAD_COMMIT_RUNNER:
			reload_phase(m, RELOAD_COMMIT_WORKERS);
			break;
		case RELOAD_COMMIT_WORKERS:
			reload_done(m);
			return;
		case RELOAD_IDLE:
			return;
		}
	}
}

/* Handlers that are to answer before they count have their own time for it. */
static uint64_t
reload_patience(const struct conf *c)
{
	uint64_t longest = 0;

	for (size_t i = 0; i < c->n_services; i++) {
		const struct service *s = &c->services[i];

		if (s->handler != NULL && s->pool.min > 0 && s->pool.ping &&
		    s->pool.start_timeout_usec > longest)
			longest = s->pool.start_timeout_usec;
	}
	return RELOAD_PATIENCE_USEC + longest;
}

static int
on_overdue(sd_event_source *s, uint64_t usec, void *userdata)
{
	struct master *m = userdata;
	uint64_t now = clock_usec();

	/* When this comes late we have been stopped, perhaps all of us: ask again. */
	if (now - usec > RELOAD_LATE_USEC) {
		(void)sd_event_source_set_time(s, now + RELOAD_PATIENCE_USEC);
		(void)sd_event_source_set_enabled(s, SD_EVENT_ONESHOT);
		return 0;
	}
	m->reload.timer = sd_event_source_disable_unref(m->reload.timer);
	if (m->reload.phase == RELOAD_PREPARE) {
		reload_abort(m, "a process did not answer in time, try again");
		return 0;
	}
	/* Half committed: whoever hangs is replaced and starts with the new one. */
	for (size_t i = 0; i < MASTER_MAX_PROCESSES; i++) {
		struct process *p = &m->processes[i];

		if (takes_part(p, m->reload.phase) && !p->answered)
			process_kill(p, "does not answer");
	}
	return 0;
}

static void
reload_try(struct master *m)
{
	struct reload *r = &m->reload;
	CLEANUP(conf_errors_done) struct conf_errors errors = { 0 };
	char *text, why[512] = "";
	int e;

	e = conf_load(m->options.conf_file, CONF_DEFAULT, &r->conf, &errors);
	if (e < 0) {
		if (errors.n > 0)
			report_errors(m, &errors);
		else
			report_error(m, strerror(-e));
		reload_end(m);
		return;
	}
	master_override(m, r->conf);
	r->conf->generation = m->conf->generation + 1;
	r->n_workers = master_workers_wanted(r->conf);
	text = conf_format(r->conf);
	r->text = text == NULL ? -ENOMEM : fd_sealed("reqd-conf", text, strlen(text));
	free(text);
	e = r->text < 0 ? r->text : master_make_directory(r->conf, why, sizeof(why));
	if (e >= 0)
		e = listen_open(r->conf, &m->listeners, &m->passed, &r->listeners, why, sizeof(why));
	if (e >= 0)
		e = control_rebind(&m->control, r->conf, &r->control, why, sizeof(why));
	if (e < 0) {
		report_error(m, why[0] != '\0' ? why : strerror(-e));
		reload_discard(m);
		reload_end(m);
		return;
	}
	(void)sd_event_add_time(m->event, &r->timer, CLOCK_MONOTONIC,
	    clock_usec() + reload_patience(r->conf), 0, on_overdue, m);
	reload_phase(m, RELOAD_PREPARE);
	reload_advance(m);
}

void
reload_start(struct master *m)
{
	if (m->reload.phase != RELOAD_IDLE) {
		m->reload.again = true;
		return;
	}
	m->n_reloads++;
	if (m->stopping) {
		report_error(m, "reqd is stopping");
		return;
	}
	if (m->ready)
		notify_reloading();
	reload_try(m);
}

/* ------------------------------------------------------------- answers --- */

static bool
is_about(const struct process *p, uint32_t generation)
{
	const struct reload *r = &p->master->reload;

	return p->in_reload && r->phase != RELOAD_IDLE && generation == r->conf->generation;
}

void
reload_on_prepared(struct process *p, uint32_t generation)
{
	if (!is_about(p, generation) || p->master->reload.phase != RELOAD_PREPARE)
		return;
	p->answered = true;
	reload_advance(p->master);
}

void
reload_on_refused(struct process *p, uint32_t generation, const char *why)
{
	struct master *m = p->master;
	char name[32], text[256];

	if (!is_about(p, generation))
		return;
	process_name(p, name, sizeof(name));
	if (m->reload.phase == RELOAD_PREPARE) {
		(void)snprintf(text, sizeof(text), "%s: %s", name, why);
		reload_abort(m, text);
		return;
	}
	/* It cannot follow the others: its successor will. */
	log_err("%s: %s", name, why);
	process_kill(p, "could not commit");
}

void
reload_on_committed(struct process *p, uint32_t generation)
{
	struct master *m = p->master;

	if (!is_about(p, generation) || !takes_part(p, m->reload.phase) ||
	    m->reload.phase == RELOAD_PREPARE)
		return;
	p->generation = generation;
	p->answered = true;
	reload_advance(m);
}

void
reload_on_died(struct process *p)
{
	reload_advance(p->master);
}
