/* SPDX-License-Identifier: ISC */
/*
 * reqctl import: a file of remctl, NRPE, xinetd or webhook as a reqd.conf, on
 * standard output.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "ctl/ctl.h"
#include "ctl/import.h"

#define MAX_FILE (4u << 20)

static const struct format {
	const char *name;
	import_format_fn *read;
	const char *head;	/* comment above the sections */
} formats[] = {
	{ "remctl", import_remctl,
	    "# Callers write \"reqctl call COMMAND-SUBCOMMAND\". No value may start with '-' unless\n"
	    "# its argument says dash = yes.\n" },
	{ "nrpe", import_nrpe,
	    "# Monitoring systems run \"reqctl check SERVICE\". No value may start with '-' unless\n"
	    "# its argument says dash = yes. An address needs insecure-open = yes and a listener.\n" },
	{ "xinetd", import_xinetd,
	    "# Clients have to be reqctl or speak the protocol of reqd. A program that runs for\n"
	    "# longer than a minute needs a timeout.\n" },
	{ "webhook", import_webhook,
	    "# What a hook took out of an HTTP request is an argument here. A value may have 1024\n"
	    "# bytes unless its argument says max-length.\n" },
};

/* Reads a whole file. NULL after a message. */
static char *
read_file(const struct ctl *ctl, const char *path)
{
	bool is_stdin = strcmp(path, "-") == 0;
	CLEANUP_CLOSE int fd = is_stdin ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3) :
					  open(path, O_RDONLY | O_CLOEXEC);
	CLEANUP_FREE char *text = ctl_need(malloc(MAX_FILE + 1));
	size_t len = 0;

	while (fd >= 0 && len <= MAX_FILE) {
		ssize_t n = read(fd, text + len, MAX_FILE + 1 - len);

		if (n == 0 && memchr(text, '\0', len) != NULL) {
			ctl_message(ctl, "%s: this is no text", path);
			return NULL;
		}
		if (n == 0) {
			text[len] = '\0';
			return TAKE_PTR(text);
		}
		if (n < 0 && errno != EINTR)
			break;
		len += n > 0 ? (size_t)n : 0;
	}
	ctl_message(ctl, "%s: %s", path, len > MAX_FILE ? "larger than 4 MiB" : strerror(errno));
	return NULL;
}

static int
import_run(struct ctl *ctl, size_t n, char **words)
{
	const struct format *format = NULL;
	CLEANUP_FREE char *text = NULL;
	struct import im = { .path = words[1] };

	(void)n;
	for (size_t i = 0; i < ARRAY_LEN(formats); i++) {
		if (strcmp(formats[i].name, words[0]) == 0)
			format = &formats[i];
	}
	if (format == NULL)
		return ctl_usage(ctl, "'%s' cannot be imported, only remctl, nrpe, xinetd and webhook",
		    words[0]);
	text = read_file(ctl, words[1]);
	if (text == NULL)
		return STATUS_LOCAL;
	import_begin(&im, text);
	format->read(&im);
	if (im.error != NULL)
		ctl_message(ctl, "%s:%u: %s", im.path, im.line, im.error);
	else
		import_print(&im, format->head);
	import_end(&im);
	return im.error != NULL ? STATUS_LOCAL : 0;
}

static const char *const choices[] = { "remctl", "nrpe", "xinetd", "webhook", NULL };

const struct ctl_cmd cmd_import = {
	.name = "import",
	.synopsis = "FORMAT FILE",
	.summary = "make a reqd.conf from a file of another program",
	.details = "FORMAT is remctl, nrpe, xinetd or webhook (JSON); FILE may be - for standard\n"
		   "input. Prints sections for services.d. What has no counterpart becomes a comment\n"
		   "with the number of its line. Read all of it before you use it.\n",
	.min_words = 2,
	.max_words = 2,
	.words = CTL_WORDS_CHOICE_FILE,
	.choices = choices,
	.run = import_run,
};
