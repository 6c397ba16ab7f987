/* SPDX-License-Identifier: ISC */
/* hookdelivery: from a signed request to the arguments of a call. */
#include "config.h"

#include "door/http/hookdelivery.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/escape.h"
#include "conf/arguments.h"
#include "proto/httpform.h"
#include "proto/jsonpointer.h"
#include "proto/jsontext.h"

#define PAIRS_MAX 256		/* of a form, and of a query */
#define SHOWN 64		/* bytes of a value in words for people */

/* Pairs of a form or a query, decoded when they are asked for first. */
struct pairs {
	bool is_read;
	const char *wrong;
	char *room;
	struct httppair *list;
	size_t n;
};

/* A delivery, as far as it is read. */
struct reading {
	const struct hookdelivery_request *rq;
	struct hookdelivery *d;
	struct pairs form, query;
	bool is_parsed;
	json_t *root;		/* NULL: there is none */
	const char *wrong;	/* ... because */
};

/* --------------------------------------------------------------- words --- */

static void __attribute__((format(printf, 3, 4)))
tell(const struct hookdelivery_request *rq, const char *step, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	if (rq->tell == NULL)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	rq->tell(rq->arg, step, text);
}

static enum hookverdict __attribute__((format(printf, 4, 5)))
refuse(struct hookdelivery *d, const struct hook *h, enum hookverdict v, const char *fmt, ...)
{
	va_list ap;

	/* The verdict of the section that was nearest counts. */
	if (v <= d->verdict)
		return v;
	d->verdict = v;
	d->hook = h;
	va_start(ap, fmt);
	(void)vsnprintf(d->why, sizeof(d->why), fmt, ap);
	va_end(ap);
	return v;
}

/* --------------------------------------------------------------- parts --- */

static void
pairs_done(struct pairs *p)
{
	free(p->room);
	free(p->list);
}

static const struct pairs *
pairs_read(struct pairs *p, struct slice text)
{
	if (p->is_read)
		return p;
	p->is_read = true;
	if (text.len == 0)
		return p;
	p->room = malloc(text.len);
	p->list = calloc(PAIRS_MAX, sizeof(*p->list));
	p->wrong = p->room == NULL || p->list == NULL ? "out of memory" :
	    httpform_parse(text, p->room, p->list, PAIRS_MAX, &p->n);
	if (p->wrong != NULL)
		p->n = 0;
	return p;
}

static const struct slice *
pairs_find(const struct pairs *p, struct slice name, size_t *from)
{
	for (; *from < p->n; (*from)++) {
		if (slice_eq(p->list[*from].name, name))
			return &p->list[(*from)++].value;
	}
	return NULL;
}

static bool
is_form(const struct httphead *h)
{
	static const char form[] = "application/x-www-form-urlencoded";
	const struct slice *type = httphead_get(h, HTTPKNOWN_CONTENT_TYPE);

	return type != NULL && type->len >= sizeof(form) - 1 &&
	    strncasecmp(type->data, form, sizeof(form) - 1) == 0;
}

static const struct pairs *
form_of(struct reading *r)
{
	return pairs_read(&r->form, is_form(r->rq->head) ? r->rq->body : (struct slice){ 0 });
}

static const struct pairs *
query_of(struct reading *r)
{
	return pairs_read(&r->query, r->rq->head->target.query);
}

/* The document: the body, or the field "payload" of a form, as GitHub may send it. */
static json_t *
document(struct reading *r)
{
	struct slice text = r->rq->body;
	json_error_t error;
	size_t from = 0;

	if (r->is_parsed)
		return r->root;
	r->is_parsed = true;
	if (is_form(r->rq->head)) {
		const struct pairs *form = form_of(r);
		const struct slice *payload = pairs_find(form, SLICE("payload"), &from);

		text = payload != NULL ? *payload : (struct slice){ 0 };
		r->wrong = form->wrong != NULL ? form->wrong :
		    "the body is a form without the field payload, which would be JSON";
		if (payload == NULL)
			return NULL;
	}
	r->root = json_loadb(text.data != NULL ? text.data : "", text.len,
	    JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
	if (r->root == NULL)
		r->wrong = json_error_code(&error) == json_error_out_of_memory ? "out of memory" :
		    "the body is not JSON, or a member of it is there twice";
	return r->root;
}

static const json_t *
pointed(const json_t *at, struct slice pointer)
{
	CLEANUP_FREE char *room = malloc(pointer.len + 1);
	struct slice name;
	size_t index;

	while (room != NULL && at != NULL && jsonpointer_next(&pointer, room, &name)) {
		room[name.len] = '\0';
		if (json_is_object(at) && !slice_has_nul(name))
			at = json_object_get(at, room);
		else if (json_is_array(at) && jsonpointer_index(name, &index))
			at = json_array_get(at, index);
		else
			at = NULL;
	}
	return room != NULL ? at : NULL;
}

/* The last value of a field, as names of fields are compared. */
static const struct slice *
field_of(const struct reading *r, struct slice name)
{
	const struct slice *found = NULL;
	const struct httphead *h = r->rq->head;

	for (size_t i = 0; i < h->n_fields; i++) {
		if (h->fields[i].name.len == name.len &&
		    strncasecmp(h->fields[i].name.data, name.data, name.len) == 0)
			found = &h->fields[i].value;
	}
	return found;
}

/* True if a body of this delivery is needed, and cannot be read. */
static bool
is_unreadable(struct reading *r, const struct hook *h, const struct hooksource *from)
{
	if (from->kind == HOOKSOURCE_POINTER && document(r) == NULL)
		(void)refuse(r->d, h, HOOKVERDICT_UNREADABLE, "%s", r->wrong);
	else if (from->kind == HOOKSOURCE_FORM && form_of(r)->wrong != NULL)
		(void)refuse(r->d, h, HOOKVERDICT_UNREADABLE, "the body: %s", form_of(r)->wrong);
	else if (from->kind == HOOKSOURCE_QUERY && query_of(r)->wrong != NULL)
		(void)refuse(r->d, h, HOOKVERDICT_UNREADABLE, "the query: %s", query_of(r)->wrong);
	else
		return false;
	return true;
}

/* -------------------------------------------------------------- checks --- */

static bool
holds(const struct hook_match *m, struct slice value)
{
	if (m->matcher == NULL)
		return slice_eq(value, m->text);
	return !slice_has_nul(value) && pattern_matches(m->matcher, value);
}

/* The first value of a source as text, for people and for conditions. False: there is none. */
static bool
first_value(struct reading *r, const struct hooksource *from, char room[static REAL_TEXT],
    struct slice *ret)
{
	const struct slice *found = NULL;
	const json_t *v;
	size_t at = 0;

	switch (from->kind) {
	case HOOKSOURCE_POINTER:
		v = pointed(document(r), from->name);
		return v != NULL && jsontext_of(v, room, ret);
	case HOOKSOURCE_FORM:
		found = pairs_find(form_of(r), from->name, &at);
		break;
	case HOOKSOURCE_QUERY:
		found = pairs_find(query_of(r), from->name, &at);
		break;
	case HOOKSOURCE_HEADER:
		found = field_of(r, from->name);
		break;
	}
	if (found != NULL)
		*ret = *found;
	return found != NULL;
}

static enum hookverdict
ignore(struct reading *r, const struct hook *h, const char *by, const char *what, bool is_there,
    struct slice value)
{
	char shown[SHOWN];

	escape_plain(is_there ? value : SLICE("nothing"), shown, sizeof(shown));
	if (r->d->verdict < HOOKVERDICT_IGNORED)
		r->d->ignored = by;
	tell(r->rq, by, "%s: is %s%s%s, so the delivery is not for this service", what,
	    is_there ? "'" : "", shown, is_there ? "'" : "");
	return refuse(r->d, h, HOOKVERDICT_IGNORED, "%s: %s is %s", by, what, shown);
}

/* The event must be one of those that are wanted. */
static enum hookverdict
check_event(struct reading *r, const struct hook *h)
{
	const char *field = hooksign_event_field(h->verify);
	const char *pointer = hooksign_event_pointer(h->verify);
	char room[REAL_TEXT];
	struct hooksource from;
	struct slice value = { 0 };
	bool is_there;

	if (h->events == NULL)
		return HOOKVERDICT_GOOD;
	from = (struct hooksource){ .kind = field != NULL ? HOOKSOURCE_HEADER : HOOKSOURCE_POINTER };
	from.text = from.name = slice_of(field != NULL ? field : pointer);
	if (is_unreadable(r, h, &from))
		return HOOKVERDICT_UNREADABLE;
	is_there = first_value(r, &from, room, &value);
	for (char **p = h->events; *p != NULL && is_there; p++) {
		if (!slice_is(value, *p))
			continue;
		tell(r->rq, "event", "'%s' is wanted", *p);
		return HOOKVERDICT_GOOD;
	}
	return ignore(r, h, "event", field != NULL ? field : pointer, is_there, value);
}

static enum hookverdict
check_matches(struct reading *r, const struct hook *h)
{
	for (size_t i = 0; i < h->n_matches; i++) {
		const struct hook_match *m = &h->matches[i];
		char room[REAL_TEXT];
		struct slice value = { 0 };
		bool is_there;

		if (is_unreadable(r, h, &m->from))
			return HOOKVERDICT_UNREADABLE;
		is_there = first_value(r, &m->from, room, &value);
		if (!is_there || !holds(m, value))
			return ignore(r, h, "match", h->match_texts[i], is_there, value);
		tell(r->rq, "match", "%s: holds", h->match_texts[i]);
	}
	return HOOKVERDICT_GOOD;
}

static unsigned
add_pairs(struct httpargs *a, struct slice name, const struct pairs *p, struct slice key)
{
	unsigned status = HTTPARGS_OK;
	const struct slice *value;
	size_t at = 0;

	while (status == HTTPARGS_OK && (value = pairs_find(p, key, &at)) != NULL)
		status = httpargs_add(a, name, *value);
	return status;
}

static unsigned
add_value(struct reading *r, const struct hook_value *v)
{
	struct httpargs *a = &r->d->args;
	struct slice name = slice_of(v->argument->name);
	const struct slice *found;
	const json_t *j;

	switch (v->from.kind) {
	case HOOKSOURCE_POINTER:
		j = pointed(document(r), v->from.name);
		return j != NULL ? httpargs_add_value(a, name, j) : HTTPARGS_OK;
	case HOOKSOURCE_FORM:
		return add_pairs(a, name, form_of(r), v->from.name);
	case HOOKSOURCE_QUERY:
		return add_pairs(a, name, query_of(r), v->from.name);
	case HOOKSOURCE_HEADER:
		found = field_of(r, v->from.name);
		return found != NULL ? httpargs_add(a, name, *found) : HTTPARGS_OK;
	}
	return HTTPARGS_OK;
}

/* Tells which words a value has made. */
static void
tell_value(struct reading *r, const struct hook_value *v, size_t before)
{
	struct httpargs *a = &r->d->args;
	const char *name = v->argument->name;

	if (r->rq->tell == NULL)
		return;
	if (before == a->n_words)
		tell(r->rq, "value", "%s: is not in the delivery (%.*s)", name,
		    (int)v->from.text.len, v->from.text.data);
	for (size_t i = before; i < a->n_words; i++) {
		struct slice text = { buf_data(&a->text) + a->words[i].at + a->words[i].name_len + 1,
			a->words[i].len - a->words[i].name_len - 1 };
		char shown[4 * SHOWN];

		escape_plain(text, shown, sizeof(shown));
		tell(r->rq, "value", "%s = %s (%.*s)", name, v->argument->secret ? "***" : shown,
		    (int)v->from.text.len, v->from.text.data);
	}
}

static enum hookverdict
check_values(struct reading *r, const struct hook *h)
{
	CLEANUP(values_done) struct values values = { 0 };
	struct hookdelivery *d = r->d;
	char why[ARGUMENTS_WHY];
	int q;

	for (size_t i = 0; i < h->n_values; i++) {
		const struct hook_value *v = &h->values[i];
		size_t before = d->args.n_words;
		unsigned status;

		if (is_unreadable(r, h, &v->from))
			return HOOKVERDICT_UNREADABLE;
		status = add_value(r, v);
		if (status != HTTPARGS_OK)
			return refuse(d, h, status >= 500 ? HOOKVERDICT_FAILED : HOOKVERDICT_UNFIT,
			    "argument '%s' (%.*s): %s", v->argument->name, (int)v->from.text.len,
			    v->from.text.data, d->args.why);
		tell_value(r, v, before);
	}
	if (httpargs_finish(&d->args, &d->words, &d->n_words) != HTTPARGS_OK)
		return refuse(d, h, HOOKVERDICT_FAILED, "out of memory");
	q = arguments_check(r->rq->service, d->words, d->n_words, true, &values, why);
	if (q != ARGUMENTS_OK)
		return refuse(d, h, q > 0 ? HOOKVERDICT_UNFIT : HOOKVERDICT_FAILED, "%s",
		    q > 0 ? why : "out of memory");
	return HOOKVERDICT_GOOD;
}

/* True if a secret makes the signature. All are tried, so that the time tells nothing. */
static bool
is_genuine(struct reading *r, const struct hook *h, const struct hooksign_rule *rule,
    const struct hooksign *s)
{
	unsigned good = 0, number = 0;

	for (char **p = h->secrets; *p != NULL; p++) {
		char id[HOOKMAC_ID_TEXT];
		struct slice secret;

		number++;
		if (!hooksecrets_find(r->rq->secrets, *p, &secret) ||
		    !hookmac_verify(rule, s, secret, r->rq->body, id))
			continue;
		good = number;
		memcpy(r->d->id, id, sizeof(id));
	}
	if (good > 0)
		tell(r->rq, "signature", "good, by %s", h->secrets[good - 1]);
	return good > 0;
}

static enum hookverdict
check_time(struct reading *r, const struct hook *h, const struct hooksign *s)
{
	int64_t off = s->has_time ? r->rq->now_sec - s->time_sec : 0;
	int64_t most = (int64_t)(h->tolerance_usec / USEC_PER_SEC);

	if (!s->has_time)
		return HOOKVERDICT_GOOD;
	if (off > most || off < -most) {
		tell(r->rq, "time", "the delivery was signed %" PRId64 " s %s; tolerance is %" PRId64
		    " s", off < 0 ? -off : off, off < 0 ? "from now" : "ago", most);
		return refuse(r->d, h, HOOKVERDICT_STALE, "the time of the signature is not ours");
	}
	tell(r->rq, "time", "good, %" PRId64 " s off", off);
	return HOOKVERDICT_GOOD;
}

/* Judges a delivery by one section. */
static enum hookverdict
judge(struct reading *r, const struct hook *h)
{
	struct hooksign_rule rule = hook_rule(h);
	char why[HOOKSIGN_WHY];
	struct hooksign s;
	enum hookverdict v;

	if (!hooksign_read(&rule, r->rq->head, &s, why)) {
		tell(r->rq, "signature", "%s", why);
		return refuse(r->d, h, HOOKVERDICT_UNSIGNED, "%s", why);
	}
	if (r->rq->body.len > h->limit) {
		tell(r->rq, "limit", "the body has %zu bytes, and %u are the most", r->rq->body.len,
		    h->limit);
		return refuse(r->d, h, HOOKVERDICT_UNSIGNED, "the body is longer than limit");
	}
	if (!is_genuine(r, h, &rule, &s)) {
		tell(r->rq, "signature", "no secret of this webhook makes it: the sender has another "
		    "secret, or the body has been changed on its way");
		return refuse(r->d, h, HOOKVERDICT_FORGED, "the signature does not fit");
	}
	v = check_time(r, h, &s);
	if (v == HOOKVERDICT_GOOD)
		v = check_event(r, h);
	if (v == HOOKVERDICT_GOOD)
		v = check_matches(r, h);
	if (v == HOOKVERDICT_GOOD)
		v = check_values(r, h);
	return v;
}

/* ---------------------------------------------------------------- all --- */

static bool
is_meant(const struct hookdelivery_request *rq, const struct hook *h)
{
	return slice_is(rq->name, h->name) && (h->from_names == NULL || (h->from & rq->roles) != 0);
}

enum hookverdict
hookdelivery_look(const struct hookdelivery_request *rq, char why[static HOOKDELIVERY_WHY],
    uint32_t *ret_limit)
{
	enum hookverdict v = HOOKVERDICT_NONE;

	*ret_limit = 0;
	for (size_t i = 0; i < rq->service->n_hooks; i++) {
		const struct hook *h = &rq->service->hooks[i];
		struct hooksign_rule rule = hook_rule(h);
		char wrong[HOOKSIGN_WHY];
		struct hooksign s;

		if (!is_meant(rq, h))
			continue;
		if (hooksign_read(&rule, rq->head, &s, wrong)) {
			v = HOOKVERDICT_GOOD;
			*ret_limit = h->limit > *ret_limit ? h->limit : *ret_limit;
		} else if (v == HOOKVERDICT_NONE) {
			v = HOOKVERDICT_UNSIGNED;
			(void)snprintf(why, HOOKDELIVERY_WHY, "%s", wrong);
		}
	}
	return v;
}

void
hookdelivery_judge(const struct hookdelivery_request *rq, struct hookdelivery *ret)
{
	struct reading r = { .rq = rq, .d = ret };

	*ret = (struct hookdelivery){ .verdict = HOOKVERDICT_NONE };
	httpargs_init(&ret->args, &rq->limits);
	for (size_t i = 0; i < rq->service->n_hooks && ret->verdict < HOOKVERDICT_UNREADABLE; i++) {
		const struct hook *h = &rq->service->hooks[i];

		if (!is_meant(rq, h) || judge(&r, h) != HOOKVERDICT_GOOD)
			continue;
		ret->verdict = HOOKVERDICT_GOOD;
		ret->hook = h;
	}
	if (ret->verdict == HOOKVERDICT_FORGED || ret->verdict == HOOKVERDICT_UNSIGNED)
		ret->id[0] = '\0';
	json_decref(r.root);
	pairs_done(&r.form);
	pairs_done(&r.query);
}

void
hookdelivery_done(struct hookdelivery *d)
{
	httpargs_done(&d->args);
}
