/* SPDX-License-Identifier: ISC */
/*
 * hook: a section webhook of a service: whose deliveries start the service, and which values
 * of a delivery become which arguments.
 */
#pragma once

#include "conf/pattern.h"
#include "conf/reader.h"
#include "proto/hooksign.h"
#include "proto/hooksource.h"

#define CONF_MAX_HOOKS 32		/* of one service */
#define CONF_MAX_HOOK_RULES 64		/* conditions, and values, of one section */

enum hook_reply { HOOK_ACCEPTED, HOOK_RESULT };

/* A condition: a value of the delivery is this text, or matches the expression. */
struct hook_match {
	struct hooksource from;
	struct slice text;		/* the value; data NULL: matcher decides */
	struct pattern *matcher;
};

/* An argument, and where its value is. */
struct hook_value {
	const struct argument *argument;
	struct hooksource from;
};

struct hook {
	char *name;
	enum hooksign_scheme verify;
	char **secrets;			/* files, or "credential:NAME"; NULL-terminated */
	char **events;			/* NULL-terminated; NULL: all */
	char **match_texts;		/* as configured; NULL-terminated; NULL: none */
	char **value_texts;		/* as configured; NULL-terminated; NULL: none */
	enum hook_reply reply;
	uint32_t limit;			/* bytes of a body */
	uint64_t tolerance_usec;	/* between the time of a signature and ours */
	char **from_names;		/* as configured; NULL-terminated; NULL: from everywhere */
	uint64_t from;			/* set of role numbers; 0: from everywhere */
	/* hmac, token: */
	enum hooksign_hash hash;
	enum hooksign_encoding encoding;
	char *field, *prefix;		/* NULL: not given */

	struct hook_match *matches;
	size_t n_matches;
	struct hook_value *values;
	size_t n_values;
};

/* The rule by which a signature is read. */
static inline struct hooksign_rule
hook_rule(const struct hook *h)
{
	return (struct hooksign_rule){
		.scheme = h->verify, .field = h->field != NULL ? h->field : "",
		.prefix = h->prefix != NULL ? h->prefix : "", .hash = h->hash, .encoding = h->encoding,
	};
}

/* The word of the key 'verify'. */
const char *hook_scheme_word(const struct hook *h);

/* Frees the expressions. */
static inline void
hook_done(struct hook *h)
{
	for (size_t i = 0; i < h->n_matches; i++)
		pattern_done(h->matches[i].matcher);
}

/* Reads the sections webhook of a service. 0 or -ENOMEM. */
int hook_read(struct reader *r, const struct block *service, struct service *s);

/* Checks the sections against the arguments of the service, and compiles them. 0 or -ENOMEM. */
int hook_check(struct reader *r, struct service *s, const struct block *service);

/* The section that comes behind b in its service, or the first one for NULL; NULL: none. */
const struct block *hook_block(const struct block *service, const struct block *b);
