/* SPDX-License-Identifier: ISC */
/* reqctl list: prints the services that the caller may call. */
#include "config.h"

#include "base/cleanup.h"
#include "ctl/ctl.h"
#include "ctl/outjson.h"
#include "ctl/outtable.h"
#include "ctl/remote.h"

static void
print_json(const struct ctl *ctl, const struct reqd_value *map)
{
	json_t *list = ctl_need(json_array());

	for (size_t i = 0; i + 1 < reqd_value_count(map); i += 2)
		(void)json_array_append_new(list, json_pack("{s:o, s:o}",
		    "name", out_json_value(reqd_value_at(map, i)),
		    "summary", out_json_value(reqd_value_at(map, i + 1))));
	out_json(ctl, list);
}

static void
print_table(const struct ctl *ctl, const struct reqd_value *map)
{
	static const struct out_column columns[] = {
		{ .name = "SERVICE" }, { .name = "SUMMARY", .cut = true },
	};
	struct out_table *t = out_table_new(ctl, OUT_TABLE_ON_TERMINAL, columns,
	    ARRAY_LEN(columns));

	for (size_t i = 0; i + 1 < reqd_value_count(map); i += 2) {
		CLEANUP_FREE char *name = remote_text(reqd_value_at(map, i));
		CLEANUP_FREE char *summary = remote_text(reqd_value_at(map, i + 1));

		out_table_row(t, (const char *const[]){ name, summary });
	}
	out_table_end(t);
}

static void
print_nothing(const struct ctl *ctl, const char *pattern)
{
	if (pattern == NULL)
		ctl_message(ctl, "you may call no service");
	else
		ctl_message(ctl, "you may call no service that matches '%s'", pattern);
}

static int
list_run(struct ctl *ctl, size_t n, char **words)
{
	const char *request[] = { "SERVICES", n > 0 ? words[0] : NULL };
	CLEANUP(reqd_freep) struct reqd *c = NULL;
	CLEANUP(reqd_value_freep) struct reqd_value *map = NULL;
	int status = remote_connect(ctl, &c);

	if (status == 0)
		status = remote_ask(ctl, c, NULL, &map, n > 0 ? 2 : 1, request);
	if (status != 0)
		return status;
	if (reqd_value_kind(map) != REQD_MAP)
		return remote_nonsense(ctl, c, "SERVICES");
	if (ctl->json)
		print_json(ctl, map);
	else if (ctl->out_tty && reqd_value_count(map) == 0)
		print_nothing(ctl, n > 0 ? words[0] : NULL);
	else
		print_table(ctl, map);
	return 0;
}

const struct ctl_cmd cmd_list = {
	.name = "list",
	.synopsis = "[PATTERN]",
	.summary = "list the services you may call",
	.details = "PATTERN may contain * and ?. Without a terminal, a line is: name, tab, summary.\n",
	.max_words = 1,
	.run = list_run,
};
