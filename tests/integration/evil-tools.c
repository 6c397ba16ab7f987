/* SPDX-License-Identifier: ISC */
/* evil-tools: frames as a worker makes them, and the table of all attacks. */
#include "config.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "evil.h"
#include "ipc/channel.h"
#include "ipc/job.h"

struct digest
evil_digest_like(uint8_t byte)
{
	struct digest d;

	memset(d.bytes, byte, sizeof(d.bytes));
	return d;
}

/* Makes a token that no other process has, and that this one has not used. */
struct digest
evil_new_token(struct evil *e)
{
	struct digest d = evil_digest_like(0x77);
	uint64_t id = evil_new_id(e);

	memcpy(d.bytes, &id, sizeof(id));
	return d;
}

uint16_t
evil_write_job(struct evil *e, const char *program, const char *argument, const char *variable)
{
	CLEANUP(buf_done) struct buf strings = BUF_INIT(0);
	uint32_t job = 0;

	(void)buf_append(&strings, program, strlen(program) + 1);
	if (argument != NULL)
		(void)buf_append(&strings, argument, strlen(argument) + 1);
	if (variable != NULL)
		(void)buf_append(&strings, variable, strlen(variable) + 1);
	(void)jobs_write(&e->jobs, &(struct job_strings){ buf_slice(&strings),
	    argument != NULL ? 2 : 1, variable != NULL, 0 }, &job);
	return (uint16_t)job_place(job);
}

void
evil_close_kit(struct evil_kit *k)
{
	channel_close_fds(k->fds, 3);
}

/* Makes a RUN as an honest worker would send it, with its job written. */
struct frame
evil_run_frame(struct evil *e, const char *service, const char *argument, struct evil_kit *ret)
{
	struct frame f = { .type = FRAME_RUN, .generation = e->generation, .id = evil_new_id(e) };

	*ret = (struct evil_kit){ .fds = { -1, -1, -1 } };
	(void)evil_take_kit(e, false, ret);
	f.run.deadline_usec = clock_usec() + 20 * USEC_PER_SEC;
	f.run.owner = evil_digest_like(0x11);
	f.run.service = evil_service(e, service);
	f.run.kit = ret->number;
	f.run.place = evil_write_job(e, "program", argument, NULL);
	return f;
}

struct frame
evil_cancel_frame(uint64_t id)
{
	return (struct frame){ .type = FRAME_CANCEL, .id = id };
}

struct frame
evil_deposit_frame(uint64_t id)
{
	return (struct frame){ .type = FRAME_DEPOSIT, .id = id };
}

struct frame
evil_want_frame(const struct evil *e, const char *service)
{
	struct frame f = { .type = FRAME_WANT, .generation = e->generation };

	(void)strlcpy(f.lease.service, service, sizeof(f.lease.service));
	return f;
}

/* Sends a frame as the first bad one, and waits for the end. */
void
evil_send_bad(struct evil *e, const struct frame *f)
{
	evil_confess(e);
	(void)evil_send(e, f);
	evil_behave(e, EVIL_WAIT_MS);
}

void
evil_write_bad(struct evil *e, const void *data, size_t len)
{
	evil_confess(e);
	(void)evil_write(e, data, len);
	evil_behave(e, EVIL_WAIT_MS);
}

void
evil_tell_bad(struct evil *e, const struct frame *f)
{
	evil_confess(e);
	(void)evil_tell_master(f);
	evil_behave(e, EVIL_WAIT_MS);
}

bool
evil_attack(struct evil *e, const char *name)
{
	static const struct evil_attack *const tables[] = {
		evil_requests, evil_frames, evil_handlers, evil_floods, evil_sandbox,
		evil_passwords, evil_keys,
	};

	for (size_t i = 0; i < ARRAY_LEN(tables); i++) {
		for (const struct evil_attack *a = tables[i]; a->name != NULL; a++) {
			if (strcmp(a->name, name) == 0) {
				a->fn(e);
				return true;
			}
		}
	}
	return false;
}
