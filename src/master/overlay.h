/* SPDX-License-Identifier: ISC */
/*
 * overlay: settings of administrators in a running reqd, on top of its files: states of
 * services, and the level of the log. Each configuration is made with it, so it lives over
 * reloads and the deaths of other processes, but not over a restart.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/loop.h"
#include "base/slice.h"
#include "conf/conf.h"
#include "ipc/frame.h"
#include "ipc/roster.h"

struct overlay_state {
	char service[SERVICE_NAME_MAX + 1];
	char text[FRAME_OVERLAY_TEXT];
	enum service_state state;
	uint32_t uid;
	char since[ROSTER_TIME];
	uint64_t serial;		/* of the change */
};

struct overlay_level {
	bool is_set;
	int level;
	uint32_t uid;
	char since[ROSTER_TIME];
	uint64_t serial;		/* of the change, also when its time is over */
	uint64_t due_usec;		/* taken back then; 0: never */
};

struct overlay_set {
	struct overlay_state all;	/* of services without one of their own */
	struct overlay_state *list;	/* sorted by name */
	size_t n;
	struct overlay_level level;
	uint64_t serial;		/* of the last change; 0: there was none */
};

struct overlay;

/* An answer for control about all its questions up to this one, as JSON. */
typedef void overlay_told_fn(struct overlay *o, uint64_t id, struct slice json);
/* Something is to be put in force though nobody has asked. */
typedef void overlay_due_fn(struct overlay *o);

struct overlay {
	struct loop *loop;
	overlay_told_fn *on_told;
	overlay_due_fn *on_due;
	struct overlay_set now;		/* in force */
	struct overlay_set tried;	/* of the reload in progress */
	struct overlay_set next;	/* wanted */
	uint64_t asked;			/* the newest question that waits for an answer; 0: none */
	uint64_t answers;		/* ... that the reload in progress answers */
	struct overlay_set draft;	/* services of a change whose rest is on its way */
	bool is_partial;		/* there is such a change */
	struct loop_timer timer;	/* of the level */
};

void overlay_init(struct overlay *o, struct loop *loop, overlay_told_fn *on_told,
    overlay_due_fn *on_due);
void overlay_release(struct overlay *o);

/*
 * Notes a change that control asks for. c: the configuration whose numbers the frame has;
 * NULL: it is not known any more. True if the change is complete, and a reload is to put it
 * in force; else there is more to come, or an error was answered.
 */
bool overlay_note(struct overlay *o, const struct frame *f, const struct conf *c);

/* Control is gone: half of a change is no change. */
void overlay_forget_partial(struct overlay *o);

/* True if something was changed that no reload has taken up. */
bool overlay_is_pending(const struct overlay *o);

/*
 * Sets states and level of a configuration that nobody uses yet. level: that of the files.
 * 0 or -ENOMEM.
 */
int overlay_apply(const struct overlay_set *o, struct conf *c, int level);

/* A reload with all changes until now begins. 0 or -ENOMEM. */
int overlay_begin(struct overlay *o);

/* The reload has succeeded: logs what has changed, and answers. */
void overlay_done(struct overlay *o, const struct conf *to);

/* The reload has failed, and another one is to try; is_final: none is, so nothing is wanted any more. */
void overlay_failed(struct overlay *o, bool is_final, const struct conf_errors *errors);
