/* SPDX-License-Identifier: ISC */
/*
 * import-nrpe: nrpe.cfg. A command[NAME] line becomes a service; $ARGn$ becomes an
 * argument. NRPE hands the line to a shell: what needs one keeps it, but never with
 * the values of callers in it.
 */
#include "config.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/addr.h"
#include "base/cleanup.h"
#include "ctl/ctl.h"
#include "ctl/import.h"

#define SHELL_SIGNS "|&;<>()$`*?[]~#"
#define MAX_ARG 16

/* Settings for all commands, also for those above them in the file. */
struct nrpe {
	const char *user;
	const char *timeout;
	const char *prefix;
	bool takes_arguments;
	struct import_words hosts;
};

/* The number of "$ARGn$" at the start of text, 0 for none. */
static unsigned int
arg_number(const char *text, size_t *ret_len)
{
	char *end;
	unsigned long n;

	if (strncmp(text, "$ARG", 4) != 0 || isdigit((unsigned char)text[4]) == 0)
		return 0;
	n = strtoul(text + 4, &end, 10);
	*ret_len = (size_t)(end - text) + 1;
	return *end == '$' && n <= MAX_ARG ? (unsigned int)n : 0;
}

/* A word that is being read. */
struct word {
	char *text, *end;
	bool is_open;
};

static void
word_close(struct import *im, struct word *w, struct import_words *ret)
{
	*w->end = '\0';
	if (w->is_open)
		import_add(im, ret, import_text(im, "%s", w->text));
	w->is_open = false;
	w->end = w->text;
}

/* Adds a character, as a part of a template. */
static void
word_put(struct word *w, char c)
{
	if (c == '{' || c == '}')
		*w->end++ = c;
	*w->end++ = c;
	w->is_open = true;
}

/* Adds "{argN}". It is no longer than the $ARGN$ that it stands for. */
static void
word_put_argument(struct word *w, unsigned int n)
{
	static const char *const names[MAX_ARG + 1] = {
		"", "{arg1}", "{arg2}", "{arg3}", "{arg4}", "{arg5}", "{arg6}", "{arg7}", "{arg8}",
		"{arg9}", "{arg10}", "{arg11}", "{arg12}", "{arg13}", "{arg14}", "{arg15}", "{arg16}",
	};

	w->end = stpcpy(w->end, names[n]);
	w->is_open = true;
}

/* True for a \ that does not stand for itself before c. */
static bool
is_escape(char quote, char c)
{
	if (quote == '\'' || c == '\0')
		return false;
	return quote == 0 || strchr("$`\"\\", c) != NULL;
}

/*
 * The words of a shell's command line, as templates. False when it is more than
 * words. *ret_args: bit n is set for each $ARGn$, which NRPE replaces before the
 * shell sees the line, so also in single quotes and behind a backslash.
 */
static bool
split_shell(struct import *im, const char *line, struct import_words *ret, uint32_t *ret_args)
{
	CLEANUP_FREE char *text = ctl_need(malloc(2 * strlen(line) + 1));
	struct word word = { .text = text, .end = text };
	bool is_plain = true;
	char quote = 0;

	for (const char *p = line; *p != '\0'; p++) {
		size_t len;
		unsigned int n = arg_number(p, &len);

		if (n > 0) {
			*ret_args |= 1u << n;
			word_put_argument(&word, n);
			p += len - 1;
		} else if (quote == 0 && isspace((unsigned char)*p) != 0) {
			word_close(im, &word, ret);
		} else if (*p == quote || (quote == 0 && (*p == '"' || *p == '\''))) {
			quote = quote == 0 ? *p : '\0';
			word.is_open = true;
		} else if (*p == '\\' && is_escape(quote, p[1])) {
			if (arg_number(p + 1, &len) > 0)
				is_plain = false;
			else
				word_put(&word, *++p);
		} else {
			if (quote == 0 && strchr(SHELL_SIGNS, *p) != NULL)
				is_plain = false;
			if (quote == '"' && (*p == '$' || *p == '`'))
				is_plain = false;
			word_put(&word, *p);
		}
	}
	word_close(im, &word, ret);
	return is_plain && quote == 0;
}

/*
 * Takes "sudo [-u NAME] [-n] [--]" off. NULL: no sudo. Every other option changes
 * what sudo does and turns the service off.
 */
static const char *
take_sudo(struct import *im, struct import_words *w)
{
	const char *user = "root";
	size_t n = 1;

	if (w->n == 0 || (strcmp(w->v[0], "sudo") != 0 && strcmp(w->v[0], "/usr/bin/sudo") != 0))
		return NULL;
	for (; n < w->n && w->v[n][0] == '-'; n++) {
		if (strcmp(w->v[n], "--") == 0) {
			n++;
			break;
		}
		if (strcmp(w->v[n], "-u") == 0 && n + 1 < w->n && strpbrk(w->v[n + 1], "#{") == NULL)
			user = w->v[++n];
		else if (strcmp(w->v[n], "-n") != 0)
			import_off(im, "sudo %s: only -u NAME and -n are understood", w->v[n]);
	}
	w->v += n;
	w->n -= n;
	w->room -= n;
	return user;
}

static void
put_arguments(struct import *im, const struct nrpe *nrpe, uint32_t args)
{
	if (args != 0 && !nrpe->takes_arguments)
		import_off(im, "dont_blame_nrpe is not 1: NRPE refused arguments");
	for (unsigned int n = 1; n <= MAX_ARG; n++) {
		if ((args >> n & 1) == 0)
			continue;
		if (n > 1 && (args >> (n - 1) & 1) == 0)
			import_note(im, "$ARG%u$ is not used: the arguments move up", n - 1);
		import_argument(im, import_text(im, "arg%u", n), "");
	}
}

static void
put_command(struct import *im, const struct nrpe *nrpe, const char *name, const char *line)
{
	struct import_words words = { 0 };
	uint32_t args = 0;
	bool is_plain = split_shell(im, line, &words, &args);
	const char *user = NULL;

	import_service(im, import_name(im, name, 64));
	if (is_plain)
		user = take_sudo(im, &words);
	if (nrpe->prefix != NULL)
		import_off(im, "command_prefix was put before the command: %s", nrpe->prefix);
	if (!is_plain && args != 0)
		import_off(im, "a shell would see the values of callers: make it a script");
	if (!is_plain) {
		import_note(im, "it needs a shell");
		words = (struct import_words){ 0 };
		import_add(im, &words, "/bin/sh");
		import_add(im, &words, "-c");
		import_add(im, &words, import_literal(im, line));
	} else if (words.n == 0 || words.v[0][0] != '/') {
		import_off(im, "the program is not named by an absolute path");
	}
	import_list(im, "command", &words);
	put_arguments(im, nrpe, args);
	if (user == NULL)
		user = nrpe->user;
	if (user != NULL)
		import_key(im, "user", user);
	if (nrpe->timeout != NULL)
		import_word(im, "timeout", import_text(im, "%ss", nrpe->timeout));
	import_allow(im, "monitoring", "net", &nrpe->hosts);
	import_service_end(im);
}

/* Hosts are separated by commas. A name cannot be said. */
static void
read_hosts(struct import *im, struct nrpe *nrpe, char *value)
{
	struct net net;
	char *host;

	nrpe->hosts = (struct import_words){ 0 };
	while ((host = strsep(&value, ", \t")) != NULL) {
		if (*host == '\0')
			continue;
		if (net_parse(host, &net) == 0)
			import_add(im, &nrpe->hosts, host);
		else
			import_note(im, "allowed_hosts: a role has addresses, not the name %s", host);
	}
}

static void
read_setting(struct import *im, struct nrpe *nrpe, const char *key, char *value)
{
	uint64_t n;

	if (strcmp(key, "nrpe_user") == 0)
		nrpe->user = value;
	else if (strcmp(key, "command_timeout") == 0 && import_number(value, 1, 86400, &n))
		nrpe->timeout = value;
	else if (strcmp(key, "command_prefix") == 0)
		nrpe->prefix = value;
	else if (strcmp(key, "dont_blame_nrpe") == 0)
		nrpe->takes_arguments = strcmp(value, "1") == 0;
	else if (strcmp(key, "allowed_hosts") == 0)
		read_hosts(im, nrpe, value);
	else if (strcmp(key, "include") == 0 || strcmp(key, "include_dir") == 0)
		import_note(im, "%s=%s: import these files, too", key, value);
	else
		import_note(im, "no counterpart: %s=%s", key, value);
}

/* The line of the last command of that name: to NRPE only that one counts. */
static const char *
last_line(const struct import_words *names, const struct import_words *numbers, size_t i)
{
	for (size_t j = names->n - 1; j > i; j--) {
		if (strcmp(names->v[j], names->v[i]) == 0)
			return numbers->v[j];
	}
	return numbers->v[i];
}

void
import_nrpe(struct import *im)
{
	struct nrpe nrpe = { 0 };
	struct import_words names = { 0 }, lines = { 0 }, numbers = { 0 };
	char *line;

	while ((line = import_line(im, false)) != NULL) {
		char *value = strchr(line, '='), *end;

		if (value == NULL) {
			import_note(im, "no NAME=VALUE: %s", line);
			continue;
		}
		*value++ = '\0';
		end = strncmp(line, "command[", 8) == 0 ? strrchr(line, ']') : NULL;
		if (end == NULL) {
			read_setting(im, &nrpe, line, value);
			continue;
		}
		*end = '\0';
		import_add(im, &names, line + 8);
		import_add(im, &lines, value);
		import_add(im, &numbers, import_text(im, "%u", im->line));
	}
	for (size_t i = 0; i < names.n; i++) {
		const char *last = last_line(&names, &numbers, i);

		im->line = (unsigned int)strtoul(numbers.v[i], NULL, 10);
		if (last != numbers.v[i])
			import_note(im, "line %s has command[%s] again, and counts: %s", last,
			    names.v[i], lines.v[i]);
		else
			put_command(im, &nrpe, names.v[i], lines.v[i]);
	}
}
