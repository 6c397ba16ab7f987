/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <stdlib.h>

#include "ctl/cmd.h"

static int
help_run(struct ctl *ctl, size_t n, char **words)
{
	const struct ctl_cmd *cmd;

	if (n == 0) {
		ctl_print_help();
		return 0;
	}
	cmd = ctl_find_cmd(words[0]);
	if (cmd == NULL)
		return ctl_unknown_verb(ctl, words[0]);
	ctl_print_cmd_help(cmd);
	return 0;
}

const struct ctl_cmd cmd_help = {
	.name = "help",
	.synopsis = "[VERB]",
	.summary = "explain reqctl, or a verb",
	.max_words = 1,
	.words = CTL_WORDS_VERB,
	.run = help_run,
};
