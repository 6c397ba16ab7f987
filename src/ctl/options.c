/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "ctl/options.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/units.h"

/* "2", "0.5", or with a unit, "250ms". */
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
	return o != NULL ? o : table_find(ctl_options, ctl_n_options, name, len, letter);
}

/* One word that starts with "--". *i moves on when the next is its value. */
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

/* One word of letters, as in "-qn3". */
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

enum options_status
options_parse(struct ctl *ctl, enum options_stop stop, size_t argc, char **argv,
    size_t *ret_n_words, struct options_error *ret_error)
{
	size_t n_words = 0, i;

	for (i = 0; i < argc; i++) {
		enum options_status s;

		if (strcmp(argv[i], "--") == 0) {
			i++;
			break;
		}
		if (argv[i][0] != '-' || argv[i][1] == '\0') {
			if (stop == OPTIONS_TO_WORD)
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

static int
unknown_option(const struct ctl *ctl, const char *word)
{
	size_t n = ctl_n_options + (ctl->cmd != NULL ? ctl->cmd->n_options : 0), n_names = 0;
	const char **names = ctl_need(calloc(n, sizeof(*names)));
	char *name = ctl_need(strdup(word + strspn(word, "-")));
	int status;

	name[strcspn(name, "=")] = '\0';
	for (size_t i = 0; i < ctl_n_options; i++)
		names[n_names++] = ctl_options[i].name;
	for (size_t i = 0; n_names < n; i++)
		names[n_names++] = ctl->cmd->options[i].name;
	if (word[1] == '-')
		status = ctl_unknown(ctl, "option", name, names, n_names);
	else
		status = ctl_unknown(ctl, "option", word, NULL, 0);
	free(name);
	free(names);
	return status;
}

int
options_complain(const struct ctl *ctl, enum options_status status, const struct options_error *e)
{
	switch (status) {
	case OPTIONS_UNKNOWN:
		return unknown_option(ctl, e->word);
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
