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

#include "base/cleanup.h"
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

/*
 * The words of a shell's command line, as templates. False when it is more than
 * words. *ret_args: bit n is set for each $ARGn$.
 */
static bool
split_shell(struct import *im, const char *line, struct import_words *ret, uint32_t *ret_args)
{
	const char *word = "";
	bool in_word = false, is_plain = true;
	char quote = 0;

	for (const char *p = line; *p != '\0'; p++) {
		size_t len;
		unsigned int n = quote != '\'' ? arg_number(p, &len) : 0;

		if (n > 0) {
			*ret_args |= 1u << n;
			word = import_text(im, "%s{arg%u}", word, n);
			in_word = true;
			p += len - 1;
		} else if (quote == 0 && isspace((unsigned char)*p) != 0) {
			if (in_word)
				import_add(im, ret, word);
			in_word = false;
			word = "";
		} else if (*p == quote || (quote == 0 && (*p == '"' || *p == '\''))) {
			quote = quote == 0 ? *p : '\0';
			in_word = true;
		} else {
			if (quote == 0 && strchr(SHELL_SIGNS, *p) != NULL)
				is_plain = false;
			if (quote == '"' && (*p == '$' || *p == '`'))
				is_plain = false;
			if (quote != '\'' && *p == '\\' && p[1] != '\0')
				p++;
			word = import_text(im, "%s%s", word,
			    import_literal(im, (const char[]){ *p, '\0' }));
			in_word = true;
		}
	}
	if (in_word)
		import_add(im, ret, word);
	return is_plain && quote == 0;
}

/* Takes "sudo [-u NAME] [-n]" off. NULL: no sudo. */
static const char *
take_sudo(struct import_words *w)
{
	const char *user = "root";
	size_t n = 1;

	if (w->n == 0 || (strcmp(w->v[0], "sudo") != 0 && strcmp(w->v[0], "/usr/bin/sudo") != 0))
		return NULL;
	while (n < w->n && w->v[n][0] == '-') {
		if (strcmp(w->v[n], "-u") == 0 && n + 1 < w->n)
			user = w->v[++n];
		n++;
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
		import_note(im, "dont_blame_nrpe is not 1: NRPE refused arguments");
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
	const char *user = is_plain ? take_sudo(&words) : NULL;

	import_service(im, import_name(im, name, 64));
	if (nrpe->prefix != NULL)
		import_note(im, "command_prefix was put before the command: %s", nrpe->prefix);
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
	char *host;

	while ((host = strsep(&value, ", \t")) != NULL) {
		if (*host == '\0')
			continue;
		if (strspn(host, "0123456789abcdefABCDEF.:/") == strlen(host))
			import_add(im, &nrpe->hosts, host);
		else
			import_note(im, "allowed_hosts: a role has addresses, not the name %s", host);
	}
}

static void
read_setting(struct import *im, struct nrpe *nrpe, const char *key, char *value)
{
	if (strcmp(key, "nrpe_user") == 0)
		nrpe->user = value;
	else if (strcmp(key, "command_timeout") == 0 && strspn(value, "0123456789") == strlen(value))
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
		im->line = (unsigned int)strtoul(numbers.v[i], NULL, 10);
		put_command(im, &nrpe, names.v[i], lines.v[i]);
	}
}
