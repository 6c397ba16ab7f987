/* SPDX-License-Identifier: ISC */
/*
 * evil-frames: frames that are none, or not a worker's, to the broker and to
 * the master; and silence.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "evil.h"
#include "ipc/roles.h"

/* ---------------------------------------------------------- bad frames --- */

static void
half_a_frame(struct evil *e)
{
	struct frame f = evil_cancel_frame(1);

	evil_write_bad(e, &f, sizeof(f) / 2);
}

static void
one_byte_more(struct evil *e)
{
	struct frame f[2] = { evil_cancel_frame(evil_new_id(e)), { .type = 0 } };

	evil_write_bad(e, f, sizeof(*f) + 1);
}

static void
any_bytes(struct evil *e)
{
	char bytes[FRAME_SIZE * 8];

	arc4random_buf(bytes, sizeof(bytes));
	bytes[1] = (char)0xff;
	evil_write_bad(e, bytes, sizeof(bytes));
}

static void
zeros(struct evil *e)
{
	static const char bytes[FRAME_SIZE * 8];

	evil_write_bad(e, bytes, sizeof(bytes));
}

static void
type_out_of_range(struct evil *e)
{
	evil_send_bad(e, &(struct frame){ .type = FRAME_TYPE_N });
}

static void
slot_out_of_range(struct evil *e)
{
	evil_send_bad(e, &(struct frame){ .type = FRAME_CANCEL, .slot = UINT16_MAX });
}

static void
flags_out_of_range(struct evil *e)
{
	struct evil_kit k;
	struct frame f = evil_run_frame(e, "true", NULL, &k);

	f.run.flags = UINT32_MAX;
	evil_send_bad(e, &f);
}

static void
service_out_of_range(struct evil *e)
{
	struct evil_kit k;
	struct frame f = evil_run_frame(e, "true", NULL, &k);

	f.run.service = UINT16_MAX;
	evil_send_bad(e, &f);
}

static void
service_unknown(struct evil *e)
{
	struct evil_kit k;
	struct frame f = evil_run_frame(e, "true", NULL, &k);

	f.run.service = CONF_MAX_SERVICES - 1;
	evil_send_bad(e, &f);
}

static void
endless_name(struct evil *e)
{
	struct frame f = evil_want_frame(e, "talk");

	memset(f.lease.service, 'x', sizeof(f.lease.service));
	evil_send_bad(e, &f);
}

/* Messages that other roles send to the broker, or the broker to others. */
static void
start_to_broker(struct evil *e)
{
	evil_send_bad(e, &(struct frame){ .type = FRAME_START });
}

static void
exited_to_broker(struct evil *e)
{
	evil_send_bad(e, &(struct frame){ .type = FRAME_EXITED });
}

static void
unlink_to_broker(struct evil *e)
{
	evil_send_bad(e, &(struct frame){ .type = FRAME_UNLINK, .slot = 20, .link.serial = 1 });
}

static void
leaving_to_broker(struct evil *e)
{
	evil_send_bad(e, &(struct frame){ .type = FRAME_LEAVING });
}

static void
fault_to_broker(struct evil *e)
{
	evil_send_bad(e, &(struct frame){ .type = FRAME_FAULT, .slot = 20, .fault = { .serial = 20 } });
}

static void
commit_to_broker(struct evil *e)
{
	evil_send_bad(e, &(struct frame){ .type = FRAME_COMMIT, .generation = e->generation });
}

/* The service of a handler is not run as a command. */
static void
handler_as_command(struct evil *e)
{
	struct evil_kit k;
	struct frame f = evil_run_frame(e, "talk", NULL, &k);

	evil_confess(e);
	(void)evil_send(e, &f);
	if (evil_await(e, FRAME_ENDED, EVIL_WAIT_MS))
		evil_say(e, "note ended with %u, stage %u, error %d", e->last[FRAME_ENDED].ended.outcome,
		    e->last[FRAME_ENDED].ended.stage, e->last[FRAME_ENDED].ended.error);
	evil_behave(e, EVIL_WAIT_MS);
}

/* ------------------------------------------------------- to the master --- */

static void
short_to_master(struct evil *e)
{
	evil_confess(e);
	(void)send(ROLE_CHANNEL_FD, "x", 1, MSG_NOSIGNAL);
	evil_behave(e, EVIL_WAIT_MS);
}

static void
nothing_to_master(struct evil *e)
{
	evil_confess(e);
	(void)send(ROLE_CHANNEL_FD, "", 0, MSG_NOSIGNAL);
	evil_behave(e, EVIL_WAIT_MS);
}

static void
long_to_master(struct evil *e)
{
	static const char bytes[FRAME_SIZE * 400] = { FRAME_PONG };

	evil_confess(e);
	(void)send(ROLE_CHANNEL_FD, bytes, sizeof(bytes), MSG_NOSIGNAL);
	evil_behave(e, EVIL_WAIT_MS);
}

static void
run_to_master(struct evil *e)
{
	struct evil_kit k;
	struct frame f = evil_run_frame(e, "true", NULL, &k);

	evil_tell_bad(e, &f);
}

/* Accuses the broker, the runner and another worker, by any serial. */
static void
fault_to_master(struct evil *e)
{
	struct frame f = { .type = FRAME_FAULT, .slot = ROLE_PROCESS(ROLE_BROKER, 0) };

	evil_confess(e);
	for (uint64_t serial = 1; serial < 40; serial++) {
		f.fault.serial = serial;
		(void)evil_tell_master(&f);
	}
	evil_behave(e, EVIL_WAIT_MS);
}

static void
fault_of_worker_to_master(struct evil *e)
{
	struct frame f = { .type = FRAME_FAULT, .slot = 17 };

	evil_confess(e);
	for (uint64_t serial = 1; serial < 40; serial++) {
		f.fault.serial = serial;
		(void)evil_tell_master(&f);
	}
	evil_behave(e, EVIL_WAIT_MS);
}

static void
unlink_to_master(struct evil *e)
{
	evil_tell_bad(e, &(struct frame){ .type = FRAME_UNLINK, .link.serial = 1 });
}

static void
endless_text_to_master(struct evil *e)
{
	struct frame f = { .type = FRAME_REFUSED };

	memset(f.text, 'x', sizeof(f.text));
	evil_tell_bad(e, &f);
}

/* Answers to questions that nobody asked, of any generation. */
static void
answers_to_master(struct evil *e)
{
	static const uint16_t types[] = {
		FRAME_READY, FRAME_PREPARED, FRAME_COMMITTED, FRAME_REFUSED, FRAME_DRAINED,
		FRAME_PONG,
	};

	for (size_t i = 0; i < 400; i++) {
		struct frame f = { .type = types[i % ARRAY_LEN(types)], .id = i };

		f.generation = i % 3 == 0 ? UINT32_MAX : (uint32_t)(e->generation + i % 5);
		(void)evil_tell_master(&f);
		if (i % 50 == 0)
			evil_behave(e, 10);
	}
	evil_behave(e, 100);
}

/* Asks the master for a reload, which only control may do. */
static void
reload_of_master(struct evil *e)
{
	evil_tell_bad(e, &(struct frame){ .type = FRAME_ASK, .id = 1, .what = WHAT_RELOAD });
}

/* Drains all services, which only control may have done. */
static void
drain_of_master(struct evil *e)
{
	struct frame f = { .type = FRAME_OVERLAY, .id = 1, .generation = 1 };

	f.overlay.what = OVERLAY_DRAIN;
	f.overlay.service = OVERLAY_ALL;
	f.overlay.is_first = f.overlay.is_last = 1;
	evil_tell_bad(e, &f);
}

/* ------------------------------------------------------------- control --- */

/* From now on what is meant for the broker goes to control. */
static void
turn_to_control(struct evil *e)
{
	int pipe = e->pipe;

	e->pipe = e->control_pipe;
	e->control_pipe = pipe;
}

static void
word_to_control(struct evil *e)
{
	turn_to_control(e);
	evil_send_bad(e, &(struct frame){ .type = FRAME_KILLED, .cancel.found = 1 });
}

static void
half_to_control(struct evil *e)
{
	static const struct frame f = { .type = FRAME_LISTED, .answers = 1 };

	turn_to_control(e);
	evil_write_bad(e, &f, sizeof(f) / 2);
}

/* Answers to what it was not asked: they may be late. */
static void
answers_to_control(struct evil *e)
{
	turn_to_control(e);
	for (uint32_t i = 1; i < 20000; i++) {
		if (!evil_send(e, &(struct frame){ .type = FRAME_LISTED, .answers = i }))
			break;
	}
	turn_to_control(e);
	evil_behave(e, 100);
}

/* ------------------------------------------------------------- reloads --- */

static void
refuses_reload(struct evil *e)
{
	e->manners.refuses_prepare = true;
	evil_behave(e, EVIL_WAIT_MS);
}

static void
silent_to_prepare(struct evil *e)
{
	e->manners.ignores_prepare = true;
	evil_behave(e, EVIL_SLOW_MS);
}

static void
silent_to_commit(struct evil *e)
{
	e->manners.ignores_commit = true;
	evil_behave(e, EVIL_SLOW_MS);
}

/* --------------------------------------------------------------- lists --- */

static void
list_unanswered(struct evil *e)
{
	e->manners.ignores_list = true;
	evil_behave(e, EVIL_SLOW_MS);
}

static void
list_of_rubbish(struct evil *e)
{
	e->manners.floods_list = true;
	evil_behave(e, EVIL_WAIT_MS / 4);
	e->manners.floods_list = false;
}

const struct evil_attack evil_frames[] = {
	{ "half_a_frame", half_a_frame },
	{ "one_byte_more", one_byte_more },
	{ "any_bytes", any_bytes },
	{ "zeros", zeros },
	{ "type_out_of_range", type_out_of_range },
	{ "slot_out_of_range", slot_out_of_range },
	{ "flags_out_of_range", flags_out_of_range },
	{ "service_out_of_range", service_out_of_range },
	{ "service_unknown", service_unknown },
	{ "endless_name", endless_name },
	{ "start_to_broker", start_to_broker },
	{ "exited_to_broker", exited_to_broker },
	{ "unlink_to_broker", unlink_to_broker },
	{ "leaving_to_broker", leaving_to_broker },
	{ "fault_to_broker", fault_to_broker },
	{ "commit_to_broker", commit_to_broker },
	{ "handler_as_command", handler_as_command },
	{ "short_to_master", short_to_master },
	{ "nothing_to_master", nothing_to_master },
	{ "long_to_master", long_to_master },
	{ "run_to_master", run_to_master },
	{ "fault_to_master", fault_to_master },
	{ "fault_of_worker_to_master", fault_of_worker_to_master },
	{ "unlink_to_master", unlink_to_master },
	{ "endless_text_to_master", endless_text_to_master },
	{ "answers_to_master", answers_to_master },
	{ "reload_of_master", reload_of_master },
	{ "drain_of_master", drain_of_master },
	{ "word_to_control", word_to_control },
	{ "half_to_control", half_to_control },
	{ "answers_to_control", answers_to_control },
	{ "refuses_reload", refuses_reload },
	{ "silent_to_prepare", silent_to_prepare },
	{ "silent_to_commit", silent_to_commit },
	{ "list_unanswered", list_unanswered },
	{ "list_of_rubbish", list_of_rubbish },
	{ 0 },
};
