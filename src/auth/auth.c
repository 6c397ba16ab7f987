/* SPDX-License-Identifier: ISC */
/* auth: the life of the role: what the master says, and the questions of workers. */
#include "config.h"

#include "auth/auth.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "auth/hashes.h"
#include "auth/lanes.h"
#include "auth/penalty.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "ipc/channel.h"
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

/* The link to one worker; in.fd -1: none. */
struct auth_link {
	struct auth *auth;
	struct loop_io in;	/* pipe: questions; without events while answers wait */
	struct loop_io out;	/* socket: answers; with events while some wait for room */
	struct password_answer unsent[MAX_UNSENT];
	size_t n_unsent;
	uint16_t slot;
	uint64_t serial;
};

/* A question that waits, by its place in the lanes. */
struct auth_waiting {
	struct password_ask ask;
	struct digest source, pair;
	uint16_t slot;
	uint64_t serial;	/* of the worker that has asked */
};

struct auth {
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
	struct auth_link links[CONF_MAX_WORKERS];
	bool is_stopping;
};

/* ---------------------------------------------------------------- links --- */

static void
link_close(struct auth_link *l)
{
	loop_close_shared(&l->auth->loop, &l->in);
	loop_close_shared(&l->auth->loop, &l->out);
	l->n_unsent = 0;
}

static void
link_accuse(struct auth_link *l, const char *what)
{
	member_accuse(&l->auth->member, l->slot, l->serial, what);
	link_close(l);
}

/* False: there is no room now. */
static bool
link_send(struct auth_link *l, const struct password_answer *a)
{
	ssize_t n = send(l->out.fd, a, sizeof(*a), MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n < 0 && errno == EAGAIN)
		return false;
	if (n < 0)
		link_close(l);
	return true;
}

/* Sends what waits, and reads questions again when nothing does. */
static void
on_room(struct loop_io *io, uint32_t events)
{
	struct auth_link *l = CONTAINER_OF(io, struct auth_link, out);
	struct loop *loop = &l->auth->loop;
	size_t n = 0;

	(void)events;
	while (n < l->n_unsent && link_send(l, &l->unsent[n]))
		n++;
	if (l->out.fd < 0)
		return;
	l->n_unsent -= n;
	memmove(l->unsent, l->unsent + n, l->n_unsent * sizeof(l->unsent[0]));
	if (l->n_unsent > 0)
		return;
	loop_remove(loop, &l->out);
	if (loop_add(loop, &l->in, EPOLLIN) < 0)
		link_close(l);
}

/* Keeps an answer: the worker would wait for a lost one for ever. */
static void
link_keep(struct auth_link *l, const struct password_answer *a)
{
	struct loop *loop = &l->auth->loop;

	if (l->n_unsent == MAX_UNSENT ||
	    (l->n_unsent == 0 && loop_add(loop, &l->out, EPOLLOUT) < 0)) {
		link_close(l);
		return;
	}
	loop_remove(loop, &l->in);
	l->unsent[l->n_unsent++] = *a;
}

static void
answer(struct auth_link *l, uint64_t id, enum password_verdict verdict, uint64_t retry_usec,
    const struct credential *cred)
{
	struct password_answer a = { .id = id, .verdict = (uint8_t)verdict };

	a.retry_sec = (uint32_t)((retry_usec + USEC_PER_SEC - 1) / USEC_PER_SEC);
	if (cred != NULL)
		(void)strlcpy(a.credential, cred->id, sizeof(a.credential));
	if (l->out.fd >= 0 && (l->n_unsent > 0 || !link_send(l, &a)))
		link_keep(l, &a);
}

static void
waiting_answer(struct auth *a, const struct auth_waiting *w, enum password_verdict verdict,
    uint64_t retry_usec, const struct credential *cred)
{
	struct auth_link *l = &a->links[w->slot];

	/* The worker may be another one by now. */
	if (l->serial == w->serial)
		answer(l, w->ask.id, verdict, retry_usec, cred);
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
take_question(struct auth_link *l, const struct password_ask *ask)
{
	struct auth *a = l->auth;
	uint64_t now = loop_now(&a->loop), left;
	struct digest source, pair;
	enum lanes_verdict verdict;
	struct auth_waiting *w;
	size_t at;

	name_source(a, ask, &source, &pair);
	left = penalty_left(&a->penalty, &source, now);
	if (left > 0) {
		answer(l, ask->id, PASSWORD_PENALTY, left, NULL);
		return;
	}
	verdict = a->member.current != NULL ?
	    lanes_put(&a->lanes, &source, &pair, &at) : LANES_FULL;
	if (verdict == LANES_FULL) {
		answer(l, ask->id, PASSWORD_BUSY,
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
	w->slot = l->slot;
	w->serial = l->serial;
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
	struct auth_link *l = CONTAINER_OF(io, struct auth_link, in);
	struct password_ask ask;

	(void)events;
	/* A worker that does not read its answers is not asked for more of them. */
	for (unsigned i = 0; i < QUESTIONS_AT_ONCE && io->fd >= 0 && l->n_unsent == 0; i++) {
		ssize_t n = read(io->fd, &ask, sizeof(ask));

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			break;
		if (n <= 0)
			link_close(l);
		else if (n != (ssize_t)sizeof(ask) || !is_question(&ask))
			link_accuse(l, "sent a question about a password that is no question");
		else
			take_question(l, &ask);
	}
	explicit_bzero(&ask, sizeof(ask));
}

static void
on_link(struct member *m, const struct frame *f, int *fds, size_t n_fds)
{
	struct auth *a = CONTAINER_OF(m, struct auth, member);
	struct auth_link *l;

	if (f->slot >= CONF_MAX_WORKERS || n_fds != 2)
		return;
	l = &a->links[f->slot];
	link_close(l);
	l->slot = f->slot;
	l->serial = f->link.serial;
	l->out = (struct loop_io){ .fn = on_room, .fd = TAKE_FD(fds[0]) };
	l->in = (struct loop_io){ .fn = on_question, .fd = TAKE_FD(fds[1]) };
	if (loop_add(&a->loop, &l->in, EPOLLIN) < 0)
		link_close(l);
}

static void
on_unlink(struct member *m, const struct frame *f)
{
	struct auth *a = CONTAINER_OF(m, struct auth, member);

	if (f->slot < CONF_MAX_WORKERS && a->links[f->slot].serial == f->link.serial)
		link_close(&a->links[f->slot]);
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
	for (size_t i = 0; i < CONF_MAX_WORKERS; i++)
		a->links[i] = (struct auth_link){ .auth = a, .in.fd = -1, .out.fd = -1 };
	if (r >= 0 && getrandom(a->salt, sizeof(a->salt), 0) != (ssize_t)sizeof(a->salt))
		r = -errno;
	return r < 0 ? r : member_init(&a->member, &member_ops, &a->loop);
}

static void
auth_done(struct auth *a)
{
	for (size_t i = 0; i < CONF_MAX_WORKERS; i++)
		link_close(&a->links[i]);
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
	int r = auth_init(a);

	if (r < 0) {
		log_err("cannot start: %s", strerror(-r));
		return ROLE_EXIT_SETUP;
	}
	if (confinement_begin(ROLE_AUTH, 0) < 0)
		return ROLE_EXIT_SETUP;
	(void)member_tell(&a->member, &(struct frame){ .type = FRAME_READY });
	while (!a->member.is_over && !a->is_stopping) {
		r = loop_turn(&a->loop);
		if (r < 0) {
			log_err("event loop: %s", strerror(-r));
			return ROLE_EXIT_SETUP;
		}
	}
	auth_done(a);
	return ROLE_EXIT_OK;
}
