/* SPDX-License-Identifier: ISC */
/* report: writes differences and errors as JSON. */
#include "config.h"

#include "conf/report.h"

#include <string.h>

#include "base/jsonbuf.h"
#include "conf/diff.h"
#include "conf/errors.h"

struct report {
	struct buf *json;
	const struct report_changes *changes;
	struct conf_errors *later;	/* NULL: this is a check */
};

/* Adds the reason why the new value of a key does not hold yet, if there is one. */
static void
add_later(struct conf_errors *later, const struct diff *d, const struct diff_key *k,
    const char *setting)
{
	if (setting != NULL)
		conf_errors_add(later, NULL, 0, "%s is a socket from systemd: "
		    "%s in its socket unit decides about '%s'", d->name, setting, k->name);
	else if (k->at_start && d->name == NULL)
		conf_errors_add(later, NULL, 0, "the new '%s' holds for the processes that are "
		    "started from now on", k->name);
	else if (k->at_start)
		conf_errors_add(later, NULL, 0, "%s is open already: its new '%s' takes effect "
		    "at the next start", d->name, k->name);
}

static void
key_append(struct report *r, const struct diff *d, const struct diff_key *k)
{
	const struct report_changes *c = r->changes;
	bool is_listener = d->name != NULL && strcmp(d->section, "listen") == 0;
	const char *setting = is_listener ? c->unit_setting(c->arg, d->name, k->name) : NULL;

	jsonbuf_open(r->json, NULL, '{');
	jsonbuf_text(r->json, "key", k->name);
	if (k->from != NULL) {
		jsonbuf_text(r->json, "from", k->from);
		jsonbuf_text(r->json, "to", k->to);
	}
	if (setting != NULL)
		jsonbuf_text(r->json, "unit", setting);
	else if (k->at_start)
		jsonbuf_bool(r->json, "at_start", true);
	jsonbuf_close(r->json, '}');
	if (r->later != NULL)
		add_later(r->later, d, k, setting);
}

static void
section_append(void *arg, const struct diff *d)
{
	struct report *r = arg;

	jsonbuf_open(r->json, NULL, '{');
	jsonbuf_text(r->json, "section", d->section);
	if (d->name != NULL)
		jsonbuf_text(r->json, "name", d->name);
	jsonbuf_text(r->json, "change", diff_change_name(d->change));
	if (d->change == DIFF_CHANGED) {
		jsonbuf_open(r->json, "keys", '[');
		for (size_t i = 0; i < d->n_keys; i++)
			key_append(r, d, &d->keys[i]);
		jsonbuf_close(r->json, ']');
	}
	jsonbuf_close(r->json, '}');
}

static void
begin(struct buf *json, bool is_check, bool ok)
{
	jsonbuf_open(json, NULL, '{');
	jsonbuf_bool(json, "ok", ok);
	jsonbuf_bool(json, "check", is_check);
}

/* [{"file":"/etc/reqd/reqd.conf","line":3,"text":"..."}], and the end of all. */
static void
end(struct buf *json, const char *key, const struct conf_errors *errors)
{
	jsonbuf_open(json, key, '[');
	for (size_t i = 0; i < errors->n; i++) {
		const struct conf_error *e = &errors->list[i];

		jsonbuf_open(json, NULL, '{');
		jsonbuf_text(json, "file", e->file != NULL ? e->file : "");
		jsonbuf_number(json, "line", e->line);
		jsonbuf_text(json, "text", e->text);
		jsonbuf_close(json, '}');
	}
	jsonbuf_close(json, ']');
	jsonbuf_close(json, '}');
}

int
report_changes(struct buf *json, const struct report_changes *c, struct conf_errors *later)
{
	struct report report = { json, c, later };
	bool is_check = later == NULL;
	int r;

	begin(json, is_check, true);
	jsonbuf_number(json, "generation", is_check ? c->from->generation : c->to->generation);
	jsonbuf_text(json, "file", c->to->files[0]);
	jsonbuf_open(json, "changes", '[');
	r = conf_diff(c->from, c->to, section_append, &report);
	jsonbuf_close(json, ']');
	end(json, "notes", c->notes);
	return r;
}

void
report_errors(struct buf *json, bool is_check, const struct conf_errors *errors)
{
	begin(json, is_check, false);
	end(json, "errors", errors);
}
