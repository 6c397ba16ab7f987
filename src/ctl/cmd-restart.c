/* SPDX-License-Identifier: ISC */
/*
 * reqctl restart: replaces the processes of a handler, over the control
 * socket.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "ctl/ctl.h"
#include "ctl/out.h"
#include "ctl/outjson.h"
#include "ctl/remote.h"

/* Without -t: a service whose processes take longer may be replaced for hours. */
#define PATIENCE_MS (60 * 1000)

static int
restart_run(struct ctl *ctl, size_t n, char **words)
{
	const char *request[] = { "RESTART", words[0] };
	CLEANUP(reqd_freep) struct reqd *c = NULL;
	CLEANUP(reqd_value_freep) struct reqd_value *v = NULL;
	long long replaced;
	int status;

	(void)n;
	if (ctl->timeout_ms == 0) {
		ctl->timeout_ms = PATIENCE_MS;
		ctl->due_usec = clock_usec() + PATIENCE_MS * USEC_PER_MSEC;
	}
	status = remote_control(ctl, &c);
	if (status == 0)
		status = remote_ask(ctl, c, words[0], &v, 2, request);
	if (status != 0 && reqd_error(c) == REQD_E_TIMEOUT)
		ctl_message(ctl, "%s: the server goes on replacing its processes; 'reqctl status' shows "
		    "them, and -t waits longer", words[0]);
	if (status != 0)
		return status;
	if (reqd_value_kind(v) == REQD_BULK) {
		CLEANUP_FREE char *why = remote_text(v);

		ctl_message(ctl, "%s: %s", words[0], why);
		return STATUS_REFUSED;
	}
	if (reqd_value_kind(v) != REQD_INTEGER)
		return remote_nonsense(ctl, c, "RESTART");
	replaced = (long long)reqd_value_integer(v);
	if (ctl->json) {
		out_json(ctl, json_pack("{s:o, s:I}", "service",
		    out_json_bytes(words[0], strlen(words[0])), "replaced",
		    (json_int_t)replaced));
	} else {
		out_word(words[0]);
		(void)printf(": %lld process%s replaced\n", replaced, replaced == 1 ? "" : "es");
	}
	return 0;
}

const struct ctl_cmd cmd_restart = {
	.name = "restart",
	.synopsis = "SERVICE",
	.summary = "replace the processes of a handler (control socket)",
	.details =
	    "Starts a new process; when it is up, an old one ends between two requests, and\n"
	    "so on: no call fails. Waits until all are replaced. If the new process does not\n"
	    "come up, the old ones stay, the reason is printed, and the exit status is 251.\n"
	    "After 60 seconds, or the time of -t, it waits no longer; the server goes on.\n",
	.min_words = 1,
	.max_words = 1,
	.words = CTL_WORDS_SERVICE,
	.run = restart_run,
};
