/* SPDX-License-Identifier: ISC */
/* Decides and explains which caller may call which service. */
#include "config.h"

#include "conf/access.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/units.h"

/* ------------------------------------------------------------- deciding --- */

static bool
has_place(const struct role *role)
{
	return places_are_given(&role->places);
}

static bool
has_people(const struct role *role)
{
	return role->users != NULL || role->groups != NULL || role->logins != NULL ||
	    role->certs != NULL || role->n_uids > 0 || role->n_gids > 0 || role->n_members > 0;
}

bool
places_contain(const struct places *p, const union sockaddr_any *addr)
{
	for (size_t i = 0; i < p->n_nets; i++) {
		if (net_contains(&p->nets[i], addr))
			return true;
	}
	return false;
}

static bool
place_matches(const struct places *places, const struct caller *who)
{
	return who->is_unix ? places->unix_peers : places_contain(places, &who->addr);
}

static bool
has_gid(const struct caller *who, gid_t gid)
{
	if (who->gid == gid)
		return true;
	for (size_t i = 0; i < who->n_groups; i++) {
		if (who->groups[i] == gid)
			return true;
	}
	return false;
}

static bool
names_have(char *const *names, const char *name)
{
	for (; names != NULL && *names != NULL; names++) {
		if (strcmp(*names, name) == 0)
			return true;
	}
	return false;
}

static bool
certs_match(char *const *rules, const struct caller *who)
{
	for (; rules != NULL && *rules != NULL; rules++) {
		if (who->cert != NULL && certname_matches(*rules, who->cert))
			return true;
		for (size_t i = 0; i < who->n_certs; i++) {
			if (certname_matches(*rules, who->certs[i]))
				return true;
		}
	}
	return false;
}

/*
 * A login stands in place of the account and of a certificate: a caller who has logged in
 * is that login and nobody else.
 */
static bool
people_match(const struct role *role, const struct caller *who)
{
	if (who->login != NULL)
		return names_have(role->logins, who->login);
	if (certs_match(role->certs, who))
		return true;
	if (!who->is_unix || !who->has_uid)
		return false;
	for (size_t i = 0; i < role->n_uids; i++) {
		if (role->uids[i] == who->uid)
			return true;
	}
	for (size_t i = 0; i < role->n_members; i++) {
		if (role->members[i] == who->uid)
			return true;
	}
	for (size_t i = 0; i < role->n_gids; i++) {
		if (has_gid(who, role->gids[i]))
			return true;
	}
	return false;
}

/*
 * True if the caller fulfils everything that the role asks for; a role always
 * asks for something. earlier: the earlier roles that the caller has.
 */
static bool
role_matches(const struct role *role, const struct caller *who, uint64_t earlier)
{
	if (!has_place(role) && !has_people(role) && role->all == 0)
		return false;
	if ((role->all & ~earlier) != 0)
		return false;
	if (has_place(role) && !place_matches(&role->places, who))
		return false;
	return !has_people(role) || people_match(role, who);
}

uint64_t
access_roles(const struct conf *c, const struct caller *who)
{
	uint64_t roles = 0;

	for (size_t i = 0; i < c->n_roles; i++) {
		if (role_matches(&c->roles[i], who, roles))
			roles |= UINT64_C(1) << i;
	}
	return roles;
}

bool
access_is_admin(const struct conf *c, const struct caller *who)
{
	return who->login == NULL && who->is_unix && who->has_uid &&
	    (who->uid == 0 || who->uid == c->run_as.uid);
}

enum access_use
access_use(const struct credential *c, const struct caller *who, int64_t now_sec)
{
	if (c->off)
		return ACCESS_OFF;
	if (c->expires_sec != 0 && now_sec >= c->expires_sec)
		return ACCESS_EXPIRED;
	if (places_are_given(&c->from) && !place_matches(&c->from, who))
		return ACCESS_ELSEWHERE;
	return ACCESS_USABLE;
}

bool
access_is_in_force(const struct conf *c, uint64_t credential, int64_t now_sec)
{
	char id[CREDENTIAL_ID_TEXT];
	const struct credential *found;

	if (credential == 0)
		return true;
	(void)snprintf(id, sizeof(id), "%016llx", (unsigned long long)credential);
	found = conf_find_credential(c, id);
	return found != NULL && !found->off &&
	    (found->expires_sec == 0 || now_sec < found->expires_sec);
}

/* True if the credential that the caller has logged in with is for this service. */
static bool
credential_covers(const struct credential *c, const struct service *s)
{
	return c == NULL || c->services == NULL || names_have(c->services, s->name);
}

/* True if the service is at the listener of the caller. */
/* True if one of the listeners of the caller speaks a protocol that the service has. */
static bool
is_at_door(const struct conf *c, const struct service *s, const struct caller *who)
{
	for (size_t i = 0; i < c->n_listeners; i++) {
		if ((who->listeners >> i & 1) != 0 && service_has_door(s, c->listeners[i].protocol))
			return true;
	}
	return s->doors == 0;
}

static bool
is_at_listener(const struct service *s, const struct caller *who)
{
	return *s->listen_names == NULL || (s->listeners & who->listeners) != 0;
}

bool
access_allowed(const struct conf *c, const struct service *s, const struct caller *who,
    uint64_t roles)
{
	if (!is_at_listener(s, who) || (s->doors != 0 && !is_at_door(c, s, who)))
		return false;
	if (access_is_admin(c, who))
		return true;
	return (s->deny & roles) == 0 && (s->allow & roles) != 0 &&
	    credential_covers(who->credential, s);
}

uint32_t
access_listeners(const struct conf *c, const struct caller *who)
{
	uint32_t set = 0;

	for (size_t i = 0; i < c->n_listeners; i++) {
		enum addr_kind kind = c->listeners[i].addr.kind;

		if (kind == ADDR_FD || (kind == ADDR_UNIX) == who->is_unix)
			set |= UINT32_C(1) << i;
	}
	return set;
}

/* True if role a allows more than role b. */
static bool
is_wider(const struct role *a, const struct role *b, enum access_limit what)
{
	switch (what) {
	case ACCESS_CALLS:
		return a->max_calls > b->max_calls;
	case ACCESS_CONNECTIONS:
		return a->max_connections > b->max_connections;
	default:
		return (uint64_t)a->rate.n * b->rate.span_sec >
		    (uint64_t)b->rate.n * a->rate.span_sec;
	}
}

const struct role *
access_limit(const struct conf *c, uint64_t roles, enum access_limit what)
{
	uint64_t limited = roles & c->limited[what];
	const struct role *found = NULL;

	if (limited == 0 || (what != ACCESS_CONNECTIONS && limited != roles))
		return NULL;
	for (size_t i = 0; i < c->n_roles; i++) {
		if ((limited >> i & 1) != 0 && (found == NULL || is_wider(&c->roles[i], found, what)))
			found = &c->roles[i];
	}
	return found;
}

/* ----------------------------------------------------------- explaining --- */

int
caller_add(const char *text, struct caller *who)
{
	bool has_place = who->is_unix || who->addr.sa.sa_family != AF_UNSPEC;
	int64_t uid;

	if (strncmp(text, "login:", 6) == 0) {
		if (who->login != NULL || !credential_is_login(slice_of(text + 6)))
			return -EINVAL;
		who->login = text + 6;
	} else if (strncmp(text, "cert:", 5) == 0) {
		if (who->cert != NULL || !certname_is_valid(slice_of(text + 5)))
			return -EINVAL;
		who->cert = text + 5;
	} else if (has_place) {
		return -EINVAL;
	} else if (strncmp(text, "uid:", 4) == 0) {
		if (integer_parse(text + 4, &uid) < 0 || uid < 0 || uid >= UINT32_MAX)
			return -EINVAL;
		who->is_unix = who->has_uid = true;
		who->uid = (uid_t)uid;
		who->gid = (gid_t)-1;
	} else if (strncmp(text, "addr:", 5) != 0) {
		return -EINVAL;
	} else if (inet_pton(AF_INET, text + 5, &who->addr.in.sin_addr) == 1) {
		who->addr.in.sin_family = AF_INET;
	} else if (inet_pton(AF_INET6, text + 5, &who->addr.in6.sin6_addr) == 1) {
		who->addr.in6.sin6_family = AF_INET6;
	} else {
		return -EINVAL;
	}
	return 0;
}

void
caller_format(const struct caller *who, char *ret, size_t ret_len)
{
	char host[INET6_ADDRSTRLEN] = "?";

	if (who->hook != NULL) {
		(void)snprintf(ret, ret_len, "hook:%s", who->hook);
	} else if (who->login != NULL) {
		(void)snprintf(ret, ret_len, "login:%s", who->login);
	} else if (who->cert != NULL) {
		(void)snprintf(ret, ret_len, "cert:%s", who->cert);
	} else if (who->is_unix && who->has_uid) {
		(void)snprintf(ret, ret_len, "uid:%u", (unsigned)who->uid);
	} else if (who->is_unix) {
		(void)snprintf(ret, ret_len, "unix");
	} else {
		const union sockaddr_any *sa = &who->addr;

		if (sa->sa.sa_family == AF_INET)
			(void)inet_ntop(AF_INET, &sa->in.sin_addr, host, sizeof(host));
		else if (sa->sa.sa_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&sa->in6.sin6_addr))
			(void)inet_ntop(AF_INET, sa->in6.sin6_addr.s6_addr + 12, host, sizeof(host));
		else if (sa->sa.sa_family == AF_INET6)
			(void)inet_ntop(AF_INET6, &sa->in6.sin6_addr, host, sizeof(host));
		(void)snprintf(ret, ret_len, "addr:%s", host);
	}
}

static void
append_names(struct buf *out, char *const *names, const char *kind, bool *first)
{
	for (; names != NULL && *names != NULL; names++) {
		(void)buf_printf(out, "%s%s %s", *first ? "" : " or ", kind, *names);
		*first = false;
	}
}

/*
 * "from unix or 10.0.0.0/8, as user alice or group adm, with all of the roles ops and
 * mesh"
 */
static void
append_rule(struct buf *out, const struct role *role)
{
	char text[ADDR_TEXT];
	bool first = true;

	if (role->places.unix_peers) {
		(void)buf_append_str(out, "from unix");
		first = false;
	}
	for (size_t i = 0; i < role->places.n_nets; i++) {
		net_format(&role->places.nets[i], text, sizeof(text));
		(void)buf_printf(out, "%s%s", first ? "from " : " or ", text);
		first = false;
	}
	if (has_people(role)) {
		(void)buf_append_str(out, has_place(role) ? ", as " : "as ");
		first = true;
		append_names(out, role->users, "user", &first);
		append_names(out, role->groups, "group", &first);
		append_names(out, role->logins, "login", &first);
		append_names(out, role->certs, "certificate", &first);
	}
	if (role->all == 0)
		return;
	(void)buf_append_str(out, has_place(role) || has_people(role) ? ", with all of" : "all of");
	for (char **p = role->all_names; *p != NULL; p++)
		(void)buf_printf(out, "%s %s", p == role->all_names ? "" : " and", *p);
}

/* The reason why the people of a role are not the caller, behind "the caller". */
static const char *
explain_people(const struct role *role, const struct caller *who)
{
	if (who->login != NULL && role->logins != NULL)
		return ", who has logged in as somebody else.\n";
	if (who->login != NULL)
		return ", who has logged in, and so is no longer known by its account.\n";
	if (role->certs != NULL && who->cert != NULL)
		return ", whose certificate has other names.\n";
	if (role->certs != NULL && role->users == NULL && role->groups == NULL &&
	    role->logins == NULL)
		return ", who has shown no certificate of the listener's authority.\n";
	if (who->is_unix && who->has_uid && (role->users != NULL || role->groups != NULL))
		return ", who is none of these users and in none of these groups.\n";
	if (role->logins != NULL && role->users == NULL && role->groups == NULL)
		return ", who has not logged in.\n";
	return ": users and groups are known over a unix socket only.\n";
}

/* True for a question about a login alone. */
static bool
has_no_place(const struct caller *who)
{
	return !who->is_unix && who->addr.sa.sa_family == AF_UNSPEC;
}

/* roles: those of the caller. */
static void
explain_role(const struct conf *c, const struct role *role, const struct caller *who,
    uint64_t roles, struct buf *out)
{
	uint64_t missing = role->all & ~roles;
	size_t first = 0;

	(void)buf_printf(out, "Role '%s' (", role->name);
	append_rule(out, role);
	(void)buf_append_str(out, ") ");
	if ((roles >> role->number & 1) != 0) {
		(void)buf_append_str(out, "includes the caller.\n");
		return;
	}
	(void)buf_append_str(out, "does not include the caller");
	while (missing != 0 && (missing >> first & 1) == 0)
		first++;
	if (missing != 0)
		(void)buf_printf(out, ", who does not have the role '%s'.\n", c->roles[first].name);
	else if (has_place(role) && !place_matches(&role->places, who))
		(void)buf_append_str(out, has_no_place(who) ?
		    "; the question does not say where it comes from.\n" :
		    ", who comes from elsewhere.\n");
	else
		(void)buf_append_str(out, explain_people(role, who));
}

/* Names the roles that the roles of the service are made of, before those themselves. */
static uint64_t
explained_roles(const struct conf *c, const struct service *s)
{
	uint64_t set = s->allow;

	for (size_t i = c->n_roles; i > 0; i--) {
		if ((set >> (i - 1) & 1) != 0)
			set |= c->roles[i - 1].all;
	}
	return set;
}

/* The reason why the credential does not let the caller call the service, or NULL. */
static const char *
explain_credential(const struct credential *c, const struct service *s, const struct caller *who,
    int64_t now_sec)
{
	enum access_use use = access_use(c, who, now_sec);

	if (use == ACCESS_OFF)
		return "is off";
	if (use == ACCESS_EXPIRED)
		return "has expired";
	if (!credential_covers(c, s))
		return "is for other services only";
	if (use == ACCESS_USABLE)
		return NULL;
	return who->is_unix || who->addr.sa.sa_family != AF_UNSPEC ?
	    "does not hold for where the caller comes from" : "holds from some places only";
}

/* Writes a line for each credential of the login that lets in less than the roles do. */
static void
explain_credentials(const struct conf *c, const struct service *s, const struct caller *who,
    int64_t now_sec, struct buf *out)
{
	size_t n = 0;

	if (who->login == NULL)
		return;
	for (size_t i = 0; i < c->n_credentials; i++) {
		const struct credential *cred = &c->credentials[i];
		const char *why;

		if (strcmp(cred->login, who->login) != 0 ||
		    (who->credential != NULL && who->credential != cred))
			continue;
		n++;
		why = explain_credential(cred, s, who, now_sec);
		if (why != NULL)
			(void)buf_printf(out, "The credential %s%s%s of %s %s.\n", cred->id,
			    cred->label != NULL ? " " : "", cred->label != NULL ? cred->label : "",
			    cred->login, why);
	}
	if (n == 0)
		(void)buf_printf(out, "Nobody can log in as %s: the file of logins has no line for "
		    "it.\n", who->login);
}

/* The listeners of the service, and whether the caller is at one of them. */
static void
explain_listeners(const struct conf *c, const struct service *s, const struct caller *who,
    struct buf *out)
{
	const char *before = "The service is at ";

	for (size_t i = 0; i < c->n_listeners; i++) {
		const struct listener *l = &c->listeners[i];

		if ((s->listeners >> i & 1) == 0)
			continue;
		(void)buf_printf(out, "%slistener '%s' (%s)", before, l->name, l->url);
		before = ", ";
	}
	(void)buf_append_str(out, is_at_listener(s, who) ? " only.\n" :
	    " only, where the caller is not: that decides, also about root.\n");
}

void
access_explain_limits(const struct conf *c, const struct service *s, uint64_t roles,
    struct buf *out)
{
	const struct role *rate = access_limit(c, roles & s->allow, ACCESS_RATE);
	const struct role *calls = access_limit(c, roles & s->allow, ACCESS_CALLS);
	const struct role *conns = access_limit(c, roles, ACCESS_CONNECTIONS);
	const char *before = "Limits:";
	char text[UNITS_TEXT];

	if (rate != NULL) {
		rate_format(rate->rate, text, sizeof(text));
		(void)buf_printf(out, "%s %s by role '%s'", before, text, rate->name);
		before = ",";
	}
	if (calls != NULL) {
		(void)buf_printf(out, "%s %u calls at a time by role '%s'", before, calls->max_calls,
		    calls->name);
		before = ",";
	}
	if (conns != NULL)
		(void)buf_printf(out, "%s %u connections by role '%s'", before,
		    conns->max_connections, conns->name);
	if (rate != NULL || calls != NULL || conns != NULL)
		(void)buf_append_str(out, ".\n");
}

/* A denied role that the caller has decides alone, except about administrators. */
static void
explain_denied(const struct role *role, uint64_t roles, struct buf *out)
{
	(void)buf_printf(out, "The service denies role '%s' (", role->name);
	append_rule(out, role);
	(void)buf_append_str(out, (roles >> role->number & 1) != 0 ?
	    "), which includes the caller: that decides before 'allow' does.\n" :
	    "), which does not include the caller.\n");
}

int
access_explain(const struct conf *c, const struct service *s, const struct caller *who,
    int64_t now_sec, struct buf *out)
{
	uint64_t roles = access_roles(c, who), shown = explained_roles(c, s);
	char text[CALLER_TEXT];

	caller_format(who, text, sizeof(text));
	(void)buf_printf(out, "The caller %s %s call service '%s'.\n", text,
	    access_allowed(c, s, who, roles) ? "may" : "may not", s->name);
	if (*s->listen_names != NULL)
		explain_listeners(c, s, who, out);
	if (!is_at_door(c, s, who))
		(void)buf_append_str(out, "The service is not offered by the protocol of the listeners that "
		    "the caller can use: 'doors' says so.\n");
	if (access_is_admin(c, who))
		(void)buf_append_str(out,
		    "Root and the account of reqd may call every service over a unix socket.\n");
	for (size_t i = 0; i < c->n_roles; i++) {
		if ((s->deny >> i & 1) != 0)
			explain_denied(&c->roles[i], roles, out);
	}
	if (s->allow == 0)
		(void)buf_append_str(out, "The service has no 'allow', so no role may call it.\n");
	for (size_t i = 0; i < c->n_roles; i++) {
		if ((shown >> i & 1) != 0)
			explain_role(c, &c->roles[i], who, roles, out);
	}
	for (size_t i = 0; i < c->n_roles; i++) {
		if ((shown >> i & 1) == 0 && (roles >> i & 1) != 0)
			(void)buf_printf(out,
			    "The caller has role '%s', which the service does not allow.\n",
			    c->roles[i].name);
	}
	explain_credentials(c, s, who, now_sec, out);
	if (!access_is_admin(c, who) && access_allowed(c, s, who, roles))
		access_explain_limits(c, s, roles, out);
	return buf_failed(out) ? -ENOMEM : 0;
}
