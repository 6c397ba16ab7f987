/* SPDX-License-Identifier: ISC */
/* Writes the state of the server as JSON. */
#include "config.h"

#include "control/status.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/jsonbuf.h"
#include "control/control.h"
#include "ipc/figures.h"
#include "ipc/roster.h"
#include "ipc/stats.h"

static const char *const states[] = {
	[PROCESS_DOWN] = "down",
	[PROCESS_STARTING] = "starting",
	[PROCESS_PREPARING] = "starting",
	[PROCESS_SERVING] = "serving",
	[PROCESS_STOPPING] = "stopping",
};

static const char *const reqd_states[] = {
	[ROSTER_STARTING] = "starting",
	[ROSTER_SERVING] = "serving",
	[ROSTER_RELOADING] = "reloading",
	[ROSTER_STOPPING] = "stopping",
};

/* The sources of all values. */
struct status {
	const struct roster *roster;
	const struct conf *conf;
	const struct stats *const *pages;
};

struct number {
	const char *key;
	size_t offset;		/* of an uint64_t in the page */
};

static const struct number worker_numbers[] = {
	{ "connections", offsetof(struct stats, connections_open) },
	{ "connections_total", offsetof(struct stats, connections_total) },
	{ "connections_closed", offsetof(struct stats, connections_closed) },
	{ "refused", offsetof(struct stats, connections_refused) },
	{ "requests", offsetof(struct stats, requests_total) },
	{ "replies", offsetof(struct stats, requests_replied) },
	{ "aborted", offsetof(struct stats, requests_aborted) },
	{ "errors", offsetof(struct stats, errors_total) },
	{ "protocol_errors", offsetof(struct stats, protocol_errors) },
	{ "logins", offsetof(struct stats, logins) },
	{ "logins_failed", offsetof(struct stats, logins_failed) },
	{ "running", offsetof(struct stats, running) },
	{ "kept_bytes", offsetof(struct stats, kept_bytes) },
	{ "over_share", offsetof(struct stats, over_share) },
	{ "over_limit", offsetof(struct stats, over_limit) },
	{ "bytes_in", offsetof(struct stats, bytes_in) },
	{ "bytes_out", offsetof(struct stats, bytes_out) },
};

static const struct number broker_numbers[] = {
	{ "running", offsetof(struct stats, running) },
	{ "queued", offsetof(struct stats, queued) },
	{ "attached", offsetof(struct stats, attached) },
	{ "kept_bytes", offsetof(struct stats, kept_bytes) },
	{ "kept_results", offsetof(struct stats, kept_results) },
	{ "spent_results", offsetof(struct stats, spent_results) },
	{ "over_share", offsetof(struct stats, over_share) },
	{ "started", offsetof(struct stats, started_total) },
	{ "bad_frames", offsetof(struct stats, bad_frames) },
};

static const struct number runner_numbers[] = {
	{ "running", offsetof(struct stats, running) },
	{ "strays_killed", offsetof(struct stats, strays_killed) },
	{ "bad_frames", offsetof(struct stats, bad_frames) },
};

static const struct {
	const struct number *list;
	size_t n;
} numbers[ROLE_N] = {
	[ROLE_RUNNER] = { runner_numbers, ARRAY_LEN(runner_numbers) },
	[ROLE_BROKER] = { broker_numbers, ARRAY_LEN(broker_numbers) },
	[ROLE_WORKER] = { worker_numbers, ARRAY_LEN(worker_numbers) },
};

/* Without a page, as when the process could never be started: zeros. */
static void
put_page(struct buf *b, enum role_kind kind, const struct stats *page)
{
	for (size_t i = 0; i < numbers[kind].n; i++) {
		const struct number *n = &numbers[kind].list[i];
		uint64_t value = 0;

		if (page != NULL)
			memcpy(&value, (const char *)page + n->offset, sizeof(value));
		jsonbuf_number(b, n->key, value);
	}
}

static uint64_t
dropped_records(const struct status *s)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < ROLE_MAX_PROCESSES; i++) {
		if (s->pages[i] != NULL)
			sum += s->pages[i]->log_dropped;
	}
	return sum;
}

/* True if the configuration asks for this process; else it ends with its last connection. */
static bool
is_wanted(const struct status *s, enum role_kind kind, unsigned slot)
{
	return kind != ROLE_WORKER ||
	    role_slot_index(slot) < role_class_wanted(s->conf, role_slot_protocol(slot));
}

static void
put_process(struct buf *b, const char *key, const struct status *s, enum role_kind kind,
    unsigned slot)
{
	const struct roster_process *p = &s->roster->processes[ROLE_PROCESS(kind, slot)];

	jsonbuf_open(b, key, '{');
	if (key == NULL)
		jsonbuf_number(b, "slot", role_slot_index(slot));
	jsonbuf_number(b, "pid", p->pid);
	jsonbuf_text(b, "state", p->state == PROCESS_SERVING && !is_wanted(s, kind, slot) ?
	    "retiring" : states[p->state]);
	jsonbuf_number(b, "restarts", p->restarts);
	put_page(b, kind, s->pages[ROLE_PROCESS(kind, slot)]);
	if (kind == ROLE_LOG)
		jsonbuf_number(b, "dropped", dropped_records(s));
	jsonbuf_close(b, '}');
}

/* An object, or a list of them where there can be more than one. */
static void
put_role(struct buf *b, const struct status *s, enum role_kind kind)
{
	if (role_slots(kind) == 1) {
		if (!role_is_wanted(kind, s->conf) &&
		    s->roster->processes[ROLE_PROCESS(kind, 0)].pid == 0)
			return;
		put_process(b, role_name(kind), s, kind, 0);
		return;
	}
	for (enum listener_protocol p = 0; p < PROTOCOL_N; p++) {
		jsonbuf_open(b, p == PROTOCOL_HTTP ? "web" : "workers", '[');
		for (unsigned slot = 0; slot < role_slots(kind); slot++) {
			if (role_slot_protocol(slot) == p && (is_wanted(s, kind, slot) ||
			    s->roster->processes[ROLE_PROCESS(kind, slot)].pid != 0))
				put_process(b, NULL, s, kind, slot);
		}
		jsonbuf_close(b, ']');
	}
}

static void
put_listeners(struct buf *b, const struct conf *c)
{
	jsonbuf_open(b, "listeners", '[');
	for (size_t i = 0; i < c->n_listeners; i++) {
		jsonbuf_open(b, NULL, '{');
		jsonbuf_text(b, "url", c->listeners[i].url);
		if (c->listeners[i].tls) {
			jsonbuf_text(b, "pin", c->listeners[i].cert.pin);
			jsonbuf_text(b, "certificate_until", c->listeners[i].cert.until);
		}
		jsonbuf_close(b, '}');
	}
	jsonbuf_close(b, ']');
}

void
status_last_death(const struct control *c, const struct service *s, char ret[static DEATH_TEXT])
{
	struct pool_stats p = figures_pool(&(struct figures){ .conf = c->member.current, .pages = c->pages }, s);

	death_describe_words(&p.last, &p.words, ret);
}

bool
status_explain_outage(const struct control *c, const struct service *s, struct buf *b)
{
	struct pool_stats p = figures_pool(&(struct figures){ .conf = c->member.current, .pages = c->pages }, s);

	bool is_out = service_explain_outage(s, s->handler != NULL ? &p : NULL, clock_usec(), b);

	/* Programs' words are for users of the control socket only. */
	if (is_out && s->handler != NULL && p.words.line[0] != '\0') {
		char why[DEATH_TEXT];

		death_describe_words(&p.last, &p.words, why);
		(void)buf_printf(b, "Its last process: %s.\n", why);
	}
	return is_out;
}

/* The level of the log; by whom it was set, until when, and what it is else. */
static void
put_level(struct buf *b, const struct roster *r)
{
	uint64_t now = clock_usec();
	char text[32];

	jsonbuf_text(b, "log_level", conf_level_word(r->log_level & 7));
	if (!r->is_level_set)
		return;
	jsonbuf_open(b, "log_level_set", '{');
	(void)snprintf(text, sizeof(text), "uid:%u", r->level_uid);
	jsonbuf_text(b, "by", text);
	jsonbuf_text(b, "since", r->level_since);
	jsonbuf_number_or_null(b, "left_usec", r->level_due_usec != 0,
	    now < r->level_due_usec ? r->level_due_usec - now : 0);
	jsonbuf_text(b, "configured", conf_level_word(r->file_level & 7));
	jsonbuf_close(b, '}');
}

int
status_format_json(const struct control *c, const struct roster *r, struct buf *b)
{
	const struct status s = { r, c->member.current, c->pages };
	const struct figures figures = { .conf = s.conf, .pages = s.pages, .with_words = true };

	jsonbuf_open(b, NULL, '{');
	jsonbuf_text(b, "version", PACKAGE_VERSION);
	jsonbuf_number(b, "pid", r->pid);
	jsonbuf_text(b, "state", reqd_states[r->state]);
	jsonbuf_number(b, "generation", s.conf->generation);
	jsonbuf_number(b, "uptime_usec", clock_usec() - r->started_usec);
	jsonbuf_text(b, "config", r->conf_file);
	/* The first file that a reload would read anew; null: there is none. */
	jsonbuf_text(b, "changed_file", r->changed_file[0] != '\0' ? r->changed_file : NULL);
	jsonbuf_bool(b, "drained", s.conf->is_drained);
	put_level(b, r);
	jsonbuf_number(b, "kept_limit", s.conf->kept_limit);
	jsonbuf_text(b, "logins_file", s.conf->logins);
	for (unsigned kind = ROLE_N; kind-- > 0;)
		put_role(b, &s, kind);
	put_listeners(b, s.conf);
	jsonbuf_open(b, "services", '[');
	for (size_t i = 0; i < s.conf->n_services; i++)
		figures_put_service(&figures, &s.conf->services[i], b);
	jsonbuf_close(b, ']');
	jsonbuf_close(b, '}');
	return buf_failed(b) ? -ENOMEM : 0;
}

int
status_format_histograms(const struct control *c, struct buf *b)
{
	const struct figures f = { .conf = c->member.current, .pages = c->pages };

	jsonbuf_open(b, NULL, '{');
	jsonbuf_number(b, "now_usec", clock_usec());
	jsonbuf_open(b, "services", '[');
	for (size_t i = 0; i < f.conf->n_services; i++)
		figures_put_histogram(&f, &f.conf->services[i], b);
	jsonbuf_close(b, ']');
	jsonbuf_close(b, '}');
	return buf_failed(b) ? -ENOMEM : 0;
}
