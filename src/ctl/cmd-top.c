/* SPDX-License-Identifier: ISC */
/*
 * reqctl top: shows what a server does now, again and again; over the control socket. A
 * server that goes away is waited for.
 */
#include "config.h"

#include <errno.h>
#include <langinfo.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "ctl/calllist.h"
#include "ctl/ctl.h"
#include "ctl/remote.h"
#include "ctl/topsample.h"
#include "ctl/topscreen.h"
#include "ctl/topterminal.h"

#define DEFAULT_MS 1000
#define LEAST_MS 100
/* A server that answers nothing for so long is as good as gone. */
#define PATIENCE_MS 5000

struct top {
	struct ctl ctl;			/* a copy, which is quiet while a server is waited for */
	struct reqd *c;			/* NULL: not connected */
	struct top_sample *now;		/* the last one; NULL: none */
	struct top_view view;
	uint64_t interval_ms;
	uint64_t end_usec;		/* of -t; 0: none */
	bool is_terminal;
};

/* True if the time of -t is over. */
static bool
is_over(const struct top *t)
{
	return t->end_usec != 0 && clock_usec() >= t->end_usec;
}

static void
top_done(struct top *t)
{
	t->c = reqd_free(t->c);
	t->now = topsample_free(t->now);
}

/* Asks for a sample. 0 or an exit status. */
static int
ask(struct top *t, struct top_sample **ret)
{
	static const char *const status_word[] = { "STATUS" }, *const times[] = { "HISTOGRAMS" };
	CLEANUP(json_freep) json_t *status = NULL, *histograms = NULL, *calls = NULL;
	size_t n_bad;
	int r = 0;

	if (t->c == NULL)
		r = remote_control(&t->ctl, &t->c);
	if (r != 0)
		return r;
	(void)reqd_set_deadline(t->c, PATIENCE_MS);
	r = remote_ask_json(&t->ctl, t->c, NULL, &status, 1, status_word);
	if (r == 0)
		r = remote_ask_json(&t->ctl, t->c, NULL, &histograms, 1, times);
	if (r == 0)
		r = calllist_ask(&t->ctl, t->c, NULL, &calls, &n_bad);
	if (r != 0)
		return r;
	*ret = topsample_new(TAKE_PTR(status), histograms, calls, clock_usec());
	return 0;
}

/* Takes the next sample; what was known goes on when there is none. 0 or an exit status. */
static int
top_step(struct top *t)
{
	struct top_sample *next = NULL;
	int r = ask(t, &next);

	if (r != 0) {
		t->c = reqd_free(t->c);
		return r;
	}
	topsample_compare(next, t->now);
	t->view.note = t->now != NULL && t->now->pid != next->pid ?
	    "reqd was started anew: rates follow with the next sample" : NULL;
	t->now = topsample_free(t->now);
	t->now = next;
	topsample_sort(next, t->view.key);
	return 0;
}

/* ------------------------------------------------------------- terminal --- */

static bool
show(struct top *t)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(0);

	t->view.rows = topterminal_rows();
	topscreen_write(&b, t->now, &t->view);
	return topterminal_show(buf_slice(&b));
}

/* Does what a key asks for. False: the end. */
static bool
take_key(struct top *t, int key)
{
	static const char keys[] = "nrbwf59";
	const char *found = key > 0 ? strchr(keys, key) : NULL;

	if (key < 0 || key == 'q' || key == 'Q')
		return false;
	if (found != NULL) {
		t->view.key = (enum top_key)(found - keys);
		if (t->now != NULL)
			topsample_sort(t->now, t->view.key);
	}
	return true;
}

/* Waits for keys until the next sample is due. False: the end. */
static bool
wait_for_keys(struct top *t, uint64_t due_usec)
{
	for (uint64_t now = clock_usec(); now < due_usec; now = clock_usec()) {
		int key = topterminal_key((int)((due_usec - now) / USEC_PER_MSEC) + 1);

		if (!take_key(t, key))
			return false;
		if (clock_usec() < due_usec && !show(t))
			return false;
	}
	return true;
}

static int
run_on_terminal(struct top *t)
{
	uint64_t due;

	if (!topterminal_open()) {
		ctl_message(&t->ctl, "the terminal cannot be used: %s; --once prints a table",
		    strerror(errno));
		return STATUS_LOCAL;
	}
	/* Messages would stand in the middle of the screen. */
	t->ctl.quiet = true;
	do {
		if (top_step(t) != 0)
			t->view.note = "no answer from reqd, trying again | q quit";
		due = clock_usec() + t->interval_ms * USEC_PER_MSEC;
	} while (show(t) && wait_for_keys(t, due) && !is_over(t));
	topterminal_close();
	return 0;
}

/* ----------------------------------------------------------------- pipe --- */

static void
print(struct top *t)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(0);

	if (t->ctl.json) {
		json_t *j = topsample_json(t->now);

		(void)json_dumpf(j, stdout, JSON_COMPACT | JSON_REAL_PRECISION(6));
		json_decref(j);
		(void)fputc('\n', stdout);
		return;
	}
	topscreen_write(&b, t->now, &t->view);
	(void)fwrite(buf_data(&b), 1, buf_len(&b), stdout);
}

/* Prints each sample that has one before it. */
static int
run_in_pipe(struct top *t)
{
	bool is_known = false, is_first = true, is_quiet = t->ctl.quiet;

	while (!is_over(t)) {
		int r = top_step(t);

		/* A server that has answered before is waited for, and one message says so. */
		if (r != 0 && !is_known)
			return r;
		is_known = true;
		t->ctl.quiet = is_quiet || r != 0;
		if (r == 0 && t->now->interval_usec > 0) {
			if (!is_first && !t->ctl.json)
				(void)fputc('\n', stdout);
			is_first = false;
			print(t);
			if (fflush(stdout) != 0 || t->ctl.once)
				return 0;
		} else if (r != 0 && t->ctl.once) {
			return r;
		}
		(void)poll(NULL, 0, (int)t->interval_ms);
	}
	return 0;
}

static int
top_run(struct ctl *ctl, size_t n, char **words)
{
	CLEANUP(top_done) struct top t = { .ctl = *ctl, .view.key = TOP_BY_RATE };

	(void)n;
	(void)words;
	/* The end of all, not of a question. */
	t.end_usec = ctl->timeout_ms != 0 ? ctl->due_usec : 0;
	t.ctl.timeout_ms = 0;
	t.interval_ms = ctl->interval_ms != 0 ? ctl->interval_ms : DEFAULT_MS;
	if (t.interval_ms < LEAST_MS || t.interval_ms > 3600 * 1000)
		return ctl_usage(ctl, "option -d: 0.1 to 3600 seconds");
	t.view.is_utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
	t.is_terminal = ctl->out_tty && isatty(STDIN_FILENO) == 1 && !ctl->once && !ctl->json;
	if (!t.is_terminal)
		return run_in_pipe(&t);
	/* A server that is not there at all is an error like that of any other verb. */
	n = (size_t)top_step(&t);
	return n != 0 ? (int)n : run_on_terminal(&t);
}

static const struct ctl_opt options[] = {
	{ .letter = 'd', .name = "delay", .arg = "SECONDS", .kind = OPT_SECONDS,
	    .offset = offsetof(struct ctl, interval_ms), .help = "time between two looks (1)" },
	{ .name = "once", .kind = OPT_FLAG, .offset = offsetof(struct ctl, once),
	    .help = "print one table, of one such time, and end" },
};

const struct ctl_cmd cmd_top = {
	.name = "top",
	.synopsis = "",
	.summary = "watch services, workers and pools (control socket)",
	.details =
	    "Rates, P50 and P99 are of the time since the last look. Keys sort: n name,\n"
	    "r rate, b running, w waiting, f failed, 5 p50, 9 p99; q ends. A letter behind a\n"
	    "name: D drained, P paused, ! out of order. Without a terminal tables follow each\n"
	    "other; with --json there is one object in each line.\n",
	.options = options,
	.n_options = ARRAY_LEN(options),
	.run = top_run,
};
