/* SPDX-License-Identifier: ISC */
/*
 * import-remctl: remctl.conf. "COMMAND SUBCOMMAND PROGRAM [OPTION=VALUE]... ACL..."
 * becomes the service COMMAND-SUBCOMMAND. Users of Kerberos cannot be said.
 */
#include "config.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "ctl/import.h"

#define MAX_MASKED 32

struct remctl_rule {
	const char *command, *subcommand, *program;
	uint32_t masked;	/* bit n: argument n is kept out of logs */
	bool is_catch_all;	/* any subcommand */
	bool is_empty;		/* no subcommand, so there are no arguments either */
	bool has_user;		/* an option named an account already */
	bool has_file;		/* a file of callers stood before, which may deny some */
};

/* True for OPTION=VALUE. Other words with a '=' are callers. */
static bool
is_option(const char *word)
{
	const char *p = word;

	while (isalnum((unsigned char)*p) != 0 || *p == '-')
		p++;
	return p > word && *p == '=';
}

static void
read_mask(struct import *im, struct remctl_rule *r, const char *value)
{
	for (const char *p = value; *p != '\0'; p += *p == ',') {
		char *end;
		unsigned long n = strtoul(p, &end, 10);

		if (end == p || n == 0 || n >= MAX_MASKED) {
			import_note(im, "no counterpart: logmask=%s", value);
			return;
		}
		r->masked |= 1u << n;
		p = end;
	}
}

static void
read_option(struct import *im, struct remctl_rule *r, const char *word)
{
	const char *value = strchr(word, '=') + 1;

	if (strncmp(word, "logmask=", 8) == 0) {
		read_mask(im, r, value);
	} else if (strncmp(word, "user=", 5) == 0 || strncmp(word, "sudo=", 5) == 0) {
		if (r->has_user)
			import_off(im, "%s: another account was named before", word);
		else
			import_key(im, "user", value);
		r->has_user = true;
	} else if (strncmp(word, "stdin=", 6) == 0 && r->is_empty) {
		import_off(im, "%s: without a subcommand there are no arguments", word);
	} else if (strncmp(word, "stdin=", 6) == 0) {
		import_note(im, "%s: callers give that argument as the input now", word);
		import_word(im, "input", "required");
	} else {
		import_note(im, "no counterpart: %s (see summary, description and argument)", word);
	}
}

static void
grant(struct import *im, const struct remctl_rule *r, const char *role, const char *key,
    const struct import_words *w)
{
	if (r->has_file)
		import_off(im, "%s: the file before may deny some of them", w->v[0]);
	import_allow(im, role, key, w);
}

static void
read_acl(struct import *im, struct remctl_rule *r, const char *acl)
{
	const char *colon = strchr(acl, ':'), *rest = colon != NULL ? colon + 1 : "";
	struct import_words w = { 0 };

	if (strncmp(acl, "unixgroup:", 10) == 0 || strncmp(acl, "localgroup:", 11) == 0) {
		import_add(im, &w, rest);
		grant(im, r, import_text(im, "group-%s", rest), "group", &w);
	} else if (strcmp(acl, "ANYUSER") == 0 || strncmp(acl, "anyuser:", 8) == 0) {
		import_note(im, "%s: everybody on this machine; a remote caller has no name", acl);
		import_add(im, &w, "unix");
		grant(im, r, "everybody", "net", &w);
	} else if (strncmp(acl, "deny:", 5) == 0) {
		import_off(im, "%s: a role cannot exclude; write roles without them", acl);
	} else {
		r->has_file = r->has_file || strncmp(acl, "file:", 5) == 0 || *acl == '/';
		import_note(im, "no counterpart: %s (write a role for them)", acl);
	}
}

/* The arguments behind the subcommand, which is number 1 to remctl. */
static void
put_arguments(struct import *im, const struct remctl_rule *r, struct import_words *command)
{
	unsigned int last = 1;

	for (unsigned int n = 2; n < MAX_MASKED; n++) {
		if ((r->masked >> n & 1) != 0)
			last = n;
	}
	for (unsigned int n = 2; n <= last; n++)
		import_add(im, command, import_text(im, "{arg%u}", n));
	import_add(im, command, "{args}");
	import_list(im, "command", command);
	if (r->is_catch_all)
		import_argument(im, "subcommand", "type = name");
	for (unsigned int n = 2; n <= last; n++)
		import_argument(im, import_text(im, "arg%u", n), (r->masked >> n & 1) != 0 ?
		    "optional = yes  secret = yes" : "optional = yes");
	import_argument(im, "args", "optional = yes  repeat = yes");
}

static void
put_rule(struct import *im, struct remctl_rule *r, const struct import_words *words)
{
	struct import_words command = { 0 };
	const char *name = import_name(im, r->command, 64);
	size_t i = 3;

	r->is_catch_all = strcmp(r->subcommand, "ALL") == 0;
	r->is_empty = strcmp(r->subcommand, "EMPTY") == 0;
	if (!r->is_catch_all && !r->is_empty)
		name = import_name(im, import_text(im, "%s-%s", r->command, r->subcommand), 64);
	import_service(im, name);
	if (strcmp(r->command, "ALL") == 0)
		import_off(im, "reqd has no service that stands for every command");
	if (r->is_catch_all)
		import_off(im, "ALL: name what may be given, with type = choice, so that it cannot "
		    "spell a subcommand that other rules are for");
	if (r->program[0] != '/')
		import_off(im, "the program is not named by an absolute path");
	for (; i < words->n && is_option(words->v[i]); i++)
		read_option(im, r, words->v[i]);
	import_add(im, &command, import_literal(im, r->program));
	if (r->is_catch_all)
		import_add(im, &command, "{subcommand}");
	else if (!r->is_empty)
		import_add(im, &command, import_literal(im, r->subcommand));
	if (r->is_empty)
		import_list(im, "command", &command);
	else
		put_arguments(im, r, &command);
	for (; i < words->n; i++)
		read_acl(im, r, words->v[i]);
	import_service_end(im);
}

void
import_remctl(struct import *im)
{
	char *line;

	while ((line = import_line(im, true)) != NULL) {
		struct remctl_rule r = { 0 };
		struct import_words words = { 0 };

		import_split(im, line, &words);
		if (words.n == 2 && strcmp(words.v[0], "include") == 0) {
			import_note(im, "include %s: import that, too", words.v[1]);
		} else if (words.n < 4) {
			import_note(im, "no rule: %s", line);
		} else {
			r.command = words.v[0];
			r.subcommand = words.v[1];
			r.program = words.v[2];
			put_rule(im, &r, &words);
		}
	}
}
