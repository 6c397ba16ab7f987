/* SPDX-License-Identifier: ISC */
/* Compares two configurations by the tables of schema.h. */
#include "config.h"

#include "conf/diff.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "conf/arena.h"
#include "conf/hook.h"
#include "conf/schema.h"

/* Longer values, and values of several words, are not shown. */
#define VALUE_SHOWN 64

struct differ {
	diff_fn *fn;
	void *arg;
	struct arena scratch;	/* of the section at hand */
	struct buf text;	/* of the key at hand */
	struct diff_key *keys;
	size_t n_keys;
	int error;		/* 0 or -ENOMEM */
};

/* A section in both configurations. */
struct pair {
	const struct section *section;
	const void *from, *to;
	unsigned wrong;		/* keys that do not count for this section */
};

/* -------------------------------------------------------------- values --- */

/* Copies text into scratch memory. NULL without memory. */
static const char *
keep(struct differ *d, const char *text, size_t len)
{
	const char *copy = arena_strndup(&d->scratch, text, len);

	if (copy == NULL)
		d->error = -ENOMEM;
	return copy;
}

/* Writes the values of a key in both sections; false: they are equal. */
static bool
write_both(struct differ *d, const struct key *k, const struct pair *p, struct slice ret[2])
{
	struct buf *b = &d->text;
	size_t middle;

	buf_clear(b);
	k->type->format(b, k, (const char *)p->from + k->offset);
	middle = buf_len(b);
	k->type->format(b, k, (const char *)p->to + k->offset);
	if (buf_failed(b)) {
		d->error = -ENOMEM;
		return false;
	}
	ret[0] = (struct slice){ buf_len(b) > 0 ? buf_data(b) : "", middle };
	ret[1] = (struct slice){ ret[0].data + middle, buf_len(b) - middle };
	return !slice_eq(ret[0], ret[1]);
}

static void
add_key(struct differ *d, const struct diff_key *key)
{
	struct diff_key *keys = arena_grow(&d->scratch, d->keys, d->n_keys, sizeof(*keys));

	if (keys == NULL) {
		d->error = -ENOMEM;
		return;
	}
	d->keys = keys;
	keys[d->n_keys++] = *key;
}

static const char *
joined(struct differ *d, const char *prefix, const char *name)
{
	if (*prefix == '\0')
		return name;
	buf_clear(&d->text);
	if (buf_printf(&d->text, "%s%s", prefix, name) < 0) {
		d->error = -ENOMEM;
		return NULL;
	}
	return keep(d, buf_data(&d->text), buf_len(&d->text));
}

static bool
holds_at_start(const struct key *k, struct slice to)
{
	return (k->flags & KEY_AT_START) != 0 ||
	    ((k->flags & KEY_AT_START_UNSET) != 0 && slice_eq(to, SLICE("0")));
}

/* Adds the keys that differ: either the canonical ones or the others. */
static void
add_keys(struct differ *d, const struct pair *p, const char *prefix, unsigned canonical)
{
	for (size_t i = 0; i < p->section->n_keys && d->error == 0; i++) {
		const struct key *k = &p->section->keys[i];
		struct slice values[2];
		struct diff_key key = { .at_start = false };

		if ((k->flags & (p->wrong | KEY_PLACE)) != 0 ||
		    (k->flags & KEY_CANONICAL) != canonical)
			continue;
		if (!write_both(d, k, p, values))
			continue;
		key.at_start = holds_at_start(k, values[1]);
		if (!k->type->is_list && values[0].len <= VALUE_SHOWN && values[1].len <= VALUE_SHOWN) {
			key.from = keep(d, values[0].data, values[0].len);
			key.to = keep(d, values[1].data, values[1].len);
		}
		key.name = joined(d, prefix, k->name);
		add_key(d, &key);
	}
}

/* Ids of an account or a group are shown only where its name is unchanged. */
static void
diff_pair(struct differ *d, const struct pair *p, const char *prefix)
{
	size_t before = d->n_keys;

	add_keys(d, p, prefix, 0);
	if (d->n_keys == before)
		add_keys(d, p, prefix, KEY_CANONICAL);
}

/* ------------------------------------------------------------ sections --- */

static void
tell(struct differ *d, const char *section, const char *name, enum diff_change change)
{
	const struct diff diff = { section, name, change, d->keys, d->n_keys };

	if (d->error == 0 && (change != DIFF_CHANGED || d->n_keys > 0))
		d->fn(d->arg, &diff);
	arena_done(&d->scratch);
	d->keys = NULL;
	d->n_keys = 0;
}

static void
diff_one(struct differ *d, const struct pair *p, const char *name)
{
	diff_pair(d, p, "");
	tell(d, p->section->kind, name, DIFF_CHANGED);
}

static bool
same_argument(struct differ *d, const struct argument *from, const struct argument *to)
{
	const struct pair p = { &section_argument, from, to, 0 };
	size_t before = d->n_keys;
	bool same;

	diff_pair(d, &p, "");
	same = d->n_keys == before;
	d->n_keys = before;
	return same;
}

static void
diff_argument(struct differ *d, const char *name)
{
	struct diff_key key = { .name = joined(d, "argument ", name) };

	add_key(d, &key);
}

static void
diff_arguments(struct differ *d, const struct service *from, const struct service *to)
{
	size_t before = d->n_keys;
	bool same_order = from->n_args == to->n_args;

	for (size_t i = 0; i < to->n_args; i++) {
		const struct argument *a = &to->args[i];
		const struct argument *old = service_find_argument(from, a->name, strlen(a->name));

		same_order = same_order && strcmp(from->args[i].name, a->name) == 0;
		if (old == NULL || !same_argument(d, old, a))
			diff_argument(d, a->name);
	}
	for (size_t i = 0; i < from->n_args; i++) {
		const char *name = from->args[i].name;

		if (service_find_argument(to, name, strlen(name)) == NULL)
			diff_argument(d, name);
	}
	if (!same_order && d->n_keys == before)
		add_key(d, &(struct diff_key){ .name = "the order of the arguments" });
}

static void
diff_listener(struct differ *d, const struct pair *p, const char *name)
{
	const struct pair front = { &section_proxy, p->from, p->to, 0 };

	diff_pair(d, p, "");
	diff_pair(d, &front, "proxy.");
	tell(d, section_listen.kind, name, DIFF_CHANGED);
}

/* True if two webhooks are equal, and what a scheme of theirs wants besides. */
static bool
same_hook(struct differ *d, const struct hook *from, const struct hook *to)
{
	const struct pair pairs[] = {
		{ &section_webhook, from, to, 0 }, { &section_hmac, from, to, 0 },
	};
	size_t before = d->n_keys;
	bool is_same;

	if (strcmp(from->name, to->name) != 0)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(pairs); i++)
		diff_pair(d, &pairs[i], "");
	is_same = d->n_keys == before;
	d->n_keys = before;
	return is_same;
}

/* Webhooks of one name may be several, so they are compared in their order. */
static void
diff_hooks(struct differ *d, const struct service *from, const struct service *to)
{
	size_t n = from->n_hooks > to->n_hooks ? from->n_hooks : to->n_hooks;

	for (size_t i = 0; i < n; i++) {
		const struct service *s = i < to->n_hooks ? to : from;
		struct diff_key key = { .at_start = false };

		if (i < from->n_hooks && i < to->n_hooks &&
		    same_hook(d, &from->hooks[i], &to->hooks[i]))
			continue;
		key.name = joined(d, "webhook ", s->hooks[i].name);
		add_key(d, &key);
	}
}

static unsigned
wrong_for(const struct service *s)
{
	return s->handler != NULL ? KEY_COMMAND : KEY_HANDLER;
}

static void
diff_service(struct differ *d, const struct pair *p, const char *name)
{
	const struct service *from = p->from, *to = p->to;
	const struct pair own = { &section_service, from, to, wrong_for(from) | wrong_for(to) };
	const struct pair pool = { &section_processes, from, to, 0 };
	const struct pair limits = { &section_limits, from, to, 0 };
	const struct pair web = { &section_http, from, to, 0 };

	diff_pair(d, &own, "");
	if (from->handler != NULL && to->handler != NULL)
		diff_pair(d, &pool, "processes.");
	diff_pair(d, &limits, "limits.");
	diff_pair(d, &web, "http.");
	diff_arguments(d, from, to);
	diff_hooks(d, from, to);
	tell(d, section_service.kind, name, DIFF_CHANGED);
}

/* --------------------------------------------------------------- lists --- */

/* A list of sections of one kind, told apart by title; first is the member of each list. */
struct list {
	const struct conf *conf;
	const char *first;
	size_t n, size;
};

static_assert(offsetof(struct listener, url) == 0, "the title comes first");
static_assert(offsetof(struct role, name) == 0, "the title comes first");
static_assert(offsetof(struct service, name) == 0, "the title comes first");
static_assert(offsetof(struct credential, id) == 0, "the title comes first");

#define LIST(conf, sections)                                                               \
	&(struct list){ (conf), (const char *)(conf)->sections, (conf)->n_##sections,              \
	    sizeof(*(conf)->sections) }

typedef void diff_pair_fn(struct differ *d, const struct pair *p, const char *title);

static const void *
list_find(const struct list *l, const char *title)
{
	/* Lists of services and credentials can be long, so they are searched by their order. */
	if (l->first == (const char *)l->conf->services)
		return conf_find_service(l->conf, title, strlen(title));
	if (l->first == (const char *)l->conf->credentials)
		return conf_find_credential(l->conf, title);
	for (size_t i = 0; i < l->n; i++) {
		const char *section = l->first + i * l->size;

		if (strcmp(*(char *const *)(const void *)section, title) == 0)
			return section;
	}
	return NULL;
}

static void
diff_list(struct differ *d, const struct section *s, const struct list *from,
    const struct list *to, diff_pair_fn *fn)
{
	for (size_t i = 0; i < to->n; i++) {
		struct pair p = { .section = s, .to = to->first + i * to->size };
		const char *title = *(char *const *)p.to;

		p.from = list_find(from, title);
		if (p.from == NULL)
			tell(d, s->kind, title, DIFF_ADDED);
		else
			fn(d, &p, title);
	}
	for (size_t i = 0; i < from->n; i++) {
		const char *title = *(char *const *)(const void *)(from->first + i * from->size);

		if (list_find(to, title) == NULL)
			tell(d, s->kind, title, DIFF_REMOVED);
	}
}

static void
differ_done(struct differ *d)
{
	buf_done(&d->text);
}

int
conf_diff(const struct conf *from, const struct conf *to, diff_fn *fn, void *arg)
{
	CLEANUP(differ_done) struct differ d = { .fn = fn, .arg = arg, .text = BUF_INIT(0) };

	diff_one(&d, &(struct pair){ &section_top, from, to, 0 }, NULL);
	diff_one(&d, &(struct pair){ &section_log, from, to, 0 }, NULL);
	diff_one(&d, &(struct pair){ &section_control, from, to, 0 }, NULL);
	diff_list(&d, &section_listen, LIST(from, listeners), LIST(to, listeners),
	    diff_listener);
	diff_list(&d, &section_role, LIST(from, roles), LIST(to, roles), diff_one);
	diff_list(&d, &section_credential, LIST(from, credentials), LIST(to, credentials),
	    diff_one);
	diff_list(&d, &section_service, LIST(from, services), LIST(to, services), diff_service);
	return d.error;
}

const char *
diff_change_name(enum diff_change c)
{
	static const char *const names[] = { "added", "removed", "changed" };

	return names[c];
}
