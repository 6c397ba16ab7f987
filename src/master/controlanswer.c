/* SPDX-License-Identifier: ISC */
/*
 * controlanswer: each answer goes to control as a sealed memory file.
 */
#include "config.h"

#include "master/controlanswer.h"

#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/fd.h"
#include "ipc/roster.h"
#include "master/master.h"
#include "master/stale.h"

static void
tell(struct master *m, uint64_t id, enum frame_what what, const void *data, size_t len)
{
	struct frame f = { .type = FRAME_TOLD, .id = id, .what = (uint8_t)what };
	CLEANUP_CLOSE int fd = fd_sealed("reqd-answer", data, len);

	process_tell(process_at(&m->processes, ROLE_CONTROL, 0), &f, &fd, fd >= 0);
}

static void
tell_level(const struct master *m, struct roster *r)
{
	const struct overlay_level *l = &m->overlay.now.level;

	r->log_level = (uint8_t)m->now.conf->log_level;
	r->file_level = (uint8_t)m->now.file_level;
	r->is_level_set = l->is_set;
	r->level_uid = l->uid;
	(void)strlcpy(r->level_since, l->since, sizeof(r->level_since));
	r->level_due_usec = l->due_usec;
}

static void
tell_roster(struct master *m, uint64_t id)
{
	struct roster r = {
		.started_usec = m->started_usec,
		.pid = (uint32_t)getpid(),
		.state = m->processes.is_stopping || m->processes.is_leaving ? ROSTER_STOPPING :
		    !m->ready ? ROSTER_STARTING :
		    m->reload.phase != RELOAD_IDLE ? ROSTER_RELOADING : ROSTER_SERVING,
	};

	for (size_t i = 0; i < ROLE_MAX_PROCESSES; i++) {
		const struct process *p = &m->processes.list[i];

		r.processes[i] = (struct roster_process){
			.pid = (uint32_t)p->pid,
			.restarts = p->restarts,
			.state = (uint8_t)p->state,
		};
	}
	(void)strlcpy(r.conf_file, m->options.conf_file, sizeof(r.conf_file));
	if (stale_file(&m->now, r.changed_file, sizeof(r.changed_file)) < 0)
		r.changed_file[0] = '\0';
	tell_level(m, &r);
	tell(m, id, WHAT_ROSTER, &r, sizeof(r));
}

void
answer_ask(struct master *m, const struct frame *ask)
{
	CLEANUP(buf_done) struct buf json = BUF_INIT(0);

	switch (ask->what) {
	case WHAT_ROSTER:
		tell_roster(m, ask->id);
		return;
	case WHAT_CHECK:
		reload_check(m, &json);
		tell(m, ask->id, WHAT_CHECK, buf_data(&json), buf_len(&json));
		return;
	case WHAT_RELOAD:
		/* A reload in progress may have read the files before their last change. */
		m->reload_asked = ask->id;
		reload_start(m);
		return;
	}
}

/* The configuration whose numbers a frame has: control may be a step behind. */
static const struct conf *
conf_of(const struct master *m, uint32_t generation)
{
	if (m->now.conf->generation == generation)
		return m->now.conf;
	if (m->reload.phase == RELOAD_COMMIT && m->reload.other.conf->generation == generation)
		return m->reload.other.conf;
	return NULL;
}

void
answer_overlay(struct master *m, const struct frame *f)
{
	if (overlay_note(&m->overlay, f, conf_of(m, f->generation)))
		reload_overlay(m);
}

void
answer_overlaid(struct overlay *o, uint64_t id, struct slice json)
{
	struct master *m = CONTAINER_OF(o, struct master, overlay);

	tell(m, id, WHAT_OVERLAY, json.data, json.len);
}

void
answer_reloaded(struct master *m, struct slice json)
{
	if (m->reload_answers != 0)
		tell(m, m->reload_answers, WHAT_RELOAD, json.data, json.len);
}

/* The handlers of the next broker are new ones. */
static const char broker_is_gone[] =
    "the broker has ended, and with it all processes of handlers: new ones are started";

static void
tell_restarted(struct master *m, const struct frame *f)
{
	struct process *control = process_at(&m->processes, ROLE_CONTROL, 0);

	if (control->state == PROCESS_SERVING)
		process_tell(control, f, NULL, 0);
}

bool
answer_restart(struct master *m, const struct process *from, const struct frame *f)
{
	struct process *broker = process_at(&m->processes, ROLE_BROKER, 0);
	struct frame refusal = { .type = FRAME_RESTARTED, .id = f->id };

	if (f->type == FRAME_RESTARTED && from == broker) {
		tell_restarted(m, f);
		return true;
	}
	if (f->type != FRAME_RESTART || from->kind != ROLE_CONTROL)
		return false;
	if (broker->state != PROCESS_SERVING || process_send(broker, f, NULL, 0) < 0) {
		(void)strlcpy(refusal.restarted.why, broker_is_gone,
		    sizeof(refusal.restarted.why));
		tell_restarted(m, &refusal);
	}
	return true;
}

void
answer_restart_died(struct master *m, const struct process *p)
{
	struct frame f = { .type = FRAME_RESTARTED };

	if (p->kind != ROLE_BROKER || m->processes.is_stopping)
		return;
	(void)strlcpy(f.restarted.why, broker_is_gone, sizeof(f.restarted.why));
	tell_restarted(m, &f);
}
