/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "master/reload.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "conf/errors.h"
#include "ipc/logrec.h"
#include "ipc/stats.h"
#include "master/controlverbs.h"
#include "master/keep.h"
#include "master/limits.h"
#include "master/master.h"
#include "master/notify.h"
#include "master/report.h"
#include "master/rundir.h"

/* A process that takes longer than this to prepare is stuck. */
#define RELOAD_PATIENCE_USEC (10 * USEC_PER_SEC)
#define RELOAD_LATE_USEC (2 * USEC_PER_SEC)

static void reload_advance(struct master *m);
static void on_overdue(struct loop_timer *t);

/* -------------------------------------------------------------- report --- */

static void
tell_errors(struct master *m, const struct conf_errors *errors)
{
	CLEANUP(buf_done) struct buf json = BUF_INIT(0);

	report_errors(&json, REPORT_DONE, errors);
	log_event(LOG_EVENT_RELOAD_REFUSED, LOG_ERR,
	    "reload refused, the old configuration goes on");
	control_on_reloaded(&m->control, m->n_reloads, buf_slice(&json));
}

static void
tell_error(struct master *m, const char *text)
{
	struct conf_error one = { .text = (char *)(uintptr_t)text };

	tell_errors(m, &(struct conf_errors){ .list = &one, .n = 1 });
}

static void
tell_success(struct master *m, const struct conf *from, const struct conf_errors *notes)
{
	const struct conf *to = m->conf;
	CLEANUP(buf_done) struct buf json = BUF_INIT(0);

	log_event(LOG_EVENT_RELOAD_DONE, LOG_NOTICE,
	    "configuration reloaded, generation %u: %zu listeners, %zu services",
	    to->generation, to->n_listeners, to->n_services);
	report_changes(&json, REPORT_DONE,
	    &(struct report_changes){ from, to, &m->listeners, notes });
	control_on_reloaded(&m->control, m->n_reloads, buf_slice(&json));
}

/* ---------------------------------------------------------------- ends --- */

static void
reload_clear(struct master *m)
{
	struct reload *r = &m->reload;

	loop_disarm(&m->loop, &r->timer);
	conf_errors_done(&r->notes);
	*r = (struct reload){ .text = -1, .control.fd = -1 };
}

/* Those that serve by now, but came too late to take part. */
static void
catch_up(struct master *m)
{
	struct process *p;

	FOR_EACH_PROCESS(p, m) {
		if (p->state == PROCESS_SERVING && !p->in_reload && !p->is_killed &&
		    p->generation != m->conf->generation)
			master_prepare(p);
	}
}

/* Lets go of the configuration that is not in force, and of all that it has brought. */
static void
reload_discard(struct master *m)
{
	struct reload *r = &m->reload;

	listen_close(&r->listeners, &m->listeners);
	control_unbind(&r->control);
	(void)conf_unref(r->conf);
	if (r->text >= 0)
		(void)close(TAKE_FD(r->text));
	reload_clear(m);
}

static void
reload_end(struct master *m)
{
	bool again = m->reload.again;

	reload_discard(m);
	notify_ready(m);
	if (again)
		reload_start(m);
}

/* Gives up: nobody has changed anything yet. */
static void
reload_abort(struct master *m, const char *why)
{
	struct reload *r = &m->reload;
	struct frame f = { .type = FRAME_ABORT, .generation = r->generation };
	struct process *p;

	FOR_EACH_PROCESS(p, m) {
		if (p->state == PROCESS_SERVING && p->in_reload)
			(void)process_send(p, &f, NULL, 0);
	}
	tell_error(m, why);
	reload_end(m);
}

void
reload_cancel(struct master *m)
{
	if (m->reload.phase == RELOAD_IDLE)
		return;
	tell_error(m, "reqd is stopping");
	/* The one that was to follow has its own clients. */
	if (m->reload.again) {
		m->n_reloads++;
		tell_error(m, "reqd is stopping");
	}
	/* Half committed, some workers listen on the old sockets still. */
	if (m->reload.phase == RELOAD_COMMIT)
		(void)listen_seal(&m->reload.listeners, &m->listeners);
	reload_discard(m);
}

/* A process that is up moves its counters itself; those of the others are moved here. */
static void
keep_counters(struct master *m, const struct conf *old)
{
	struct process *p;

	FOR_EACH_PROCESS(p, m) {
		if (p->stats != NULL && !process_is_up(p) &&
		    p->stats->generation == old->generation)
			stats_renumber(p->stats, old, m->conf);
	}
}

/*
 * What is refused now leaves somebody in, or out, who was not meant. Who asked
 * for the reload hears of it in the notes.
 */
static void
apply_options(struct master *m, struct conf_errors *notes)
{
	CLEANUP(conf_errors_done) struct conf_errors errors = { 0 };

	(void)listen_apply(&m->listeners, m->conf, notes, &errors);
	listen_notes(&m->listeners, &m->passed, m->conf, notes);
	report_notes(notes);
	for (size_t i = 0; i < errors.n; i++) {
		const struct conf_error *e = &errors.list[i];

		log_err("%s:%u: %s", e->file, e->line, e->text);
		conf_errors_add(notes, e->file, e->line, "%s", e->text);
	}
}

/*
 * From the first COMMIT on there is no way back, and what starts is given the new
 * configuration: with the old one it would not understand those that have
 * committed. What is to be let go of at the end takes the place of the new.
 */
static void
put_in_force(struct master *m)
{
	struct reload *r = &m->reload;
	struct listen_set listeners = m->listeners;
	struct conf *conf = m->conf;
	int text = m->conf_text;

	m->conf = r->conf;
	m->listeners = r->listeners;
	m->conf_text = r->text;
	r->conf = conf;
	r->listeners = listeners;
	r->text = text;
	apply_options(m, &r->notes);
	control_move(&m->control, m->conf, &r->control);
	log_set_level(m->conf->log_level);
	keep_counters(m, r->conf);
	master_scale_workers(m, r->n_workers);
}

static void
reload_done(struct master *m)
{
	tell_success(m, m->reload.conf, &m->reload.notes);
	limits_log(m->conf);
	reload_end(m);
	keep_store(&m->listeners, m->conf);
}

/* --------------------------------------------------------------- phases --- */

static bool
takes_part(const struct process *p)
{
	const struct reload *r = &p->master->reload;

	if (p->state != PROCESS_SERVING || !p->in_reload || p->is_killed ||
	    r->phase == RELOAD_IDLE)
		return false;
	return r->phase == RELOAD_PREPARE || p->rules->commit_step == r->step;
}

static bool
all_answered(const struct master *m)
{
	const struct process *p;

	FOR_EACH_PROCESS(p, m) {
		if (takes_part(p) && !p->answered)
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

/* Of those that listen, only those that are to stay get the sockets. */
static void
send_prepare(struct process *p, const struct conf *c, int text, const struct listen_set *set,
    size_t n_workers)
{
	struct frame f = { .type = FRAME_PREPARE, .generation = c->generation };
	bool listens = p->rules->listens && p->slot < n_workers;
	int fds[FRAME_MAX_FDS] = { text };
	size_t n = 1;

	for (size_t i = 0; listens && i < set->n; i++)
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
	send_prepare(p, m->conf, m->conf_text, &m->listeners, m->n_workers);
}

/* Those that have not answered by then are overdue. */
static void
reload_wait(struct master *m, uint64_t usec)
{
	struct reload *r = &m->reload;

	r->timer.fn = on_overdue;
	r->wait_usec = clock_usec() + usec;
	loop_arm(&m->loop, &r->timer, r->wait_usec);
}

static void
prepare_all(struct master *m)
{
	struct reload *r = &m->reload;
	struct process *p;

	r->phase = RELOAD_PREPARE;
	FOR_EACH_PROCESS(p, m) {
		/* One that comes to serve in the middle of it follows at its end. */
		p->in_reload = p->state == PROCESS_SERVING;
		p->answered = false;
		if (p->in_reload)
			send_prepare(p, r->conf, r->text, &r->listeners, r->n_workers);
	}
}

static void
commit_step(struct master *m, unsigned step)
{
	struct reload *r = &m->reload;
	struct frame f = { .type = FRAME_COMMIT, .generation = r->generation };
	struct process *p;

	r->phase = RELOAD_COMMIT;
	r->step = step;
	reload_wait(m, RELOAD_PATIENCE_USEC);
	/* What is given up ends with its clients. */
	if (step == role_listening_step())
		f.sealed = listen_seal(&r->listeners, &m->listeners);
	FOR_EACH_PROCESS(p, m) {
		if (!takes_part(p))
			continue;
		p->answered = false;
		send_frame(p, &f, NULL, 0);
	}
}

/* Goes to the next step when the present one is complete. */
static void
reload_advance(struct master *m)
{
	struct reload *r = &m->reload;

	while (r->phase != RELOAD_IDLE && all_answered(m)) {
		if (r->phase == RELOAD_PREPARE) {
			put_in_force(m);
			commit_step(m, 0);
			catch_up(m);
		} else if (r->step + 1 < ROLE_COMMIT_STEPS) {
			commit_step(m, r->step + 1);
		} else {
			reload_done(m);
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

/*
 * True if those that may refuse have answered. Of the others, those that are
 * silent are replaced.
 */
static bool
settle_silent(struct master *m)
{
	bool settled = true;
	struct process *p;

	FOR_EACH_PROCESS(p, m) {
		if (!takes_part(p) || p->answered)
			continue;
		if (m->reload.phase == RELOAD_PREPARE && p->rules->may_refuse)
			settled = false;
		else
			process_kill(p, "does not answer");
	}
	return settled;
}

void
reload_overdue(struct master *m, uint64_t now_usec)
{
	struct reload *r = &m->reload;

	if (settle_silent(m))
		reload_advance(m);
	else if (now_usec < r->due_usec)
		reload_wait(m, r->due_usec - now_usec);
	else
		reload_abort(m, "a process did not answer in time, try again");
}

static void
on_overdue(struct loop_timer *t)
{
	struct master *m = CONTAINER_OF(t, struct master, reload.timer);
	uint64_t now = clock_usec();

	/* When this comes late we have been stopped, perhaps all of us: ask again. */
	if (now - m->reload.wait_usec > RELOAD_LATE_USEC)
		reload_wait(m, RELOAD_PATIENCE_USEC);
	else
		reload_overdue(m, now);
}

/* The error as it is; its words, if it has any, are now among the errors. */
static int
collected(int e, char *why, struct conf_errors *errors)
{
	if (*why != '\0')
		conf_errors_add(errors, NULL, 0, "%s", why);
	*why = '\0';
	return e;
}

/* What only this process can know to be wrong. Without errors: strerror() says it. */
static int
reload_open(struct master *m, struct reload *r, struct conf_errors *errors)
{
	char why[512] = "";
	int e;

	e = limits_check(r->conf, why, sizeof(why));
	if (e >= 0)
		e = rundir_make(r->conf, why, sizeof(why));
	if (e >= 0)
		e = listen_open(r->conf, LISTEN_OPEN, &m->listeners, &m->passed, &r->listeners,
		    errors);
	if (e >= 0)
		e = control_rebind(&m->control, r->conf, &r->control, why, sizeof(why));
	return collected(e, why, errors);
}

static int
reload_load(struct master *m, struct conf **ret, struct conf_errors *errors)
{
	int e = conf_load(m->options.conf_file, CONF_DEFAULT, ret, errors);

	if (e < 0)
		return e;
	master_override(m, *ret);
	(*ret)->generation = m->conf->generation + 1;
	return 0;
}

/* A new configuration with all that this process brings to it. */
static int
reload_make(struct master *m, struct reload *r, struct conf_errors *errors)
{
	int e = reload_load(m, &r->conf, errors);

	if (e < 0)
		return e;
	r->n_workers = master_workers_wanted(r->conf);
	r->text = master_seal(r->conf);
	return r->text < 0 ? r->text : reload_open(m, r, errors);
}

static void
reload_try(struct master *m)
{
	CLEANUP(conf_errors_done) struct conf_errors errors = { 0 };
	struct reload *r = &m->reload;
	int e = reload_make(m, r, &errors);

	if (e < 0) {
		if (errors.n == 0)
			conf_errors_add(&errors, m->options.conf_file, 0, "%s", strerror(-e));
		tell_errors(m, &errors);
		reload_end(m);
		return;
	}
	r->due_usec = clock_usec() + reload_patience(r->conf);
	r->generation = r->conf->generation;
	reload_wait(m, RELOAD_PATIENCE_USEC);
	prepare_all(m);
	reload_advance(m);
}

/* As reload_open(), but nobody can connect to what is opened, and every error is found. */
static int
check_open(struct master *m, const struct conf *c, struct listen_set *ret,
    struct conf_errors *errors)
{
	char why[512] = "";
	int limits, directory, listen, control;

	limits = collected(limits_check(c, why, sizeof(why)), why, errors);
	directory = collected(rundir_try(c, why, sizeof(why)), why, errors);
	listen = listen_open(c, LISTEN_TRY, &m->listeners, &m->passed, ret, errors);
	control = collected(control_try(&m->control, c, why, sizeof(why)), why, errors);
	return limits < 0 ? limits : directory < 0 ? directory : listen < 0 ? listen : control;
}

void
reload_check(struct master *m, struct buf *json)
{
	CLEANUP(conf_errors_done) struct conf_errors errors = { 0 }, notes = { 0 };
	struct listen_set set = { 0 };
	struct conf *c = NULL;
	int e = m->stopping ? -ESHUTDOWN : reload_load(m, &c, &errors);

	if (m->stopping)
		conf_errors_add(&errors, NULL, 0, "reqd is stopping");
	if (e == 0)
		e = check_open(m, c, &set, &errors);
	if (e < 0 && errors.n == 0)
		conf_errors_add(&errors, m->options.conf_file, 0, "%s", strerror(-e));
	if (e < 0)
		report_errors(json, REPORT_CHECK, &errors);
	else {
		listen_notes(&set, &m->passed, c, &notes);
		report_changes(json, REPORT_CHECK,
		    &(struct report_changes){ m->conf, c, &set, &notes });
	}
	listen_close(&set, &m->listeners);
	(void)conf_unref(c);
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
		tell_error(m, "reqd is stopping");
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

	return p->in_reload && r->phase != RELOAD_IDLE && generation == r->generation;
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
	(void)snprintf(text, sizeof(text), "%s: %s", name, why);
	if (m->reload.phase == RELOAD_PREPARE && p->rules->may_refuse) {
		reload_abort(m, text);
		return;
	}
	log_err("%s", text);
	process_kill(p, m->reload.phase == RELOAD_PREPARE ? "refuses a configuration" :
	    "could not commit");
	reload_advance(m);
}

void
reload_on_committed(struct process *p, uint32_t generation)
{
	struct master *m = p->master;

	if (!is_about(p, generation) || !takes_part(p) || m->reload.phase == RELOAD_PREPARE)
		return;
	p->generation = generation;
	p->answered = true;
	/* What has been started meanwhile may have waited for it. */
	master_release_held(m);
	reload_advance(m);
}

void
reload_on_died(struct process *p)
{
	struct master *m = p->master;

	if (m->reload.phase == RELOAD_COMMIT)
		keep_counters(m, m->reload.conf);
	reload_advance(m);
}
