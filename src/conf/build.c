/* SPDX-License-Identifier: ISC */
/* build: makes a struct conf of the sections of all files. */
#include "config.h"

#include "conf/build.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "conf/argument.h"
#include "conf/hook.h"
#include "conf/schema.h"
#include "proto/httphead.h"
#include "proto/origin.h"

#define ARGUMENT_NAME_MAX 32

/* Browsers and proxies keep a connection for a minute or so, which is theirs to end. */
#define HTTP_IDLE_USEC (75 * USEC_PER_SEC)

static const char lower[] = "abcdefghijklmnopqrstuvwxyz";
static const char name_start[] = "abcdefghijklmnopqrstuvwxyz0123456789";
static const char name_rest[] = "abcdefghijklmnopqrstuvwxyz0123456789._-";
static const char argument_rest[] = "abcdefghijklmnopqrstuvwxyz0123456789_-";

static bool
is_name(const char *s, const char *start, const char *rest, size_t max)
{
	size_t len = strlen(s);

	return len > 0 && len <= max && strchr(start, s[0]) != NULL && strspn(s, rest) == len;
}

/* Reports a title that is no name, with the one that was probably meant. */
static void
report_name(struct reader *r, const struct block *b, const char *start, const char *rest,
    size_t max, const char *rule)
{
	char folded[128];
	bool is_meant;
	size_t i;

	for (i = 0; b->title[i] != '\0' && i < sizeof(folded) - 1; i++) {
		unsigned char c = (unsigned char)b->title[i];

		folded[i] = (char)(c == ' ' ? '-' : tolower(c));
	}
	folded[i] = '\0';
	is_meant = b->title[i] == '\0' && is_name(folded, start, rest, max);
	block_error(r, b, NULL, "'%.64s' cannot be the name of %s %s (%s)%s%s%s", b->title,
	    b->kind[0] == 'a' ? "an" : "a", b->kind, rule, is_meant ? "; did you mean '" : "",
	    is_meant ? folded : "", is_meant ? "'?" : "");
}

/*
 * Makes room for one more of a kind: grows its array and that of blocks, both
 * in scratch memory, as growing leaves what was too small behind.
 * 0, 1 when there are too many, or -ENOMEM.
 */
static int
declare(struct reader *r, const struct block *b, void **array, size_t n, size_t size, size_t max,
    struct declared *declared)
{
	void *grown;
	const struct block **at;

	if (n >= max) {
		if (!declared->is_full)
			block_error(r, b, NULL, "more than %zu '%s' sections; this one and those "
			    "that follow are too many", max, b->kind);
		declared->is_full = true;
		return 1;
	}
	grown = arena_grow(&r->scratch, *array, n, size);
	at = arena_grow(&r->scratch, declared->at, n, sizeof(*at));
	if (grown == NULL || at == NULL)
		return -ENOMEM;
	*array = grown;
	declared->at = at;
	at[n] = b;
	return 0;
}

/* ------------------------------------------------------------ listeners --- */

/* Keys that say nothing for this kind of address. */
static void
check_transport(struct reader *r, const struct block *b, const struct listener *l)
{
	unsigned wrong = listener_wrong_keys(l);

	for (const struct setting *s = b->settings; s != NULL; s = s->next) {
		int i = section_find(&section_listen, s->key);

		if (i < 0 || (section_listen.keys[i].flags & wrong) == 0 ||
		    (section_listen.keys[i].flags & KEY_CANONICAL) != 0)
			continue;
		if ((section_listen.keys[i].flags & KEY_TLS) != 0 && l->addr.kind != ADDR_UNIX)
			reader_error(r, s->line, "'%s'%s goes with TLS only: %s", s->key,
			    block_where(b), l->addr.kind == ADDR_FD ? "say 'tls = yes'" :
			    l->addr.is_http ? "the address begins with https://" :
			    "the address begins with tls://");
		else if ((section_listen.keys[i].flags & (KEY_RESP | KEY_HTTP) & wrong) != 0)
			reader_error(r, s->line, "'%s'%s does not go with 'protocol = %s'", s->key,
			    block_where(b), l->protocol == PROTOCOL_HTTP ? "http" : "resp");
		else
			reader_error(r, s->line, "'%s'%s does not go with this kind of address",
			    s->key, block_where(b));
	}
}

/* The address may say which protocol is spoken, and what a quiet client may do follows. */
static void
choose_protocol(struct reader *r, const struct block *b, struct listener *l)
{
	if (l->addr.is_http && block_find(b, "protocol") != NULL && l->protocol != PROTOCOL_HTTP)
		key_error(r, b, "protocol", " is resp, but the address begins with %s://: say "
		    "%s:// for RESP", l->tls ? "https" : "http", l->tls ? "tls" : "tcp");
	if (l->addr.is_http)
		l->protocol = PROTOCOL_HTTP;
	if (l->protocol == PROTOCOL_HTTP && block_find(b, "idle-timeout") == NULL)
		l->idle_timeout_usec = HTTP_IDLE_USEC;
}

/* Names for Host, and pages that may call. */
static void
check_web(struct reader *r, const struct block *b, const struct listener *l)
{
	struct httphost host;
	bool is_tls;

	for (size_t i = 0; l->hosts != NULL && l->hosts[i] != NULL; i++) {
		if (!httphost_parse(slice_of(l->hosts[i]), &host))
			key_error(r, b, "hosts", ": '%.64s' is not HOST or HOST:PORT", l->hosts[i]);
	}
	for (size_t i = 0; l->origins != NULL && l->origins[i] != NULL; i++) {
		if (!origin_parse(slice_of(l->origins[i]), &is_tls, &host))
			key_error(r, b, "origins", ": '%.64s' is not https://HOST or "
			    "https://HOST:PORT, or the same with http, without a path", l->origins[i]);
	}
}

/* True if a field of this name can be written by a proxy, and means nothing else here. */
static bool
is_front_field(const char *name)
{
	static const char token[] = "!#$%&'*+-.^`|~abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

	for (enum httpknown k = HTTPKNOWN_NONE + 1; k < HTTPKNOWN_COUNT; k++) {
		if (strcasecmp(name, httpknown_name(k)) == 0)
			return false;
	}
	return strspn(name, token) == strlen(name) && strcasecmp(name, "proxy") != 0;
}

/* The section "proxy": proxies that say whose request it is. */
static int
read_front(struct reader *r, const struct block *b, struct listener *l)
{
	const struct block *front = block_inner(b, section_proxy.kind);
	bool failed = r->failed;
	int q;

	if (front == NULL)
		return 0;
	r->failed = false;
	q = section_read(r, &section_proxy, front, l);
	if (q < 0)
		return q;
	if (l->protocol != PROTOCOL_HTTP)
		block_error(r, front, NULL, "section 'proxy'%s goes with 'protocol = http' only",
		    block_where(b));
	else if (!listener_has_front(l) && !r->failed)
		block_error(r, front, NULL, "section 'proxy'%s has no 'from': say whose fields are "
		    "believed", block_where(b));
	else if (l->front_user == NULL && l->front_address == NULL && !r->failed)
		block_error(r, front, NULL, "section 'proxy'%s has no 'user' and no 'address', the names "
		    "of fields", block_where(b));
	for (size_t i = 0; i < 2; i++) {
		const char *name = i == 0 ? l->front_user : l->front_address;

		if (name != NULL && !is_front_field(name))
			key_error(r, front, i == 0 ? "user" : "address", ": '%.64s' cannot be the name of such a field "
			    "(as X-Remote-User; without '_', and none that means something else)", name);
	}
	if (l->front_user != NULL && l->front_address != NULL &&
	    strcasecmp(l->front_user, l->front_address) == 0)
		key_error(r, front, "address", " is the same field as 'user'");
	/* Each process that can connect can say anything. */
	if (l->front_from.unix_peers && (l->addr.kind == ADDR_TCP || (l->mode & 0006) != 0))
		key_error(r, front, "from", ": unix goes with a unix socket whose 'mode' shuts others out, "
		    "as 0660: each who can connect can say whose request it is");
	r->failed = r->failed || failed;
	return 0;
}

static int
read_listener(struct reader *r, const struct block *b)
{
	struct conf *c = r->conf;
	const char *why = NULL;
	struct listener *l;
	char url[512];
	int q;

	q = declare(r, b, (void **)&c->listeners, c->n_listeners, sizeof(*l), CONF_MAX_LISTENERS,
	    &r->listeners);
	if (q != 0)
		return q < 0 ? q : 0;
	l = &c->listeners[c->n_listeners++];
	*l = (struct listener){ .line = b->line, .uid = (uid_t)-1, .gid = (gid_t)-1,
	    .key_fd = -1 };
	q = section_read(r, &section_listen, b, l);
	if (q < 0)
		return q;
	if (addr_parse(b->title, &l->addr, &why) < 0) {
		block_error(r, b, NULL, "listen \"%.120s\": %s", b->title, why);
		(void)snprintf(url, sizeof(url), "%s", b->title);
	} else {
		addr_format(&l->addr, url, sizeof(url));
		l->tls = l->tls || l->addr.is_tls;
		choose_protocol(r, b, l);
		check_transport(r, b, l);
	}
	if (l->name != NULL && !is_name(l->name, name_start, name_rest, SERVICE_NAME_MAX))
		key_error(r, b, "name", ": '%.64s' cannot be the name of a listener (small "
		    "letters, digits, '.', '_' and '-')", l->name);
	check_web(r, b, l);
	q = read_front(r, b, l);
	if (q < 0)
		return q;
	if (l->proxy_from.unix_peers)
		key_error(r, b, "proxy-from", " has networks only, not unix");
	if (l->client_crl != NULL && l->client_ca == NULL)
		key_error(r, b, "client-crl", " goes with 'client-ca' only, whose certificates it "
		    "revokes");
	if (l->request_limit < l->argument_limit && !r->broken)
		key_error(r, b, "request-limit", " is below 'argument-limit'");
	l->mode_set = block_find(b, "mode") != NULL;
	l->url = arena_strdup(r->arena, url);
	l->file = arena_strdup(r->arena, r->file != NULL ? r->file : "-");
	return l->url != NULL && l->file != NULL ? 0 : -ENOMEM;
}

/* --------------------------------------------------------------- roles --- */

static int
read_role(struct reader *r, const struct block *b)
{
	struct conf *c = r->conf;
	struct role *role;
	int q;

	if (!is_name(b->title, name_start, name_rest, SERVICE_NAME_MAX))
		report_name(r, b, name_start, name_rest, SERVICE_NAME_MAX,
		    "small letters, digits, '.', '_' and '-'");
	q = declare(r, b, (void **)&c->roles, c->n_roles, sizeof(*role), CONF_MAX_ROLES, &r->roles);
	if (q != 0)
		return q < 0 ? q : 0;
	role = &c->roles[c->n_roles];
	*role = (struct role){ .number = (uint16_t)c->n_roles };
	c->n_roles++;
	role->name = arena_strdup(r->arena, b->title);
	if (role->name == NULL)
		return -ENOMEM;
	return section_read(r, &section_role, b, role);
}

/* ------------------------------------------------------------ services --- */

static int
read_argument(struct reader *r, const struct block *b, struct service *s)
{
	struct argument *a = &s->args[s->n_args];
	int q;

	if (!is_name(b->title, lower, argument_rest, ARGUMENT_NAME_MAX))
		report_name(r, b, lower, argument_rest, ARGUMENT_NAME_MAX,
		    "a small letter, then at most 31 small letters, digits, '_' and '-'");
	for (size_t i = 0; i < s->n_args; i++) {
		if (strcmp(s->args[i].name, b->title) != 0)
			continue;
		block_error(r, b, NULL, "argument \"%.64s\"%s is declared again; it was first on "
		    "line %u", b->title, block_where(b->parent), s->args[i].line);
		return 0;
	}
	a->line = b->line;
	a->name = arena_strdup(r->arena, b->title);
	if (a->name == NULL)
		return -ENOMEM;
	q = section_read(r, &section_argument, b, a);
	if (q == 0)
		q = argument_build(r, b, a);
	r->conf->has_secret |= a->secret;
	s->n_args++;
	return q;
}

static int
read_arguments(struct reader *r, const struct block *b, struct service *s)
{
	size_t n = 0;
	int q;

	for (const struct block *i = b->blocks; i != NULL; i = i->next)
		n += strcmp(i->kind, "argument") == 0 ? 1 : 0;
	if (n > CONF_MAX_ARGUMENTS) {
		block_error(r, b, NULL, "service \"%.64s\" declares %zu arguments; %d are the most",
		    b->title, n, CONF_MAX_ARGUMENTS);
		return 0;
	}
	s->args = arena_alloc(r->arena, (n + 1) * sizeof(*s->args));
	if (s->args == NULL)
		return -ENOMEM;
	for (const struct block *i = b->blocks; i != NULL; i = i->next) {
		if (strcmp(i->kind, "argument") != 0)
			continue;
		q = read_argument(r, i, s);
		if (q < 0)
			return q;
	}
	return 0;
}

static int
limit_compare(const void *a, const void *b)
{
	const struct service_limit *x = a, *y = b;

	return x->resource - y->resource;
}

static int
read_limits(struct reader *r, const struct block *b, struct service *s)
{
	const struct block *limits = block_inner(b, "limits");
	int q = limits != NULL ? section_read(r, &section_limits, limits, s) : 0;

	qsort(s->limits, s->n_limits, sizeof(s->limits[0]), limit_compare);
	return q;
}

/* The section of a handler; check_service() refuses that of a command. */
static int
read_processes(struct reader *r, const struct block *b, struct service *s)
{
	static const struct block nothing = { .kind = "processes" };
	const struct block *i = block_inner(b, "processes");
	bool failed = r->failed;
	int q;

	r->failed = false;
	q = section_read(r, &section_processes, i != NULL ? i : &nothing, s);
	/* Out of range they were reported already. */
	if (q == 0 && i != NULL && !r->failed && s->pool.min > s->pool.max && !r->broken)
		key_error(r, i, "min", " is %u, above 'max', which is %u", s->pool.min,
		    s->pool.max);
	r->failed = r->failed || failed;
	return q;
}

static int
read_web(struct reader *r, const struct block *b, struct service *s)
{
	const struct block *web = block_inner(b, "http");

	return web != NULL ? section_read(r, &section_http, web, s) : 0;
}

/* Texts and lists that are left out are empty, not NULL. The handler alone may be NULL. */
static int
fill_service(struct reader *r, struct service *s)
{
	char **none = arena_alloc(r->arena, sizeof(*none));
	char *empty = arena_strdup(r->arena, "");

	if (none == NULL || empty == NULL)
		return -ENOMEM;
	s->summary = s->summary != NULL ? s->summary : empty;
	s->description = s->description != NULL ? s->description : empty;
	s->command = s->command != NULL ? s->command : none;
	s->allow_names = s->allow_names != NULL ? s->allow_names : none;
	s->deny_names = s->deny_names != NULL ? s->deny_names : none;
	s->listen_names = s->listen_names != NULL ? s->listen_names : none;
	s->sandbox_read = s->sandbox_read != NULL ? s->sandbox_read : none;
	s->sandbox_write = s->sandbox_write != NULL ? s->sandbox_write : none;
	s->environment = s->environment != NULL ? s->environment : none;
	s->verbs = s->verbs != NULL ? s->verbs : none;
	return 0;
}

/* The names of webhooks are parts of paths. */
static void
check_hook_names(struct reader *r, const struct block *service)
{
	const struct block *b = NULL;

	while ((b = hook_block(service, b)) != NULL) {
		if (!is_name(b->title, name_start, name_rest, SERVICE_NAME_MAX))
			report_name(r, b, name_start, name_rest, SERVICE_NAME_MAX,
			    "small letters, digits, '.', '_' and '-'");
	}
}

static int
read_service(struct reader *r, const struct block *b)
{
	struct conf *c = r->conf;
	struct service *s;
	int q;

	if (!is_name(b->title, name_start, name_rest, SERVICE_NAME_MAX))
		report_name(r, b, name_start, name_rest, SERVICE_NAME_MAX,
		    "a small letter or digit, then small letters, digits, '.', '_' and '-', 64 at most");
	q = declare(r, b, (void **)&c->services, c->n_services, sizeof(*s), CONF_MAX_SERVICES,
	    &r->services);
	if (q != 0)
		return q < 0 ? q : 0;
	s = &c->services[c->n_services++];
	*s = (struct service){ .line = b->line, .kill_grace_usec = UINT64_MAX,
		.nice = SERVICE_NICE_UNSET };
	s->run_as.uid = (uid_t)-1;
	s->run_as.gid = (gid_t)-1;
	s->name = arena_strdup(r->arena, b->title);
	s->file = arena_strdup(r->arena, r->file != NULL ? r->file : "-");
	if (s->name == NULL || s->file == NULL)
		return -ENOMEM;
	q = section_read(r, &section_service, b, s);
	if (q == 0)
		q = read_arguments(r, b, s);
	if (q == 0)
		q = read_limits(r, b, s);
	if (q == 0)
		q = read_processes(r, b, s);
	if (q == 0)
		q = read_web(r, b, s);
	check_hook_names(r, b);
	if (q == 0)
		q = hook_read(r, b, s);
	/* A warm process is worth the time for an answer that nobody waits for. */
	if (s->handler != NULL && block_find(b, "on-disconnect") == NULL)
		s->finish_on_disconnect = true;
	return q < 0 ? q : fill_service(r, s);
}

/* --------------------------------------------------------- credentials --- */

static int
read_credential(struct reader *r, const struct block *b)
{
	struct conf *c = r->conf;
	struct credential *cred;
	int q;

	q = declare(r, b, (void **)&c->credentials, c->n_credentials, sizeof(*cred),
	    CONF_MAX_CREDENTIALS, &r->credentials);
	if (q != 0)
		return q < 0 ? q : 0;
	cred = &c->credentials[c->n_credentials++];
	*cred = (struct credential){ .kind = CREDENTIAL_TOKEN };
	cred->id = arena_strdup(r->arena, b->title);
	if (cred->id == NULL)
		return -ENOMEM;
	q = section_read(r, &section_credential, b, cred);
	if (q == 0 && (cred->login == NULL ||
	    (cred->hash == NULL) != (cred->kind == CREDENTIAL_PASSWORD)))
		block_error(r, b, NULL, "credential \"%.64s\" has no login or no hash", b->title);
	cred->login = cred->login != NULL ? cred->login : cred->id;
	if (cred->hash == NULL && cred->kind != CREDENTIAL_PASSWORD)
		cred->hash = cred->id;
	return q;
}

/* ----------------------------------------------------------------- top --- */

/* Files of the services directory have no say in settings of the whole. */
static void
refuse_top(struct reader *r, const struct block *top)
{
	for (const struct setting *s = top->settings; s != NULL; s = s->next) {
		if (section_find(&section_top, s->key) >= 0)
			reader_error(r, s->line, "'%s' belongs into the main file, %s", s->key,
			    r->main_file);
		else
			reader_error(r, s->line, "unknown key '%.64s' outside of a section", s->key);
	}
	for (const struct block *b = top->blocks; b != NULL; b = b->next) {
		if (strcmp(b->kind, "log") == 0 || strcmp(b->kind, "control") == 0)
			block_error(r, b, NULL, "section '%s' belongs into the main file, %s",
			    b->kind, r->main_file);
	}
}

static int
read_block(struct reader *r, const struct block *b, bool is_main)
{
	if (strcmp(b->kind, "listen") == 0)
		return read_listener(r, b);
	if (strcmp(b->kind, "role") == 0)
		return read_role(r, b);
	if (strcmp(b->kind, "service") == 0)
		return read_service(r, b);
	/* A merged file has credentials, too; a load reads the file of logins instead. */
	if (strcmp(b->kind, "credential") == 0 && r->canonical)
		return read_credential(r, b);
	if (strcmp(b->kind, "credential") == 0 && !r->merged)
		block_error(r, b, NULL, "a credential belongs into the file that 'logins' names");
	if (!is_main)
		return 0;
	if (strcmp(b->kind, "log") == 0)
		return section_read(r, &section_log, b, r->conf);
	if (strcmp(b->kind, "control") == 0)
		return section_read(r, &section_control, b, r->conf);
	return 0;
}

int
build_file(struct reader *r, const struct block *top, bool is_main)
{
	struct conf none = { 0 };
	int q = 0;

	if (is_main) {
		r->main = top;
		r->merged = block_find(top, "merged") != NULL;
		q = section_read(r, &section_top, top, r->conf);
	} else {
		/* For the unknown sections; settings are refused anyhow. */
		struct block sections_only = *top;

		refuse_top(r, top);
		sections_only.settings = NULL;
		q = section_read(r, &section_top, &sections_only, &none);
	}
	for (const struct block *b = top->blocks; b != NULL && q >= 0; b = b->next)
		q = read_block(r, b, is_main);
	return q < 0 ? q : 0;
}

int
build_defaults(struct reader *r)
{
	static const struct block nothing = { .kind = "" };
	struct conf *c = r->conf;
	int q;

	c->refs = 1;
	c->control_gid = (gid_t)-1;
	c->run_as.uid = (uid_t)-1;
	c->run_as.gid = (gid_t)-1;
	q = section_read(r, &section_top, &nothing, c);
	if (q == 0)
		q = section_read(r, &section_log, &nothing, c);
	if (q == 0)
		q = section_read(r, &section_control, &nothing, c);
	return q;
}
