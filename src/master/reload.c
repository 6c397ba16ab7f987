/* SPDX-License-Identifier: ISC */
/* reload: a transaction over all processes: PREPARE, then COMMIT or ABORT. */
#include "config.h"

#include "master/reload.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "conf/certificate.h"
#include "conf/errors.h"
#include "conf/remarks.h"
#include "conf/report.h"
#include "ipc/limits.h"
#include "ipc/logrec.h"
#include "ipc/stats.h"
#include "master/bringup.h"
#include "master/master.h"
#include "master/notify.h"
#include "master/overlay.h"
#include "master/rundir.h"
#include "master/stale.h"

/* A process that takes longer than this to prepare is stuck. */
#define RELOAD_PATIENCE_USEC (10 * USEC_PER_SEC)
#define RELOAD_LATE_USEC (2 * USEC_PER_SEC)

static void reload_advance(struct master *m);
static void on_overdue(struct loop_timer *t);

static struct master *
master_of(const struct process *p)
{
	return CONTAINER_OF(p->all, struct master, processes);
}

/* -------------------------------------------------------------- report --- */

static void
tell_errors(struct master *m, const struct conf_errors *errors)
{
	CLEANUP(buf_done) struct buf json = BUF_INIT(0);

	overlay_failed(&m->overlay, m->reload.kind == RELOAD_OVERLAY || m->reload.is_last, errors);
	if (m->reload.kind == RELOAD_OVERLAY) {
		log_conf_errors(LOG_ERR, "states and log level stay as they are: ", errors);
		return;
	}
	if (m->reload.kind == RELOAD_RECOVERY) {
		log_conf_errors(LOG_WARNING, "services do not come in order: ", errors);
		return;
	}
	report_errors(&json, false, errors);
	log_conf_errors(LOG_ERR, "reload: ", errors);
	log_event(LOG_EVENT_RELOAD_REFUSED, LOG_ERR,
	    "reload refused, the old configuration goes on");
	m->reload.on_told(m, buf_slice(&json));
}

static void
tell_error(struct master *m, const char *text)
{
	struct conf_error one = { .text = (char *)(uintptr_t)text };

	tell_errors(m, &(struct conf_errors){ .list = &one, .n = 1 });
}

static const char *
unit_setting(const void *edition, const char *listener, const char *key)
{
	const struct edition *e = edition;

	return listen_unit_setting(&e->listeners, e->conf, listener, key);
}

/* Appends the changes since a configuration; those that do not hold now go into later. */
static void
put_changes(struct buf *json, const struct conf *from, const struct edition *to,
    const struct conf_errors *notes, struct conf_errors *later)
{
	const struct report_changes changes = { from, to->conf, notes, unit_setting, to };

	if (report_changes(json, &changes, later) < 0)
		log_err("out of memory: not all changes of the configuration are told");
}

/* Logs what has come in order. */
static void
tell_recovered(const struct conf *from, const struct conf *to)
{
	for (size_t i = 0; i < to->n_services; i++) {
		const struct service *s = &to->services[i];
		const struct service *was = conf_find_service(from, s->name, strlen(s->name));

		if (was != NULL && was->unavailable != NULL && s->unavailable == NULL)
			log_notice("service %s is in order again", s->name);
	}
}

/* The warnings of 'reqd -t'. */
static void
find_warnings(const struct conf *c, struct conf_errors *warnings)
{
	limits_warn(c, warnings);
	certificate_warn(c, warnings);
	remarks_warn(c, STDBUF_LIBRARY, warnings);
}

static void
log_part(int level, const char *before, const struct conf_errors *e, size_t from, size_t to)
{
	struct conf_errors part = { e->list + from, to - from };

	log_conf_errors(level, before, &part);
}

static void
tell_success(struct master *m)
{
	const struct conf *to = m->now.conf;
	CLEANUP(conf_errors_done) struct conf_errors later = { 0 };
	CLEANUP(buf_done) struct buf json = BUF_INIT(0);
	struct conf_errors *notes = &m->reload.notes;
	size_t n_told, n_warned;

	tell_recovered(m->reload.other.conf, to);
	overlay_done(&m->overlay, to);
	if (m->reload.kind != RELOAD_FILES)
		return;
	log_event(LOG_EVENT_RELOAD_DONE, LOG_NOTICE,
	    "configuration reloaded, generation %u: %zu listeners, %zu services",
	    to->generation, to->n_listeners, to->n_services);
	stale_notes(to, process_at(&m->processes, ROLE_BROKER, 0)->stats, notes);
	n_told = notes->n;
	find_warnings(to, notes);
	n_warned = notes->n;
	remarks_note(to, notes);
	log_part(LOG_WARNING, "", notes, n_told, n_warned);
	log_part(LOG_NOTICE, "note: ", notes, n_warned, notes->n);
	put_changes(&json, m->reload.other.conf, &m->now, notes, &later);
	log_conf_errors(LOG_WARNING, "", &later);
	m->reload.on_told(m, buf_slice(&json));
}

/* ---------------------------------------------------------------- ends --- */

void
reload_init(struct reload *r, reload_told_fn *on_told)
{
	*r = (struct reload){ .other = EDITION_NONE, .on_told = on_told };
}

/* Lets go of the configuration that is not in force, and of all that it has brought. */
static void
reload_discard(struct master *m)
{
	struct reload *r = &m->reload;

	edition_done(&r->other);
	loop_disarm(&m->loop, &r->timer);
	conf_errors_done(&r->notes);
	reload_init(r, r->on_told);
}

static void
reload_end(struct master *m)
{
	bool again = m->reload.again;

	reload_discard(m);
	if (m->ready)
		notify_ready(&m->processes);
	if (again)
		reload_start(m);
	else if (overlay_is_pending(&m->overlay))
		reload_overlay(m);
}

/* All questions for a reload until now are answered by the one that begins. */
static void
take_questions(struct master *m)
{
	m->reload_answers = m->reload_asked;
	m->reload_asked = 0;
}

/* Gives up: nobody has changed anything yet. */
static void
reload_abort(struct master *m, const char *why)
{
	struct frame f = { .type = FRAME_ABORT, .generation = m->reload.generation };
	struct process *p;

	FOR_EACH_PROCESS(p, &m->processes) {
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
	m->reload.is_last = true;
	tell_error(m, "reqd is stopping");
	/* The one that was to follow was asked for by others. */
	if (m->reload.again) {
		m->reload.kind = RELOAD_FILES;
		take_questions(m);
		tell_error(m, "reqd is stopping");
	}
	/* Half committed, some workers listen on the old sockets still. */
	if (m->reload.phase == RELOAD_COMMIT)
		(void)listen_seal(&m->reload.other.listeners, LISTEN_REPLACED);
	reload_discard(m);
}

/* A process that is up moves its counters itself; those of the others are moved here. */
static void
keep_counters(struct master *m, const struct conf *old)
{
	struct process *p;

	FOR_EACH_PROCESS(p, &m->processes) {
		if (p->stats != NULL && !process_is_up(p) &&
		    p->stats->generation == old->generation)
			stats_renumber(p->stats, old, m->now.conf);
	}
}

/*
 * Puts the options on sockets that stay. An option that is refused lets somebody in, or
 * keeps somebody out, who was not meant, so it goes into the notes of the reload.
 */
static void
apply_options(struct master *m, struct conf_errors *notes)
{
	CLEANUP(conf_errors_done) struct conf_errors errors = { 0 };

	(void)listen_apply(&m->now.listeners, m->now.conf, notes, &errors);
	listen_notes(&m->now.listeners, &m->passed, m->now.conf, notes);
	log_conf_errors(LOG_WARNING, "", notes);
	log_conf_errors(LOG_ERR, "", &errors);
	for (size_t i = 0; i < errors.n; i++) {
		const struct conf_error *e = &errors.list[i];

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
	struct edition old = m->now;
	int e;

	m->now = r->other;
	r->other = old;
	apply_options(m, &r->notes);
	e = listen_apply_control(m->now.control, m->now.conf);
	if (e < 0)
		log_err("control socket %s: %s", m->now.conf->control_path, strerror(-e));
	log_set_level(m->now.conf->log_level);
	keep_counters(m, old.conf);
	processes_scale(&m->processes, &old);
}

static void
reload_done(struct master *m)
{
	tell_success(m);
	reload_end(m);
	listen_keep(&m->now.listeners);
}

/* --------------------------------------------------------------- phases --- */

static bool
takes_part(const struct process *p)
{
	const struct reload *r = &master_of(p)->reload;

	if (p->state != PROCESS_SERVING || !p->in_reload || p->is_killed ||
	    r->phase == RELOAD_IDLE)
		return false;
	return r->phase == RELOAD_PREPARE || p->rules->commit_step == r->step;
}

static bool
all_answered(const struct master *m)
{
	const struct process *p;

	FOR_EACH_PROCESS(p, &m->processes) {
		if (takes_part(p) && !p->answered)
			return false;
	}
	return true;
}

/* Processes that have not answered by then are overdue. */
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
	FOR_EACH_PROCESS(p, &m->processes) {
		/* A process that comes to serve during a reload follows at the end. */
		p->in_reload = p->state == PROCESS_SERVING;
		p->answered = false;
		if (p->in_reload)
			bringup_send(p, &r->other);
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
	/* A listener that is given up ends with its clients. */
	if (step == role_listening_step())
		f.sealed = listen_seal(&r->other.listeners, LISTEN_REPLACED);
	FOR_EACH_PROCESS(p, &m->processes) {
		if (!takes_part(p))
			continue;
		p->answered = false;
		process_tell(p, &f, NULL, 0);
	}
}

/* Prepares processes that serve by now, but came too late to take part. */
static void
catch_up(struct master *m)
{
	struct process *p;

	FOR_EACH_PROCESS(p, &m->processes) {
		if (p->state == PROCESS_SERVING && !p->in_reload && !p->is_killed &&
		    p->generation != m->now.conf->generation)
			bringup_prepare(p);
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

	FOR_EACH_PROCESS(p, &m->processes) {
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

int
reload_open(struct master *m, struct edition *e, enum listen_use use,
    struct conf_errors *errors)
{
	const struct conf *c = e->conf;
	int first = 0;

	for (int step = 0; step < 4 && (first == 0 || use == LISTEN_TRY); step++) {
		struct reason why = { "" };
		size_t n = errors->n;
		int r = step == 0 ? limits_check(c, &why) :
		    step == 1 ? rundir_make(c, use, &why) :
		    step == 2 ? listen_open(c, use, &m->now.listeners, &m->passed, &e->listeners,
		    errors) : listen_open_control(c, use, m->now.control, &e->control, &why);

		if (r >= 0)
			continue;
		if (errors->n == n)
			conf_errors_add(errors, NULL, 0, "%s", reason_text(&why, r));
		first = first == 0 ? r : first;
	}
	return first;
}

static void
begin(struct master *m)
{
	struct reload *r = &m->reload;

	r->due_usec = clock_usec() + reload_patience(r->other.conf);
	r->generation = r->other.conf->generation;
	reload_wait(m, RELOAD_PATIENCE_USEC);
	prepare_all(m);
	reload_advance(m);
}

void
reload_recover(struct master *m)
{
	CLEANUP(conf_errors_done) struct conf_errors errors = { 0 };
	struct reload *r = &m->reload;
	int q;

	/* A reload that was asked for reads the files, and looks at everything. */
	if (r->phase != RELOAD_IDLE || m->processes.is_stopping)
		return;
	q = edition_look_again(&r->other, &m->now, &m->overlay.next,
	    m->now.conf->generation + 1, &errors);
	if (q > 0) {
		q = reload_open(m, &r->other, LISTEN_OPEN, &errors);
		q = q < 0 ? q : overlay_begin(&m->overlay);
		if (q >= 0) {
			r->kind = RELOAD_RECOVERY;
			m->reload_answers = 0;
			begin(m);
			return;
		}
	}
	log_conf_errors(LOG_WARNING, "", &errors);
	reload_discard(m);
}

void
reload_overlay(struct master *m)
{
	CLEANUP(conf_errors_done) struct conf_errors errors = { 0 };
	struct reload *r = &m->reload;

	/* The one in progress is followed by this one. */
	if (r->phase != RELOAD_IDLE)
		return;
	r->kind = RELOAD_OVERLAY;
	if (m->processes.is_stopping)
		tell_error(m, "reqd is stopping");
	else if (overlay_begin(&m->overlay) < 0)
		tell_error(m, "out of memory");
	else if (edition_overlay(&r->other, &m->now, &m->overlay.next,
	    m->now.conf->generation + 1, &errors) < 0 ||
	    reload_open(m, &r->other, LISTEN_OPEN, &errors) < 0)
		tell_errors(m, &errors);
	else {
		m->reload_answers = 0;
		begin(m);
		return;
	}
	reload_discard(m);
}

static void
reload_try(struct master *m)
{
	CLEANUP(conf_errors_done) struct conf_errors errors = { 0 };
	struct reload *r = &m->reload;

	if (edition_load(&r->other, &m->options, CONF_DEFAULT, m->now.conf->generation + 1,
	    &errors) < 0 ||
	    reload_open(m, &r->other, LISTEN_OPEN, &errors) < 0) {
		tell_errors(m, &errors);
		reload_end(m);
		return;
	}
	if (overlay_begin(&m->overlay) < 0) {
		tell_error(m, "out of memory");
		reload_end(m);
		return;
	}
	begin(m);
}

void
reload_check(struct master *m, struct buf *json)
{
	CLEANUP(conf_errors_done) struct conf_errors errors = { 0 }, notes = { 0 };
	struct edition e = EDITION_NONE;

	if (m->processes.is_stopping)
		conf_errors_add(&errors, NULL, 0, "reqd is stopping");
	else if (edition_load(&e, &m->options, CONF_DEFAULT, m->now.conf->generation + 1,
	    &errors) >= 0)
		(void)reload_open(m, &e, LISTEN_TRY, &errors);
	if (errors.n > 0)
		report_errors(json, true, &errors);
	else {
		listen_notes(&e.listeners, &m->passed, e.conf, &notes);
		stale_notes(m->now.conf, process_at(&m->processes, ROLE_BROKER, 0)->stats, &notes);
		find_warnings(e.conf, &notes);
		remarks_note(e.conf, &notes);
		put_changes(json, m->now.conf, &e, &notes, NULL);
	}
	edition_done(&e);
}

void
reload_start(struct master *m)
{
	if (m->reload.phase != RELOAD_IDLE) {
		m->reload.again = true;
		return;
	}
	take_questions(m);
	if (m->processes.is_stopping) {
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
	const struct reload *r = &master_of(p)->reload;

	return p->in_reload && r->phase != RELOAD_IDLE && generation == r->generation;
}

void
reload_on_prepared(struct process *p, uint32_t generation)
{
	if (!is_about(p, generation) || master_of(p)->reload.phase != RELOAD_PREPARE)
		return;
	p->answered = true;
	reload_advance(master_of(p));
}

void
reload_on_refused(struct process *p, uint32_t generation, const char *why)
{
	struct master *m = master_of(p);
	char text[256];

	if (!is_about(p, generation))
		return;
	(void)snprintf(text, sizeof(text), "%s: %s", p->name, why);
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
	struct master *m = master_of(p);

	if (!is_about(p, generation) || !takes_part(p) || m->reload.phase == RELOAD_PREPARE)
		return;
	p->generation = generation;
	p->answered = true;
	/* Processes that were started meanwhile may have waited for this one. */
	bringup_release_held(&m->processes);
	reload_advance(m);
}

void
reload_on_died(struct process *p)
{
	struct master *m = master_of(p);

	if (m->reload.phase == RELOAD_COMMIT)
		keep_counters(m, m->reload.other.conf);
	reload_advance(m);
}
