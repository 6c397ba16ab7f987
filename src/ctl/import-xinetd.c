/* SPDX-License-Identifier: ISC */
/*
 * import-xinetd: files of xinetd.d. A service becomes one of the same name, with
 * its input and output streamed; its clients have to speak to reqd from then on.
 */
#include "config.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "base/addr.h"
#include "base/cleanup.h"
#include "ctl/ctl.h"
#include "ctl/import.h"

/* Attributes of services that reqd cannot serve, unless they have that value. */
static const struct {
	const char *name, *value, *why;
} needed[] = {
	{ "disable", "no", "it was disabled" },
	{ "socket_type", "stream", "reqd serves streams only" },
	{ "protocol", "tcp", "reqd serves TCP only" },
	{ "wait", "no", "the program accepts connections by itself" },
	{ "type", "UNLISTED", "xinetd answers this by itself, or it is no TCP port" },
	{ "access_times", NULL, "a role knows no times" },
	{ "bind", NULL, "it was for callers of one address of this machine" },
	{ "interface", NULL, "it was for callers of one address of this machine" },
};

/* Attributes with a number, as settings or as limits. */
static const struct number_key {
	const char *name;
	const char *key;	/* of reqd.conf */
	uint64_t min, max;
	const char *unit;
	bool is_limit;
} numbers[] = {
	{ "instances", "concurrency", 1, 65535, "", false },
	{ "rlimit_files", "files", 4, 1 << 20, "", true },
	{ "rlimit_cpu", "cpu", 1, 365 * 86400, "s", true },
};

/* KEY = VALUE, KEY += VALUE or KEY -= VALUE. */
struct attribute {
	const char *key, *value;
	char operator;		/* '=', '+' or '-' */
};

/* Attributes of all services. */
struct xinetd_defaults {
	struct import_words from, denied;
	/* Restrictions that cannot be said; each service is turned off by them. */
	struct import_words restrictions;
	struct import_words disabled, enabled;	/* ids of services */
	bool has_enabled;
	char *text;		/* memory of the words */
};

struct xinetd_service {
	const char *id, *server, *umask, *user, *group;
	const char *numbers[ARRAY_LEN(numbers)], *memory;
	struct import_words arguments, environment, from, denied;
	bool has_from;		/* only_from was given, perhaps for nobody */
	bool has_argv0;		/* the first argument is the name of the program */
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

/* Adds networks; others: gets the hosts that a role cannot have, NULL: they are only noted. */
static void
add_hosts(struct import *im, struct import_words *from, const struct attribute *a,
    struct import_words *others)
{
	struct import_words hosts = { 0 };
	struct net net;

	if (a->operator == '=')
		*from = (struct import_words){ 0 };
	import_split(im, a->value, &hosts);
	for (size_t i = 0; i < hosts.n; i++) {
		const char *h = network_of(im, hosts.v[i]);

		if (net_parse(h, &net) == 0)
			import_add(im, from, h);
		else if (others != NULL)
			import_add(im, others, import_text(im, "%s = %s", a->key, h));
		else
			import_note(im, "%s: a role has addresses, not %s", a->key, h);
	}
}

static void
add_environment(struct import *im, struct import_words *w, const struct attribute *a)
{
	struct import_words entries = { 0 };

	if (a->operator == '=')
		*w = (struct import_words){ 0 };
	import_split(im, a->value, &entries);
	for (size_t i = 0; i < entries.n; i++) {
		size_t len = strcspn(entries.v[i], "=");
		const char *value = entries.v[i] + len;

		import_add_variable(im, w, import_text(im, "%.*s", (int)len, entries.v[i]),
		    import_literal(im, value + (*value == '=')));
	}
}

/* False for another attribute. */
static bool
read_number(struct import *im, struct xinetd_service *s, const struct attribute *a)
{
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
		const struct number_key *k = &numbers[i];
		uint64_t n;

		if (strcmp(k->name, a->key) != 0)
			continue;
		if (strcmp(a->value, "UNLIMITED") == 0)
			import_note(im, "%s = UNLIMITED: reqd has its own limit", a->key);
		else if (import_number(a->value, k->min, k->max, &n))
			s->numbers[i] = a->value;
		else
			import_off(im, "%s = %s: this is no number that reqd takes", a->key, a->value);
		return true;
	}
	return false;
}

/* A number of bytes, KiB or MiB. */
static void
read_memory(struct import *im, struct xinetd_service *s, const char *value)
{
	size_t len = strspn(value, "0123456789");
	uint64_t unit = value[len] == 'K' ? 1 << 10 : value[len] == 'M' ? 1 << 20 : 1, n;

	if (strcmp(value, "UNLIMITED") == 0)
		import_note(im, "rlimit_as = UNLIMITED: reqd has its own limit");
	else if (value[len + (unit > 1)] == '\0' &&
	    import_number(import_text(im, "%.*s", (int)len, value), (1 << 20) / unit,
	    (UINT64_C(1) << 50) / unit, &n))
		s->memory = value;
	else
		import_off(im, "rlimit_as = %s: this is no size that reqd takes", value);
}

static void
read_umask(struct import *im, struct xinetd_service *s, const char *value)
{
	size_t len = strlen(value);

	if (len >= 1 && len <= 4 && strspn(value, "01234567") == len && (len < 4 || *value == '0'))
		s->umask = import_text(im, "%s%s", len == 1 ? "00" : len == 2 ? "0" : "", value);
	else
		import_off(im, "umask = %s: this is no mode that reqd takes", value);
}

/* True for an attribute that needs a value, else it turns the service off. */
static bool
is_needed(struct import *im, const struct attribute *a)
{
	for (size_t i = 0; i < ARRAY_LEN(needed); i++) {
		if (strcmp(needed[i].name, a->key) != 0)
			continue;
		if (needed[i].value == NULL || strcasecmp(needed[i].value, a->value) != 0)
			import_off(im, "%s = %s: %s", a->key, a->value, needed[i].why);
		return true;
	}
	return false;
}

static void
read_flags(struct import *im, struct xinetd_service *s, const struct attribute *a)
{
	struct import_words flags = { 0 };

	import_split(im, a->value, &flags);
	for (size_t i = 0; i < flags.n; i++) {
		if (strcmp(flags.v[i], "NAMEINARGS") == 0)
			s->has_argv0 = true;
		else
			import_note(im, "no counterpart: flags = %s", flags.v[i]);
	}
}

/* A host that is not excluded must not come in, so the service is turned off then. */
static void
read_denied(struct import *im, struct xinetd_service *s, const struct attribute *a)
{
	struct import_words others = { 0 };

	add_hosts(im, &s->denied, a, &others);
	for (size_t i = 0; i < others.n; i++)
		import_off(im, "%s: a role has addresses only", others.v[i]);
}

static void
read_attribute(struct import *im, struct xinetd_service *s, const struct attribute *a)
{
	if (a->operator == '-' && strncmp(a->key, "log_", 4) != 0) {
		import_off(im, "%s -= %s: nothing can be taken from a list", a->key, a->value);
		return;
	}
	if (is_needed(im, a) || read_number(im, s, a))
		return;
	if (strcmp(a->key, "id") == 0) {
		s->id = a->value;
	} else if (strcmp(a->key, "server") == 0) {
		s->server = a->value;
	} else if (strcmp(a->key, "server_args") == 0) {
		import_split(im, a->value, &s->arguments);
	} else if (strcmp(a->key, "only_from") == 0) {
		s->has_from = true;
		add_hosts(im, &s->from, a, NULL);
	} else if (strcmp(a->key, "no_access") == 0) {
		read_denied(im, s, a);
	} else if (strcmp(a->key, "env") == 0) {
		add_environment(im, &s->environment, a);
	} else if (strcmp(a->key, "flags") == 0) {
		read_flags(im, s, a);
	} else if (strcmp(a->key, "user") == 0) {
		s->user = a->value;
	} else if (strcmp(a->key, "group") == 0) {
		s->group = a->value;
	} else if (strcmp(a->key, "umask") == 0) {
		read_umask(im, s, a->value);
	} else if (strcmp(a->key, "rlimit_as") == 0) {
		read_memory(im, s, a->value);
	} else {
		import_note(im, "no counterpart: %s = %s", a->key, a->value);
	}
}

static void
put_numbers(struct import *im, const struct xinetd_service *s)
{
	const char *limits = s->memory != NULL ? import_text(im, " memory = %s", s->memory) : "";

	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
		const struct number_key *k = &numbers[i];

		if (s->numbers[i] != NULL && k->is_limit)
			limits = import_text(im, "%s %s = %s%s", limits, k->key, s->numbers[i], k->unit);
		else if (s->numbers[i] != NULL)
			import_word(im, k->key, s->numbers[i]);
	}
	if (*limits != '\0')
		(void)fprintf(im->service, "\tlimits {%s }\n", limits);
}

/* Reads the next attribute of a section. False at its end. */
static bool
next_attribute(struct import *im, struct attribute *ret)
{
	char *line, *equals;

	while ((line = import_line(im, false)) != NULL && *line != '}') {
		equals = strchr(line, '=');
		if (equals != NULL) {
			char before = equals > line ? equals[-1] : '\0';

			ret->operator = before == '+' || before == '-' ? before : '=';
			ret->value = equals + 1 + strspn(equals + 1, " \t");
			*equals = '\0';
			line[strcspn(line, " \t+-")] = '\0';
			ret->key = line;
			return true;
		}
		if (*line != '{')
			import_note(im, "no KEY = VALUE: %s", line);
	}
	return false;
}

static void
add_ids(struct import *im, struct import_words *ids, const char *value)
{
	struct import_words w = { 0 };

	import_split(im, value, &w);
	for (size_t i = 0; i < w.n; i++)
		import_add(im, ids, w.v[i]);
}

/* Reads the section of attributes that services without their own take. */
static void
read_defaults(struct import *im, struct xinetd_defaults *d)
{
	static const char *const restricting[] = { "access_times", "bind", "interface" };
	struct attribute a;

	while (next_attribute(im, &a)) {
		bool restricts = a.operator == '-' && strncmp(a.key, "log_", 4) != 0;

		for (size_t i = 0; i < ARRAY_LEN(restricting); i++)
			restricts = restricts || strcmp(restricting[i], a.key) == 0;
		if (restricts) {
			import_add(im, &d->restrictions,
			    import_text(im, "%s = %s", a.key, a.value));
		} else if (strcmp(a.key, "only_from") == 0) {
			add_hosts(im, &d->from, &a, NULL);
		} else if (strcmp(a.key, "no_access") == 0) {
			add_hosts(im, &d->denied, &a, &d->restrictions);
		} else if (strcmp(a.key, "disabled") == 0) {
			add_ids(im, &d->disabled, a.value);
		} else if (strcmp(a.key, "enabled") == 0) {
			add_ids(im, &d->enabled, a.value);
			d->has_enabled = true;
		} else {
			import_note(im, "no counterpart among the defaults: %s = %s", a.key, a.value);
		}
	}
}

/* Turns the open service off where the defaults did. */
static void
apply_defaults(struct import *im, const struct xinetd_defaults *d, const char *name,
    const char *id)
{
	for (size_t i = 0; i < d->restrictions.n; i++)
		import_off(im, "the defaults say %s, which a role cannot say", d->restrictions.v[i]);
	if (import_has_word(&d->disabled, id) || import_has_word(&d->disabled, name))
		import_off(im, "the defaults say that it is disabled");
	if (d->has_enabled && !import_has_word(&d->enabled, id))
		import_off(im, "the defaults do not say that it is enabled");
}

static const char *
last_part(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL ? slash + 1 : path;
}

static void
put_command(struct import *im, const struct xinetd_service *s)
{
	struct import_words command = { 0 };

	if (s->server == NULL || *s->server != '/')
		import_off(im, "it names no server by an absolute path");
	else
		import_add(im, &command, import_literal(im, s->server));
	if (s->has_argv0 && s->server != NULL && (s->arguments.n == 0 ||
	    strcmp(last_part(s->arguments.v[0]), last_part(s->server)) != 0))
		import_off(im, "flags = NAMEINARGS: the program was told another name than its own");
	for (size_t i = s->has_argv0 ? 1 : 0; i < s->arguments.n; i++)
		import_add(im, &command, import_literal(im, s->arguments.v[i]));
	import_list(im, "command", &command);
}

/* Excludes callers, those of the defaults too: a service that says others gets both. */
static void
put_denied(struct import *im, const struct xinetd_service *s, const struct xinetd_defaults *d,
    const char *name)
{
	if (s->denied.n + d->denied.n > 0)
		import_note(im, "no_access: here it decides, also where only_from is more exact");
	import_deny(im, import_text(im, "%s-denied", name), "net", &s->denied);
	import_deny(im, "defaults-denied", "net", &d->denied);
}

static void
read_service(struct import *im, const char *name, const struct xinetd_defaults *d)
{
	struct xinetd_service s = { .id = name };
	struct attribute a;

	import_service(im, import_name(im, name, 64));
	while (next_attribute(im, &a))
		read_attribute(im, &s, &a);
	apply_defaults(im, d, name, s.id);
	put_command(im, &s);
	import_list(im, "environment", &s.environment);
	if (s.user != NULL)
		import_key(im, "user", s.user);
	if (s.group != NULL)
		import_key(im, "group", s.group);
	if (s.umask != NULL)
		import_word(im, "umask", s.umask);
	import_word(im, "input", "optional");
	put_numbers(im, &s);
	if (s.has_from)
		import_allow(im, import_text(im, "%s-from", name), "net", &s.from);
	else
		import_allow(im, "defaults-from", "net", &d->from);
	put_denied(im, &s, d, name);
	import_service_end(im);
}

static bool
is_defaults(const char *line)
{
	return strncmp(line, "defaults", 8) == 0 && line[8 + strspn(line + 8, " \t{")] == '\0';
}

/* Reads the defaults, wherever they stand in the text, which stays as it is. */
static void
find_defaults(struct import *im, struct xinetd_defaults *d)
{
	char *text = im->next, *line;

	d->text = ctl_need(strdup(text != NULL ? text : ""));
	im->next = d->text;
	while ((line = import_line(im, false)) != NULL) {
		if (is_defaults(line))
			read_defaults(im, d);
	}
	im->next = text;
	im->line = 0;
}

static void
skip_section(struct import *im)
{
	char *line;

	do
		line = import_line(im, false);
	while (line != NULL && *line != '}');
}

void
import_xinetd(struct import *im)
{
	struct xinetd_defaults defaults = { 0 };
	char *line;

	find_defaults(im, &defaults);
	while ((line = import_line(im, false)) != NULL) {
		struct import_words words = { 0 };

		import_split(im, line, &words);
		if (words.n >= 2 && strcmp(words.v[0], "service") == 0)
			read_service(im, words.v[1], &defaults);
		else if (is_defaults(line))
			skip_section(im);
		else
			import_note(im, "no counterpart: %s", line);
	}
	free(defaults.text);
}
