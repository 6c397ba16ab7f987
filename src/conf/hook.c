/* SPDX-License-Identifier: ISC */
/* hook: reads and checks the sections webhook of a service. */
#include "config.h"

#include "conf/hook.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "conf/passedfile.h"
#include "conf/schema.h"

const struct block *
hook_block(const struct block *service, const struct block *b)
{
	b = b == NULL ? service->blocks : b->next;
	while (b != NULL && strcmp(b->kind, section_webhook.kind) != 0)
		b = b->next;
	return b;
}

/* -------------------------------------------------------------- reading --- */

/* The section that says how hmac or token works; elsewhere there is none to say. */
static int
read_scheme(struct reader *r, const struct block *b, struct hook *h)
{
	static const struct section *const inner[] = { &section_hmac, &section_token };
	static const enum hooksign_scheme of[] = { HOOKSIGN_HMAC, HOOKSIGN_TOKEN };

	for (size_t i = 0; i < ARRAY_LEN(inner); i++) {
		const struct block *found = block_inner(b, inner[i]->kind);
		int q;

		if (h->verify == of[i] && found == NULL) {
			key_error(r, b, "verify", " is %s, so a section '%s' must name the field: "
			    "%s { field = \"X-Signature\" }", inner[i]->kind, inner[i]->kind,
			    inner[i]->kind);
		}
		if (found == NULL)
			continue;
		if (h->verify != of[i])
			block_error(r, found, NULL, "section '%s'%s goes with 'verify = %s' only",
			    found->kind, block_where(b), found->kind);
		q = section_read(r, inner[i], found, h);
		if (q < 0)
			return q;
		if (h->field == NULL)
			block_error(r, found, NULL, "section '%s'%s has no 'field'", found->kind,
			    block_where(b));
	}
	return 0;
}

static int
read_one(struct reader *r, const struct block *b, struct hook *h)
{
	int q;

	h->name = arena_strdup(r->arena, b->title);
	if (h->name == NULL)
		return -ENOMEM;
	q = section_read(r, &section_webhook, b, h);
	if (q < 0)
		return q;
	if (block_find(b, "verify") == NULL)
		block_error(r, b, NULL, "webhook \"%.64s\"%s has no 'verify', so anybody could "
		    "start the service", h->name, block_where(b->parent));
	else
		q = read_scheme(r, b, h);
	if (h->secrets == NULL && !r->broken)
		block_error(r, b, NULL, "webhook \"%.64s\"%s has no 'secret'", h->name,
		    block_where(b->parent));
	return q;
}

int
hook_read(struct reader *r, const struct block *service, struct service *s)
{
	size_t n = 0;
	int q = 0;

	for (const struct block *b = hook_block(service, NULL); b != NULL; b = hook_block(service, b))
		n++;
	if (n == 0)
		return 0;
	if (n > CONF_MAX_HOOKS) {
		block_error(r, service, NULL, "service \"%.64s\" has %zu webhooks; %d are the most",
		    service->title, n, CONF_MAX_HOOKS);
		return 0;
	}
	s->hooks = arena_alloc(r->arena, n * sizeof(*s->hooks));
	if (s->hooks == NULL)
		return -ENOMEM;
	for (const struct block *b = hook_block(service, NULL); b != NULL && q >= 0;
	    b = hook_block(service, b)) {
		s->hooks[s->n_hooks] = (struct hook){ .name = NULL };
		q = read_one(r, b, &s->hooks[s->n_hooks++]);
	}
	r->conf->has_hooks = true;
	return q;
}

/* ------------------------------------------------------------- checking --- */

static size_t
list_len(char *const *list)
{
	size_t n = 0;

	while (list != NULL && list[n] != NULL)
		n++;
	return n;
}

/* Makes room for the rules of a list. False: too many, which is reported. */
static bool
is_short(struct reader *r, const struct block *b, const char *key, size_t n)
{
	if (n <= CONF_MAX_HOOK_RULES)
		return true;
	key_error(r, b, key, " has %zu elements; %d are the most", n, CONF_MAX_HOOK_RULES);
	return false;
}

static int
compile_pattern(struct reader *r, const struct block *b, const char *text, struct hook_match *m)
{
	char why[PATTERN_WHY];
	int q = pattern_check(text, why);

	if (q == -ENOMEM)
		return q;
	if (q != 0)
		key_error(r, b, "match", ": the expression '%.64s': %s", text, why);
	m->matcher = arena_alloc(r->arena, sizeof(*m->matcher));
	if (m->matcher == NULL)
		return -ENOMEM;
	*m->matcher = (struct pattern){ .text = text };
	return 0;
}

static int
compile_match(struct reader *r, const struct block *b, const char *text, struct hook_match *m)
{
	size_t len = strlen(text), span = hooksource_span((struct slice){ text, len });
	const char *wrong = hooksource_parse((struct slice){ text, span }, &m->from);

	if (span == len || wrong != NULL) {
		key_error(r, b, "match", ": '%.64s' is not SOURCE=VALUE or SOURCE~EXPRESSION%s%s",
		    text, wrong != NULL ? ": " : "", wrong != NULL ? wrong : "");
		return 0;
	}
	if (text[span] == '~')
		return compile_pattern(r, b, text + span + 1, m);
	m->text = (struct slice){ text + span + 1, len - span - 1 };
	return 0;
}

static int
check_matches(struct reader *r, const struct block *b, struct hook *h)
{
	size_t n = list_len(h->match_texts);
	int q = 0;

	if (n == 0 || !is_short(r, b, "match", n))
		return 0;
	h->matches = arena_alloc(r->arena, n * sizeof(*h->matches));
	if (h->matches == NULL)
		return -ENOMEM;
	for (; h->n_matches < n && q >= 0; h->n_matches++) {
		h->matches[h->n_matches] = (struct hook_match){ .matcher = NULL };
		q = compile_match(r, b, h->match_texts[h->n_matches], &h->matches[h->n_matches]);
	}
	return q;
}

/* Reads ARGUMENT=SOURCE. False: it is wrong, which is reported. */
static bool
read_value(struct reader *r, const struct block *b, const struct service *s, const char *text,
    struct hook_value *v)
{
	size_t len = strcspn(text, "=");
	const char *wrong = "ARGUMENT=SOURCE is wanted";

	if (text[len] == '=')
		wrong = hooksource_parse(slice_of(text + len + 1), &v->from);
	if (wrong != NULL) {
		key_error(r, b, "values", ": '%.64s': %s", text, wrong);
		return false;
	}
	v->argument = service_find_argument(s, text, len);
	if (v->argument == NULL)
		key_error(r, b, "values", ": there is no argument '%.*s'%s", len > 64 ? 64 : (int)len,
		    text, service_suggest_argument(s, (struct slice){ text, len }));
	return v->argument != NULL;
}

/* An argument that must be given has a value. */
static void
check_required(struct reader *r, const struct block *b, const struct service *s, uint64_t given)
{
	for (size_t i = 0; i < s->n_args; i++) {
		const struct argument *a = &s->args[i];

		if ((given >> i & 1) == 0 && !argument_may_be_left_out(a))
			key_error(r, b, "values", ": argument '%.64s' must be given: add \"%.64s=...\", "
			    "or give it a 'default'", a->name, a->name);
	}
}

static int
check_values(struct reader *r, const struct block *b, const struct service *s, struct hook *h)
{
	size_t n = list_len(h->value_texts);
	uint64_t given = 0;
	bool is_good = true;

	if (!is_short(r, b, "values", n))
		return 0;
	h->values = arena_alloc(r->arena, (n + 1) * sizeof(*h->values));
	if (h->values == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		struct hook_value *v = &h->values[h->n_values];
		uint64_t bit;

		if (!read_value(r, b, s, h->value_texts[i], v)) {
			is_good = false;
			continue;
		}
		bit = UINT64_C(1) << (v->argument - s->args);
		if ((given & bit) != 0)
			key_error(r, b, "values", ": argument '%.64s' has two sources",
			    v->argument->name);
		given |= bit;
		h->n_values++;
	}
	if (is_good)
		check_required(r, b, s, given);
	return 0;
}

static void
check_secrets(struct reader *r, const struct block *b, const struct hook *h)
{
	for (char **p = h->secrets; p != NULL && *p != NULL; p++) {
		bool is_passed = passedfile_is(*p);
		char *path;

		if (is_passed && passedfile_path(&r->scratch, *p, &path) > 0)
			key_error(r, b, "secret", ": '%.64s' names no credential of systemd", *p);
		else if (!is_passed && **p != '/')
			key_error(r, b, "secret", ": '%.64s' is not an absolute path or "
			    "credential:NAME; the secret itself does not belong here", *p);
	}
}

static void
check_scheme(struct reader *r, const struct block *b, const struct service *s,
    const struct hook *h)
{
	if (h->events != NULL && hooksign_event_field(h->verify) == NULL &&
	    hooksign_event_pointer(h->verify) == NULL)
		key_error(r, b, "event", " does not go with 'verify = %s', which names no events; use "
		    "'match'", hook_scheme_word(h));
	if (!s->idempotent && !hooksign_is_signed(h->verify))
		key_error(r, b, "verify", " is %s, which signs nothing, so a delivery could not be "
		    "known again, as 'idempotent = no' of the service wants", hook_scheme_word(h));
	if (s->input == INPUT_PUSHED)
		block_error(r, b, NULL, "webhook \"%.64s\"%s: a delivery comes whole, so it does not "
		    "go with 'input = pushed'; use 'required'", h->name, block_where(b->parent));
}

int
hook_check(struct reader *r, struct service *s, const struct block *service)
{
	const struct block *b = NULL;
	int q = 0;

	for (size_t i = 0; i < s->n_hooks && q >= 0; i++) {
		struct hook *h = &s->hooks[i];

		b = hook_block(service, b);
		check_secrets(r, b, h);
		check_scheme(r, b, s, h);
		q = check_matches(r, b, h);
		if (q >= 0)
			q = check_values(r, b, s, h);
	}
	return q;
}
