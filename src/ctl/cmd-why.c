/* SPDX-License-Identifier: ISC */
/*
 * reqctl why: tells whether a call would be allowed or refused, and by which
 * rule.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "ctl/ctl.h"
#include "ctl/out.h"
#include "ctl/outjson.h"
#include "ctl/remote.h"

/*
 * Returns the outcome with which a call would be refused; REQD_FAILED for a
 * word that this reqctl does not know.
 */
static enum reqd_outcome
refusal_of(const struct reqd_value *word)
{
	struct slice s;
	int o = REQD_SIGNAL + 1;	/* outcomes up to REQD_SIGNAL mean that the
					 * program ran, so no refusal */

	s.data = reqd_value_data(word, &s.len);
	while (o < REQD_FAILED && !slice_is(s, reqd_outcome_word((enum reqd_outcome)o)))
		o++;
	return (enum reqd_outcome)o;
}

static void
print_why(const struct ctl *ctl, size_t n, char **words, const struct reqd_value *outcome,
    struct slice why)
{
	if (ctl->json) {
		out_json(ctl, json_pack("{s:o, s:o, s:o, s:o}",
		    "service", out_json_bytes(words[0], strlen(words[0])),
		    "caller", n > 1 ? out_json_bytes(words[1], strlen(words[1])) : json_null(),
		    "outcome", out_json_value(outcome), "why", out_json_bytes(why.data, why.len)));
		return;
	}
	out_text(stdout, why, OUT_LINES);
	if (why.len == 0 || why.data[why.len - 1] != '\n')
		(void)printf("\n");
}

/*
 * Returns the exit status of a refusal. Suggests another name for an unknown
 * service.
 */
static int
refused(const struct ctl *ctl, struct reqd *c, size_t n, char **words, enum reqd_outcome o)
{
	const struct reqd_result res = { .outcome = o };
	CLEANUP_FREE char *near = NULL;

	if (n == 1 && o == REQD_DENIED && !ctl->json)
		near = remote_suggest(ctl, c, words[0]);
	if (near != NULL)
		ctl_message(ctl, "did you mean '%s'?", near);
	return reqd_result_exit_status(&res);
}

/*
 * Asks the server about the caller itself, and the control socket about other
 * callers.
 */
static int
why_run(struct ctl *ctl, size_t n, char **words)
{
	const char *request[] = { "WHY", words[0], n > 1 ? words[1] : NULL, n > 2 ? words[2] : NULL };
	CLEANUP(reqd_freep) struct reqd *c = NULL;
	CLEANUP(reqd_value_freep) struct reqd_value *v = NULL;
	const struct reqd_value *why, *word;
	struct slice text;
	int status = n > 1 ? remote_control(ctl, &c) : remote_connect(ctl, &c);

	if (status == 0)
		status = remote_ask(ctl, c, words[0], &v, n + 1, request);
	if (status != 0)
		return status;
	why = reqd_value_get(v, "why");
	word = reqd_value_get(v, "outcome");
	if (reqd_value_kind(why) != REQD_BULK || word == NULL)
		return remote_nonsense(ctl, c, "WHY");
	text.data = reqd_value_data(why, &text.len);
	print_why(ctl, n, words, word, text);
	if (reqd_value_kind(word) == REQD_NULL)
		return 0;
	return refused(ctl, c, n, words, refusal_of(word));
}

const struct ctl_cmd cmd_why = {
	.name = "why",
	.synopsis = "SERVICE [CALLER]...",
	.summary = "explain why a call is allowed or denied",
	.details = "CALLER is uid:NUMBER, login:NAME or addr:ADDRESS, or a login and one of the\n"
		   "others (control socket); without it: yourself.\n"
		   "The exit status is 0 when a call is allowed, else that of the refused call: 247,\n"
		   "or 249 while the service is out of order.\n",
	.min_words = 1,
	.max_words = 3,
	.words = CTL_WORDS_SERVICE,
	.run = why_run,
};
