/* SPDX-License-Identifier: ISC */
/* auth: the life of the role: what the master says, and the questions of workers. */
#include "config.h"

#include "auth/auth.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "auth/hashes.h"
#include "auth/lanes.h"
#include "auth/penalty.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "ipc/asker.h"
#include "ipc/confinement.h"
#include "ipc/logrec.h"
#include "ipc/member.h"

/* Questions of one worker in one turn. */
#define QUESTIONS_AT_ONCE 16

/*
 * Answers of one worker that wait for room: that to one question, as no other one is read
 * then, and those to all that wait for their check.
 */
#define MAX_UNSENT (LANES_QUEUE + 1)

/* A worker, which asks about passwords. No question of it is read while answers wait for room. */
struct auth_asker {
	struct auth *auth;
	struct asker link;
	struct password_answer unsent[MAX_UNSENT];
	size_t n_unsent;
};

/* A question that waits, by its place in the lanes. */
struct auth_waiting {
	struct password_ask ask;
	struct digest source, pair;
	uint16_t slot;
	uint64_t serial;	/* of the worker that has asked */
};

struct auth {
	bool is_stopping;	/* first: gcc 14 takes the whole for its first member, and warns */
	struct loop loop;
	struct member member;
	struct hashes prepared, current;
	int prepared_fd;
	struct lanes lanes;
	struct penalty penalty;
	struct auth_waiting waiting[LANES_QUEUE];
	struct loop_task check;
	struct loop_timer later;	/* the time of the next check has not come */
	uint8_t salt[16];		/* nobody outside can know the digest of a source */
	struct auth_asker askers[CONF_MAX_WORKERS];
};

/* -------------------------------------------------------------- answers --- */

/* Sends what waits, and reads questions again when nothing does. */
static void
on_room(struct loop_io *io, uint32_t events)
{
	struct auth_asker *k = CONTAINER_OF(io, struct auth_asker, link.out);
	struct loop *loop = &k->auth->loop;
	size_t n = 0;

	(void)events;
	while (n < k->n_unsent && asker_send(&k->link, &k->unsent[n], sizeof(k->unsent[n])))
		n++;
	if (!asker_is_linked(&k->link))
		return;
	k->n_unsent -= n;
	memmove(k->unsent, k->unsent + n, k->n_unsent * sizeof(k->unsent[0]));
	if (k->n_unsent > 0)
		return;
	loop_remove(loop, &k->link.out);
	if (loop_add(loop, &k->link.in, EPOLLIN) < 0)
		asker_close(&k->link);
}

/* Keeps an answer: the worker would wait for a lost one for ever. */
static void
keep_answer(struct auth_asker *k, const struct password_answer *a)
{
	struct loop *loop = &k->auth->loop;

	if (k->n_unsent == MAX_UNSENT ||
	    (k->n_unsent == 0 && loop_add(loop, &k->link.out, EPOLLOUT) < 0)) {
		asker_close(&k->link);
		return;
	}
	loop_remove(loop, &k->link.in);
	k->unsent[k->n_unsent++] = *a;
}

static void
answer(struct auth_asker *k, uint64_t id, enum password_verdict verdict, uint64_t retry_usec,
    const struct credential *cred)
{
	struct password_answer a = { .id = id, .verdict = (uint8_t)verdict };

	a.retry_sec = (uint32_t)((retry_usec + USEC_PER_SEC - 1) / USEC_PER_SEC);
	if (cred != NULL)
		(void)strlcpy(a.credential, cred->id, sizeof(a.credential));
	if (asker_is_linked(&k->link) && (k->n_unsent > 0 || !asker_send(&k->link, &a, sizeof(a))))
		keep_answer(k, &a);
}

static void
waiting_answer(struct auth *a, const struct auth_waiting *w, enum password_verdict verdict,
    uint64_t retry_usec, const struct credential *cred)
{
	struct auth_asker *k = &a->askers[w->slot];

	/* The worker may be another one by now. */
	if (k->link.serial == w->serial)
		answer(k, w->ask.id, verdict, retry_usec, cred);
}

static uint64_t
interval_usec(const struct auth *a)
{
	const struct conf *c = a->member.current;

	if (c == NULL || c->password_checks.n == 0)
		return USEC_PER_SEC;
	return c->password_checks.span_sec * USEC_PER_SEC / c->password_checks.n;
}

/* --------------------------------------------------------------- checks --- */

/* Names the source of a question: an account, an IPv4 address or a /64 of IPv6. */
static void
name_source(const struct auth *a, const struct password_ask *ask, struct digest *ret_source,
    struct digest *ret_pair)
{
	char place = (char)ask->place;
	size_t len = ask->place == PASSWORD_FROM_IPV4 ? 4 : 8;
	struct slice where = { (const char *)ask->address, len };
	struct slice parts[4] = {
		{ (const char *)a->salt, sizeof(a->salt) }, { &place, 1 }, where,
		{ ask->login, ask->login_len },
	};

	if (ask->place == PASSWORD_FROM_UNIX)
		parts[2] = (struct slice){ (const char *)&ask->uid, sizeof(ask->uid) };
	*ret_source = digest_of(parts, 3);
	*ret_pair = digest_of(parts, 4);
}

/* One check in a turn: the master is answered in between. */
static void
on_check(struct loop_task *t)
{
	struct auth *a = CONTAINER_OF(t, struct auth, check);
	const struct credential *cred = NULL;
	enum password_verdict verdict;
	struct auth_waiting *w;
	int at = lanes_take(&a->lanes, loop_now(&a->loop), interval_usec(a));

	if (at >= 0) {
		w = &a->waiting[at];
		verdict = hashes_check(&a->current, a->member.current, &w->ask, &cred);
		if (verdict == PASSWORD_RIGHT)
			lanes_remember(&a->lanes, &w->pair);
		else
			penalty_fail(&a->penalty, &w->source, clock_usec());
		waiting_answer(a, w, verdict, 0, verdict == PASSWORD_RIGHT ? cred : NULL);
		explicit_bzero(w, sizeof(*w));
	}
	if (a->lanes.n > 0)
		loop_arm(&a->loop, &a->later, a->lanes.next_usec);
}

static void
on_later(struct loop_timer *t)
{
	struct auth *a = CONTAINER_OF(t, struct auth, later);

	loop_defer(&a->loop, &a->check);
}

static void
take_question(struct auth_asker *k, const struct password_ask *ask)
{
	struct auth *a = k->auth;
	uint64_t now = loop_now(&a->loop), left;
	struct digest source, pair;
	enum lanes_verdict verdict;
	struct auth_waiting *w;
	size_t at;

	name_source(a, ask, &source, &pair);
	left = penalty_left(&a->penalty, &source, now);
	if (left > 0) {
		answer(k, ask->id, PASSWORD_PENALTY, left, NULL);
		return;
	}
	verdict = a->member.current != NULL ?
	    lanes_put(&a->lanes, &source, &pair, &at) : LANES_FULL;
	if (verdict == LANES_FULL) {
		answer(k, ask->id, PASSWORD_BUSY,
		    lanes_seconds(&a->lanes, interval_usec(a)) * USEC_PER_SEC, NULL);
		return;
	}
	w = &a->waiting[at];
	if (verdict == LANES_OUSTS)
		waiting_answer(a, w, PASSWORD_BUSY,
		    lanes_seconds(&a->lanes, interval_usec(a)) * USEC_PER_SEC, NULL);
	w->ask = *ask;
	w->source = source;
	w->pair = pair;
	w->slot = k->link.slot;
	w->serial = k->link.serial;
	loop_defer(&a->loop, &a->check);
}

static bool
is_question(const struct password_ask *ask)
{
	return ask->login_len <= sizeof(ask->login) && ask->secret_len > 0 &&
	    ask->secret_len <= sizeof(ask->secret) && ask->place < PASSWORD_FROM_N &&
	    memchr(ask->secret, '\0', ask->secret_len) == NULL;
}

static void
on_question(struct loop_io *io, uint32_t events)
{
	static const char wrong[] = "sent a question about a password that is no question";
	struct auth_asker *k = CONTAINER_OF(io, struct auth_asker, link.in);
	struct password_ask ask;

	(void)events;
	/* A worker that does not read its answers is not asked for more of them. */
	for (unsigned i = 0; i < QUESTIONS_AT_ONCE && k->n_unsent == 0; i++) {
		if (!asker_read(&k->link, &ask, sizeof(ask), wrong))
			break;
		if (!is_question(&ask)) {
			asker_accuse(&k->link, wrong);
			break;
		}
		take_question(k, &ask);
	}
	explicit_bzero(&ask, sizeof(ask));
}

static void
on_link(struct member *m, const struct frame *f, int *fds, size_t n_fds)
{
	struct auth *a = CONTAINER_OF(m, struct auth, member);

	if (f->slot >= CONF_MAX_WORKERS || n_fds != 2)
		return;
	a->askers[f->slot].n_unsent = 0;
	asker_link(&a->askers[f->slot].link, f, fds);
}

static void
on_unlink(struct member *m, const struct frame *f)
{
	struct auth *a = CONTAINER_OF(m, struct auth, member);

	if (f->slot < CONF_MAX_WORKERS)
		asker_unlink(&a->askers[f->slot].link, f);
}

/* -------------------------------------------------------------- reloads --- */

static void
on_abort(struct member *m)
{
	struct auth *a = CONTAINER_OF(m, struct auth, member);

	hashes_done(&a->prepared);
	if (a->prepared_fd >= 0)
		(void)close(TAKE_FD(a->prepared_fd));
}

static void
on_sockets(struct member *m, int *fds, size_t n_fds)
{
	struct auth *a = CONTAINER_OF(m, struct auth, member);

	on_abort(m);
	if (n_fds > 0)
		a->prepared_fd = TAKE_FD(fds[0]);
}

/* A configuration without passwords is the last one for this process, which ends then. */
static void
on_prepare(struct member *m)
{
	struct auth *a = CONTAINER_OF(m, struct auth, member);
	const char *wrong = NULL;

	if (a->prepared_fd >= 0) {
		wrong = hashes_read(&a->prepared, a->prepared_fd);
		(void)close(TAKE_FD(a->prepared_fd));
	} else if (m->prepared->n_passwords > 0) {
		wrong = "the hashes of the passwords are missing";
	}
	member_prepared(m, wrong);
}

static void
on_commit(struct member *m)
{
	struct auth *a = CONTAINER_OF(m, struct auth, member);

	hashes_done(&a->current);
	a->current = a->prepared;
	a->prepared = (struct hashes){ .text = NULL };
}

static void
on_stop(struct member *m, uint64_t due_usec)
{
	(void)due_usec;
	CONTAINER_OF(m, struct auth, member)->is_stopping = true;
}

static const struct member_ops member_ops = {
	.sockets = on_sockets,
	.prepare = on_prepare,
	.abort = on_abort,
	.commit = on_commit,
	.link = on_link,
	.unlink = on_unlink,
	.stop = on_stop,
	.forgets = true,
};

static int
auth_init(struct auth *a)
{
	int r = loop_init(&a->loop);

	a->prepared_fd = -1;
	a->check.fn = on_check;
	a->later.fn = on_later;
	penalty_init(&a->penalty);
	for (size_t i = 0; i < CONF_MAX_WORKERS; i++) {
		a->askers[i].auth = a;
		asker_init(&a->askers[i].link, &a->member, on_question, on_room);
	}
	if (r >= 0 && getrandom(a->salt, sizeof(a->salt), 0) != (ssize_t)sizeof(a->salt))
		r = -errno;
	return r < 0 ? r : member_init(&a->member, &member_ops, &a->loop);
}

static void
auth_done(struct auth *a)
{
	for (size_t i = 0; i < CONF_MAX_WORKERS; i++)
		asker_close(&a->askers[i].link);
	explicit_bzero(a->waiting, sizeof(a->waiting));
	on_abort(&a->member);
	hashes_done(&a->current);
	penalty_done(&a->penalty);
	member_done(&a->member);
}

int
auth_main(void)
{
	static struct auth auth;
	struct auth *a = &auth;
	int r = auth_init(a), status;

	if (r < 0) {
		log_err("cannot start: %s", strerror(-r));
		return ROLE_EXIT_SETUP;
	}
	if (confinement_begin(ROLE_AUTH, 0) < 0)
		return ROLE_EXIT_SETUP;
	status = member_run(&a->member, &a->is_stopping);
	auth_done(a);
	return status;
}
