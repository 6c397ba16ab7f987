/* SPDX-License-Identifier: ISC */
/*
 * notes: looks for the silent slips of a first configuration. Nothing here makes a load
 * fail, because each of them can be meant.
 */
#include "config.h"

#include "conf/notes.h"

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
#include "conf/errors.h"
#include "conf/executable.h"
#include "conf/program.h"

/* -------------------------------------------------------------- access --- */

static void
note_access(const struct service *s, struct conf_errors *notes)
{
	if (s->allow_names[0] == NULL)
		conf_errors_add(notes, s->file, s->line, "service \"%.64s\" has no 'allow': nobody "
		    "but root may call it; write allow = {\"ROLE\"}", s->name);
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
conf_notes(const struct conf *c, struct conf_errors *notes)
{
	note_directory(c, notes);
	/* One kind after the other, so that many of one kind are counted. */
	for (size_t i = 0; i < c->n_services; i++)
		note_access(&c->services[i], notes);
	for (size_t i = 0; i < c->n_services; i++)
		note_shell_signs(&c->services[i], notes);
	for (size_t i = 0; i < c->n_services; i++)
		note_script(&c->services[i], notes);
}
