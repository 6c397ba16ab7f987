/* SPDX-License-Identifier: ISC */
/* reqctl kill: ends requests by their ids, over the control socket. */
#include "config.h"

#include <string.h>

#include "base/cleanup.h"
#include "ctl/ctl.h"
#include "ctl/outjson.h"
#include "ctl/remote.h"

static int
kill_one(const struct ctl *ctl, struct reqd *c, const char *id, json_t *report)
{
	const char *request[] = { "KILL", id };
	CLEANUP(reqd_value_freep) struct reqd_value *v = NULL;
	int status = remote_ask(ctl, c, id, &v, 2, request);
	bool killed;

	if (status != 0)
		return status;
	if (reqd_value_kind(v) != REQD_INTEGER)
		return remote_nonsense(ctl, c, "KILL");
	killed = reqd_value_integer(v) == 1;
	(void)json_array_append_new(report, json_pack("{s:o, s:b}",
	    "id", out_json_bytes(id, strlen(id)), "killed", killed));
	if (killed)
		return 0;
	ctl_message(ctl, "%s: no such request is running", id);
	return STATUS_REFUSED;
}

static int
kill_run(struct ctl *ctl, size_t n, char **words)
{
	CLEANUP(reqd_freep) struct reqd *c = NULL;
	CLEANUP(json_freep) json_t *report = ctl_need(json_array());
	int status = remote_control(ctl, &c);

	if (status != 0)
		return status;
	for (size_t i = 0; i < n; i++) {
		int one = kill_one(ctl, c, words[i], report);

		if (one != 0)
			status = one;
	}
	if (ctl->json)
		out_json(ctl, TAKE_PTR(report));
	return status;
}

const struct ctl_cmd cmd_kill = {
	.name = "kill",
	.synopsis = "ID...",
	.summary = "end requests and their programs (control socket)",
	.details = "ID is the id of a request, as 'reqctl ps' shows it.\n",
	.min_words = 1,
	.max_words = CTL_ANY_WORDS,
	.words = CTL_WORDS_REQUEST,
	.run = kill_run,
};
