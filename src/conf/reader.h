/* SPDX-License-Identifier: ISC */
/* reader: the state of the reading of a configuration. */
#pragma once

#include <stdbool.h>

#include "conf/arena.h"
#include "conf/conf.h"
#include "conf/tree.h"

struct verb {
	const char *name;	/* lower case */
	uint16_t service;
};

/* A struct conf with the memory it lives in; conf_unref() frees both. */
struct conf_owned {
	struct conf conf;	/* first */
	struct arena arena;
	struct verb *verbs;	/* sorted */
	size_t n_verbs;
};

/* Makes an empty configuration. NULL without memory. */
struct conf_owned *conf_new(void);

/* Sorts services and verbs, for searches by name. 0 or -ENOMEM. */
int conf_sort(struct conf_owned *owned);

/* The sections of one kind, in the order of their array in conf. */
struct declared {
	const struct block **at;
	bool is_full;		/* there were more than the limit */
};

#define READER_RECENT 64

struct reader {
	struct conf *conf;
	struct arena *arena;		/* of conf */
	struct conf_errors *errors;
	struct arena scratch;		/* trees, until the reading is over */
	const char *file;		/* being read */
	const char *main_file;
	bool canonical;			/* text that conf_format() made */
	bool broken;			/* a syntax error: missing settings are no errors then */
	bool failed;			/* there was an error */
	bool merged;			/* the file declares itself conf_format()'s */
	bool lenient;			/* a service or role may lack something */
	bool out_of_memory;		/* a reason could not be kept */
	size_t n_errors;		/* errors that fail the reading */
	size_t n_lacks;			/* ... and can pass by themselves: an account is missing */
	/*
	 * While a service or role is looked at for what it lacks: errors are noted and do not
	 * fail the reading. The first one is kept for a service.
	 */
	bool excuses;
	struct service *excused;	/* NULL: a role */
	bool may_lack;			/* accounts of a service or a role are looked up */
	const struct block *main;	/* the main file */
	struct declared listeners, roles, services, credentials;
	/* Accounts and services that were checked lately and are right. */
	const struct identity *found[READER_RECENT];
	const struct service *sound[READER_RECENT];
	size_t n_found, n_sound;	/* in all */
};

/* Adds an error about a line of the file being read. */
void reader_error(struct reader *r, unsigned line, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * Adds an error about a section: at the line of that key, or else of the
 * section. NULL: no key. key_error() puts "'KEY' in SECTION" before the text.
 */
void block_error(struct reader *r, const struct block *b, const char *key, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
void key_error(struct reader *r, const struct block *b, const char *key, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/*
 * Between the two, errors are those of one service, or of a role (NULL), that lacks
 * something. They fail a strict reading all the same.
 */
void reader_excuse(struct reader *r, struct service *s);
void reader_excuse_end(struct reader *r);

/* ' in service "x"', or "" at the top. Good until the next call. */
const char *block_where(const struct block *b);
