/* SPDX-License-Identifier: ISC */
/*
 * ctl: one run of reqctl, the struct of a verb, and the messages of all verbs.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"
/* Only the exit statuses of proto are used here. */
#include "proto/outcome.h"

#define CTL_MAX_LIST 16

struct ctl_cmd;

struct ctl_list {
	const char *items[CTL_MAX_LIST];
	size_t n;
};

/* One run of reqctl, as its command line sets it. */
struct ctl {
	const struct ctl_cmd *const *verbs;
	size_t n_verbs;
	const struct ctl_cmd *cmd;	/* NULL: not known yet */

	struct ctl_list servers;
	const char *token_file;
	const char *control;
	const char *pin;
	const char *ca_file;
	const char *identity;
	uint64_t timeout_ms;	/* -t; 0: none */
	bool json;
	bool quiet;
	bool help;
	bool version;

	/* Options of single verbs. */
	const char *input;
	const char *id;
	struct ctl_list meta;
	bool no_stream;
	bool explain;
	bool check;
	bool of_server;
	struct ctl_list headers;
	const char *query, *config;
	const char *label, *expires, *only_services, *from, *key, *url;
	struct ctl_list only;
	bool read_only;
	int64_t count;
	int64_t connections;
	int64_t requests;

	uint64_t due_usec;	/* the end of timeout_ms on the monotonic clock */
	bool out_tty;
	bool err_tty;
};

enum ctl_opt_kind {
	OPT_FLAG,	/* bool */
	OPT_TEXT,	/* const char * */
	OPT_LIST,	/* struct ctl_list */
	OPT_COUNT,	/* int64_t, 1 to max */
	OPT_SECONDS,	/* uint64_t, milliseconds */
};

struct ctl_opt {
	const char *name;
	const char *arg;	/* name of the value in the help; NULL for a flag */
	const char *help;
	size_t offset;		/* offset of the field in struct ctl */
	int64_t max;
	enum ctl_opt_kind kind;
	char letter;		/* 0: none */
};

enum ctl_words {
	CTL_WORDS_NONE,
	CTL_WORDS_SERVICE,	/* the first word is a service */
	CTL_WORDS_CALL,		/* a service and its arguments */
	CTL_WORDS_REQUEST,	/* request ids */
	CTL_WORDS_CHOICE,	/* a word of choices */
	CTL_WORDS_CHOICE_FILE,	/* a word of choices, then a file */
	CTL_WORDS_VERB,
};

struct ctl_cmd {
	const char *name;
	const char *synopsis;	/* the words behind the name */
	const char *summary;
	const char *details;	/* more lines for --help, or NULL */
	const struct ctl_opt *options;
	size_t n_options;
	size_t min_words, max_words;
	enum ctl_words words;	/* the kind of words that completion offers */
	const char *const *choices;	/* for CTL_WORDS_CHOICE*, ends with NULL */
	bool pass;		/* words behind the first one are data, not options */
	bool hidden;
	bool is_help;		/* a wrong use of the verb points to the help of reqctl */
	bool is_plugin;		/* exits with 0 to 3; messages go to standard output */
	/* Runs the verb. Returns the exit status. */
	int (*run)(struct ctl *ctl, size_t n, char **words);
};

#define CTL_ANY_WORDS SIZE_MAX

/* The status by which plugins of monitoring systems say that they know nothing. */
#define CTL_PLUGIN_UNKNOWN 3

extern const struct ctl_cmd cmd_bench, cmd_call, cmd_check, cmd_complete, cmd_completion,
    cmd_describe, cmd_grant, cmd_help, cmd_hook, cmd_import, cmd_join, cmd_keygen, cmd_kill,
    cmd_list, cmd_logins, cmd_mcp, cmd_passwd, cmd_pin, cmd_ping, cmd_ps, cmd_reload, cmd_restart,
    cmd_revoke, cmd_status,
    cmd_whoami, cmd_why;

/*
 * Prints "reqctl: ..." on standard error, unless -q. Escapes control
 * characters. For a plugin: "UNKNOWN - ..." on standard output, also with -q.
 */
void ctl_message(const struct ctl *ctl, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Reports a wrong command line, also with -q. Returns STATUS_USAGE. */
int ctl_usage(const struct ctl *ctl, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * Prints text on standard output as one line without its end. "|" becomes "/", because
 * monitoring systems look for figures behind it.
 */
void ctl_print_plugin_text(struct slice text);

/* Sets the verb of this run. */
void ctl_set_verb(struct ctl *ctl, const struct ctl_cmd *cmd);

/* Ends reqctl if p is NULL, because memory is out. Returns p. */
void *ctl_need(void *p);
