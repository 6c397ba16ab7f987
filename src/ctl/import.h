/* SPDX-License-Identifier: ISC */
/*
 * import: a reqd.conf that is made of the configuration of another program. A
 * format reads lines and says what it found; what it cannot say in reqd.conf it
 * says in a note, which becomes a comment with the number of the line.
 *
 * Text belongs to the import and lives as long as it does.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Variables in one environment. */
#define IMPORT_MAX_VARIABLES 256

struct import_kept;

/* Words, such as those of a command line. */
struct import_words {
	const char **v;
	size_t n, room;
};

/* A role that was written. Its name stands at the same place in role_names. */
struct import_role {
	const char *wish;	/* the name that it should have had */
	const char *key;
	struct import_words words;
};

struct import {
	const char *path;	/* of the file, as it was given */
	char *next;		/* the unread part of the text */
	unsigned int line;	/* number of the line that was read last */
	struct import_kept *kept;
	const char *error;	/* of a file that cannot be read at all, at line */
	FILE *roles, *services;
	char *roles_text, *services_text;
	size_t roles_len, services_len;
	FILE *service;		/* the one that is open, else NULL */
	char *text;		/* of the open service */
	size_t text_len;
	const char *allow, *deny;	/* roles of the open service, "" for none */
	bool is_off;		/* the open service becomes a comment */
	struct import_words role_names;
	struct import_role *made;
	struct import_words service_names;
};

/* A format: reads all of the text and ends its services. */
typedef void import_format_fn(struct import *im);
import_format_fn import_nrpe, import_remctl, import_webhook, import_xinetd;

/* Text is what import_line() cuts into lines; it stays the caller's. */
void import_begin(struct import *im, char *text);
/* Prints all: where it comes from, head, roles, services. */
void import_print(struct import *im, const char *head);
void import_end(struct import *im);

/*
 * The next line that is neither empty nor a comment (#), without blanks around it;
 * NULL at the end. Where is_joined, a line that ends in \ goes on in the next, also
 * a comment, with nothing between the two.
 */
char *import_line(struct import *im, bool is_joined);

/* New text, owned by the import. */
const char *import_text(struct import *im, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Adds a word, which is not copied. The list belongs to the import, too. */
void import_add(struct import *im, struct import_words *w, const char *word);

/* Splits text at blanks. */
void import_split(struct import *im, const char *text, struct import_words *ret);

/* The word as a template that stands for itself: braces are doubled. */
const char *import_literal(struct import *im, const char *word);

/* A name that reqd.conf allows for a service or an argument of at most max bytes. */
const char *import_name(struct import *im, const char *word, size_t max);

/* True if the list has that word. */
bool import_has_word(const struct import_words *w, const char *word);

/* The name, or one of at most max bytes that ends in -2, -3... where it is used already. */
const char *import_unused_name(struct import *im, const struct import_words *used,
    const char *name, size_t max);

/* True if reqd.conf can set a variable of that name. */
bool import_is_variable(const char *name);

/*
 * Adds NAME=VALUE to an environment, in the place of an earlier value. Value is a
 * template. Turns the open service off where reqd.conf cannot say it.
 */
void import_add_variable(struct import *im, struct import_words *w, const char *name,
    const char *value);

/* True if text is a decimal number from min to max. */
bool import_number(const char *text, uint64_t min, uint64_t max, uint64_t *ret);

/* Opens a service; one of that name that is there already turns it off. */
void import_service(struct import *im, const char *name);
void import_service_end(struct import *im);

/* A comment, in the open service or between services. */
void import_note(struct import *im, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The same, and the whole service becomes a comment. */
void import_off(struct import *im, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Settings of the open service: a text in quotes, a word without them, a list. */
void import_key(struct import *im, const char *key, const char *value);
void import_word(struct import *im, const char *key, const char *value);
void import_list(struct import *im, const char *key, const struct import_words *w);
/* An argument, with the settings of its section as they stand in the file. */
void import_argument(struct import *im, const char *name, const char *settings);

/*
 * Lets a role call the open service. Its section is written once: key = {words}. A
 * role of that name that says something else keeps it; this one gets another name.
 */
void import_allow(struct import *im, const char *role, const char *key,
    const struct import_words *w);
/* The same for a role that may not call the open service. */
void import_deny(struct import *im, const char *role, const char *key,
    const struct import_words *w);
