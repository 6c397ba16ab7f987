/* SPDX-License-Identifier: ISC */
/* Finds what may not be meant: rights that a catch-all gives away, shared accounts, stdbuf. */
#include "config.h"

#include "conf/warnings.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "conf/argument.h"
#include "conf/errors.h"
#include "conf/template.h"

/* So many services are named in a line, and so many lines are about the same. */
#define NAMED_MAX 5
#define LINES_MAX 10

/* Names of services for one line: "a, b and 7 more". */
struct names {
	char text[NAMED_MAX * (SERVICE_NAME_MAX + 4) + 32];
	size_t n;
};

static void
names_add(struct names *l, const char *name)
{
	size_t used = strlen(l->text);

	if (l->n++ < NAMED_MAX)
		(void)snprintf(l->text + used, sizeof(l->text) - used, "%s'%s'",
		    used > 0 ? ", " : "", name);
}

static void
names_end(struct names *l)
{
	size_t used = strlen(l->text);

	if (l->n > NAMED_MAX)
		(void)snprintf(l->text + used, sizeof(l->text) - used, " and %zu more",
		    l->n - NAMED_MAX);
}

/* ---------------------------------------------------------- catch-alls --- */

static bool
same_list(char *const *a, char *const *b)
{
	while (*a != NULL && *b != NULL && strcmp(*a, *b) == 0) {
		a++;
		b++;
	}
	return *a == NULL && *b == NULL;
}

/* True if the same callers reach both, and both do what they do with the same rights. */
static bool
same_rights(const struct service *a, const struct service *b)
{
	return a->allow == b->allow && a->deny == b->deny && a->run_as.uid == b->run_as.uid &&
	    a->run_as.gid == b->run_as.gid && same_list(a->listen_names, b->listen_names);
}

/* The argument that is all of this element of a command, or NULL. */
static const struct argument *
argument_alone(const struct service *s, const char *element)
{
	struct slice name;

	return template_is_name(element, &name) ? service_find_argument(s, name.data, name.len) :
	    NULL;
}

/* The element as the program gets it, if no argument has a part in it. */
static bool
is_literal(const char *element, char *ret, size_t ret_len)
{
	struct template_part part;
	size_t used = 0;
	int q;

	while ((q = template_next(&element, &part)) > 0 && !part.is_name) {
		if (part.text.len >= ret_len - used)
			return false;
		memcpy(ret + used, part.text.data, part.text.len);
		used += part.text.len;
	}
	ret[used] = '\0';
	return q == 0;
}

/* True if a caller can have this word stand in the place of the argument. */
static bool
can_be(const struct argument *arg, const char *word)
{
	char why[ARGUMENTS_WHY];

	if (arg->type == ARGUMENT_FLAG)
		return strcmp(arg->value, word) == 0;
	return argument_check(arg, slice_of(word), why) == ARGUMENTS_OK;
}

/*
 * The argument by whose value a caller of a gets what b does, or NULL; the value goes into
 * ret. Both have the same program.
 */
static const struct argument *
spells(const struct service *a, const struct service *b, char *ret, size_t ret_len)
{
	char *const *x = a->command + 1, *const *y = b->command + 1;
	const struct argument *found = NULL;

	for (; *x != NULL && *y != NULL; y++) {
		const struct argument *arg = argument_alone(a, *x);
		char wanted[ARGUMENTS_WHY], own[ARGUMENTS_WHY];
		bool is_word = is_literal(*y, wanted, sizeof(wanted));

		if (arg == NULL && (!is_word || !is_literal(*x, own, sizeof(own)) ||
		    strcmp(own, wanted) != 0))
			return NULL;
		if (arg != NULL && is_word) {
			if (!can_be(arg, wanted))
				return NULL;
			if (found == NULL)
				(void)strlcpy(ret, wanted, ret_len);
			found = found == NULL ? arg : found;
		}
		/* A repeated argument, which is the last one, goes on. */
		if (arg == NULL || !arg->repeat)
			x++;
	}
	/* What b says and a cannot say any more. */
	for (char rest[ARGUMENTS_WHY]; *y != NULL; y++) {
		if (is_literal(*y, rest, sizeof(rest)))
			return NULL;
	}
	return found;
}

static int
by_program(const void *a, const void *b)
{
	const struct service *const *x = a, *const *y = b;
	int r = strcmp((*x)->command[0], (*y)->command[0]);

	return r != 0 ? r : (int)(*x)->number - (int)(*y)->number;
}

static void
warn_spelled(const struct service *a, const struct service *b, size_t *n,
    struct conf_errors *warnings)
{
	char value[ARGUMENTS_WHY];
	const struct argument *arg;

	if (*n >= LINES_MAX || a == b || same_rights(a, b))
		return;
	arg = spells(a, b, value, sizeof(value));
	if (arg == NULL)
		return;
	(*n)++;
	conf_errors_add(warnings, a->file, arg->line, "service \"%s\": argument '%s' may be '%.64s', "
	    "so that its callers get what service \"%s\" does with other rights; leave that out with "
	    "'values' or 'pattern'", a->name, arg->name, value, b->name);
}

static void
warn_catch_alls(const struct conf *c, struct conf_errors *warnings)
{
	CLEANUP_FREE const struct service **list = calloc(c->n_services + 1, sizeof(*list));
	size_t n = 0, lines = 0;

	for (size_t i = 0; i < c->n_services && list != NULL; i++) {
		if (c->services[i].command[0] != NULL)
			list[n++] = &c->services[i];
	}
	if (n > 1)
		qsort(list, n, sizeof(*list), by_program);
	for (size_t i = 0; i < n; i++) {
		for (size_t j = i + 1; j < n &&
		    strcmp(list[i]->command[0], list[j]->command[0]) == 0; j++) {
			warn_spelled(list[i], list[j], &lines, warnings);
			warn_spelled(list[j], list[i], &lines, warnings);
		}
	}
}

/* ------------------------------------------------------------- accounts --- */

/* True if an earlier service has the account of service i. */
static bool
is_told(const struct conf *c, size_t i)
{
	for (size_t j = 0; j < i; j++) {
		if (c->services[j].run_as.uid == c->services[i].run_as.uid)
			return true;
	}
	return false;
}

/* True if programs of the same account could spoil the service: its memory, or a secret. */
static bool
is_delicate(const struct service *s)
{
	for (size_t i = 0; i < s->n_args; i++) {
		if (s->args[i].secret)
			return true;
	}
	return s->handler != NULL;
}

/* True if a delicate service from this one on has the same account. */
static bool
is_delicate_from(const struct conf *c, size_t first)
{
	for (size_t i = first; i < c->n_services; i++) {
		if (c->services[i].run_as.uid == c->services[first].run_as.uid &&
		    is_delicate(&c->services[i]))
			return true;
	}
	return false;
}

/*
 * One line about all accounts that services share. An ordinary user has only one account, and
 * root can do everything anyway, so they are left out.
 */
static void
note_shared(const struct conf *c, struct conf_errors *notes)
{
	struct names names = { .text = "" };
	const char *account = NULL;
	size_t n_accounts = 0;

	for (size_t i = 0; i < c->n_services; i++) {
		const struct identity *id = &c->services[i].run_as;
		size_t before = names.n;

		if (!id->is_set || id->uid == 0 || id->uid == (uid_t)-1 || is_told(c, i) ||
		    !is_delicate_from(c, i))
			continue;
		for (size_t j = i + 1; j < c->n_services; j++) {
			if (c->services[j].run_as.uid != id->uid)
				continue;
			if (names.n == before)
				names_add(&names, c->services[i].name);
			names_add(&names, c->services[j].name);
		}
		if (names.n == before)
			continue;
		account = n_accounts == 0 ? id->user : account;
		n_accounts++;
	}
	names_end(&names);
	if (n_accounts == 0)
		return;
	conf_errors_add(notes, NULL, 0, "%zu services share %s%.64s%s (%s): a program of one "
	    "can read and write the files and the memory of the others' programs; "
	    "'user' gives a service an account of its own", names.n,
	    n_accounts == 1 ? "the account '" : "accounts, such as '", account,
	    "'", names.text);
}

/* --------------------------------------------------------------- stdbuf --- */

static void
warn_stdbuf(const struct conf *c, const char *stdbuf, struct conf_errors *warnings)
{
	struct names names = { .text = "" };
	struct stat st;

	if (stat(stdbuf, &st) == 0)
		return;
	for (size_t i = 0; i < c->n_services; i++) {
		if (c->services[i].is_line_buffered)
			names_add(&names, c->services[i].name);
	}
	names_end(&names);
	if (names.n > 0)
		conf_errors_add(warnings, NULL, 0, "'buffering = line' (%s) works for Python only: %s, "
		    "which stdbuf(1) uses, is not there", names.text, stdbuf);
}

void
conf_warn(const struct conf *c, const char *stdbuf, struct conf_errors *warnings,
    struct conf_errors *notes)
{
	warn_catch_alls(c, warnings);
	warn_stdbuf(c, stdbuf, warnings);
	note_shared(c, notes);
}
