/* SPDX-License-Identifier: ISC */
/* Makes, sorts and frees configurations; finds services, verbs and arguments by name. */
#include "config.h"

#include "conf/conf.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/slice.h"
#include "base/suggest.h"
#include "conf/hook.h"
#include "conf/pattern.h"
#include "conf/reader.h"
#include "conf/schema.h"

struct conf_owned *
conf_new(void)
{
	struct conf_owned *owned = calloc(1, sizeof(*owned));

	if (owned != NULL)
		owned->conf.passwords_fd = owned->conf.hooks_fd = -1;
	return owned;
}

struct conf *
conf_ref(struct conf *c)
{
	c->refs++;
	return c;
}

struct conf *
conf_unref(struct conf *c)
{
	struct conf_owned *owned = (struct conf_owned *)c;
	struct arena arena;

	if (c == NULL || --c->refs > 0)
		return NULL;
	for (size_t i = 0; i < c->n_listeners; i++) {
		if (c->listeners[i].key_fd >= 0)
			(void)close(c->listeners[i].key_fd);
	}
	if (c->passwords_fd >= 0)
		(void)close(c->passwords_fd);
	if (c->hooks_fd >= 0)
		(void)close(c->hooks_fd);
	for (size_t i = 0; i < c->n_services; i++) {
		for (size_t j = 0; j < c->services[i].n_args; j++)
			pattern_done(c->services[i].args[j].matcher);
		for (size_t j = 0; j < c->services[i].n_hooks; j++)
			hook_done(&c->services[i].hooks[j]);
	}
	arena = owned->arena;
	free(owned);
	arena_done(&arena);
	return NULL;
}

/* -------------------------------------------------------------- finding --- */

/* Compares, as strcmp(), a name in small letters with bytes in any case. */
static int
compare_folded(const char *name, const char *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char a = (unsigned char)name[i], b = (unsigned char)bytes[i];

		if (b >= 'A' && b <= 'Z')
			b = (unsigned char)(b + ('a' - 'A'));
		if (a != b)
			return a < b ? -1 : 1;
		if (a == '\0')
			return -1;	/* a NUL among the bytes */
	}
	return name[len] == '\0' ? 0 : 1;
}

static int
compare_key(const void *key, const void *element)
{
	const struct slice *wanted = key;

	return -compare_folded(*(char *const *)element, wanted->data, wanted->len);
}

/* Searches an array, sorted by name, of structs that begin with their name. */
static const void *
find_folded(const void *array, size_t n, size_t size, const char *name, size_t len)
{
	struct slice wanted = { name, len };

	return n == 0 ? NULL : bsearch(&wanted, array, n, size, compare_key);
}

static_assert(offsetof(struct service, name) == 0, "name comes first");
static_assert(offsetof(struct verb, name) == 0, "name comes first");
static_assert(offsetof(struct credential, id) == 0, "the id comes first");

const struct service *
conf_find_service(const struct conf *c, const char *name, size_t len)
{
	return find_folded(c->services, c->n_services, sizeof(*c->services), name, len);
}

const struct credential *
conf_find_credential(const struct conf *c, const char *id)
{
	return find_folded(c->credentials, c->n_credentials, sizeof(*c->credentials), id,
	    strlen(id));
}

static int
compare_hash(const void *key, const void *element)
{
	return strcmp(key, (*(const struct credential *const *)element)->hash);
}

const struct credential *
conf_find_secret(const struct conf *c, const char *hash)
{
	const struct credential *const *at = c->n_hashes == 0 ? NULL :
	    bsearch(hash, c->by_hash, c->n_hashes, sizeof(*c->by_hash), compare_hash);

	return at == NULL ? NULL : *at;
}

static int
compare_login(const void *key, const void *element)
{
	const struct slice *wanted = key;
	const char *login = (*(const struct credential *const *)element)->login;
	int q = strncmp(wanted->data, login, wanted->len);

	return q != 0 || login[wanted->len] == '\0' ? q : -1;
}

const struct credential *
conf_find_password(const struct conf *c, struct slice login)
{
	bool is_named = login.len > 0 && !slice_has_nul(login);
	const struct credential *const *at = c->n_passwords == 0 || !is_named ? NULL :
	    bsearch(&login, c->passwords, c->n_passwords, sizeof(*c->passwords), compare_login);

	if (at == NULL && c->n_passwords == 1 && (login.len == 0 || slice_is(login, "default")))
		at = c->passwords;
	return at == NULL ? NULL : *at;
}

const struct service *
conf_find_verb(const struct conf *c, const char *name, size_t len)
{
	const struct conf_owned *owned = (const struct conf_owned *)c;
	const struct verb *v;

	v = find_folded(owned->verbs, owned->n_verbs, sizeof(*owned->verbs), name, len);
	return v == NULL ? NULL : &c->services[v->service];
}

const struct argument *
service_find_argument(const struct service *s, const char *name, size_t len)
{
	for (size_t i = 0; i < s->n_args; i++) {
		const char *a = s->args[i].name;

		if (strlen(a) == len && memcmp(a, name, len) == 0)
			return &s->args[i];
	}
	return NULL;
}

const char *
service_suggest_argument(const struct service *s, struct slice name)
{
	const char *names[CONF_MAX_ARGUMENTS];
	char text[SERVICE_NAME_MAX + 1];

	if (name.len >= sizeof(text) || slice_has_nul(name))
		return "";
	(void)snprintf(text, sizeof(text), "%.*s", (int)name.len, name.data);
	for (size_t i = 0; i < s->n_args; i++)
		names[i] = s->args[i].name;
	return suggest_remedy(text, names, s->n_args);
}

/* ------------------------------------------------------------- sorting --- */

static int
service_compare(const void *a, const void *b)
{
	return strcmp(((const struct service *)a)->name, ((const struct service *)b)->name);
}

static int
verb_compare(const void *a, const void *b)
{
	return strcmp(((const struct verb *)a)->name, ((const struct verb *)b)->name);
}

static char *
lower_copy(struct arena *a, const char *s)
{
	char *copy = arena_strdup(a, s);

	for (char *p = copy; p != NULL && *p != '\0'; p++)
		*p = (char)tolower((unsigned char)*p);
	return copy;
}

/* Lists the services that have a path. 0 or -ENOMEM. */
static int
list_paths(struct conf *c, struct arena *a)
{
	size_t n = 0;

	for (size_t i = 0; i < c->n_services; i++)
		n += c->services[i].web.path != NULL;
	if (n == 0)
		return 0;
	c->paths = arena_alloc(a, n * sizeof(*c->paths));
	if (c->paths == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < c->n_services; i++) {
		if (c->services[i].web.path != NULL)
			c->paths[c->n_paths++] = (uint16_t)i;
	}
	return 0;
}

int
conf_sort(struct conf_owned *owned)
{
	struct conf *c = &owned->conf;
	size_t n = 0;

	if (c->n_services > 1)
		qsort(c->services, c->n_services, sizeof(*c->services), service_compare);
	for (size_t i = 0; i < c->n_services; i++) {
		c->services[i].number = (uint16_t)i;
		for (char **p = c->services[i].verbs; *p != NULL; p++)
			n++;
	}
	owned->verbs = arena_alloc(&owned->arena, (n + 1) * sizeof(*owned->verbs));
	if (owned->verbs == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < c->n_services; i++) {
		for (char **p = c->services[i].verbs; *p != NULL; p++) {
			struct verb *v = &owned->verbs[owned->n_verbs++];

			v->service = (uint16_t)i;
			v->name = lower_copy(&owned->arena, *p);
			if (v->name == NULL)
				return -ENOMEM;
		}
	}
	conf_judge_states(c);
	if (owned->n_verbs > 1)
		qsort(owned->verbs, owned->n_verbs, sizeof(*owned->verbs), verb_compare);
	return list_paths(c, &owned->arena);
}
