/* SPDX-License-Identifier: ISC */
/* topscreen: lays out the table of 'reqctl top'. */
#include "config.h"

#include "ctl/topscreen.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "ctl/ctl.h"
#include "ctl/out.h"
#include "ctl/outjson.h"

#define NAME_COLUMNS 17
#define SPARK_COLUMNS 13
/* Name, mark, rate, running, waiting, failures, P50, P99. */
#define ROW "%-17s%1s %7s %6s %6s %7s %8s %8s "
#define MAX_WORKERS_SHOWN 8
#define MAX_POOLS_SHOWN 8

/* Lines that are left on the terminal. */
struct page {
	struct buf *b;
	size_t left;
	bool has_end;
	const char *end_of_line;
};

/* Puts a line of at most 80 columns, if there is room. */
static void
put_line(struct page *p, const char *text)
{
	if (p->has_end && p->left == 0)
		return;
	(void)buf_append_str(p->b, text);
	(void)buf_append_str(p->b, p->end_of_line);
	p->left -= p->left > 0;
}

/* Puts a line of plain bytes, cut to 80 columns. */
static void
put_cut(struct page *p, char *text, bool is_padded)
{
	size_t n = strlen(text);

	if (n > TOP_COLUMNS)
		text[TOP_COLUMNS] = '\0';
	while (!is_padded && n > 0 && text[n - 1] == ' ')
		text[--n] = '\0';
	put_line(p, text);
}

#define WORD_TEXT 24

/*
 * A word that a server has sent, in plain ASCII and cut to a width below WORD_TEXT: what
 * reqd names has no other characters.
 */
static const char *
cut_word(const char *word, size_t width, char ret[static WORD_TEXT])
{
	size_t n = 0;

	for (; word[n] != '\0' && n < width; n++)
		ret[n] = word[n] > ' ' && word[n] < 0x7f ? word[n] : '?';
	if (word[n] != '\0')
		ret[n - 1] = '~';
	ret[n] = '\0';
	return ret;
}

/* "0", "7.5", "123", "12k", "3.4M": at most 5 bytes. */
static const char *
short_number(double v, char ret[static OUT_NUMBER])
{
	static const char units[] = { '\0', 'k', 'M', 'G', 'T', 'P', 'E' };
	size_t u = 0;

	while (v >= 9999.5 && u < sizeof(units) - 1) {
		v /= 1000;
		u++;
	}
	if (v > 99999)
		v = 9999;
	(void)snprintf(ret, OUT_NUMBER, v > 0 && v < 9.95 ? "%.1f%c" : "%.0f%c", v, units[u]);
	return ret;
}

static int64_t
number(const json_t *j, const char *key)
{
	int64_t v = out_json_number(j, key);

	return v < 0 ? 0 : v < 999999 ? v : 999999;
}

/* --------------------------------------------------------------- spark --- */

static void
put_spark(struct buf *b, const struct top_service *t, bool is_utf8)
{
	static const char *const blocks[] = { "\xe2\x96\x81", "\xe2\x96\x82", "\xe2\x96\x83",
		"\xe2\x96\x84", "\xe2\x96\x85", "\xe2\x96\x86", "\xe2\x96\x87", "\xe2\x96\x88" };
	static const char *const signs[] = { "_", ".", ":", "-", "=", "+", "*", "#" };
	double most = 0;

	for (size_t i = 0; i < t->n_history && i < SPARK_COLUMNS; i++)
		most = t->history[i] > most ? t->history[i] : most;
	for (size_t i = SPARK_COLUMNS; i-- > 0;) {
		double v = i < t->n_history ? t->history[i] : 0;
		size_t level = most > 0 ? (size_t)(v / most * 7.99) : 0;

		if (i >= t->n_history)
			(void)buf_append_char(b, ' ');
		else
			(void)buf_append_str(b, (is_utf8 ? blocks : signs)[level < 8 ? level : 7]);
	}
}

/* --------------------------------------------------------------- lines --- */

static void
put_title(struct page *p, const struct top_sample *s)
{
	const json_t *w;
	int64_t up = out_json_number(s->status, "uptime_usec");
	uint64_t running = 0, waiting = 0;
	int64_t connections = 0;
	char line[256], a[OUT_NUMBER], r[OUT_NUMBER], version[WORD_TEXT], state[WORD_TEXT];
	size_t i;

	json_array_foreach(json_object_get(s->status, "workers"), i, w)
		connections += number(w, "connections");
	json_array_foreach(json_object_get(s->status, "web"), i, w)
		connections += number(w, "connections");
	for (i = 0; i < s->n; i++) {
		running += s->services[i].running;
		waiting += s->services[i].waiting;
	}
	(void)snprintf(line, sizeof(line), "reqd %s  up %s  %s  %" PRId64 " connections  "
	    "%s calls/s  %" PRIu64 " run  %" PRIu64 " wait%s",
	    cut_word(out_json_text(s->status, "version"), 16, version),
	    out_duration(up > 0 ? (uint64_t)up : 0, a),
	    cut_word(out_json_text(s->status, "state"), 10, state), connections, short_number(s->rate, r), running,
	    waiting, json_is_true(json_object_get(s->status, "drained")) ? "  ALL DRAINED" : "");
	put_cut(p, line, false);
}

static const char *
mark_of(const struct top_service *t)
{
	return strcmp(t->state, "drain") == 0 ? "D" : strcmp(t->state, "pause") == 0 ? "P" :
	    strcmp(t->state, "out") == 0 ? "!" : " ";
}

static void
put_service(struct page *p, const struct top_service *t, const struct top_view *v,
    bool has_interval)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(0);
	char name[WORD_TEXT], rate[OUT_NUMBER], run[OUT_NUMBER], wait[OUT_NUMBER];
	char fail[OUT_NUMBER], p50[OUT_NUMBER] = "-", p99[OUT_NUMBER] = "-";

	if (t->has_times) {
		(void)out_duration(t->p50_usec, p50);
		(void)out_duration(t->p99_usec, p99);
	}
	(void)buf_printf(&b, ROW, cut_word(t->name, NAME_COLUMNS, name), mark_of(t),
	    has_interval ? short_number(t->rate, rate) : "-",
	    short_number((double)t->running, run), short_number((double)t->waiting, wait),
	    has_interval ? short_number(t->fail_rate, fail) : "-", p50, p99);
	if (has_interval)
		put_spark(&b, t, v->is_utf8);
	while (b.end > b.start && b.data[b.end - 1] == ' ')
		b.end--;
	put_line(p, ctl_need((char *)buf_text(&b)));
}

static void
put_workers(struct page *p, const char *what, const json_t *list)
{
	const json_t *w;
	size_t i;

	json_array_foreach((json_t *)list, i, w) {
		char line[256], rest[64] = "", state[WORD_TEXT];

		if (i == MAX_WORKERS_SHOWN)
			(void)snprintf(rest, sizeof(rest), "%zu more", json_array_size(list) - i);
		if (i > MAX_WORKERS_SHOWN)
			return;
		if (*rest != '\0')
			(void)snprintf(line, sizeof(line), "%-6s      %s", what, rest);
		else
			(void)snprintf(line, sizeof(line), "%-6s %3" PRId64 "  pid %7" PRId64
			    "  %-9s conns %6" PRId64 "  running %6" PRId64 "  restarts %5" PRId64, what, number(w, "slot"),
			    out_json_number(w, "pid"), cut_word(out_json_text(w, "state"), 9, state),
			    number(w, "connections"), number(w, "running"),
			    number(w, "restarts"));
		put_cut(p, line, false);
	}
}

static void
put_pools(struct page *p, const json_t *services)
{
	const json_t *s;
	size_t i, n = 0;

	json_array_foreach((json_t *)services, i, s) {
		const json_t *pool = json_object_get(s, "pool");
		char line[256], name[WORD_TEXT];

		if (pool == NULL || n++ >= MAX_POOLS_SHOWN)
			continue;
		(void)snprintf(line, sizeof(line), "pool %-17s  %5" PRId64 " processes  busy %4" PRId64
		    "  idle %4" PRId64 "  wait %5" PRId64 "  died %4" PRId64,
		    cut_word(out_json_text(s, "name"), NAME_COLUMNS, name),
		    number(pool, "processes"), number(pool, "busy"), number(pool, "idle"),
		    number(pool, "waiting"), number(pool, "died"));
		put_cut(p, line, false);
	}
}

static size_t
count_pools(const json_t *services)
{
	const json_t *s;
	size_t i, n = 0;

	json_array_foreach((json_t *)services, i, s)
		n += json_object_get(s, "pool") != NULL;
	return n < MAX_POOLS_SHOWN ? n : MAX_POOLS_SHOWN;
}

static void
put_services(struct page *p, const struct top_sample *s, const struct top_view *v, size_t room)
{
	char line[TOP_COLUMNS + 1];

	(void)snprintf(line, sizeof(line), ROW "RATES", "SERVICE", "", "RATE", "RUN", "WAIT",
	    "FAIL/S", "P50", "P99");
	put_cut(p, line, false);
	for (size_t i = 0; i < s->n; i++) {
		if (p->has_end && i + 1 == room && s->n > room) {
			(void)snprintf(line, sizeof(line), "%zu more services", s->n - i);
			put_cut(p, line, false);
			return;
		}
		put_service(p, s->order[i], v, s->interval_usec > 0);
	}
}

/* The last line: the keys, and by which one services are sorted. */
static void
put_keys(struct page *p, const struct top_view *v)
{
	static const char *const names[TOP_KEYS] = { "n name", "r rate", "b running", "w waiting",
		"f failed", "5 p50", "9 p99" };
	char line[256] = "q quit | sort:";

	for (size_t i = 0; i < TOP_KEYS; i++) {
		size_t at = strlen(line);

		(void)snprintf(line + at, sizeof(line) - at, i == v->key ? " [%s]" : " %s",
		    names[i]);
	}
	put_cut(p, line, false);
}

void
topscreen_write(struct buf *b, const struct top_sample *s, const struct top_view *v)
{
	struct page p = {
		.b = b, .left = v->rows, .has_end = v->rows > 0,
		.end_of_line = v->rows > 0 ? "\033[K\r\n" : "\n",
	};
	size_t n_below, n_rest;

	/* The last line of a terminal is the keys or the note, and has no line feed. */
	p.left -= p.left > 0;
	if (s != NULL) {
		n_below = json_array_size(json_object_get(s->status, "workers")) +
		    json_array_size(json_object_get(s->status, "web")) +
		    count_pools(json_object_get(s->status, "services"));
		put_title(&p, s);
		n_rest = p.left > 1 ? p.left - 1 : 0;
		/* Services have half of the room at least. */
		put_services(&p, s, v, n_below < n_rest / 2 ? n_rest - n_below : n_rest - n_rest / 2);
		put_workers(&p, "worker", json_object_get(s->status, "workers"));
		put_workers(&p, "web", json_object_get(s->status, "web"));
		put_pools(&p, json_object_get(s->status, "services"));
	}
	if (!p.has_end)
		return;
	while (p.left > 0)
		put_line(&p, "");
	p.has_end = false;
	p.end_of_line = "\033[K";
	if (v->note != NULL) {
		char line[256];

		(void)snprintf(line, sizeof(line), "%s", v->note);
		put_cut(&p, line, false);
	} else {
		put_keys(&p, v);
	}
}
