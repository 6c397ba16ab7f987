/* SPDX-License-Identifier: ISC */
/*
 * reqctl completion: prints the files of completions/, which the build has
 * turned into strings.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "ctl/ctl.h"
#include "ctl/completions.h"

static const struct shell {
	const char *name;
	const char *const *lines;
} shells[] = {
	{ "bash", completion_bash },
	{ "zsh", completion_zsh },
	{ "fish", completion_fish },
};

static int
completion_run(struct ctl *ctl, size_t n, char **words)
{
	(void)n;
	for (size_t i = 0; i < ARRAY_LEN(shells); i++) {
		if (strcmp(shells[i].name, words[0]) != 0)
			continue;
		for (const char *const *l = shells[i].lines; *l != NULL; l++)
			(void)puts(*l);
		return 0;
	}
	return ctl_usage(ctl, "there is no completion for '%s', only for bash, zsh and fish",
	    words[0]);
}

static const char *const choices[] = { "bash", "zsh", "fish", NULL };

const struct ctl_cmd cmd_completion = {
	.name = "completion",
	.synopsis = "SHELL",
	.summary = "print completions for bash, zsh or fish",
	.details = "bash: source <(reqctl completion bash)\n"
		   "zsh:  reqctl completion zsh >~/.zfunc/_reqctl\n"
		   "fish: reqctl completion fish >~/.config/fish/completions/reqctl.fish\n",
	.min_words = 1,
	.max_words = 1,
	.words = CTL_WORDS_CHOICE,
	.choices = choices,
	.run = completion_run,
};
