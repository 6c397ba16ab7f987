/* SPDX-License-Identifier: ISC */
/*
 * hookdelivery: judges a delivery of a webhook: its signature, its time, whether it is for us,
 * and the arguments that its values become. Pure: nothing is started.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "conf/hook.h"
#include "conf/hooksecrets.h"
#include "door/http/hookmac.h"
#include "door/http/httpargs.h"
#include "proto/httphead.h"

/* The judgements, the worse first. */
enum hookverdict {
	HOOKVERDICT_NONE,	/* there is no such webhook for this caller */
	HOOKVERDICT_UNSIGNED,	/* a signature is missing or malformed */
	HOOKVERDICT_FORGED,	/* no secret makes this signature */
	HOOKVERDICT_STALE,	/* the signature is from another time */
	HOOKVERDICT_IGNORED,	/* not for us, by its event or a condition */
	HOOKVERDICT_UNREADABLE,	/* the body is not what was declared */
	HOOKVERDICT_UNFIT,	/* a value does not fit its argument */
	HOOKVERDICT_FAILED,	/* the server has no memory */
	HOOKVERDICT_GOOD,
};

/* A delivery, and where it has come in. */
struct hookdelivery_request {
	const struct service *service;
	struct slice name;			/* of the webhook */
	uint64_t roles;				/* of whoever delivers, for "from" */
	const struct httphead *head;
	struct slice body;
	const struct hooksecrets *secrets;
	struct httpargs_limits limits;
	int64_t now_sec;
	/* Tells each step to people, never with a secret; NULL: nobody is told. */
	void (*tell)(void *arg, const char *step, const char *text);
	void *arg;
};

#define HOOKDELIVERY_WHY 320

struct hookdelivery {
	enum hookverdict verdict;
	const struct hook *hook;	/* the section that decided; NULL: none */
	const char *ignored;		/* "event" or "match" */
	char why[HOOKDELIVERY_WHY];	/* one line; without a byte of a secret */
	char id[HOOKMAC_ID_TEXT];	/* of the call; "": the scheme signs nothing */
	struct httpargs args;
	const struct slice *words;	/* NAME=VALUE, if it is good */
	size_t n_words;
};

/*
 * Looks at the head alone: is there a webhook whose signature is well-formed? Returns
 * HOOKVERDICT_NONE or HOOKVERDICT_UNSIGNED with why, or HOOKVERDICT_GOOD with the largest
 * body that one of them takes.
 */
enum hookverdict hookdelivery_look(const struct hookdelivery_request *rq,
    char why[static HOOKDELIVERY_WHY], uint32_t *ret_limit);

/* Judges a whole delivery. Webhooks of one name are tried in their order. */
void hookdelivery_judge(const struct hookdelivery_request *rq, struct hookdelivery *ret);
void hookdelivery_done(struct hookdelivery *d);
