/* SPDX-License-Identifier: ISC */
/*
 * import-xinetd: files of xinetd.d. A service becomes one of the same name, with
 * its input and output streamed; its clients have to speak to reqd from then on.
 */
#include "config.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/cleanup.h"
#include "ctl/import.h"

struct xinetd_key {
	const char *name;
	const char *key;	/* of reqd.conf */
	bool is_text;		/* in quotes */
};

/* Attributes that reqd.conf has under another name. */
static const struct xinetd_key keys[] = {
	{ "user", "user", true },
	{ "group", "group", true },
	{ "umask", "umask", false },
	{ "instances", "concurrency", false },
};

/* Attributes of services that reqd cannot serve. */
static const struct {
	const char *name, *value, *why;
} impossible[] = {
	{ "disable", "yes", "it was disabled" },
	{ "socket_type", "dgram", "reqd serves streams only" },
	{ "protocol", "udp", "reqd serves TCP only" },
	{ "wait", "yes", "the program accepts connections by itself" },
	{ "type", "INTERNAL", "xinetd answers this by itself" },
};

struct xinetd_service {
	const char *server;
	struct import_words arguments, environment, from, limits;
};

/* To xinetd an IPv4 address that ends in .0 is a whole network. */
static const char *
network_of(struct import *im, const char *host)
{
	struct in_addr a;
	unsigned int bits = 32;

	if (inet_pton(AF_INET, host, &a) != 1)
		return host;
	while (bits > 0 && (ntohl(a.s_addr) & 0xffu << (32 - bits)) == 0)
		bits -= 8;
	return bits == 32 ? host : import_text(im, "%s/%u", host, bits);
}

static void
add_hosts(struct import *im, struct import_words *from, const char *key, const char *value)
{
	struct import_words hosts = { 0 };

	import_split(im, value, &hosts);
	for (size_t i = 0; i < hosts.n; i++) {
		const char *h = hosts.v[i];

		if (strspn(h, "0123456789abcdefABCDEF.:/") == strlen(h))
			import_add(im, from, network_of(im, h));
		else
			import_note(im, "%s: a role has addresses, not %s", key, h);
	}
}

static bool
put_renamed(struct import *im, const char *key, const char *value)
{
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		if (strcmp(keys[i].name, key) != 0)
			continue;
		if (strcmp(value, "UNLIMITED") == 0)
			return true;
		if (keys[i].is_text)
			import_key(im, keys[i].key, value);
		else
			import_word(im, keys[i].key, value);
		return true;
	}
	return false;
}

static void
read_attribute(struct import *im, struct xinetd_service *s, const char *key, const char *value)
{
	for (size_t i = 0; i < ARRAY_LEN(impossible); i++) {
		if (strcmp(impossible[i].name, key) != 0)
			continue;
		if (strcmp(impossible[i].value, value) == 0)
			import_off(im, "%s = %s: %s", key, value, impossible[i].why);
		return;
	}
	if (strcmp(key, "server") == 0)
		s->server = value;
	else if (strcmp(key, "server_args") == 0)
		import_split(im, value, &s->arguments);
	else if (strcmp(key, "only_from") == 0)
		add_hosts(im, &s->from, key, value);
	else if (strcmp(key, "env") == 0)
		import_split(im, value, &s->environment);
	else if (strcmp(key, "no_access") == 0)
		import_off(im, "no_access = %s: a role cannot exclude", value);
	else if (strcmp(key, "rlimit_files") == 0)
		import_add(im, &s->limits, import_text(im, "files = %s", value));
	else if (strcmp(key, "rlimit_cpu") == 0)
		import_add(im, &s->limits, import_text(im, "cpu = %ss", value));
	else if (strcmp(key, "rlimit_as") == 0)
		import_add(im, &s->limits, import_text(im, "memory = %s", value));
	else if (!put_renamed(im, key, value))
		import_note(im, "no counterpart: %s = %s", key, value);
}

static void
put_limits(struct import *im, const struct import_words *limits)
{
	if (limits->n == 0)
		return;
	(void)fputs("\tlimits {", im->service);
	for (size_t i = 0; i < limits->n; i++)
		(void)fprintf(im->service, " %s", limits->v[i]);
	(void)fputs(" }\n", im->service);
}

/* The next "KEY = VALUE" of a section. NULL at its end. */
static const char *
next_attribute(struct import *im, const char **ret_value)
{
	char *line, *equals;

	while ((line = import_line(im, false)) != NULL && *line != '}') {
		equals = strchr(line, '=');
		if (equals != NULL) {
			*ret_value = equals + 1 + strspn(equals + 1, " \t");
			*equals = '\0';
			line[strcspn(line, " \t+-")] = '\0';
			return line;
		}
		if (*line != '{')
			import_note(im, "no KEY = VALUE: %s", line);
	}
	return NULL;
}

/* Reads the section of attributes that services without their own take. */
static void
read_defaults(struct import *im, struct import_words *from)
{
	const char *key, *value;

	while ((key = next_attribute(im, &value)) != NULL) {
		if (strcmp(key, "only_from") == 0)
			add_hosts(im, from, key, value);
		else
			import_note(im, "no counterpart among the defaults: %s = %s", key, value);
	}
}

static void
read_service(struct import *im, const char *name, const struct import_words *default_from)
{
	struct xinetd_service s = { 0 };
	struct import_words command = { 0 };
	const char *key, *value;

	import_service(im, import_name(im, name, 64));
	while ((key = next_attribute(im, &value)) != NULL)
		read_attribute(im, &s, key, value);
	if (s.server == NULL)
		import_off(im, "it names no server");
	else
		import_add(im, &command, import_literal(im, s.server));
	for (size_t i = 0; i < s.arguments.n; i++)
		import_add(im, &command, import_literal(im, s.arguments.v[i]));
	import_list(im, "command", &command);
	import_list(im, "environment", &s.environment);
	import_word(im, "input", "optional");
	put_limits(im, &s.limits);
	if (s.from.n > 0)
		import_allow(im, import_text(im, "%s-from", name), "net", &s.from);
	else
		import_allow(im, "defaults-from", "net", default_from);
	import_service_end(im);
}

void
import_xinetd(struct import *im)
{
	struct import_words from = { 0 };
	char *line;

	while ((line = import_line(im, false)) != NULL) {
		struct import_words words = { 0 };

		import_split(im, line, &words);
		if (words.n >= 2 && strcmp(words.v[0], "service") == 0)
			read_service(im, words.v[1], &from);
		else if (strcmp(words.v[0], "defaults") == 0)
			read_defaults(im, &from);
		else
			import_note(im, "no counterpart: %s", line);
	}
}
