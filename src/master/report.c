/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "master/report.h"

#include "base/escape.h"
#include "conf/diff.h"
#include "ipc/logrec.h"
#include "master/listen.h"

struct report {
	struct buf *json;
	enum report_kind kind;
	const struct report_changes *changes;
	size_t n;	/* sections told */
};

static void
member(struct buf *json, const char *key, const char *value)
{
	(void)buf_printf(json, ",\"%s\":", key);
	(void)escape_json(json, slice_of(value));
}

/* "SocketMode=" where the socket unit of systemd has the last word, else NULL. */
static const char *
unit_setting(const struct report *r, const struct diff *d, const char *key)
{
	if (d->name == NULL || strcmp(d->section, "listen") != 0)
		return NULL;
	return listen_unit_setting(r->changes->listeners, r->changes->to, d->name, key);
}

static void
key_append(struct report *r, const struct diff *d, const struct diff_key *k)
{
	const char *setting = unit_setting(r, d, k->name);
	bool at_start = k->at_start && setting == NULL;

	(void)buf_append_str(r->json, "{\"key\":");
	(void)escape_json(r->json, slice_of(k->name));
	if (k->from != NULL) {
		member(r->json, "from", k->from);
		member(r->json, "to", k->to);
	}
	if (at_start)
		(void)buf_append_str(r->json, ",\"at_start\":true");
	if (setting != NULL)
		member(r->json, "unit", setting);
	(void)buf_append_char(r->json, '}');

	if (r->kind == REPORT_CHECK)
		return;
	if (setting != NULL)
		log_warn("%s is a socket from systemd: %s in its socket unit decides about '%s'",
		    d->name, setting, k->name);
	else if (!at_start)
		return;
	else if (d->name == NULL)
		log_warn("the new '%s' holds for the processes that are started from now on",
		    k->name);
	else
		log_warn("%s is open: its new '%s' holds from the next start on", d->name, k->name);
}

static void
section_append(void *arg, const struct diff *d)
{
	struct report *r = arg;

	(void)buf_append_str(r->json, r->n++ > 0 ? ",{\"section\":" : "{\"section\":");
	(void)escape_json(r->json, slice_of(d->section));
	if (d->name != NULL)
		member(r->json, "name", d->name);
	member(r->json, "change", diff_change_name(d->change));
	if (d->change == DIFF_CHANGED) {
		(void)buf_append_str(r->json, ",\"keys\":[");
		for (size_t i = 0; i < d->n_keys; i++) {
			if (i > 0)
				(void)buf_append_char(r->json, ',');
			key_append(r, d, &d->keys[i]);
		}
		(void)buf_append_char(r->json, ']');
	}
	(void)buf_append_char(r->json, '}');
}

static void
begin(struct buf *json, enum report_kind kind, bool ok)
{
	(void)buf_printf(json, "{\"ok\":%s,\"check\":%s", ok ? "true" : "false",
	    kind == REPORT_CHECK ? "true" : "false");
}

/* [{"file":"/etc/reqd/reqd.conf","line":3,"text":"..."}] */
static void
errors_append(struct buf *json, const struct conf_errors *errors)
{
	(void)buf_append_char(json, '[');
	for (size_t i = 0; i < errors->n; i++) {
		const struct conf_error *e = &errors->list[i];

		(void)buf_append_str(json, i > 0 ? ",{\"file\":" : "{\"file\":");
		(void)escape_json(json, slice_of(e->file != NULL ? e->file : ""));
		(void)buf_printf(json, ",\"line\":%u", e->line);
		member(json, "text", e->text);
		(void)buf_append_char(json, '}');
	}
	(void)buf_append_char(json, ']');
}

void
report_changes(struct buf *json, enum report_kind kind, const struct report_changes *c)
{
	struct report r = { .json = json, .kind = kind, .changes = c };

	begin(json, kind, true);
	(void)buf_printf(json, ",\"generation\":%u", kind == REPORT_CHECK ? c->from->generation :
	    c->to->generation);
	member(json, "file", c->to->files[0]);
	(void)buf_append_str(json, ",\"changes\":[");
	if (conf_diff(c->from, c->to, section_append, &r) < 0)
		log_err("out of memory: not all changes of the configuration are told");
	(void)buf_append_str(json, "],\"notes\":");
	errors_append(json, c->notes);
	(void)buf_append_char(json, '}');
}

void
report_notes(const struct conf_errors *notes)
{
	for (size_t i = 0; i < notes->n; i++) {
		const struct conf_error *e = &notes->list[i];

		if (e->file == NULL)
			log_warn("%s", e->text);
		else
			log_warn("%s:%u: %s", e->file, e->line, e->text);
	}
}

static void
log_error(const struct conf_error *e)
{
	if (e->file == NULL)
		log_err("reload: %s", e->text);
	else if (e->line == 0)
		log_err("reload: %s: %s", e->file, e->text);
	else
		log_err("reload: %s:%u: %s", e->file, e->line, e->text);
}

void
report_errors(struct buf *json, enum report_kind kind, const struct conf_errors *errors)
{
	begin(json, kind, false);
	for (size_t i = 0; i < errors->n && kind == REPORT_DONE; i++)
		log_error(&errors->list[i]);
	(void)buf_append_str(json, ",\"errors\":");
	errors_append(json, errors);
	(void)buf_append_char(json, '}');
}
