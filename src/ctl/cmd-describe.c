/* SPDX-License-Identifier: ISC */
/* reqctl describe: prints what a service is and which arguments it takes. */
#include "config.h"

#include "base/cleanup.h"
#include "ctl/ctl.h"
#include "ctl/description.h"
#include "ctl/remote.h"

static int
describe_run(struct ctl *ctl, size_t n, char **words)
{
	const char *request[] = { "DESCRIBE", words[0] };
	CLEANUP(reqd_freep) struct reqd *c = NULL;
	CLEANUP(json_freep) json_t *description = NULL;
	int status = remote_connect(ctl, &c);

	(void)n;
	if (status == 0)
		status = remote_ask_json(ctl, c, words[0], &description, 2, request);
	if (status == 0)
		description_print(ctl, description);
	return status;
}

const struct ctl_cmd cmd_describe = {
	.name = "describe",
	.synopsis = "SERVICE",
	.summary = "show arguments and limits of a service",
	.min_words = 1,
	.max_words = 1,
	.words = CTL_WORDS_SERVICE,
	.run = describe_run,
};
