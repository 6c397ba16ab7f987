/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "ctl/cmd.h"
#include "ctl/out.h"
#include "ctl/remote.h"

/* The server says that there is none, or not for this caller. */
static bool
is_refusal(struct slice text)
{
	static const char start[] = "You may not call ";

	return text.len > strlen(start) && memcmp(text.data, start, strlen(start)) == 0;
}

/* About oneself the server is asked, about others the control socket. */
static int
why_run(struct ctl *ctl, size_t n, char **words)
{
	const char *request[] = { "WHY", words[0], n > 1 ? words[1] : NULL };
	CLEANUP(reqd_freep) struct reqd *c = NULL;
	CLEANUP(reqd_value_freep) struct reqd_value *v = NULL;
	CLEANUP_FREE char *near = NULL;
	struct slice text;
	int status = n > 1 ? remote_control(ctl, &c) : remote_connect(ctl, &c);

	if (status == 0)
		status = remote_ask(ctl, c, words[0], &v, n + 1, request);
	if (status != 0)
		return status;
	if (reqd_value_kind(v) != REQD_BULK)
		return remote_nonsense(ctl, c, "WHY");
	text.data = reqd_value_data(v, &text.len);
	if (ctl->json) {
		out_json(ctl, json_pack("{s:o, s:o, s:o}",
		    "service", out_json_bytes(words[0], strlen(words[0])),
		    "caller", n > 1 ? out_json_bytes(words[1], strlen(words[1])) : json_null(),
		    "why", out_json_bytes(text.data, text.len)));
		return 0;
	}
	out_text(stdout, text, OUT_LINES);
	if (text.len == 0 || text.data[text.len - 1] != '\n')
		(void)printf("\n");
	if (n == 1 && is_refusal(text))
		near = remote_suggest(ctl, c, words[0]);
	if (near != NULL)
		ctl_message(ctl, "did you mean '%s'?", near);
	return 0;
}

const struct ctl_cmd cmd_why = {
	.name = "why",
	.synopsis = "SERVICE [CALLER]",
	.summary = "explain why a call is allowed or denied",
	.details = "Without CALLER, about you. CALLER is uid:NUMBER or addr:ADDRESS; about others\n"
		   "the control socket is asked.\n",
	.min_words = 1,
	.max_words = 2,
	.words = CTL_WORDS_SERVICE,
	.run = why_run,
};
