/* SPDX-License-Identifier: ISC */
/*
 * format: the canonical text, written from the same tables that read it.
 */
#include "config.h"

#include <string.h>

#include "conf/hook.h"
#include "conf/schema.h"

struct writer {
	struct buf b;
	unsigned depth;
};

static void
indent(struct writer *w)
{
	for (unsigned i = 0; i < w->depth; i++)
		(void)buf_append_char(&w->b, '\t');
}

static void
write_key(struct writer *w, const struct key *k, const void *object)
{
	size_t start = w->b.end, value;

	indent(w);
	(void)buf_append_str(&w->b, k->name);
	(void)buf_append_str(&w->b, " = ");
	value = w->b.end;
	k->type->format(&w->b, k, (const char *)object + k->offset);
	if (w->b.end == value)
		w->b.end = start;	/* nothing to write */
	else
		(void)buf_append_char(&w->b, '\n');
}

/* Writes all keys but the wrong ones: accounts by their ids. */
static void
write_keys(struct writer *w, const struct section *s, const void *object, unsigned wrong,
    const struct identity *id)
{
	for (size_t i = 0; i < s->n_keys; i++) {
		const struct key *k = &s->keys[i];

		if ((k->flags & wrong) != 0)
			continue;
		if (id != NULL && !id->is_set &&
		    (strcmp(k->name, "user") == 0 || strcmp(k->name, "group") == 0))
			continue;
		write_key(w, k, object);
	}
}

static void
open_block(struct writer *w, const char *kind, const char *title)
{
	(void)buf_append_char(&w->b, '\n');
	indent(w);
	(void)buf_append_str(&w->b, kind);
	if (title != NULL) {
		(void)buf_append_char(&w->b, ' ');
		value_quote(&w->b, title);
	}
	(void)buf_append_str(&w->b, " {\n");
	w->depth++;
}

static void
close_block(struct writer *w)
{
	w->depth--;
	indent(w);
	(void)buf_append_str(&w->b, "}\n");
}

static void
write_block(struct writer *w, const struct section *s, const char *title, const void *object,
    unsigned wrong)
{
	open_block(w, s->kind, title);
	write_keys(w, s, object, wrong, NULL);
	close_block(w);
}

static void
write_listener(struct writer *w, const struct listener *l)
{
	open_block(w, section_listen.kind, l->url);
	write_keys(w, &section_listen, l, listener_wrong_keys(l), NULL);
	if (listener_has_front(l))
		write_block(w, &section_proxy, NULL, l, 0);
	close_block(w);
}

static void
write_hook(struct writer *w, const struct hook *h)
{
	open_block(w, section_webhook.kind, h->name);
	write_keys(w, &section_webhook, h, 0, NULL);
	if (h->verify == HOOKSIGN_HMAC)
		write_block(w, &section_hmac, NULL, h, 0);
	if (h->verify == HOOKSIGN_TOKEN)
		write_block(w, &section_token, NULL, h, 0);
	close_block(w);
}

/* Webhooks and HTTP are nothing to the programs of a service, so KEY_PLACE leaves them out. */
static void
write_service(struct writer *w, const struct service *s, unsigned wrong)
{
	wrong |= s->handler != NULL ? KEY_COMMAND : KEY_HANDLER;
	open_block(w, "service", s->name);
	write_keys(w, &section_service, s, wrong, &s->run_as);
	if (s->handler != NULL)
		write_block(w, &section_processes, NULL, s, 0);
	if (s->n_limits > 0)
		write_block(w, &section_limits, NULL, s, 0);
	if ((wrong & KEY_PLACE) == 0 && (s->web.path != NULL || s->web.type != NULL ||
	    s->web.stream || s->web.n_statuses > 0))
		write_block(w, &section_http, NULL, s, 0);
	for (size_t i = 0; i < s->n_args; i++)
		write_block(w, &section_argument, s->args[i].name, &s->args[i], 0);
	for (size_t i = 0; i < s->n_hooks && (wrong & KEY_PLACE) == 0; i++)
		write_hook(w, &s->hooks[i]);
	close_block(w);
}

bool
conf_service_equal(const struct service *a, const struct service *b)
{
	struct writer wa = { .b = BUF_INIT(0) }, wb = { .b = BUF_INIT(0) };
	bool equal;

	write_service(&wa, a, KEY_PLACE);
	write_service(&wb, b, KEY_PLACE);
	equal = !buf_failed(&wa.b) && !buf_failed(&wb.b) &&
	    slice_eq(buf_slice(&wa.b), buf_slice(&wb.b));
	buf_done(&wa.b);
	buf_done(&wb.b);
	return equal;
}

char *
conf_format(const struct conf *c)
{
	struct writer w = { .b = BUF_INIT(0) };
	size_t len;

	write_keys(&w, &section_top, c, 0, &c->run_as);
	write_block(&w, &section_log, NULL, c, 0);
	write_block(&w, &section_control, NULL, c, 0);
	for (size_t i = 0; i < c->n_listeners; i++)
		write_listener(&w, &c->listeners[i]);
	for (size_t i = 0; i < c->n_roles; i++)
		write_block(&w, &section_role, c->roles[i].name, &c->roles[i], 0);
	for (size_t i = 0; i < c->n_services; i++)
		write_service(&w, &c->services[i], 0);
	for (size_t i = 0; i < c->n_credentials; i++)
		write_block(&w, &section_credential, c->credentials[i].id, &c->credentials[i], 0);

	if (buf_failed(&w.b) || buf_text(&w.b) == NULL) {
		buf_done(&w.b);
		return NULL;
	}
	return buf_take(&w.b, &len);
}
