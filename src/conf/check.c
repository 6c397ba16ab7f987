/* SPDX-License-Identifier: ISC */
/* Checks names, templates, verbs and listeners across a whole configuration. */
#include "config.h"

#include "conf/check.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/suggest.h"
#include "conf/hook.h"
#include "conf/logins.h"
#include "conf/webpath.h"
#include "proto/certname.h"

/* ------------------------------------------------------------ listeners --- */

/* True for a loopback address. A name other than localhost may stand for any address. */
static bool
is_loopback(const char *host)
{
	union sockaddr_any sa = { .sa.sa_family = AF_INET };

	if (strcasecmp(host, "localhost") == 0)
		return true;
	if (inet_pton(AF_INET, host, &sa.in.sin_addr) == 1)
		return addr_is_loopback(&sa);
	sa.sa.sa_family = AF_INET6;
	return inet_pton(AF_INET6, host, &sa.in6.sin6_addr) == 1 && addr_is_loopback(&sa);
}

static void
check_listeners(struct reader *r)
{
	const struct conf *c = r->conf;

	if (c->n_listeners == 0)
		block_error(r, r->main, NULL, "there is no 'listen' section");
	for (size_t i = 0; i < c->n_listeners; i++) {
		const struct listener *l = &c->listeners[i];

		for (size_t j = 0; j < i; j++) {
			if (strcmp(l->url, c->listeners[j].url) != 0)
				continue;
			block_error(r, r->listeners.at[i], NULL, "listen \"%.120s\" is declared "
			    "again; it was first at %s:%u", l->url, r->listeners.at[j]->file,
			    r->listeners.at[j]->line);
			break;
		}
		if (l->addr.kind == ADDR_UNIX && strcmp(l->addr.path, c->control_path) == 0)
			block_error(r, r->listeners.at[i], NULL, "listen \"%.120s\" is where the "
			    "control socket belongs", l->url);
		/* An address without a host is wrong, and was reported already. */
		if (l->addr.kind == ADDR_TCP && !l->tls && *l->addr.host != '\0' &&
		    !c->insecure_open && !is_loopback(l->addr.host))
			block_error(r, r->listeners.at[i], NULL, "listen \"%.120s\": everybody "
			    "who can reach this address could call services, because TCP callers "
			    "are not authenticated; use %s://, 127.0.0.1 or ::1, or set "
			    "'insecure-open = yes'", l->url, l->addr.is_http ? "https" : "tls");
	}
}

/* -------------------------------------------------------------- titles --- */

struct place {
	const struct block *block;
	size_t number;		/* in the order of reading */
};

static int
place_compare(const void *a, const void *b)
{
	const struct place *x = a, *y = b;
	int r = strcmp(x->block->title, y->block->title);

	return r != 0 ? r : x->number < y->number ? -1 : 1;
}

/* Reports each section with a title that an earlier section has. 0 or -ENOMEM. */
static int
check_titles(struct reader *r, const struct declared *d, size_t n)
{
	struct place *sorted = arena_alloc(&r->scratch, n * sizeof(*sorted));

	if (sorted == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		sorted[i] = (struct place){ d->at[i], i };
	if (n > 1)
		qsort(sorted, n, sizeof(*sorted), place_compare);
	for (size_t i = 1, first = 0; i < n; i++) {
		const struct block *b = sorted[i].block, *before = sorted[first].block;

		if (strcmp(b->title, before->title) != 0)
			first = i;
		else
			block_error(r, b, NULL, "%s \"%.64s\" is declared again; it was first at %s:%u",
			    b->kind, b->title, before->file, before->line);
	}
	return 0;
}

/* --------------------------------------------------------------- roles --- */

static void
check_roles(struct reader *r)
{
	const struct conf *c = r->conf;

	for (size_t i = 0; i < c->n_roles; i++) {
		const struct role *role = &c->roles[i];

		if (role->places.unix_peers || role->places.n_nets > 0 || role->users != NULL ||
		    role->groups != NULL || role->logins != NULL || role->certs != NULL ||
		    role->all_names != NULL)
			continue;
		/* A net with mistakes was reported already. */
		if (block_find(r->roles.at[i], "net") == NULL)
			block_error(r, r->roles.at[i], NULL, "role \"%.64s\" has none of 'net', "
			    "'user', 'group', 'login', 'cert' and 'all', so it says nothing", role->name);
	}
}

/* Logins need not be in the file of logins: a leaver's line goes, the role stays. */
static void
check_logins(struct reader *r, const struct role *role, const struct block *b)
{
	for (char **p = role->logins; p != NULL && *p != NULL; p++) {
		if (!credential_is_login(slice_of(*p)))
			block_error(r, b, "login", "'%.64s' cannot be a login (a small letter or "
			    "digit, then small letters, digits, '.', '_' and '-', 64 at most)", *p);
	}
}

/* Notes which limits the role has. */
static void
note_limits(struct conf *c, const struct role *role)
{
	const uint64_t bit = UINT64_C(1) << role->number;

	c->limited[ACCESS_RATE] |= role->rate.n != 0 ? bit : 0;
	c->limited[ACCESS_CALLS] |= role->max_calls != 0 ? bit : 0;
	c->limited[ACCESS_CONNECTIONS] |= role->max_connections != 0 ? bit : 0;
}

static void
check_certs(struct reader *r, const struct role *role, const struct block *b)
{
	for (char **p = role->certs; p != NULL && *p != NULL; p++) {
		const char *why = certname_rule_error(*p);

		if (why != NULL)
			block_error(r, b, "cert", "'%.64s' cannot be a name of certificates: %s", *p,
			    why);
	}
}

/* Finds the roles that "all" names. Only earlier ones: so a role never needs itself. */
static void
check_all(struct reader *r, struct role *role, const struct block *b)
{
	const struct conf *c = r->conf;
	const char *names[CONF_MAX_ROLES];

	for (size_t i = 0; i < role->number; i++)
		names[i] = c->roles[i].name;
	for (char **p = role->all_names; p != NULL && *p != NULL; p++) {
		size_t i = 0;

		while (i < c->n_roles && strcmp(c->roles[i].name, *p) != 0)
			i++;
		if (i < role->number)
			role->all |= UINT64_C(1) << i;
		else if (i < c->n_roles)
			block_error(r, b, "all", "role '%.64s' must stand before role \"%.64s\", "
			    "whose 'all' names it", *p, role->name);
		else
			block_error(r, b, "all", "unknown role '%.64s' in role \"%.64s\"%s", *p,
			    role->name, suggest_remedy(*p, names, role->number));
	}
}

/* Returns the set of the roles that a key names; mistakes are reported. */
static uint64_t
find_roles(struct reader *r, const struct block *b, const char *key, char *const *list)
{
	const struct conf *c = r->conf;
	const char *names[CONF_MAX_ROLES];
	uint64_t set = 0;

	for (size_t i = 0; i < c->n_roles; i++)
		names[i] = c->roles[i].name;
	for (; *list != NULL; list++) {
		size_t i = 0;

		while (i < c->n_roles && strcmp(names[i], *list) != 0)
			i++;
		if (i < c->n_roles)
			set |= UINT64_C(1) << i;
		else
			block_error(r, b, key, "unknown role '%.64s'%s%s", *list, block_where(b),
			    suggest_remedy(*list, names, c->n_roles));
	}
	return set;
}

/* Finds the roles whose callers may deliver. */
static void
find_places(struct reader *r, struct service *s, const struct block *service)
{
	const struct block *b = NULL;

	for (size_t i = 0; i < s->n_hooks; i++) {
		struct hook *h = &s->hooks[i];

		b = hook_block(service, b);
		if (h->from_names != NULL)
			h->from = find_roles(r, b, "from", h->from_names);
	}
}

/* Finds the listeners of a service; mistakes are reported. */
static void
find_listeners(struct reader *r, struct service *s, const struct block *b)
{
	const struct conf *c = r->conf;
	const char *names[CONF_MAX_LISTENERS];
	size_t n = 0;

	s->listeners = 0;
	for (size_t i = 0; i < c->n_listeners; i++) {
		if (c->listeners[i].name != NULL)
			names[n++] = c->listeners[i].name;
	}
	for (char **p = s->listen_names; *p != NULL; p++) {
		uint32_t set = 0;

		for (size_t i = 0; i < c->n_listeners; i++) {
			if (c->listeners[i].name != NULL && strcmp(c->listeners[i].name, *p) == 0)
				set |= UINT32_C(1) << i;
		}
		s->listeners |= set;
		if (set == 0)
			block_error(r, b, "listen", "no listener has the 'name' '%.64s', which service "
			    "\"%.64s\" wants%s", *p, s->name, suggest_remedy(*p, names, n));
	}
}

void
check_listen_names(struct reader *r)
{
	for (size_t i = 0; i < r->conf->n_services; i++)
		find_listeners(r, &r->conf->services[i], r->services.at[i]);
}

/* --------------------------------------------------------------- verbs --- */

/* Words that have a meaning in the protocol itself. */
static const char *const reserved[] = { "PING", "ECHO", "HELLO", "AUTH", "QUIT", "RESET", "SELECT",
	"CLIENT", "INFO", "CONFIG", "COMMAND", "SLOWLOG", "LATENCY", "MODULE", "ROLE",
	"CLUSTER", "READONLY", "MONITOR", "CALL", "INPUT", "CANCEL",
	"WAIT", "ACL", "SERVICES", "DESCRIBE", "WHOAMI", "WHY" };

static bool
is_verb(const char *verb)
{
	static const char ok[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";

	return isupper((unsigned char)verb[0]) && strlen(verb) <= SERVICE_NAME_MAX &&
	    strspn(verb, ok) == strlen(verb);
}

static bool
is_reserved(const char *verb)
{
	for (size_t i = 0; i < ARRAY_LEN(reserved); i++) {
		if (strcmp(reserved[i], verb) == 0)
			return true;
	}
	return false;
}

/* The service that binds the verb earlier than *end of service n, or NULL. */
static const struct block *
find_verb(const struct reader *r, const char *verb, size_t n, char *const *end)
{
	for (size_t i = 0; i <= n; i++) {
		for (char **p = r->conf->services[i].verbs; *p != NULL && p != end; p++) {
			if (strcmp(*p, verb) == 0)
				return r->services.at[i];
		}
	}
	return NULL;
}

static void
check_verbs(struct reader *r)
{
	struct conf *c = r->conf;
	size_t total = 0;

	for (size_t i = 0; i < c->n_services; i++) {
		const struct block *b = r->services.at[i], *first;
		const char *name = c->services[i].name;

		for (char **p = c->services[i].verbs; *p != NULL; p++) {
			for (char *q = *p; *q != '\0'; q++)
				*q = (char)toupper((unsigned char)*q);
			if (++total > CONF_MAX_VERBS) {
				block_error(r, b, "verb", "more than %d verbs are bound",
				    CONF_MAX_VERBS);
				return;
			}
			first = find_verb(r, *p, i, p);
			if (!is_verb(*p))
				block_error(r, b, "verb", "'%.64s' cannot be a verb (a letter, "
				    "then letters, digits, '.', '_' and '-')", *p);
			else if (is_reserved(*p))
				block_error(r, b, "verb", "verb '%s' of service \"%.64s\" is "
				    "taken by the protocol", *p, name);
			else if (first != NULL)
				block_error(r, b, "verb", "verb '%s' of service \"%.64s\" is "
				    "bound already, at %s:%u", *p, name, first->file,
				    block_line(first, "verb"));
		}
	}
}

/* ----------------------------------------------------------------- all --- */

int
check_conf(struct reader *r)
{
	struct conf *c = r->conf;

	if (check_titles(r, &r->roles, c->n_roles) < 0 ||
	    check_titles(r, &r->services, c->n_services) < 0)
		return -ENOMEM;
	check_listeners(r);
	check_roles(r);
	for (size_t i = 0; i < c->n_roles; i++) {
		check_logins(r, &c->roles[i], r->roles.at[i]);
		check_certs(r, &c->roles[i], r->roles.at[i]);
		check_all(r, &c->roles[i], r->roles.at[i]);
		note_limits(c, &c->roles[i]);
	}
	if (c->watch_names != NULL)
		c->watch = find_roles(r, r->main, "watch", c->watch_names);
	for (size_t i = 0; i < c->n_services; i++) {
		struct service *s = &c->services[i];
		int q;

		if (s->kill_grace_usec == UINT64_MAX)
			s->kill_grace_usec = c->kill_grace_usec;
		q = check_service(r, s, r->services.at[i]);
		if (q < 0)
			return q;
		s->allow = find_roles(r, r->services.at[i], "allow", s->allow_names);
		s->deny = find_roles(r, r->services.at[i], "deny", s->deny_names);
		find_places(r, s, r->services.at[i]);
	}
	check_listen_names(r);
	check_verbs(r);
	webpaths_check(r);
	return logins_check(r);
}
