/* SPDX-License-Identifier: ISC */
/*
 * ctl: one run of reqctl, what a verb is, and the messages of all of them.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"
/* The exit statuses; nothing else of proto is used here. */
#include "proto/outcome.h"

#define CTL_MAX_LIST 16

struct ctl_cmd;

struct ctl_list {
	const char *items[CTL_MAX_LIST];
	size_t n;
};

/* One run of reqctl: what its command line said. */
struct ctl {
	const struct ctl_cmd *const *verbs;
	size_t n_verbs;
	const struct ctl_cmd *cmd;	/* NULL: none is known yet */

	struct ctl_list servers;
	const char *control;
	uint64_t timeout_ms;	/* 0: none */
	bool json;
	bool quiet;
	bool help;
	bool version;

	/* Options of single verbs. */
	const char *input;
	const char *id;
	struct ctl_list meta;
	bool no_stream;
	bool check;
	int64_t count;
	int64_t connections;
	int64_t requests;

	uint64_t due_usec;	/* end of timeout_ms on the monotonic clock */
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
	const char *arg;	/* name of the value; NULL for a flag */
	const char *help;
	size_t offset;		/* in struct ctl */
	int64_t max;
	enum ctl_opt_kind kind;
	char letter;		/* 0: none */
};

enum ctl_words {
	CTL_WORDS_NONE,
	CTL_WORDS_SERVICE,	/* first word: a service */
	CTL_WORDS_CALL,		/* a service and its arguments */
	CTL_WORDS_REQUEST,	/* request ids */
	CTL_WORDS_SHELL,
	CTL_WORDS_IMPORT,	/* a format and a file */
	CTL_WORDS_VERB,
};

struct ctl_cmd {
	const char *name;
	const char *synopsis;	/* behind the name */
	const char *summary;
	const char *details;	/* NULL, or lines for --help */
	const struct ctl_opt *options;
	size_t n_options;
	size_t min_words, max_words;
	enum ctl_words words;	/* what completion offers */
	bool pass;		/* all behind the first word is data */
	bool hidden;
	bool is_help;		/* a wrong use of it refers to the help of reqctl */
	bool is_plugin;		/* exits with 0 to 3; messages are for standard output */
	/* Returns the exit status. */
	int (*run)(struct ctl *ctl, size_t n, char **words);
};

#define CTL_ANY_WORDS SIZE_MAX

/* The status by which plugins of monitoring systems say that they know nothing. */
#define CTL_PLUGIN_UNKNOWN 3

extern const struct ctl_cmd cmd_bench, cmd_call, cmd_check, cmd_complete, cmd_completion, cmd_describe,
    cmd_help, cmd_import, cmd_kill, cmd_list, cmd_ping, cmd_ps, cmd_reload, cmd_status, cmd_whoami, cmd_why;

/*
 * "reqctl: ..." on standard error, unless -q. Control characters are escaped. Of
 * a plugin: "UNKNOWN - ..." on standard output, -q or not.
 */
void ctl_message(const struct ctl *ctl, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* A wrong command line, -q or not. Returns STATUS_USAGE. */
int ctl_usage(const struct ctl *ctl, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * Prints text on standard output as one line, without its end and without the sign
 * behind which monitoring systems look for figures.
 */
void ctl_print_plugin_text(struct slice text);

/* Ends reqctl when memory is out; returns p. */
void *ctl_need(void *p);
