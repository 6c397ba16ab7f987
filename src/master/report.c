/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "master/report.h"

#include "base/jsonbuf.h"
#include "conf/diff.h"
#include "ipc/logrec.h"
#include "master/listen.h"

struct report {
	struct buf *json;
	enum report_kind kind;
	const struct report_changes *changes;
};

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

	jsonbuf_open(r->json, NULL, '{');
	jsonbuf_text(r->json, "key", k->name);
	if (k->from != NULL) {
		jsonbuf_text(r->json, "from", k->from);
		jsonbuf_text(r->json, "to", k->to);
	}
	if (at_start)
		jsonbuf_bool(r->json, "at_start", true);
	if (setting != NULL)
		jsonbuf_text(r->json, "unit", setting);
	jsonbuf_close(r->json, '}');

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
begin(struct buf *json, enum report_kind kind, bool ok)
{
	jsonbuf_open(json, NULL, '{');
	jsonbuf_bool(json, "ok", ok);
	jsonbuf_bool(json, "check", kind == REPORT_CHECK);
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

void
report_changes(struct buf *json, enum report_kind kind, const struct report_changes *c)
{
	struct report r = { .json = json, .kind = kind, .changes = c };

	begin(json, kind, true);
	jsonbuf_number(json, "generation", kind == REPORT_CHECK ? c->from->generation :
	    c->to->generation);
	jsonbuf_text(json, "file", c->to->files[0]);
	jsonbuf_open(json, "changes", '[');
	if (conf_diff(c->from, c->to, section_append, &r) < 0)
		log_err("out of memory: not all changes of the configuration are told");
	jsonbuf_close(json, ']');
	end(json, "notes", c->notes);
}

void
report_log(int level, const char *prefix, const struct conf_errors *errors)
{
	for (size_t i = 0; i < errors->n; i++) {
		const struct conf_error *e = &errors->list[i];

		if (e->file == NULL)
			log_at(level, "%s%s", prefix, e->text);
		else if (e->line == 0)
			log_at(level, "%s%s: %s", prefix, e->file, e->text);
		else
			log_at(level, "%s%s:%u: %s", prefix, e->file, e->line, e->text);
	}
}

void
report_errors(struct buf *json, enum report_kind kind, const struct conf_errors *errors)
{
	begin(json, kind, false);
	if (kind == REPORT_DONE)
		report_log(LOG_ERR, "reload: ", errors);
	end(json, "errors", errors);
}
