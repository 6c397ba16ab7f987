/* SPDX-License-Identifier: ISC */
/* reqctl help: prints the verbs, or the options of one verb. */
#include "config.h"

#include <stdio.h>

#include "ctl/ctl.h"
#include "ctl/options.h"

static void
print_options(const struct ctl_opt *options, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct ctl_opt *o = &options[i];
		char left[64];

		(void)snprintf(left, sizeof(left), "%c%c%s --%s%s%s", o->letter != 0 ? '-' : ' ',
		    o->letter != 0 ? o->letter : ' ', o->letter != 0 ? "," : " ", o->name,
		    o->arg != NULL ? " " : "", o->arg != NULL ? o->arg : "");
		(void)printf("  %-22s %s\n", left, o->help);
	}
}

static void
print_reqctl(const struct ctl *ctl)
{
	(void)printf("Usage: reqctl [OPTION]... VERB [ARGUMENT]...\n\n");
	for (size_t i = 0; i < ctl->n_verbs; i++) {
		const struct ctl_cmd *c = ctl->verbs[i];
		char left[64];

		if (c->hidden)
			continue;
		(void)snprintf(left, sizeof(left), "%s %s", c->name, c->synopsis);
		(void)printf("  %-22s %s\n", left, c->summary);
	}
	(void)printf("\n");
	print_options(options_general, options_n_general);
	(void)printf("%s\n", "Server: -s, else $REQD_SERVER, else this machine's. More: help VERB, reqctl(1).");
}

/* The names of the general options; a verb's own help has no room for more. */
static void
print_general(void)
{
	int at = 0;

	(void)printf("General options, which 'reqctl help' explains:\n");
	for (size_t i = 0; i < options_n_general; i++) {
		const struct ctl_opt *o = &options_general[i];
		char word[32];
		int len = o->letter != 0 ? snprintf(word, sizeof(word), "-%c", o->letter) :
		    snprintf(word, sizeof(word), "--%s", o->name);

		if (at > 0 && at + 1 + len > 79)
			at = printf("\n%s", word) - 1;
		else
			at += printf("%s%s", at > 0 ? " " : "", word);
	}
	(void)printf("\n");
}

static void
print_verb(const struct ctl_cmd *c)
{
	(void)printf("Usage: reqctl [OPTION]... %s%s%s%s\n\n%s\n", c->name,
	    c->n_options > 0 ? " [OPTION]..." : "", *c->synopsis != '\0' ? " " : "",
	    c->synopsis, c->summary);
	if (c->details != NULL)
		(void)printf("\n%s", c->details);
	if (c->n_options > 0) {
		(void)printf("\n");
		print_options(c->options, c->n_options);
	}
	(void)printf("\n");
	print_general();
}

static int
help_run(struct ctl *ctl, size_t n, char **words)
{
	const struct ctl_cmd *cmd;

	if (n == 0) {
		print_reqctl(ctl);
		return 0;
	}
	cmd = options_find_verb(ctl, words[0]);
	if (cmd == NULL)
		return options_unknown_verb(ctl, words[0]);
	print_verb(cmd);
	return 0;
}

const struct ctl_cmd cmd_help = {
	.name = "help",
	.synopsis = "[VERB]",
	.summary = "print this help, or that of a verb",
	.max_words = 1,
	.words = CTL_WORDS_VERB,
	.is_help = true,
	.run = help_run,
};
