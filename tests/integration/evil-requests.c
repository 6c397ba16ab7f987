/* SPDX-License-Identifier: ISC */
/*
 * evil-requests: attacks with requests: ids, tokens and their results, kits,
 * cancels.
 */
#include "config.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "evil.h"
#include "ipc/job.h"
#include "ipc/roles.h"

/* --------------------------------------------------------- ids, tokens --- */

/* The token waits for its result, and the same request comes again. */
static void
same_id_and_token(struct evil *e)
{
	struct evil_kit k, again;
	struct frame f = evil_run_frame(e, "true", NULL, &k), second, cancel = evil_cancel_frame(f.id);

	f.run.token = evil_new_token(e);
	(void)evil_send(e, &f);
	(void)evil_await(e, FRAME_ENDED, EVIL_WAIT_MS);
	second = evil_run_frame(e, "true", NULL, &again);
	second.id = f.id;
	second.run.token = f.run.token;
	evil_confess(e);
	(void)evil_send(e, &second);
	(void)evil_send(e, &cancel);
	(void)evil_send(e, &second);
	evil_behave(e, EVIL_WAIT_MS);
}

/*
 * The same id comes twice in one write, while the end of the request is still
 * on its way.
 */
static void
same_id_in_one_write(struct evil *e)
{
	struct evil_kit k, again;
	struct frame f[4];

	f[0] = evil_run_frame(e, "true", NULL, &k);
	f[0].run.token = evil_new_token(e);
	f[1] = evil_cancel_frame(f[0].id);
	f[2] = evil_run_frame(e, "true", NULL, &again);
	f[2].id = f[0].id;
	f[2].run.token = f[0].run.token;
	f[3] = f[1];
	evil_write_bad(e, f, sizeof(f));
}

static void
two_tokens_of_one_id(struct evil *e)
{
	struct evil_kit k, again;
	struct frame f = evil_run_frame(e, "nap", "0.2", &k), second;

	f.run.token = evil_new_token(e);
	(void)evil_send(e, &f);
	(void)evil_await(e, FRAME_PAPER, EVIL_WAIT_MS);
	second = evil_run_frame(e, "true", NULL, &again);
	second.id = f.id;
	second.run.token = evil_new_token(e);
	evil_send_bad(e, &second);
}

static void
id_twice(struct evil *e)
{
	struct evil_kit k, again;
	struct frame f = evil_run_frame(e, "nap", "0.2", &k), second;

	(void)evil_send(e, &f);
	second = evil_run_frame(e, "true", NULL, &again);
	second.id = f.id;
	evil_send_bad(e, &second);
}

static void
id_of_another(struct evil *e)
{
	struct evil_kit k;
	struct frame f = evil_run_frame(e, "true", NULL, &k);

	f.id ^= UINT64_C(1) << 32;
	evil_send_bad(e, &f);
}

/* Uses the id of a handler, as the broker makes it. */
static void
id_of_a_handler(struct evil *e)
{
	struct evil_kit k;
	struct frame f = evil_run_frame(e, "true", NULL, &k), want = evil_want_frame(e, "talk");

	(void)evil_send(e, &want);
	(void)evil_await(e, FRAME_LEASE, EVIL_WAIT_MS);
	f.id = e->n_leases > 0 ? e->leases[0].id : UINT64_C(0xff) << 32;
	evil_send_bad(e, &f);
}

/* Asks for a service that clients of this worker's protocol cannot call. */
/* Of two services, the one that the protocol of this worker does not have. */
static const char *
other_door(const struct evil *e, const char *http, const char *resp)
{
	return role_slot_protocol(e->slot) == PROTOCOL_HTTP ? resp : http;
}

static void
service_of_another_door(struct evil *e)
{
	struct evil_kit k;
	struct frame f = evil_run_frame(e, other_door(e, "web", "resp-only"), NULL, &k);

	evil_send_bad(e, &f);
}

static void
handler_of_another_door(struct evil *e)
{
	struct frame want = evil_want_frame(e, other_door(e, "web-talk", "resp-talk"));

	evil_send_bad(e, &want);
}

/*
 * Other requests attach to the running one, are cancelled, and attach again;
 * the result comes twice.
 */
static void
cancels_between_twins(struct evil *e)
{
	struct evil_kit k, twin;
	struct frame f = evil_run_frame(e, "nap", "0.2", &k), cancel, deposit;

	f.run.token = evil_new_token(e);
	(void)evil_send(e, &f);
	(void)evil_await(e, FRAME_PAPER, EVIL_WAIT_MS);
	for (int i = 0; i < 20; i++) {
		struct frame second = evil_run_frame(e, "true", NULL, &twin);

		second.run.token = f.run.token;
		cancel = evil_cancel_frame(second.id);
		(void)evil_send(e, &second);
		(void)evil_send(e, &cancel);
		(void)evil_send(e, &cancel);
		evil_close_kit(&twin);
	}
	cancel = evil_cancel_frame(f.id);
	(void)evil_send(e, &cancel);
	evil_behave(e, 300);
	(void)fcntl(e->paper, F_ADD_SEALS, F_SEAL_WRITE);
	deposit = evil_deposit_frame(f.id);
	(void)evil_send(e, &deposit);
	(void)evil_send(e, &deposit);
	evil_behave(e, 100);
}

/*
 * The result comes while the program runs; then the same id runs again, and
 * again.
 */
static void
early_result(struct evil *e)
{
	struct evil_kit k, again;
	struct frame f = evil_run_frame(e, "nap", "0.3", &k), second, deposit = evil_deposit_frame(f.id);
	struct frame cancel = evil_cancel_frame(f.id);

	f.run.token = evil_new_token(e);
	(void)evil_send(e, &f);
	(void)evil_await(e, FRAME_PAPER, EVIL_WAIT_MS);
	(void)fcntl(e->paper, F_ADD_SEALS, F_SEAL_WRITE);
	(void)evil_send(e, &deposit);
	(void)evil_send(e, &deposit);
	second = evil_run_frame(e, "true", NULL, &again);
	second.run.token = f.run.token;
	(void)evil_send(e, &second);
	evil_say(e, "note an early result is %s",
	    evil_await(e, FRAME_RESULT, EVIL_WAIT_MS) ? "given to twins" : "kept");
	(void)evil_send(e, &cancel);
	(void)evil_await(e, FRAME_ENDED, EVIL_WAIT_MS);
	(void)evil_send(e, &deposit);
	evil_behave(e, 100);
}

static void
results_of_nothing(struct evil *e)
{
	struct evil_kit k;
	struct frame f = evil_run_frame(e, "true", NULL, &k), deposit = evil_deposit_frame(f.id);

	(void)evil_send(e, &f);
	(void)evil_send(e, &deposit);
	deposit.id = evil_new_id(e);
	(void)evil_send(e, &deposit);
	(void)evil_await(e, FRAME_ENDED, EVIL_WAIT_MS);
	deposit.id = f.id;
	(void)evil_send(e, &deposit);
	evil_behave(e, 50);
}

static void
result_of_another(struct evil *e)
{
	struct frame deposit = evil_deposit_frame(evil_new_id(e) ^ UINT64_C(1) << 32);

	evil_send_bad(e, &deposit);
}

/* Waits for a file for a result. False: none comes. */
static bool
get_paper(struct evil *e, struct frame *ret)
{
	struct evil_kit k;

	*ret = evil_run_frame(e, "true", NULL, &k);
	ret->run.token = evil_new_token(e);
	(void)evil_send(e, ret);
	return evil_await(e, FRAME_PAPER, EVIL_WAIT_MS);
}

static void
unsealed_result(struct evil *e)
{
	struct frame f, deposit;

	(void)get_paper(e, &f);
	deposit = evil_deposit_frame(f.id);
	evil_send_bad(e, &deposit);
}

/* Makes the file grow and writes to it after it was given away. */
static void
growing_result(struct evil *e)
{
	struct frame f, deposit;
	off_t size;
	char *p;

	if (!get_paper(e, &f))
		return;
	size = lseek(e->paper, 0, SEEK_END);
	if (ftruncate(e->paper, size + 1) == 0 || ftruncate(e->paper, 10) == 0 ||
	    pwrite(e->paper, "x", 1, size) == 1)
		evil_say(e, "note FAULT a result changes its size");
	p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, e->paper, 0);
	if (p == MAP_FAILED)
		return;
	(void)fcntl(e->paper, F_ADD_SEALS, F_SEAL_FUTURE_WRITE);
	if (fcntl(e->paper, F_ADD_SEALS, F_SEAL_WRITE) == 0)
		evil_say(e, "note FAULT a result is sealed and can be written to");
	memset(p, 'x', 4096);
	deposit = evil_deposit_frame(f.id);
	evil_send_bad(e, &deposit);
}

/*
 * Deposits a result that is none; a twin of this worker reads it, and other
 * workers might.
 */
static void
rubbish_result(struct evil *e)
{
	static const char rubbish[1 << 16] = { 1, 2, 3 };
	struct frame f, deposit;

	if (!get_paper(e, &f))
		return;
	(void)pwrite(e->paper, rubbish, sizeof(rubbish), 0);
	(void)fcntl(e->paper, F_ADD_SEALS, F_SEAL_WRITE);
	(void)evil_await(e, FRAME_ENDED, EVIL_WAIT_MS);
	deposit = evil_deposit_frame(f.id);
	(void)evil_send(e, &deposit);
	evil_behave(e, 50);
}

/* ---------------------------------------------------------------- kits --- */

static void
kit_twice(struct evil *e)
{
	struct evil_kit k;
	struct frame f = evil_run_frame(e, "true", NULL, &k);

	(void)evil_send(e, &f);
	f.id = evil_new_id(e);
	evil_send_bad(e, &f);
}

static void
kit_of_another(struct evil *e)
{
	struct evil_kit k;
	struct frame f = evil_run_frame(e, "true", NULL, &k);
	bool is_own = true;

	/* Kits have numbers that follow one another. */
	while (is_own) {
		f.run.kit += FRAME_MAX_KITS + 1;
		is_own = false;
		for (size_t i = 0; i < e->n_kits; i++)
			is_own |= e->kits[i].number == f.run.kit;
	}
	evil_send_bad(e, &f);
}

static void
kit_never_given(struct evil *e)
{
	struct evil_kit k;
	struct frame f = evil_run_frame(e, "true", NULL, &k);

	f.run.kit = UINT32_MAX;
	evil_send_bad(e, &f);
}

static void
no_kit(struct evil *e)
{
	struct evil_kit k;
	struct frame f = evil_run_frame(e, "true", NULL, &k);

	f.run.kit = 0;
	evil_send_bad(e, &f);
}

static void
kit_of_another_kind(struct evil *e)
{
	struct evil_kit k;
	struct frame f = evil_run_frame(e, "true", NULL, &k);

	f.run.flags = RUN_HAS_INPUT;
	evil_send_bad(e, &f);
}

/* Writes to the job all the time, in memory, while programs start from it. */
static void
changing_job(struct evil *e)
{
	for (int i = 0; i < 20; i++) {
		struct evil_kit k;
		struct frame f = evil_run_frame(e, "true", NULL, &k);
		uint64_t due = clock_usec() + 10 * USEC_PER_MSEC, ended = e->seen[FRAME_ENDED];
		char *p = e->jobs.places + f.run.place * JOB_PLACE;

		if (e->jobs.places == NULL)
			return;
		(void)evil_send(e, &f);
		while (clock_usec() < due && e->seen[FRAME_ENDED] == ended) {
			for (size_t at = 0; at < 64; at++)
				p[at] = (char)(p[at] + 1);
			evil_behave(e, 0);
		}
		evil_close_kit(&k);
	}
	evil_behave(e, 50);
}

/* Sends a job of any bytes; one says that it is longer than it can be. */
static void
rubbish_job(struct evil *e)
{
	for (int i = 0; i < 16; i++) {
		struct evil_kit k;
		struct frame f = evil_run_frame(e, "true", NULL, &k);
		char *p = e->jobs.places + f.run.place * JOB_PLACE;
		struct job_header h;

		if (e->jobs.places == NULL)
			return;
		memcpy(&h, p, sizeof(h));
		h.n_argv = i % 2 == 0 ? UINT32_MAX : i % 3 == 0 ? 0 : 1000;
		h.n_env = i % 4 == 0 ? UINT32_MAX : 1000;
		h.len = i % 5 == 0 ? UINT32_MAX : JOB_MAX_BYTES;
		if (i == 15)
			h.magic = 0;
		memcpy(p, &h, sizeof(h));
		(void)evil_send(e, &f);
		evil_close_kit(&k);
	}
	evil_behave(e, 100);
}

/*
 * Closes ends of pipes, does not read them, and makes them as large as they can
 * be.
 */
static void
pipes_of_kits(struct evil *e)
{
	for (int i = 0; i < 16; i++) {
		struct evil_kit k;
		struct frame f = evil_run_frame(e, "talkative", NULL, &k), cancel = evil_cancel_frame(f.id);

		(void)fcntl(k.fds[0], F_SETPIPE_SZ, 1 << 20);
		(void)fcntl(k.fds[1], F_SETPIPE_SZ, 1 << 20);
		if (i % 2 == 0)
			evil_close_kit(&k);
		(void)evil_send(e, &f);
		evil_behave(e, 5);
		(void)evil_send(e, &cancel);
		evil_close_kit(&k);
	}
	evil_behave(e, 100);
}

/*
 * A program leaves a daemon under the id of another request, as programs know
 * it.
 */
static void
daemon_of_another(struct evil *e)
{
	struct evil_kit k;
	struct frame f = evil_run_frame(e, "daemon", NULL, &k);

	f.run.place = evil_write_job(e, "daemon", NULL, JOB_ENV_ID "=0000000000000001");
	(void)evil_send(e, &f);
	(void)evil_await(e, FRAME_ENDED, EVIL_WAIT_MS);
	evil_behave(e, 50);
}

/* ------------------------------------------------------------- cancels --- */

static void
cancel_of_another(struct evil *e)
{
	struct frame f = evil_cancel_frame(evil_new_id(e) ^ UINT64_C(3) << 32);

	evil_send_bad(e, &f);
}

/* Of a call that an honest worker would have, who is asked; meanwhile the next comes. */
static void
two_cancels_at_once(struct evil *e)
{
	uint64_t honest = e->slot / CONF_MAX_CLASS * CONF_MAX_CLASS + 17;
	struct frame f[2] = { { .type = FRAME_CANCEL_OWNED, .id = honest << 32 | 1, .serial = 1 } };

	f[0].cancel.owner = evil_digest_like(0x11);
	f[1] = f[0];
	f[1].serial = 2;
	evil_write_bad(e, f, sizeof(f));
}

/* Cancels for every worker that can be named, and for none. */
static void
cancels_of_all(struct evil *e)
{
	for (uint64_t slot = 0; slot < 256; slot++) {
		struct frame f = {
			.type = FRAME_CANCEL_OWNED, .id = slot << 32 | 1, .serial = (uint32_t)slot + 1,
		};

		f.cancel.owner = evil_digest_like(0x11);
		f.cancel.token = evil_digest_like(0x12);
		(void)evil_send(e, &f);
		if (!evil_await(e, FRAME_CANCELLED, EVIL_WAIT_MS))
			evil_say(e, "note no answer about worker %u", (unsigned)slot);
	}
}

static void
cancelled_of_none(struct evil *e)
{
	evil_send_bad(e, &(struct frame){ .type = FRAME_CANCELLED, .slot = ROLE_MAX_PROCESSES - 1 });
}

/* Another worker is asked to cancel, and this one gives no answer. */
static void
cancel_unanswered(struct evil *e)
{
	e->manners.ignores_cancel = true;
	evil_behave(e, EVIL_WAIT_MS / 2);
	e->manners.ignores_cancel = false;
}

const struct evil_attack evil_requests[] = {
	{ "same_id_and_token", same_id_and_token },
	{ "same_id_in_one_write", same_id_in_one_write },
	{ "two_tokens_of_one_id", two_tokens_of_one_id },
	{ "id_twice", id_twice },
	{ "id_of_another", id_of_another },
	{ "id_of_a_handler", id_of_a_handler },
	{ "service_of_another_door", service_of_another_door },
	{ "handler_of_another_door", handler_of_another_door },
	{ "cancels_between_twins", cancels_between_twins },
	{ "early_result", early_result },
	{ "results_of_nothing", results_of_nothing },
	{ "result_of_another", result_of_another },
	{ "unsealed_result", unsealed_result },
	{ "growing_result", growing_result },
	{ "rubbish_result", rubbish_result },
	{ "kit_twice", kit_twice },
	{ "kit_of_another", kit_of_another },
	{ "kit_never_given", kit_never_given },
	{ "no_kit", no_kit },
	{ "kit_of_another_kind", kit_of_another_kind },
	{ "changing_job", changing_job },
	{ "rubbish_job", rubbish_job },
	{ "pipes_of_kits", pipes_of_kits },
	{ "daemon_of_another", daemon_of_another },
	{ "cancel_of_another", cancel_of_another },
	{ "two_cancels_at_once", two_cancels_at_once },
	{ "cancels_of_all", cancels_of_all },
	{ "cancelled_of_none", cancelled_of_none },
	{ "cancel_unanswered", cancel_unanswered },
	{ 0 },
};
