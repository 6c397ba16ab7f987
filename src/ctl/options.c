/* SPDX-License-Identifier: ISC */
/* options: parses the command line of reqctl. */
#include "config.h"

#include "ctl/options.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/suggest.h"
#include "base/units.h"

const struct ctl_opt options_general[] = {
	{ .letter = 's', .name = "server", .arg = "URL", .kind = OPT_LIST,
	    .offset = offsetof(struct ctl, servers),
	    .help = "tls://, tcp:// or unix:// URL, or NAME; tried in order" },
	{ .name = "pin", .arg = "PIN", .kind = OPT_TEXT, .offset = offsetof(struct ctl, pin),
	    .help = "of the server at tls://, sha256:...; decides alone" },
	{ .name = "ca", .arg = "FILE", .kind = OPT_TEXT, .offset = offsetof(struct ctl, ca_file),
	    .help = "authorities for the server at tls:// (the system's)" },
	{ .name = "identity", .arg = "FILE", .kind = OPT_TEXT,
	    .offset = offsetof(struct ctl, identity), .help = "show this key to servers at tls://" },
	{ .name = "token-file", .arg = "FILE", .kind = OPT_TEXT,
	    .offset = offsetof(struct ctl, token_file), .help = "log in with the token or password in FILE" },
	{ .letter = 't', .name = "timeout", .arg = "SECONDS", .kind = OPT_SECONDS,
	    .offset = offsetof(struct ctl, timeout_ms),
	    .help = "give up after this time; the server is told, too" },
	{ .name = "json", .kind = OPT_FLAG, .offset = offsetof(struct ctl, json),
	    .help = "print JSON" },
	{ .name = "control", .arg = "PATH", .kind = OPT_TEXT,
	    .offset = offsetof(struct ctl, control),
	    .help = "control socket of a reqd on this machine" },
	{ .letter = 'q', .name = "quiet", .kind = OPT_FLAG, .offset = offsetof(struct ctl, quiet),
	    .help = "no messages, only the exit status" },
	{ .letter = 'V', .name = "version", .kind = OPT_FLAG,
	    .offset = offsetof(struct ctl, version), .help = "print the version" },
	{ .letter = 'h', .name = "help", .kind = OPT_FLAG, .offset = offsetof(struct ctl, help),
	    .help = "print this help, or that of a verb" },
};
const size_t options_n_general = ARRAY_LEN(options_general);

/* Reads "2", "0.5", or a number with a unit, "250ms". */
static bool
seconds_parse(const char *text, uint64_t *ret_ms)
{
	uint64_t usec;
	char *end;
	double v;

	if (duration_parse(text, &usec) == 0) {
		*ret_ms = (usec + USEC_PER_MSEC - 1) / USEC_PER_MSEC;
		return usec > 0 && usec <= 86400 * 365 * USEC_PER_SEC;
	}
	if (strspn(text, "0123456789.") != strlen(text) || *text == '\0')
		return false;
	v = strtod(text, &end);
	if (*end != '\0' || !(v > 0) || v > 86400.0 * 365)
		return false;
	*ret_ms = (uint64_t)ceil(v * 1000);
	return true;
}

static bool
option_set(struct ctl *ctl, const struct ctl_opt *o, const char *value)
{
	void *at = (char *)ctl + o->offset;
	struct ctl_list *list = at;
	int64_t n;

	switch (o->kind) {
	case OPT_FLAG:
		*(bool *)at = true;
		return true;
	case OPT_TEXT:
		*(const char **)at = value;
		return true;
	case OPT_LIST:
		if (list->n == CTL_MAX_LIST)
			return false;
		list->items[list->n++] = value;
		return true;
	case OPT_COUNT:
		if (integer_parse(value, &n) < 0 || n < 1 || n > o->max)
			return false;
		*(int64_t *)at = n;
		return true;
	case OPT_SECONDS:
		return seconds_parse(value, at);
	}
	return false;
}

static const struct ctl_opt *
table_find(const struct ctl_opt *table, size_t n, const char *name, size_t len, char letter)
{
	for (size_t i = 0; i < n; i++) {
		const struct ctl_opt *o = &table[i];

		if (letter != 0 ? o->letter == letter :
		    strlen(o->name) == len && strncmp(o->name, name, len) == 0)
			return o;
	}
	return NULL;
}

static const struct ctl_opt *
option_find(const struct ctl *ctl, const char *name, size_t len, char letter)
{
	const struct ctl_opt *o = NULL;

	if (ctl->cmd != NULL)
		o = table_find(ctl->cmd->options, ctl->cmd->n_options, name, len, letter);
	return o != NULL ? o : table_find(options_general, options_n_general, name, len, letter);
}

/*
 * Reads one word that starts with "--". *i moves on when the next word is its
 * value.
 */
static enum options_status
long_option(struct ctl *ctl, size_t argc, char **argv, size_t *i, struct options_error *e)
{
	const char *name = argv[*i] + 2, *equals = strchr(name, '=');
	size_t len = equals != NULL ? (size_t)(equals - name) : strlen(name);

	e->opt = option_find(ctl, name, len, 0);
	e->value = equals != NULL ? equals + 1 : NULL;
	if (e->opt == NULL)
		return OPTIONS_UNKNOWN;
	if (e->opt->arg == NULL && e->value != NULL)
		return OPTIONS_EXTRA_VALUE;
	if (e->opt->arg != NULL && e->value == NULL) {
		if (*i + 1 == argc)
			return OPTIONS_NO_VALUE;
		e->value = argv[++*i];
	}
	return option_set(ctl, e->opt, e->value) ? OPTIONS_OK : OPTIONS_BAD_VALUE;
}

/* Reads one word of letters, as in "-qn3". */
static enum options_status
short_options(struct ctl *ctl, size_t argc, char **argv, size_t *i, struct options_error *e)
{
	for (const char *p = argv[*i] + 1; *p != '\0'; p++) {
		e->opt = option_find(ctl, NULL, 0, *p);
		if (e->opt == NULL)
			return OPTIONS_UNKNOWN;
		e->value = NULL;
		if (e->opt->arg != NULL) {
			if (p[1] == '\0' && *i + 1 == argc)
				return OPTIONS_NO_VALUE;
			e->value = p[1] != '\0' ? p + 1 : argv[++*i];
		}
		if (!option_set(ctl, e->opt, e->value))
			return OPTIONS_BAD_VALUE;
		if (e->value != NULL)
			break;
	}
	return OPTIONS_OK;
}

/*
 * Sets ctl from the options in argv (those of every verb, and those of ctl->cmd
 * unless NULL), moves the words to its front and counts them. The options end at
 * "--", at the verb, and at the first word of a verb whose words are data.
 */
static enum options_status
parse(struct ctl *ctl, size_t argc, char **argv, size_t *ret_n_words,
    struct options_error *ret_error)
{
	bool word_ends = ctl->cmd == NULL || ctl->cmd->pass;
	size_t n_words = 0, i;

	for (i = 0; i < argc; i++) {
		enum options_status s;

		if (strcmp(argv[i], "--") == 0) {
			i++;
			break;
		}
		if (argv[i][0] != '-' || argv[i][1] == '\0') {
			if (word_ends)
				break;
			argv[n_words++] = argv[i];
			continue;
		}
		*ret_error = (struct options_error){ .word = argv[i] };
		s = argv[i][1] == '-' ? long_option(ctl, argc, argv, &i, ret_error) :
		    short_options(ctl, argc, argv, &i, ret_error);
		if (s != OPTIONS_OK)
			return s;
	}
	while (i < argc)
		argv[n_words++] = argv[i++];
	*ret_n_words = n_words;
	return OPTIONS_OK;
}

const struct ctl_cmd *
options_find_verb(const struct ctl *ctl, const char *name)
{
	for (size_t i = 0; i < ctl->n_verbs; i++) {
		if (strcmp(ctl->verbs[i]->name, name) == 0)
			return ctl->verbs[i];
	}
	return NULL;
}

/*
 * Sets the verb to a plugin that some word names, after a wrong option that stands
 * before the verb: a monitoring system reads nothing but the plugin's line.
 */
static void
find_plugin(struct ctl *ctl, size_t argc, char **argv)
{
	for (size_t i = 0; i < argc; i++) {
		const struct ctl_cmd *cmd = options_find_verb(ctl, argv[i]);

		if (cmd == NULL)
			continue;
		if (cmd->is_plugin)
			ctl_set_verb(ctl, cmd);
		return;
	}
}

enum options_status
options_read(struct ctl *ctl, size_t argc, char **argv, size_t *ret_n_words,
    struct options_error *ret_error)
{
	size_t n = 0;
	enum options_status s = parse(ctl, argc, argv, &n, ret_error);

	*ret_n_words = 0;
	if (s != OPTIONS_OK)
		find_plugin(ctl, argc, argv);
	if (s != OPTIONS_OK || n == 0)
		return s;
	ctl_set_verb(ctl, options_find_verb(ctl, argv[0]));
	ret_error->word = argv[0];
	return ctl->cmd == NULL ? OPTIONS_UNKNOWN_VERB :
	    parse(ctl, n - 1, argv + 1, ret_n_words, ret_error);
}

/* ----------------------------------------------------------- complaints --- */

int
options_unknown_verb(const struct ctl *ctl, const char *word)
{
	CLEANUP_FREE const char **names = ctl_need(calloc(ctl->n_verbs, sizeof(*names)));
	const char *near;
	size_t n = 0;

	for (size_t i = 0; i < ctl->n_verbs; i++) {
		if (!ctl->verbs[i]->hidden)
			names[n++] = ctl->verbs[i]->name;
	}
	near = suggest_word(word, names, n);
	if (near == NULL)
		return ctl_usage(ctl, "unknown verb '%s'; a service is called with 'reqctl call %s'",
		    word, word);
	return ctl_usage(ctl, "unknown verb '%s'; did you mean '%s'?", word, near);
}

static int
unknown_option(const struct ctl *ctl, const char *word)
{
	size_t n = options_n_general + (ctl->cmd != NULL ? ctl->cmd->n_options : 0), n_names = 0;
	CLEANUP_FREE const char **names = ctl_need(calloc(n, sizeof(*names)));
	CLEANUP_FREE char *name = ctl_need(strdup(word + strspn(word, "-")));
	const char *near;

	if (word[1] != '-')
		return ctl_usage(ctl, "unknown option '%s'", word);
	name[strcspn(name, "=")] = '\0';
	for (size_t i = 0; i < options_n_general; i++)
		names[n_names++] = options_general[i].name;
	for (size_t i = 0; n_names < n; i++)
		names[n_names++] = ctl->cmd->options[i].name;
	near = suggest_word(name, names, n_names);
	if (near == NULL)
		return ctl_usage(ctl, "unknown option '--%s'", name);
	return ctl_usage(ctl, "unknown option '--%s'; did you mean '--%s'?", name, near);
}

int
options_complain(const struct ctl *ctl, enum options_status status, const struct options_error *e)
{
	switch (status) {
	case OPTIONS_UNKNOWN:
		return unknown_option(ctl, e->word);
	case OPTIONS_UNKNOWN_VERB:
		return options_unknown_verb(ctl, e->word);
	case OPTIONS_NO_VALUE:
		return ctl_usage(ctl, "option --%s needs a value: %s", e->opt->name, e->opt->arg);
	case OPTIONS_EXTRA_VALUE:
		return ctl_usage(ctl, "option --%s takes no value", e->opt->name);
	case OPTIONS_BAD_VALUE:
		if (e->opt->kind == OPT_COUNT)
			return ctl_usage(ctl, "option --%s: '%s' is not a number from 1 to %lld",
			    e->opt->name, e->value, (long long)e->opt->max);
		if (e->opt->kind == OPT_SECONDS)
			return ctl_usage(ctl,
			    "option --%s: '%s' is not a time such as 5, 0.5 or 250ms",
			    e->opt->name, e->value);
		return ctl_usage(ctl, "option --%s is given more than %d times", e->opt->name,
		    CTL_MAX_LIST);
	case OPTIONS_OK:
		break;
	}
	return 0;
}
