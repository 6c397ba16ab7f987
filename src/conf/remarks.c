/* SPDX-License-Identifier: ISC */
/*
 * Finds what may not be meant: rights that a catch-all gives away, shared accounts, stdbuf, and
 * the silent slips of a first configuration.
 */
#include "config.h"

#include "conf/remarks.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "base/cleanup.h"
#include "conf/argument.h"
#include "conf/errors.h"
#include "conf/executable.h"
#include "conf/program.h"
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
	/* Words of b that a cannot say any more. */
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

/* -------------------------------------------------------------- secrets --- */

/* The secret argument whose value stands in this element, or NULL. */
static const struct argument *
bared_by(const struct service *s, const char *element)
{
	struct template_part part;

	while (template_next(&element, &part) > 0) {
		const struct argument *a = !part.is_name || part.is_file ? NULL :
		    service_find_argument(s, part.text.data, part.text.len);

		if (a != NULL && a->secret)
			return a;
	}
	return NULL;
}

/* Every account of the machine can read the command line of a program. */
static void
warn_bared(const struct conf *c, struct conf_errors *warnings)
{
	size_t n = 0;

	for (size_t i = 0; i < c->n_services; i++) {
		const struct service *s = &c->services[i];
		const struct argument *a = NULL;

		for (char **p = s->command; *p != NULL && a == NULL; p++)
			a = bared_by(s, *p);
		if (a == NULL || n++ >= LINES_MAX)
			continue;
		conf_errors_add(warnings, s->file, a->line, "service \"%s\": the secret argument '%s' "
		    "stands in the command line, which every account of this machine can read; "
		    "'{@%s}' is the path of a file that has it", s->name, a->name, a->name);
	}
}

/* -------------------------------------------------------------- access --- */

static void
note_access(const struct service *s, struct conf_errors *notes)
{
	if (s->allow_names[0] == NULL && s->n_hooks == 0)
		conf_errors_add(notes, s->file, s->line, "service \"%.64s\" has no 'allow': nobody "
		    "but root may call it; write allow = {\"ROLE\"}", s->name);
}

/* Deliveries need a listener that takes them. */
static void
note_hooks(const struct conf *c, struct conf_errors *notes)
{
	for (size_t i = 0; i < c->n_listeners; i++) {
		if (c->listeners[i].protocol == PROTOCOL_HTTP &&
		    offer_has(c->listeners[i].offer, OFFER_HOOKS))
			return;
	}
	for (size_t i = 0; i < c->n_services; i++) {
		if (c->services[i].n_hooks > 0)
			conf_errors_add(notes, c->services[i].file, c->services[i].line, "service "
			    "\"%.64s\" has a webhook, but no listener speaks HTTP and offers hooks",
			    c->services[i].name);
	}
}

/* ---------------------------------------------------------- its words --- */

static char **
words_of(const struct service *s)
{
	return s->handler != NULL ? s->handler : s->command;
}

static const char *
base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL ? slash + 1 : path;
}

static bool
is_one_of(const char *word, const char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(word, list[i]) == 0)
			return true;
	}
	return false;
}

/* True if the word is the name of a variable as a shell reads it: $1, $HOME, ${x}, $(x). */
static bool
is_variable(const char *word)
{
	const char *p = word + 1;

	if (*word != '$' || *p == '\0')
		return false;
	if (strchr("{(", *p) != NULL)
		return p[strlen(p) - 1] == '}' || p[strlen(p) - 1] == ')';
	if (strchr("0123456789@*#?", *p) != NULL)
		return p[1] == '\0';
	while (isalnum((unsigned char)*p) || *p == '_')
		p++;
	return *p == '\0';
}

/* True if only a shell would do with the word what its writer hopes. */
static bool
is_shell_sign(const char *word)
{
	static const char *const signs[] = {
		"|", "||", "&", "&&", ";", ">", ">>", "<", "<<", "2>", "2>>", "2>&1", ">&2", "&>",
	};
	size_t n = strspn(word, "12&");
	size_t len = strlen(word);

	if (is_one_of(word, signs, ARRAY_LEN(signs)) || is_variable(word))
		return true;
	/* ">/dev/null", "~/x", "`date`" */
	return (word[n] == '>' && n <= 1 && word[n + 1] == '/') || strncmp(word, "~/", 2) == 0 ||
	    (len > 2 && word[0] == '`' && word[len - 1] == '`');
}

/* Notes the first shell sign of the words, unless the program is one that knows it. */
static void
note_shell_signs(const struct service *s, struct conf_errors *notes)
{
	char **words = words_of(s);
	static const char *const shells[] = {
		"sh", "bash", "dash", "ksh", "mksh", "zsh", "busybox", "awk", "gawk", "mawk", "perl",
		"expr", "test", "[", "ssh", "sudo", "su", "runuser",
	};
	bool in_exec = false;

	if (words[0] == NULL || is_one_of(base_name(words[0]), shells, ARRAY_LEN(shells)))
		return;
	for (char **w = words + 1; *w != NULL; w++) {
		/* find(1) ends the words of -exec with ";". */
		in_exec = in_exec || strncmp(*w, "-exec", 5) == 0 || strncmp(*w, "-ok", 3) == 0;
		if (!is_shell_sign(*w) || (in_exec && strcmp(*w, ";") == 0))
			continue;
		conf_errors_add(notes, s->file, s->line, "service \"%.64s\": no shell: '%.32s' is "
		    "passed on to the program as it is; what needs a shell belongs into a script",
		    s->name, *w);
		return;
	}
}

/* Notes a script, named behind its interpreter, that is not there or may not be read. */
static void
note_script(const struct service *s, struct conf_errors *notes)
{
	char **words = words_of(s);
	static const char *const interpreters[] = {
		"sh", "bash", "dash", "python", "perl", "ruby", "node", "nodejs", "php", "lua", "Rscript",
		"tclsh", "guile", "awk", "gawk", "mawk",
	};
	char name[32], part[PATH_MAX];
	const char *why = NULL;
	struct stat st;

	if (s->unavailable != NULL || words[0] == NULL || words[1] == NULL || words[1][0] != '/' ||
	    strpbrk(words[1], "{}") != NULL)
		return;
	/* "python3.11" is python. */
	(void)strlcpy(name, base_name(words[0]), sizeof(name));
	name[strcspn(name, "0123456789.")] = '\0';
	if (!is_one_of(name, interpreters, ARRAY_LEN(interpreters)))
		return;
	if (stat(words[1], &st) < 0)
		why = strerror(errno);
	else if (S_ISDIR(st.st_mode))
		why = "it is a directory";
	else if (program_barrier(words[1], &s->run_as, part) != NULL ||
	    (!executable_may(&st, &s->run_as, 4) &&
	    getxattr(words[1], "system.posix_acl_access", NULL, 0) < 0))
		why = "the account of the service may not read it";
	if (why != NULL)
		conf_errors_add(notes, s->file, s->line, "service \"%.64s\": script %.256s: %s",
		    s->name, words[1], why);
}

/* ----------------------------------------------------------- directory --- */

static bool
ends_with(const char *name, const char *end)
{
	size_t n = strlen(name), m = strlen(end);

	return n >= m && strcmp(name + n - m, end) == 0;
}

/* Files that are passed over on purpose: of editors, of dpkg, and what is hidden. */
static bool
is_passed_over(const char *name)
{
	static const char *const ends[] = {
		"~", ".bak", ".orig", ".rej", ".swp", ".tmp", ".off", ".disabled", ".dpkg-old", ".dpkg-new",
		".dpkg-dist", ".dpkg-tmp", ".dpkg-bak", ".dpkg-remove", ".ucf-old", ".ucf-new", ".ucf-dist",
	};

	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		if (ends_with(name, ends[i]))
			return true;
	}
	return name[0] == '.' || strncmp(name, "README", 6) == 0 || name[0] == '#';
}

static void
note_passed_over(const char *dir, const char *name, struct conf_errors *notes)
{
	CLEANUP_FREE char *path = NULL;

	if (asprintf(&path, "%s/%s", dir, name) < 0)
		return;
	conf_errors_add(notes, path, 0, "this file is passed over: only files whose names end in "
	    ".conf are read");
}

static void
note_directory(const struct conf *c, struct conf_errors *notes)
{
	const char *dir = c->services_dir;
	struct dirent **entries = NULL;
	int n = dir != NULL ? scandir(dir, &entries, NULL, alphasort) : 0;

	for (int i = 0; i < n; i++) {
		const char *name = entries[i]->d_name;

		if (!ends_with(name, ".conf") && !is_passed_over(name))
			note_passed_over(dir, name, notes);
		free(entries[i]);
	}
	free(entries);
	if (c->n_services == 0 && dir != NULL)
		conf_errors_add(notes, c->files[0], 0, "no service is declared; files with services "
		    "belong into %.256s, and their names end in .conf", dir);
	else if (c->n_services == 0)
		conf_errors_add(notes, c->files[0], 0, "no service is declared; 'services = "
		    "\"DIRECTORY\"' names a directory whose .conf files are read, too");
}

void
remarks_note(const struct conf *c, struct conf_errors *notes)
{
	note_shared(c, notes);
	note_directory(c, notes);
	note_hooks(c, notes);
	/* One kind after the other, so that many of one kind are counted. */
	for (size_t i = 0; i < c->n_services; i++)
		note_access(&c->services[i], notes);
	for (size_t i = 0; i < c->n_services; i++)
		note_shell_signs(&c->services[i], notes);
	for (size_t i = 0; i < c->n_services; i++)
		note_script(&c->services[i], notes);
}

void
remarks_warn(const struct conf *c, const char *stdbuf, struct conf_errors *warnings)
{
	warn_catch_alls(c, warnings);
	warn_stdbuf(c, stdbuf, warnings);
	warn_bared(c, warnings);
}
