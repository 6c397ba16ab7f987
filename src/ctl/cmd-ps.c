/* SPDX-License-Identifier: ISC */
/* reqctl ps: prints the requests that wait or run. */
#include "config.h"

#include <string.h>

#include "base/cleanup.h"
#include "ctl/calllist.h"
#include "ctl/ctl.h"
#include "ctl/out.h"
#include "ctl/outjson.h"
#include "ctl/outtable.h"
#include "ctl/remote.h"

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
	CLEANUP(reqd_freep) struct reqd *c = NULL;
	CLEANUP(json_freep) json_t *list = NULL;
	int status = remote_control(ctl, &c);
	size_t n_bad = 0;

	if (status == 0)
		status = calllist_ask(ctl, c, n > 0 ? words[0] : NULL, &list, &n_bad);
	if (status != 0)
		return status;
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
	.synopsis = "[SERVICE]",
	.summary = "show the requests that run or wait (control socket)",
	.max_words = 1,
	.words = CTL_WORDS_SERVICE,
	.run = ps_run,
};
