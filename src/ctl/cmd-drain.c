/* SPDX-License-Identifier: ISC */
/*
 * reqctl drain, pause, resume: new calls of services are refused, or wait, or run again;
 * over the control socket.
 */
#include "config.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "ctl/calllist.h"
#include "ctl/ctl.h"
#include "ctl/out.h"
#include "ctl/outjson.h"
#include "ctl/remote.h"

/* Time between two looks at what still runs. */
#define FIRST_LOOK_MS 50
#define LONGEST_LOOK_MS 1000

/* Exit status when -t is over and something still runs. */
#define STATUS_WAITED 240

/* ----------------------------------------------------------------- wait --- */

/* Requests of the list that are to end. Those of a paused service that wait may go on waiting. */
static size_t
count_calls(const json_t *list, bool also_waiting)
{
	const json_t *row;
	size_t i, n = 0;

	json_array_foreach((json_t *)list, i, row)
		n += also_waiting || strcmp(out_json_text(row, "state"), "waiting") != 0;
	return n;
}

/*
 * Counts what runs of a service by the list of workers and by what the broker says, which
 * knows of programs whose request has ended already. 0 or an exit status.
 */
static int
count_service(const struct ctl *ctl, struct reqd *c, const char *name, const json_t *status,
    bool also_waiting, size_t *ret)
{
	CLEANUP(json_freep) json_t *list = NULL;
	const json_t *s;
	size_t n_bad = 0, i;
	int r = calllist_ask(ctl, c, name, &list, &n_bad);

	if (r != 0)
		return r;
	*ret += count_calls(list, also_waiting) + n_bad;
	json_array_foreach(json_object_get(status, "services"), i, s) {
		int64_t running = out_json_number(s, "running");

		if (strcasecmp(out_json_text(s, "name"), name) == 0 && *ret == 0 && running > 0)
			*ret += (size_t)running;
	}
	return 0;
}

static int
count_all(const struct ctl *ctl, struct reqd *c, const json_t *status, bool also_waiting,
    size_t *ret)
{
	CLEANUP(json_freep) json_t *list = NULL;
	const json_t *s;
	size_t n_bad = 0, n_running = 0, i;
	int r = calllist_ask(ctl, c, NULL, &list, &n_bad);

	if (r != 0)
		return r;
	json_array_foreach(json_object_get(status, "services"), i, s) {
		int64_t running = out_json_number(s, "running");

		n_running += running > 0 ? (size_t)running : 0;
	}
	*ret = count_calls(list, also_waiting) + n_bad;
	if (*ret == 0)
		*ret = n_running;
	return 0;
}

/* Waits until nothing of the services runs. 0 or an exit status. */
static int
wait_until_idle(struct ctl *ctl, struct reqd *c, size_t n, char **words, bool also_waiting)
{
	int ms = FIRST_LOOK_MS;
	bool is_told = false;

	for (;;) {
		static const char *const request[] = { "STATUS" };
		CLEANUP(json_freep) json_t *status = NULL;
		size_t n_left = 0;
		int r = remote_ask_json(ctl, c, NULL, &status, 1, request);

		if (r == 0 && n == 0)
			r = count_all(ctl, c, status, also_waiting, &n_left);
		for (size_t i = 0; i < n && r == 0 && n_left == 0; i++)
			r = count_service(ctl, c, words[i], status, also_waiting, &n_left);
		if (r != 0 || n_left == 0)
			return r;
		if (!is_told && ctl->err_tty)
			ctl_message(ctl, "waiting for what still runs");
		is_told = true;
		if (ctl->timeout_ms != 0 && (uint64_t)ms > remote_ms_left(ctl))
			ms = (int)remote_ms_left(ctl);
		(void)poll(NULL, 0, ms);
		if (ctl->timeout_ms != 0 && clock_usec() >= ctl->due_usec) {
			ctl_message(ctl, "the time is over, and calls still run; 'reqctl ps' shows them");
			return STATUS_WAITED;
		}
		ms = ms * 2 < LONGEST_LOOK_MS ? ms * 2 : LONGEST_LOOK_MS;
	}
}

/* --------------------------------------------------------------- change --- */

/* Asks for the change. 0 with the answer, or an exit status. */
static int
ask(const struct ctl *ctl, struct reqd *c, const char *verb, size_t n, char **words,
    json_t **ret)
{
	CLEANUP_FREE const char **request = ctl_need(calloc(n + 3, sizeof(*request)));
	CLEANUP_FREE char *text = NULL;
	size_t argc = 0;

	request[argc++] = verb;
	if (ctl->text != NULL && asprintf(&text, "--text=%s", ctl->text) < 0)
		(void)ctl_need(NULL);
	if (text != NULL)
		request[argc++] = text;
	for (size_t i = 0; i < n; i++)
		request[argc++] = words[i];
	if (n == 0)
		request[argc++] = "--all";
	return remote_ask_json(ctl, c, NULL, ret, argc, request);
}

static void
print_change(const char *what, size_t n, char **words)
{
	if (n == 0)
		(void)printf("all services: %s\n", what);
	for (size_t i = 0; i < n; i++) {
		out_word(words[i]);
		(void)printf(": %s\n", what);
	}
}

static int
change(struct ctl *ctl, const char *verb, const char *what, size_t n, char **words)
{
	CLEANUP(reqd_freep) struct reqd *c = NULL;
	CLEANUP(json_freep) json_t *j = NULL;
	int status;

	if (n == 0 && !ctl->all)
		return ctl_usage(ctl, "%s needs SERVICE... or --all", ctl->cmd->name);
	if (n > 0 && ctl->all)
		return ctl_usage(ctl, "--all stands for all services: name none");
	status = remote_control(ctl, &c);
	if (status == 0)
		status = ask(ctl, c, verb, n, words, &j);
	if (status != 0)
		return status;
	if (!json_is_true(json_object_get(j, "ok"))) {
		const json_t *e;
		size_t i;

		json_array_foreach(json_object_get(j, "errors"), i, e)
			ctl_message(ctl, "%s", out_json_text(e, "text"));
		ctl_message(ctl, "nothing was changed");
		return STATUS_REFUSED;
	}
	if (ctl->wait)
		status = wait_until_idle(ctl, c, n, words, strcmp(verb, "DRAIN") == 0);
	if (ctl->json)
		out_json(ctl, json_incref(j));
	else if (status == 0)
		print_change(what, n, words);
	return status;
}

static int
drain_run(struct ctl *ctl, size_t n, char **words)
{
	return change(ctl, "DRAIN", "drained, new calls are refused", n, words);
}

static int
pause_run(struct ctl *ctl, size_t n, char **words)
{
	return change(ctl, "PAUSE", "paused, new calls wait", n, words);
}

static int
resume_run(struct ctl *ctl, size_t n, char **words)
{
	return change(ctl, "RESUME", "open", n, words);
}

static const struct ctl_opt options[] = {
	{ .name = "all", .kind = OPT_FLAG, .offset = offsetof(struct ctl, all),
	    .help = "all services, also those that come by a reload" },
	{ .name = "text", .arg = "WHY", .kind = OPT_TEXT, .offset = offsetof(struct ctl, text),
	    .help = "the reason, which callers are told; up to 79 bytes" },
	{ .name = "wait", .kind = OPT_FLAG, .offset = offsetof(struct ctl, wait),
	    .help = "return when nothing of them runs any more" },
};

#define SYNOPSIS "SERVICE...|--all"
#define LASTS \
	"It lasts over reloads and the deaths of reqd's processes, not over a restart.\n" \
	"'reqctl resume' ends it. With --wait and -t: status 240 when the time is over.\n"

const struct ctl_cmd cmd_drain = {
	.name = "drain",
	.synopsis = SYNOPSIS,
	.summary = "refuse new calls (control socket)",
	.details =
	    "New calls get the error LOADING with the text; those that wait or run go on.\n"
	    "While all services are drained PING is refused, too, so a balancer sends nobody.\n"
	    LASTS,
	.options = options,
	.n_options = ARRAY_LEN(options),
	.max_words = 250,
	.words = CTL_WORDS_SERVICES,
	.run = drain_run,
};

const struct ctl_cmd cmd_pause = {
	.name = "pause",
	.synopsis = SYNOPSIS,
	.summary = "let new calls wait (control socket)",
	.details =
	    "New calls wait in the queue of their service, within its 'queue' and\n"
	    "'queue-timeout'; those that run go on.\n"
	    LASTS,
	.options = options,
	.n_options = ARRAY_LEN(options),
	.max_words = 250,
	.words = CTL_WORDS_SERVICES,
	.run = pause_run,
};

const struct ctl_cmd cmd_resume = {
	.name = "resume",
	.synopsis = SYNOPSIS,
	.summary = "run calls again (control socket)",
	.details = "Calls that wait begin at once.\n",
	.options = options,
	.n_options = 1,
	.max_words = 250,
	.words = CTL_WORDS_SERVICES,
	.run = resume_run,
};
