/* SPDX-License-Identifier: ISC */
/* authlink: sends questions about passwords, and gives the answers to those who asked. */
#include "config.h"

#include "net/authlink.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"

/* Answers taken in one turn. */
#define ANSWERS_AT_ONCE 64

/* Takes the question out of the list. */
static void
ask_close(struct authlink *l, struct login_ask *ask)
{
	TAILQ_REMOVE(&l->asks, ask, link);
	ask->id = 0;
	if (ask->held == NULL)
		return;
	l->n_held--;
	explicit_bzero(ask->held, sizeof(*ask->held));
	free(TAKE_PTR(ask->held));
}

static void
ask_end(struct authlink *l, struct login_ask *ask, const struct password_answer *answer)
{
	ask_close(l, ask);
	ask->fn(ask, answer);
}

static void
authlink_close(struct authlink *l)
{
	struct login_ask *ask, *next;

	if (l->socket.fd < 0)
		return;
	loop_close_shared(l->loop, &l->socket);
	loop_close_shared(l->loop, &l->pipe);
	/* A question of these may be what has ended auth, so none is asked again. */
	TAILQ_FOREACH_SAFE(ask, &l->asks, link, next) {
		if (ask->held == NULL)
			ask_end(l, ask, NULL);
	}
}

/* Gives an answer to the one who has asked, unless it is not wanted any more. */
static void
take_answer(struct authlink *l, const struct password_answer *a)
{
	struct login_ask *ask;

	TAILQ_FOREACH(ask, &l->asks, link) {
		if (ask->id == a->id && ask->held == NULL) {
			ask_end(l, ask, a);
			return;
		}
	}
}

static void
on_answer(struct loop_io *io, uint32_t events)
{
	struct authlink *l = CONTAINER_OF(io, struct authlink, socket);
	struct password_answer a;

	(void)events;
	/* As many as are asked in a turn, or else the answers would fill the socket. */
	for (unsigned i = 0; i < ANSWERS_AT_ONCE && io->fd >= 0; i++) {
		ssize_t n = recv(io->fd, &a, sizeof(a), MSG_DONTWAIT);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n != (ssize_t)sizeof(a) || a.verdict >= PASSWORD_N ||
		    memchr(a.credential, '\0', sizeof(a.credential)) == NULL)
			authlink_close(l);
		else
			take_answer(l, &a);
	}
}

/* A pipe takes a question whole or not at all. False: not now. */
static bool
post(struct authlink *l, const struct password_ask *question)
{
	return l->socket.fd >= 0 &&
	    write(l->pipe.fd, question, sizeof(*question)) == (ssize_t)sizeof(*question);
}

/* Wants to hear of room in the pipe. */
static bool
watch_room(struct authlink *l)
{
	return l->pipe.events != 0 || loop_add(l->loop, &l->pipe, EPOLLOUT) == 0;
}

static void
arm(struct authlink *l)
{
	struct login_ask *ask;

	loop_disarm(l->loop, &l->patience);
	TAILQ_FOREACH(ask, &l->asks, link) {
		if (ask->held != NULL) {
			loop_arm(l->loop, &l->patience, ask->due_usec);
			return;
		}
	}
}

/* Those held longest come first in the list. */
static void
on_patience(struct loop_timer *t)
{
	struct authlink *l = CONTAINER_OF(t, struct authlink, patience);
	struct login_ask *ask, *next;

	TAILQ_FOREACH_SAFE(ask, &l->asks, link, next) {
		if (ask->held != NULL && ask->due_usec <= l->loop->now_usec)
			ask_end(l, ask, NULL);
	}
	arm(l);
}

void
authlink_init(struct authlink *l, struct loop *loop)
{
	*l = (struct authlink){ .loop = loop, .socket.fd = -1, .pipe.fd = -1,
		.patience.fn = on_patience };
	TAILQ_INIT(&l->asks);
}

void
authlink_done(struct authlink *l)
{
	struct login_ask *ask;

	authlink_close(l);
	while ((ask = TAILQ_FIRST(&l->asks)) != NULL)
		ask_end(l, ask, NULL);
	loop_disarm(l->loop, &l->patience);
}

/* Sends what waits, in the order of its coming, as far as there is room. */
static void
send_held(struct authlink *l)
{
	struct login_ask *ask, *next;

	TAILQ_FOREACH_SAFE(ask, &l->asks, link, next) {
		struct password_ask *held = ask->held;

		if (held == NULL)
			continue;
		if (!post(l, held))
			break;
		ask->held = NULL;
		l->n_held--;
		explicit_bzero(held, sizeof(*held));
		free(held);
	}
	if (l->n_held == 0)
		loop_remove(l->loop, &l->pipe);
	else if (!watch_room(l))
		authlink_close(l);
	arm(l);
}

static void
on_room(struct loop_io *io, uint32_t events)
{
	struct authlink *l = CONTAINER_OF(io, struct authlink, pipe);

	if ((events & EPOLLERR) != 0)
		authlink_close(l);
	else
		send_held(l);
}

void
authlink_attach(struct authlink *l, struct mail_ends ends)
{
	authlink_close(l);
	l->socket = (struct loop_io){ .fn = on_answer, .fd = ends.socket };
	l->pipe = (struct loop_io){ .fn = on_room, .fd = ends.pipe };
	if (loop_add(l->loop, &l->socket, EPOLLIN) < 0)
		authlink_close(l);
	else if (l->n_held > 0)
		send_held(l);
}

/* Keeps the question until there is a link, and room. */
static bool
hold(struct authlink *l, const struct password_ask *question, struct login_ask *ask)
{
	if (l->n_held == AUTHLINK_MAX_HELD)
		return false;
	ask->held = malloc(sizeof(*ask->held));
	if (ask->held == NULL)
		return false;
	*ask->held = *question;
	ask->due_usec = l->loop->now_usec + AUTHLINK_PATIENCE_USEC;
	l->n_held++;
	return true;
}

bool
authlink_ask(struct authlink *l, const struct password_ask *question, struct login_ask *ask)
{
	struct password_ask named = *question;
	bool is_taken;

	named.id = ++l->last_id;
	ask->held = NULL;
	is_taken = (l->n_held == 0 && post(l, &named)) || hold(l, &named, ask);
	explicit_bzero(&named, sizeof(named));
	if (!is_taken)
		return false;
	ask->id = l->last_id;
	TAILQ_INSERT_TAIL(&l->asks, ask, link);
	/* The caller still has the question in its hands, so nothing here may end it. */
	if (ask->held != NULL && l->socket.fd >= 0 && !watch_room(l)) {
		ask_close(l, ask);
		return false;
	}
	if (ask->held != NULL && !loop_timer_is_armed(&l->patience))
		arm(l);
	return true;
}

void
authlink_forget(struct authlink *l, struct login_ask *ask)
{
	if (ask->id != 0)
		ask_close(l, ask);
}
