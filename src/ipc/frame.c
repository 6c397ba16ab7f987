/* SPDX-License-Identifier: ISC */
/* Checks frames: the type, the fields and the number of descriptors. */
#include "config.h"

#include "ipc/frame.h"

#include <string.h>

#include "base/cleanup.h"
#include "conf/conf.h"
#include "ipc/job.h"
#include "ipc/roles.h"
#include "proto/outcome.h"

/* For each type, the number of descriptors that a frame carries. */
static const struct {
	const char *name;
	uint8_t min_fds, max_fds;
} frame_types[FRAME_TYPE_N] = {
	[FRAME_PREPARE] = { "prepare", 1, 2 + CONF_MAX_LISTENERS },
	[FRAME_COMMIT] = { "commit", 0, 0 },
	[FRAME_ABORT] = { "abort", 0, 0 },
	[FRAME_LINK] = { "link", 1, 2 },
	[FRAME_UNLINK] = { "unlink", 0, 0 },
	[FRAME_LEAVING] = { "leaving", 0, 0 },
	[FRAME_STOP] = { "stop", 0, 0 },
	[FRAME_PING] = { "ping", 0, 0 },
	[FRAME_LIST] = { "list", 1, 1 },
	[FRAME_KILL] = { "kill", 0, 0 },
	[FRAME_STATS] = { "stats", 1, 1 },
	[FRAME_TOLD] = { "told", 0, 1 },
	[FRAME_READY] = { "ready", 0, 0 },
	[FRAME_PREPARED] = { "prepared", 0, 0 },
	[FRAME_REFUSED] = { "refused", 0, 0 },
	[FRAME_COMMITTED] = { "committed", 0, 0 },
	[FRAME_PONG] = { "pong", 0, 0 },
	[FRAME_LISTED] = { "listed", 0, 0 },
	[FRAME_KILLED] = { "killed", 0, 0 },
	[FRAME_DRAINED] = { "drained", 0, 0 },
	[FRAME_FAULT] = { "fault", 0, 0 },
	[FRAME_ASK] = { "ask", 0, 0 },
	[FRAME_OVERLAY] = { "overlay", 0, 0 },
	[FRAME_RUN] = { "run", 0, 0 },
	[FRAME_CANCEL] = { "cancel", 0, 0 },
	[FRAME_LOOK_UP] = { "look-up", 0, 0 },
	[FRAME_CANCEL_OWNED] = { "cancel-owned", 0, 0 },
	[FRAME_DEPOSIT] = { "deposit", 0, 0 },
	[FRAME_PAPER] = { "paper", 1, 1 },
	[FRAME_UNKIT] = { "unkit", 0, 0 },
	[FRAME_WANT] = { "want", 0, 0 },
	[FRAME_RETURN] = { "return", 0, 0 },
	[FRAME_PROVEN] = { "proven", 0, 0 },
	[FRAME_WAITING] = { "waiting", 0, 0 },
	[FRAME_STARTED] = { "started", 0, 0 },
	[FRAME_ENDED] = { "ended", 0, 0 },
	[FRAME_ATTACHED] = { "attached", 0, 0 },
	[FRAME_RESULT] = { "result", 0, 1 },
	[FRAME_CANCELLED] = { "cancelled", 0, 0 },
	[FRAME_FOUND] = { "found", 0, 1 },
	[FRAME_LEASE] = { "lease", 3, 3 },
	[FRAME_RECALL] = { "recall", 0, 0 },
	[FRAME_UNABLE] = { "unable", 0, 0 },
	[FRAME_WORDS] = { "words", 1, 1 },
	[FRAME_START] = { "start", 0, 0 },
	[FRAME_TERMINATE] = { "terminate", 0, 0 },
	[FRAME_SIGNAL] = { "signal", 0, 0 },
	[FRAME_WEIGH] = { "weigh", 0, 0 },
	[FRAME_MAKE_KITS] = { "make-kits", 0, 0 },
	[FRAME_MAKE_JOBS] = { "make-jobs", 0, 0 },
	[FRAME_KIT] = { "kit", 2, 3 },
	[FRAME_JOBS] = { "jobs", 1, 1 },
	[FRAME_NO_KIT] = { "no-kit", 0, 0 },
	[FRAME_BEGUN] = { "begun", 0, 0 },
	[FRAME_BROKE] = { "broke", 0, 0 },
	[FRAME_RESTART] = { "restart", 0, 0 },
	[FRAME_RESTARTED] = { "restarted", 0, 0 },
	[FRAME_EXITED] = { "exited", 0, 0 },
	[FRAME_GONE] = { "gone", 0, 0 },
	[FRAME_WEIGHED] = { "weighed", 0, 0 },
};

static bool
run_check(const struct frame_run *run)
{
	if ((run->flags & ~(uint32_t)(RUN_HAS_INPUT | RUN_WANT_STARTED)) != 0)
		return false;
	return run->service < CONF_MAX_SERVICES && run->deadline_usec != 0 &&
	    run->place < JOB_PLACES;
}

/* True for text that ends, in one line: it gets into logs and answers. */
static bool
is_line(const char *text, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c == '\0')
			return true;
		if (c < ' ' || c == 0x7f)
			return false;
	}
	return false;
}

static bool
overlay_check(const struct frame_overlay *o)
{
	/* Only services one by one take more than one frame. */
	if ((o->what == OVERLAY_LEVEL || o->service == OVERLAY_ALL) && !(o->is_first && o->is_last))
		return false;
	return o->what < OVERLAY_N && o->level <= OVERLAY_LEVEL_OF_FILES &&
	    (o->service < CONF_MAX_SERVICES || o->service == OVERLAY_ALL) &&
	    is_line(o->text, sizeof(o->text));
}

bool
frame_check_bare(const void *data, size_t len)
{
	const struct frame *f = data;

	if (len != sizeof(*f))
		return false;
	if (f->type == 0 || f->type >= FRAME_TYPE_N || f->slot >= ROLE_MAX_PROCESSES)
		return false;

	switch (f->type) {
	case FRAME_RUN:
		return run_check(&f->run);
	case FRAME_ENDED:
		return f->ended.outcome < OUTCOME_N && f->ended.stage < STAGE_N;
	case FRAME_FOUND:
		return f->found < LOOK_UP_N;
	case FRAME_WAITING:
		return f->waiting < WAITING_N;
	case FRAME_NO_KIT:
		return f->kit.error > 0;
	case FRAME_START:
		return f->start.ref < FRAME_MAX_REFS && f->start.place < JOB_PLACES;
	case FRAME_TERMINATE:
		return f->terminate.ref < FRAME_MAX_REFS;
	case FRAME_SIGNAL:
		return f->signal.ref < FRAME_MAX_REFS && f->signal.number > 0;
	case FRAME_BEGUN:
		return f->begun.ref < FRAME_MAX_REFS;
	case FRAME_EXITED:
		return f->exited.ref < FRAME_MAX_REFS && f->exited.stage < STAGE_N;
	case FRAME_WEIGH:
	case FRAME_GONE:
		return f->ref < FRAME_MAX_REFS;
	case FRAME_WEIGHED:
		return f->weighed.ref < FRAME_MAX_REFS;
	case FRAME_MAKE_KITS:
		return f->make.n <= FRAME_MAX_KITS;
	case FRAME_LINK:
		return memchr(f->link.name, '\0', sizeof(f->link.name)) != NULL;
	case FRAME_FAULT:
		return memchr(f->fault.text, '\0', sizeof(f->fault.text)) != NULL;
	case FRAME_ASK:
	case FRAME_TOLD:
		return f->what < WHAT_N;
	case FRAME_OVERLAY:
		return overlay_check(&f->overlay);
	case FRAME_BROKE:
		return f->broke.fault <= -DEATH_ENDED &&
		    memchr(f->broke.words.wrote, '\0', sizeof(f->broke.words.wrote)) != NULL &&
		    memchr(f->broke.words.line, '\0', sizeof(f->broke.words.line)) != NULL;
	case FRAME_RESTARTED:
		return memchr(f->restarted.why, '\0', sizeof(f->restarted.why)) != NULL;
	case FRAME_RESTART:
	case FRAME_LIST:
	case FRAME_REFUSED:
		return memchr(f->text, '\0', sizeof(f->text)) != NULL;
	case FRAME_WANT:
	case FRAME_RETURN:
	case FRAME_LEASE:
	case FRAME_WORDS:
		return memchr(f->lease.service, '\0', sizeof(f->lease.service)) != NULL;
	case FRAME_UNABLE:
		return memchr(f->unable.service, '\0', sizeof(f->unable.service)) != NULL;
	default:
		return true;
	}
}

bool
frame_check(const void *data, size_t len, size_t n_fds)
{
	const struct frame *f = data;

	if (!frame_check_bare(data, len))
		return false;
	if (f->type == FRAME_KIT)
		return n_fds == (f->kit.has_input ? 3 : 2);
	return n_fds >= frame_types[f->type].min_fds && n_fds <= frame_types[f->type].max_fds;
}

const char *
frame_type_name(unsigned type)
{
	return type > 0 && type < FRAME_TYPE_N ? frame_types[type].name : "?";
}
