/* SPDX-License-Identifier: ISC */
/*
 * reqctl why: tells whether a call would be allowed or refused, and by which
 * rule.
 */
#include "config.h"

#include <arpa/inet.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "ctl/answer.h"
#include "ctl/ctl.h"
#include "ctl/out.h"
#include "ctl/outjson.h"
#include "ctl/remote.h"

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
 * Writes a caller as the server knows callers: an account by its number. 0, or an exit
 * status after a message.
 */
static int
caller_of(const struct ctl *ctl, const char *word, char **ret)
{
	struct in6_addr address;
	struct passwd *account;
	int r;

	if (strncmp(word, "uid:", 4) == 0 || strncmp(word, "addr:", 5) == 0 ||
	    strncmp(word, "login:", 6) == 0 || strncmp(word, "cert:", 5) == 0) {
		*ret = ctl_need(strdup(word));
		return 0;
	}
	if (inet_pton(AF_INET, word, &address) == 1 || inet_pton(AF_INET6, word, &address) == 1) {
		r = asprintf(ret, "addr:%s", word);
	} else if (*word != '\0' && word[strspn(word, "0123456789")] == '\0') {
		r = asprintf(ret, "uid:%s", word);
	} else {
		account = getpwnam(word);
		if (account == NULL) {
			ctl_message(ctl, "there is no account '%s'; a caller is an account, uid:NUMBER, "
			    "addr:ADDRESS, login:NAME or cert:NAME", word);
			return STATUS_USAGE;
		}
		r = asprintf(ret, "uid:%u", account->pw_uid);
	}
	if (r < 0)
		(void)ctl_need(NULL);
	return 0;
}

/*
 * Asks the server about the caller itself, and the control socket about other
 * callers.
 */
static int
why_run(struct ctl *ctl, size_t n, char **words)
{
	CLEANUP_FREE char *first = NULL, *second = NULL;
	const char *request[] = { "WHY", words[0], NULL, NULL };
	CLEANUP(reqd_freep) struct reqd *c = NULL;
	CLEANUP(reqd_value_freep) struct reqd_value *v = NULL;
	const struct reqd_value *why, *word;
	struct slice text;
	int status = n > 1 ? caller_of(ctl, words[1], &first) : 0;

	if (status == 0 && n > 2)
		status = caller_of(ctl, words[2], &second);
	request[2] = first;
	request[3] = second;
	if (status == 0)
		status = n > 1 ? remote_control(ctl, &c) : remote_connect(ctl, &c);
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
	text.data = reqd_value_data(word, &text.len);
	return refused(ctl, c, n, words, answer_refusal(text));
}

const struct ctl_cmd cmd_why = {
	.name = "why",
	.synopsis = "SERVICE [CALLER]...",
	.summary = "explain why a call is allowed or denied",
	.details = "CALLER is an account, uid:NUMBER, an address, login:NAME or cert:NAME (a name of\n"
		   "a certificate, such as cert:DNS:ops.example.org), or a login or certificate and\n"
		   "one of the others (control socket); without it: yourself.\n"
		   "The exit status is 0 when a call is allowed, else that of the refused call: 247,\n"
		   "or 249 while the service is out of order.\n",
	.min_words = 1,
	.max_words = 3,
	.words = CTL_WORDS_SERVICE,
	.run = why_run,
};
