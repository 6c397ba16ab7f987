/* SPDX-License-Identifier: ISC */
/* reqctl log-level: logs more, or less, for some time; over the control socket. */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "ctl/ctl.h"
#include "ctl/out.h"
#include "ctl/outjson.h"
#include "ctl/remote.h"

static int
log_level_run(struct ctl *ctl, size_t n, char **words)
{
	char time[32];
	const char *request[] = { "LOG-LEVEL", words[0], time };
	CLEANUP(reqd_freep) struct reqd *c = NULL;
	CLEANUP(json_freep) json_t *j = NULL;
	char text[OUT_NUMBER];
	int status = remote_control(ctl, &c);

	(void)n;
	(void)snprintf(time, sizeof(time), "--for=%" PRIu64, ctl->for_ms);
	if (status == 0)
		status = remote_ask_json(ctl, c, NULL, &j, ctl->for_ms > 0 ? 3 : 2, request);
	if (status != 0)
		return status;
	if (!json_is_true(json_object_get(j, "ok"))) {
		const json_t *e = json_array_get(json_object_get(j, "errors"), 0);

		ctl_message(ctl, "%s", out_json_text(e, "text"));
		return STATUS_REFUSED;
	}
	if (ctl->json) {
		out_json(ctl, json_incref(j));
		return 0;
	}
	(void)printf("log level ");
	out_word(words[0]);
	if (ctl->for_ms > 0)
		(void)printf(", for %s", out_duration(ctl->for_ms * USEC_PER_MSEC, text));
	(void)printf("\n");
	return 0;
}

static const char *const levels[] = { "debug", "info", "notice", "warning", "err", "crit", "alert",
	"emerg", "configured", NULL };

static const struct ctl_opt options[] = {
	{ .name = "for", .arg = "TIME", .kind = OPT_SECONDS, .offset = offsetof(struct ctl, for_ms),
	    .help = "take it back after this time, such as 10m" },
};

const struct ctl_cmd cmd_log_level = {
	.name = "log-level",
	.synopsis = "LEVEL",
	.summary = "log more or less for a while (control socket)",
	.details =
	    "LEVEL is emerg, alert, crit, err, warning, notice, info or debug, or configured:\n"
	    "what the files say. It lasts over reloads, not over a restart.\n",
	.options = options,
	.n_options = ARRAY_LEN(options),
	.min_words = 1,
	.max_words = 1,
	.words = CTL_WORDS_CHOICE,
	.choices = levels,
	.run = log_level_run,
};
