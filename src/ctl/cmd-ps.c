/* SPDX-License-Identifier: ISC */
/* reqctl ps: prints the requests that wait or run. */
#include "config.h"

#include <string.h>

#include "base/cleanup.h"
#include "ctl/ctl.h"
#include "ctl/out.h"
#include "ctl/outjson.h"
#include "ctl/outtable.h"
#include "ctl/remote.h"

/*
 * Collects the lines of all workers: each element of the reply is the text of
 * one worker, with one JSON object a line. No other process has checked a line,
 * so a wrong line is left out and the others are kept. Returns the number of
 * lines left out.
 */
static size_t
collect_lines(json_t *list, const struct reqd_value *v)
{
	size_t len, n_bad = 0;
	const char *p = reqd_value_data(v, &len);

	while (len > 0) {
		const char *end = memchr(p, '\n', len);
		size_t n = end != NULL ? (size_t)(end - p) : len;

		if (n > 0) {
			json_t *row = remote_json(p, n);

			if (row != NULL)
				(void)json_array_append_new(list, row);
			else
				n_bad++;
		}
		n += end != NULL;
		p += n;
		len -= n;
	}
	return n_bad;
}

/* The worker of a call: its number, or "web 0" for one that speaks HTTP. */
static const char *
worker_text(const json_t *row, char ret[static OUT_NUMBER + 4])
{
	bool is_web = json_is_true(json_object_get(row, "web"));

	if (is_web)
		memcpy(ret, "web ", 4);
	(void)out_count(out_json_number(row, "worker"), ret + (is_web ? 4 : 0));
	return ret;
}

static const char *
arguments_text(const json_t *row, char **ret_own)
{
	const json_t *v = json_object_get(row, "arguments");

	if (v == NULL || json_is_string(v))
		return out_json_text(row, "arguments");
	*ret_own = ctl_need(json_dumps(v, JSON_ENCODE_ANY));
	return *ret_own;
}

static void
print_table(const struct ctl *ctl, const json_t *list)
{
	static const struct out_column columns[] = {
		{ .name = "ID" }, { .name = "AGE", .right = true }, { .name = "STATE" },
		{ .name = "SERVICE" }, { .name = "CALLER" }, { .name = "PEER", .cut = true },
		{ .name = "WORKER", .right = true }, { .name = "WAITED", .right = true },
		{ .name = "FOR" }, { .name = "ARGUMENTS", .cut = true },
	};
	struct out_table *t = out_table_new(ctl, OUT_TABLE_ON_TERMINAL, columns,
	    ARRAY_LEN(columns));
	const json_t *row;
	size_t i;

	json_array_foreach((json_t *)list, i, row) {
		CLEANUP_FREE char *own = NULL;
		int64_t usec = out_json_number(row, "age_usec");
		int64_t waited = out_json_number(row, "waited_usec");
		char age[OUT_NUMBER], worker[OUT_NUMBER + 4], wait[OUT_NUMBER];

		out_table_row(t, (const char *const[]){ out_json_text(row, "id"),
		    out_duration(usec > 0 ? (uint64_t)usec : 0, age),
		    out_json_text(row, "state"), out_json_text(row, "service"),
		    out_json_text(row, "caller"), out_json_text(row, "peer"),
		    worker_text(row, worker),
		    waited > 0 ? out_duration((uint64_t)waited, wait) : "-",
		    json_object_get(row, "waits_for") != NULL ?
		    out_json_text(row, "waits_for") : "-",
		    arguments_text(row, &own) });
	}
	out_table_end(t);
}

static int
ps_run(struct ctl *ctl, size_t n, char **words)
{
	static const char *const request[] = { "PS" };
	CLEANUP(reqd_freep) struct reqd *c = NULL;
	CLEANUP(reqd_value_freep) struct reqd_value *v = NULL;
	CLEANUP(json_freep) json_t *list = ctl_need(json_array());
	int status = remote_control(ctl, &c);
	size_t n_bad = 0;

	(void)n;
	(void)words;
	if (status == 0)
		status = remote_ask(ctl, c, NULL, &v, 1, request);
	if (status != 0)
		return status;
	if (reqd_value_kind(v) != REQD_ARRAY)
		return remote_nonsense(ctl, c, "PS");
	for (size_t i = 0; i < reqd_value_count(v); i++)
		n_bad += collect_lines(list, reqd_value_at(v, i));
	if (n_bad > 0)
		ctl_message(ctl, "%zu invalid line%s of a worker left out", n_bad,
		    n_bad == 1 ? "" : "s");
	if (ctl->json)
		out_json(ctl, TAKE_PTR(list));
	else if (ctl->out_tty && json_array_size(list) == 0)
		ctl_message(ctl, "no request runs or waits");
	else
		print_table(ctl, list);
	return 0;
}

const struct ctl_cmd cmd_ps = {
	.name = "ps",
	.synopsis = "",
	.summary = "show the requests that run or wait (control socket)",
	.run = ps_run,
};
