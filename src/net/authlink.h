/* SPDX-License-Identifier: ISC */
/*
 * authlink: a worker's link to the process that checks passwords. A question is answered
 * later, while the worker serves others. Questions wait a little for a process that is
 * being started, or has no time to read; those on their way when it ends get no answer.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/clock.h"
#include "base/loop.h"
#include "ipc/mail.h"
#include "ipc/password.h"

/*
 * Time for the process to be there and to read, and questions that may wait for it: more
 * than come while it checks one password, as only it knows which ones go first.
 */
#define AUTHLINK_PATIENCE_USEC (5 * USEC_PER_SEC)
#define AUTHLINK_MAX_HELD 256

struct login_ask;

/* The answer has come, or will not come (NULL). */
typedef void login_answer_fn(struct login_ask *ask, const struct password_answer *answer);

/* An open question, embedded in an object of the asking side. */
struct login_ask {
	TAILQ_ENTRY(login_ask) link;
	login_answer_fn *fn;
	uint64_t id;			/* 0: not open */
	uint64_t due_usec;		/* while it is held */
	struct password_ask *held;	/* not sent yet; NULL: sent */
};

struct authlink {
	struct loop *loop;
	struct loop_io socket;		/* answers; fd -1: not linked */
	struct loop_io pipe;		/* questions; with events while some wait for room */
	TAILQ_HEAD(login_asks, login_ask) asks;
	struct loop_timer patience;	/* for those that are held */
	size_t n_held;
	uint64_t last_id;
};

/* Puts a link into the closed state: once, before anything else. */
void authlink_init(struct authlink *l, struct loop *loop);

/* Closes the link; no question gets an answer any more. */
void authlink_done(struct authlink *l);

/* Takes the ends. A former link is closed. */
void authlink_attach(struct authlink *l, struct mail_ends ends);

/*
 * Asks; the question may be overwritten afterwards. True: ask->fn will be called, once.
 * False: there are too many questions.
 */
bool authlink_ask(struct authlink *l, const struct password_ask *question, struct login_ask *ask);

/* Drops a question whose answer is not wanted any more. Harmless when it is not open. */
void authlink_forget(struct authlink *l, struct login_ask *ask);
