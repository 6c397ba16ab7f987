/* SPDX-License-Identifier: ISC */
/* outcome: the words, codes, error lines and exit statuses of all outcomes. */
#include "config.h"

#include "proto/outcome.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

struct outcome_row {
	const char *word;
	const char *code;
	bool may_have_run;
	int exit_status;	/* exit status of reqctl; EXIT and SIGNAL have their own */
};

static const struct outcome_row rows[OUTCOME_N] = {
	[OUTCOME_EXIT] = { "exit", "EXIT", true, 0 },
	[OUTCOME_SIGNAL] = { "signal", "SIGNAL", true, 0 },
	[OUTCOME_TIMEOUT] = { "timeout", "TIMEOUT", true, 240 },
	[OUTCOME_CANCELLED] = { "cancelled", "CANCELLED", true, 241 },
	[OUTCOME_TOOBIG] = { "toobig", "TOOBIG", true, 242 },
	[OUTCOME_BUSY] = { "busy", "BUSY", false, 243 },
	[OUTCOME_NOSTART] = { "nostart", "NOSTART", false, 244 },
	[OUTCOME_LOST] = { "lost", "LOST", true, 245 },
	[OUTCOME_BADARG] = { "badarg", "BADARG", false, 246 },
	[OUTCOME_DENIED] = { "denied", "NOSERVICE", false, 247 },
	[OUTCOME_DRAINING] = { "draining", "LOADING", false, 248 },
	[OUTCOME_UNAVAIL] = { "unavail", "UNAVAIL", false, 249 },
	[OUTCOME_HANDLER] = { "handler", "HANDLER", true, 250 },
	[OUTCOME_NOAUTH] = { "noauth", "NOAUTH", false, STATUS_REFUSED },
};

#define STATUS_EXIT_HIGH 239	/* exit status of reqctl for a program's own 126 to 255 */

const char *
outcome_word(enum outcome_kind k)
{
	return rows[k].word;
}

enum outcome_kind
outcome_from_word(struct slice word)
{
	enum outcome_kind k;

	for (k = 0; k < OUTCOME_N; k++) {
		if (slice_is(word, rows[k].word))
			break;
	}
	return k;
}

const char *
outcome_code(enum outcome_kind k)
{
	return rows[k].code;
}

enum outcome_kind
outcome_from_code(struct slice code)
{
	enum outcome_kind k;

	for (k = 0; k < OUTCOME_N; k++) {
		if (slice_is(code, rows[k].code))
			break;
	}
	return k;
}

bool
outcome_may_have_run(enum outcome_kind k)
{
	return rows[k].may_have_run;
}

const char *
outcome_signal_name(int sig)
{
	static _Thread_local char name[sizeof("RTMIN+") + 11];
	const char *s;

	if (sig <= 0)
		return "?";
	if (sig >= SIGRTMIN && sig <= SIGRTMAX) {
		if (sig == SIGRTMIN)
			return "RTMIN";
		(void)snprintf(name, sizeof(name), "RTMIN+%d", sig - SIGRTMIN);
		return name;
	}
	s = sigabbrev_np(sig);
	return s != NULL ? s : "?";
}

/*
 * The text that follows the error code, as raw bytes, because printf stops at a NUL
 * and a client may have sent one. resp_error() cleans and shortens the text.
 */
struct line {
	char text[RESP_CLEAN_MAX];
	size_t len;
};

static void
line_add(struct line *l, struct slice s)
{
	size_t room = sizeof(l->text) - l->len;
	size_t n = s.len < room ? s.len : room;

	if (n > 0)
		memcpy(l->text + l->len, s.data, n);
	l->len += n;
}

static void
line_add_str(struct line *l, const char *s)
{
	line_add(l, slice_of(s));
}

static void
line_add_number(struct line *l, uint64_t v)
{
	char text[21];

	(void)snprintf(text, sizeof(text), "%" PRIu64, v);
	line_add_str(l, text);
}

static void
line_fill(struct line *l, const struct outcome *o, struct slice service,
    struct slice detail)
{
	switch (o->kind) {
	case OUTCOME_EXIT:
		line_add_number(l, (uint64_t)o->status);
		line_add_str(l, " ");
		line_add(l, detail);
		break;
	case OUTCOME_SIGNAL:
		line_add_number(l, (uint64_t)o->status);
		line_add_str(l, " ");
		line_add_str(l, outcome_signal_name(o->status));
		line_add_str(l, " ");
		line_add(l, service);
		break;
	case OUTCOME_TIMEOUT:
		line_add_number(l, o->limit);
		line_add_str(l, " ");
		line_add(l, service);
		break;
	case OUTCOME_TOOBIG:
		line_add_str(l, "output > ");
		line_add_number(l, o->limit);
		break;
	case OUTCOME_BUSY:
	case OUTCOME_NOSTART:
	case OUTCOME_LOST:
	case OUTCOME_UNAVAIL:
		line_add(l, service);
		line_add_str(l, " ");
		line_add(l, detail);
		break;
	case OUTCOME_CANCELLED:
	case OUTCOME_BADARG:
	case OUTCOME_HANDLER:
	case OUTCOME_NOAUTH:
		line_add(l, detail);
		break;
	case OUTCOME_DENIED:
		line_add_str(l, "unknown service '");
		line_add(l, service);
		line_add_str(l, detail.len > 0 ? "'; " : "'");
		line_add(l, detail);
		break;
	case OUTCOME_DRAINING:
		line_add_str(l, "draining");
		/* The whole of reqd stops, or one service takes no calls for this reason. */
		if (detail.len > 0) {
			line_add_str(l, " ");
			line_add(l, service);
			line_add_str(l, ": ");
			line_add(l, detail);
		}
		break;
	case OUTCOME_N:
		break;
	}
}

void
outcome_error(struct buf *b, const struct outcome *o, struct slice service,
    struct slice detail)
{
	struct line l;

	l.len = 0;
	line_fill(&l, o, service, detail);
	resp_error(b, outcome_code(o->kind), (struct slice){ l.text, l.len });
}

void
outcome_why(struct buf *b, enum resp_version v, enum outcome_kind k, struct slice text)
{
	resp_map(b, v, 2);
	resp_bulk(b, SLICE("outcome"));
	if (k == OUTCOME_N)
		resp_null(b, v);
	else
		resp_bulk_str(b, outcome_word(k));
	resp_bulk(b, SLICE("why"));
	resp_bulk(b, text);
}

int
outcome_exit_status(const struct outcome *o)
{
	if (o->kind == OUTCOME_EXIT)
		return o->status <= 125 ? o->status : STATUS_EXIT_HIGH;
	if (o->kind == OUTCOME_SIGNAL)
		return 128 + o->status;
	return rows[o->kind].exit_status;
}
