/* SPDX-License-Identifier: ISC */
/*
 * reqctl join: makes a server known, with the line that 'reqctl grant' has printed on it.
 * A line with a token is a secret, so it is read from a pipe or without echo, never from the
 * command line. A line without one is an address; the key of the user logs in.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/addr.h"
#include "base/cleanup.h"
#include "ctl/ctl.h"
#include "ctl/identityfile.h"
#include "ctl/out.h"
#include "ctl/prompt.h"
#include "ctl/remote.h"
#include "ctl/serverentry.h"
#include "proto/loginurl.h"

#define LINE_MAX_LEN 4096

static char *
text_of(struct slice s)
{
	return s.data != NULL ? ctl_need(strndup(s.data, s.len)) : NULL;
}

/* True if the line is an address where a key can log in. */
static bool
is_for_key(const struct loginurl *u)
{
	return u->secret.data == NULL && slice_is(u->scheme, "tls://");
}

/* Makes an entry of the line. False: the line is none, and is not repeated. */
static bool
entry_of(struct slice line, struct server_entry *ret)
{
	struct loginurl u;
	struct addr addr;
	const char *why;

	loginurl_split(line, &u);
	if (u.scheme.len == 0 || u.rest.len == 0)
		return false;
	if (!is_for_key(&u) && (u.secret.data == NULL || u.secret.len == 0))
		return false;
	if (asprintf(&ret->url, "%.*s%.*s", (int)u.scheme.len, u.scheme.data, (int)u.rest.len,
	    u.rest.data) < 0)
		(void)ctl_need(NULL);
	/* Of a line that was cut off, the secret may stand where the port should. */
	if (addr_parse(ret->url, &addr, &why) < 0)
		return false;
	ret->login = text_of(u.login);
	ret->token = text_of(u.secret);
	ret->pin = text_of(u.pin);
	return true;
}

/* Returns the name for an entry: the host, or "local" for a path. New. */
static char *
default_name(const struct server_entry *e)
{
	struct loginurl u;
	size_t len;
	char *name;

	loginurl_split(slice_of(e->url), &u);
	if (u.rest.data[0] == '/')
		return ctl_need(strdup("local"));
	len = strcspn(u.rest.data, ":/");
	name = ctl_need(strndup(u.rest.data, len < u.rest.len ? len : u.rest.len));
	if (server_entry_is_name(name))
		return name;
	free(name);
	return ctl_need(strdup("server"));
}

/*
 * An entry of another server, whose name nobody has asked for, is not replaced. 0 or an
 * exit status.
 */
static int
spare_other(const struct ctl *ctl, const char *name, const struct server_entry *e)
{
	CLEANUP(server_entry_done) struct server_entry old = { 0 };
	int r = server_entry_read(ctl, name, &old);

	if (r < 0)
		return -r;
	if (r > 0 || strcmp(old.url, e->url) == 0)
		return 0;
	ctl_message(ctl, "%s is another server already, at %s: give this one a name, 'reqctl join "
	    "NAME', or replace that one, 'reqctl join %s'", name, old.url, name);
	return STATUS_USAGE;
}

/* True if WHOAMI names a caller who is known by more than an address. */
static bool
is_known_by_key(const char *caller)
{
	return strncmp(caller, "login:", 6) == 0 || strncmp(caller, "cert:", 5) == 0;
}

/* Asks who the caller is now and what it may call, keeps the entry, and says so. */
static int
introduce(const struct ctl *ctl, struct reqd *c, const char *name, const struct server_entry *e)
{
	static const char *const whoami[] = { "WHOAMI" }, *const services[] = { "SERVICES" };
	CLEANUP(reqd_value_freep) struct reqd_value *who = NULL, *map = NULL;
	CLEANUP_FREE char *login = NULL;
	int status = remote_ask(ctl, c, NULL, &who, 1, whoami);

	if (status != 0)
		return status;
	login = remote_text(reqd_value_get(who, e->token != NULL ? "login" : "caller"));
	if (*login == '\0')
		return remote_nonsense(ctl, c, "WHOAMI");
	if (e->token == NULL && !is_known_by_key(login)) {
		ctl_message(ctl, "%s does not know the key %s; let its administrator run: reqctl "
		    "grant LOGIN --key 'key$...', as 'reqctl keygen' has printed it", name, e->key);
		return STATUS_REFUSED;
	}
	status = remote_ask(ctl, c, NULL, &map, 1, services);
	if (status != 0)
		return status;
	status = server_entry_write(ctl, name, e);
	if (status != 0)
		return status;
	out_word(name);
	(void)printf(" is known now; you are ");
	out_word(strncmp(login, "login:", 6) == 0 ? login + 6 : login);
	(void)printf(" and may call: ");
	for (size_t i = 0; i + 1 < reqd_value_count(map); i += 2) {
		CLEANUP_FREE char *service = remote_text(reqd_value_at(map, i));

		(void)printf("%s", i > 0 ? ", " : "");
		out_word(service);
	}
	(void)printf("%s\n", reqd_value_count(map) == 0 ? "nothing yet" : "");
	return 0;
}

/* True if a word of the command line is a line, not a name. */
static bool
is_line(const char *word)
{
	return strstr(word, "://") != NULL || strchr(word, '@') != NULL;
}

/* Reads the line from where it is: the command line, if it is no secret, or standard input. */
static int
read_entry(const struct ctl *ctl, const char *word, struct server_entry *ret)
{
	char line[LINE_MAX_LEN];
	bool ok;
	size_t len;

	if (word != NULL && (loginurl_has_secret(slice_of(word)) || strchr(word, '@') != NULL))
		return ctl_usage(ctl, "the line is a secret, and everybody can see a command line; "
		    "give it to standard input. If somebody else may have seen it, revoke it");
	if (word != NULL) {
		ok = entry_of(slice_of(word), ret);
	} else {
		len = prompt_line("The line that 'reqctl grant' printed (it is not shown): ", line,
		    sizeof(line));
		ok = entry_of((struct slice){ line, len }, ret);
		explicit_bzero(line, sizeof(line));
	}
	if (ok && ret->token == NULL)
		ret->key = identityfile_path(ctl);
	if (ok)
		return ret->token == NULL && ret->key == NULL ? STATUS_LOCAL : 0;
	ctl_message(ctl, "that is not the line of 'reqctl grant', which is such as "
	    "tls://LOGIN:TOKEN@HOST:PORT, or tls://HOST:PORT#sha256:... for a key");
	return STATUS_USAGE;
}

static int
join_run(struct ctl *ctl, size_t n, char **words)
{
	CLEANUP(server_entry_done) struct server_entry e = { 0 };
	CLEANUP(reqd_freep) struct reqd *c = NULL;
	CLEANUP_FREE char *name = NULL;
	const char *given = NULL, *line = NULL;
	int status;

	for (size_t i = 0; i < n; i++)
		*(is_line(words[i]) ? &line : &given) = words[i];
	if (n > 1 && (given == NULL || line == NULL))
		return ctl_usage(ctl, "a name and an address, one of each");
	if (given != NULL && !server_entry_is_name(given))
		return ctl_usage(ctl, "'%s' cannot be the name of a server: letters, digits, '.', "
		    "'_' and '-', 64 at most", given);
	status = read_entry(ctl, line, &e);
	if (status != 0)
		return status;
	name = given != NULL ? ctl_need(strdup(given)) : default_name(&e);
	status = given != NULL ? 0 : spare_other(ctl, name, &e);
	if (status == 0)
		status = remote_connect_entry(ctl, &e, &c);
	return status != 0 ? status : introduce(ctl, c, name, &e);
}

const struct ctl_cmd cmd_join = {
	.name = "join",
	.synopsis = "[NAME] [URL]",
	.summary = "log in to a server from now on, by a line of grant",
	.details =
	    "Reads the line from standard input, without echo from a terminal, tries it,\n"
	    "and keeps it in ~/.config/reqctl/servers/NAME for 'reqctl -s NAME'. Without\n"
	    "NAME it is the host, and an entry of another server stays. A line without a\n"
	    "token, tls://HOST:PORT#PIN, may be URL; the key of 'reqctl keygen' logs in.\n",
	.max_words = 2,
	.run = join_run,
};
