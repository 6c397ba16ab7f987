/* SPDX-License-Identifier: ISC */
/* overlay: takes changes of administrators, and has reloads put them in force. */
#include "config.h"

#include "master/overlay.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/jsonbuf.h"
#include "base/units.h"
#include "conf/errors.h"
#include "conf/report.h"
#include "ipc/logrec.h"

/* After a reload that was to take a level back, and failed. */
#define AGAIN_USEC (10 * USEC_PER_SEC)

#define UID_TEXT sizeof("uid:4294967295")

static void
uid_format(uint32_t uid, char ret[static UID_TEXT])
{
	(void)snprintf(ret, UID_TEXT, "uid:%" PRIu32, uid);
}

/* ---------------------------------------------------------------- sets --- */

static void
set_done(struct overlay_set *s)
{
	free(s->list);
	*s = (struct overlay_set){ 0 };
}

/* Replaces a set by a copy. 0 or -ENOMEM. */
static int
set_copy(struct overlay_set *to, const struct overlay_set *from)
{
	struct overlay_state *list = calloc(from->n + 1, sizeof(*list));

	if (list == NULL)
		return -ENOMEM;
	if (from->n > 0)
		memcpy(list, from->list, from->n * sizeof(*list));
	set_done(to);
	*to = *from;
	to->list = list;
	return 0;
}

static int
compare_name(const void *key, const void *element)
{
	return strcmp(key, ((const struct overlay_state *)element)->service);
}

static struct overlay_state *
set_find(const struct overlay_set *s, const char *service)
{
	return s->n == 0 ? NULL :
	    bsearch(service, s->list, s->n, sizeof(*s->list), compare_name);
}

/* The place of a service, made where there is none. NULL without memory. */
static struct overlay_state *
set_get(struct overlay_set *s, const char *service)
{
	struct overlay_state *found = set_find(s, service), *list;
	size_t at = s->n;

	if (found != NULL)
		return found;
	list = reallocarray(s->list, s->n + 1, sizeof(*list));
	if (list == NULL)
		return NULL;
	s->list = list;
	for (; at > 0 && strcmp(list[at - 1].service, service) > 0; at--)
		list[at] = list[at - 1];
	list[at] = (struct overlay_state){ 0 };
	(void)strlcpy(list[at].service, service, sizeof(list[at].service));
	s->n++;
	return &list[at];
}

/* Forgets services that are not there any more, so the list has an end. */
static void
set_prune(struct overlay_set *s, const struct conf *c)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n; i++) {
		const char *name = s->list[i].service;

		if (conf_find_service(c, name, strlen(name)) != NULL)
			s->list[n++] = s->list[i];
	}
	s->n = n;
}

int
overlay_apply(const struct overlay_set *o, struct conf *c, int level)
{
	for (size_t i = 0; i < c->n_services; i++) {
		struct service *s = &c->services[i];
		const struct overlay_state *own = set_find(o, s->name);
		const struct overlay_state *state = own != NULL ? own : &o->all;
		char by[UID_TEXT];

		if (state->state == SERVICE_OPEN && s->state == SERVICE_OPEN)
			continue;
		uid_format(state->uid, by);
		if (conf_set_state(c, s, state->state, state->text, by, state->since) < 0)
			return -ENOMEM;
	}
	conf_judge_states(c);
	c->log_level = o->level.is_set ? o->level.level : level;
	return 0;
}

/* -------------------------------------------------------------- changes --- */

static void
put_now(char ret[static ROSTER_TIME])
{
	time_t now = time(NULL);
	struct tm tm;

	(void)strftime(ret, ROSTER_TIME, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &tm));
}

static void
put_state(struct overlay_state *s, const struct frame_overlay *o, uint64_t serial)
{
	s->state = (enum service_state)o->what;
	s->uid = o->uid;
	s->serial = serial;
	put_now(s->since);
	(void)strlcpy(s->text, o->text, sizeof(s->text));
}

static void
put_level(struct overlay_set *next, const struct frame_overlay *o)
{
	next->level = (struct overlay_level){
		.is_set = o->level != OVERLAY_LEVEL_OF_FILES, .level = o->level,
		.uid = o->uid, .serial = ++next->serial,
		.due_usec = o->for_usec > 0 ? clock_usec() + o->for_usec : 0,
	};
	put_now(next->level.since);
}

/* Adds a service to the change that is on its way. NULL, or the reason why that cannot be done. */
static const char *
draft_add(struct overlay *o, const struct frame_overlay *f, const struct conf *c)
{
	struct overlay_state *s;

	if (f->is_first)
		set_done(&o->draft);
	else if (!o->is_partial)
		return "a part of the change is missing, try again";
	if (c == NULL || f->service >= c->n_services)
		return "the configuration has just changed, try again";
	s = set_get(&o->draft, c->services[f->service].name);
	if (s == NULL)
		return "out of memory";
	put_state(s, f, 0);
	return NULL;
}

/* The change is complete: it is wanted. NULL, or the reason why that cannot be done. */
static const char *
draft_take(struct overlay *o)
{
	struct overlay_set merged = { 0 };

	if (set_copy(&merged, &o->next) < 0)
		return "out of memory";
	merged.serial++;
	for (size_t i = 0; i < o->draft.n; i++) {
		struct overlay_state *s = set_get(&merged, o->draft.list[i].service);

		if (s == NULL) {
			set_done(&merged);
			return "out of memory";
		}
		*s = o->draft.list[i];
		s->serial = merged.serial;
	}
	set_done(&o->next);
	o->next = merged;
	return NULL;
}

/* Notes the change of one frame. NULL, or the reason why that cannot be done. */
static const char *
note(struct overlay *o, const struct frame_overlay *f, const struct conf *c)
{
	const char *wrong;

	if (f->what == OVERLAY_LEVEL) {
		put_level(&o->next, f);
		return NULL;
	}
	if (f->service == OVERLAY_ALL) {
		o->next.n = 0;
		put_state(&o->next.all, f, ++o->next.serial);
		return NULL;
	}
	wrong = draft_add(o, f, c);
	return wrong == NULL && f->is_last ? draft_take(o) : wrong;
}

/* Drops all changes that are not in force. */
static void
revert(struct overlay *o)
{
	/* Without memory they are wanted still, and the next reload tries again. */
	(void)set_copy(&o->next, &o->now);
}

static void
answer_errors(struct overlay *o, uint64_t id, const struct conf_errors *errors)
{
	CLEANUP(buf_done) struct buf json = BUF_INIT(0);

	report_errors(&json, false, errors);
	o->on_told(o, id, buf_slice(&json));
}

bool
overlay_note(struct overlay *o, const struct frame *f, const struct conf *c)
{
	const char *wrong = note(o, &f->overlay, c);
	struct conf_error one = { .text = (char *)(uintptr_t)wrong };

	o->is_partial = wrong == NULL && !f->overlay.is_last;
	if (!o->is_partial)
		set_done(&o->draft);
	if (wrong != NULL)
		answer_errors(o, f->id, &(struct conf_errors){ &one, 1 });
	else if (f->overlay.is_last)
		o->asked = f->id;
	return wrong == NULL && f->overlay.is_last;
}

void
overlay_forget_partial(struct overlay *o)
{
	set_done(&o->draft);
	o->is_partial = false;
}

static void
on_level_due(struct loop_timer *t)
{
	struct overlay *o = CONTAINER_OF(t, struct overlay, timer);
	struct overlay_level *level = &o->next.level;

	if (!level->is_set || level->due_usec == 0 || clock_usec() < level->due_usec)
		return;
	level->is_set = false;
	level->due_usec = 0;
	o->next.serial++;
	o->on_due(o);
}

void
overlay_init(struct overlay *o, struct loop *loop, overlay_told_fn *on_told,
    overlay_due_fn *on_due)
{
	*o = (struct overlay){
		.loop = loop, .on_told = on_told, .on_due = on_due, .timer.fn = on_level_due,
	};
}

void
overlay_release(struct overlay *o)
{
	loop_disarm(o->loop, &o->timer);
	set_done(&o->now);
	set_done(&o->tried);
	set_done(&o->next);
	set_done(&o->draft);
}

/* ------------------------------------------------------------- reloads --- */

bool
overlay_is_pending(const struct overlay *o)
{
	return o->next.serial != o->now.serial;
}

int
overlay_begin(struct overlay *o)
{
	if (set_copy(&o->tried, &o->next) < 0)
		return -ENOMEM;
	o->answers = o->asked;
	o->asked = 0;
	return 0;
}

static void
log_state(const char *what, const struct overlay_state *s)
{
	static const char *const words[] = { "open again", "paused", "drained" };
	char by[UID_TEXT];

	uid_format(s->uid, by);
	log_notice("%s%s is %s, by %s%s%s", what, s->service, words[s->state], by,
	    s->text[0] != '\0' ? ": " : "", s->text);
}

/* Logs each change of states since the set in force; that of all services is one line. */
static void
log_states(const struct overlay_set *o, const struct overlay_set *before)
{
	if (o->all.serial > before->all.serial)
		log_state("every service", &o->all);
	for (size_t i = 0; i < o->n; i++) {
		if (o->list[i].serial > before->serial)
			log_state("service ", &o->list[i]);
	}
}

static void
log_the_level(const struct overlay_level *l, const struct overlay_level *was, int level)
{
	char by[UID_TEXT], left[UNITS_TEXT] = "";
	uint64_t now = clock_usec();

	if (l->is_set == was->is_set && l->serial == was->serial)
		return;
	uid_format(l->uid, by);
	if (l->due_usec > now)
		duration_format((l->due_usec - now + USEC_PER_SEC - 1) / USEC_PER_SEC *
		    USEC_PER_SEC, left, sizeof(left));
	if (l->is_set)
		log_notice("log level %s, by %s%s%s", conf_level_word(level), by,
		    *left != '\0' ? ", for " : "", left);
	else if (l->serial == was->serial)
		log_notice("log level %s again, as the time of %s is over", conf_level_word(level),
		    conf_level_word(was->level));
	else
		log_notice("log level %s as in the files, by %s", conf_level_word(level), by);
}

void
overlay_done(struct overlay *o, const struct conf *to)
{
	CLEANUP(buf_done) struct buf json = BUF_INIT(0);

	set_prune(&o->tried, to);
	set_prune(&o->next, to);
	log_states(&o->tried, &o->now);
	log_the_level(&o->tried.level, &o->now.level, to->log_level);
	set_done(&o->now);
	o->now = o->tried;
	o->tried = (struct overlay_set){ 0 };
	if (o->now.level.due_usec != 0)
		loop_arm(o->loop, &o->timer, o->now.level.due_usec);
	else
		loop_disarm(o->loop, &o->timer);
	if (o->answers == 0)
		return;
	jsonbuf_open(&json, NULL, '{');
	jsonbuf_bool(&json, "ok", true);
	jsonbuf_number(&json, "generation", to->generation);
	jsonbuf_close(&json, '}');
	o->on_told(o, o->answers, buf_slice(&json));
	o->answers = 0;
}

void
overlay_failed(struct overlay *o, bool is_final, const struct conf_errors *errors)
{
	uint64_t due_usec;

	set_done(&o->tried);
	/* The answer to the newest question answers those before it. */
	if (o->asked == 0)
		o->asked = o->answers;
	o->answers = 0;
	if (!is_final)
		return;
	revert(o);
	if (o->asked != 0)
		answer_errors(o, o->asked, errors);
	o->asked = 0;
	/* A level whose time is over, or will be, is taken back by a later reload. */
	due_usec = o->now.level.due_usec;
	if (due_usec != 0) {
		uint64_t again_usec = clock_usec() + AGAIN_USEC;

		loop_arm(o->loop, &o->timer, due_usec > again_usec ? due_usec : again_usec);
	}
}
