/* SPDX-License-Identifier: ISC */
/* Words for the end of a process, or for a start that failed. */
#include "config.h"

#include "ipc/death.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "ipc/frame.h"

static const char *
stage_name(unsigned stage)
{
	static const char *const names[STAGE_N] = {
		[STAGE_NONE] = "?",
		[STAGE_FORK] = "fork",
		[STAGE_SESSION] = "its session",
		[STAGE_CGROUP] = "its control group",
		[STAGE_STDIO] = "its standard descriptors",
		[STAGE_LIMITS] = "its limits",
		[STAGE_USER] = "its account",
		[STAGE_VERIFY] = "the check of its account",
		[STAGE_DIRECTORY] = "its directory",
		[STAGE_JOB] = "its arguments",
		[STAGE_EXEC] = "its program",
		[STAGE_INTERPRETER] = "the interpreter of its program",
		[STAGE_SANDBOX] = "its sandbox",
		[STAGE_SECRET] = "the files of its secret arguments",
	};

	return stage < STAGE_N ? names[stage] : "?";
}

/* Advice on a failed step: a look at the configuration, or the commonest mistake. */
static const char *
stage_hint(unsigned stage, int error)
{
	if (stage == STAGE_EXEC && error == ENOEXEC)
		return " (a script begins with #!)";
	if (stage == STAGE_EXEC || stage == STAGE_DIRECTORY || stage == STAGE_SANDBOX)
		return " (try 'reqctl reload --check')";
	return "";
}

void
death_describe_start(unsigned stage, int error, char *ret, size_t len)
{
	(void)snprintf(ret, len, "%s: %s%s", stage_name(stage), strerror(error),
	    stage_hint(stage, error));
}

void
death_describe(const struct death *d, char *ret, size_t len)
{
	const char *when = d->was_proven ? "" : " before its first answer";
	char why[128];

	if (d->stage > STAGE_NONE && d->stage < STAGE_N) {
		death_describe_start((unsigned)d->stage, d->error, why, sizeof(why));
		(void)snprintf(ret, len, "could not be started: %s", why);
	} else if (d->status == DEATH_SILENT) {
		(void)snprintf(ret, len, "did not answer within start-timeout (%" PRIu32 "%s)",
		    d->within_ms % 1000 == 0 ? d->within_ms / 1000 : d->within_ms,
		    d->within_ms % 1000 == 0 ? "s" : "ms");
	} else if (d->status == DEATH_BROKEN) {
		(void)snprintf(ret, len, "wrote what is no reply (channel = fd3 keeps replies apart)");
	} else if (d->status == DEATH_ENDED) {
		(void)snprintf(ret, len, "ended%s", when);
	} else if (WIFSIGNALED(d->status)) {
		(void)snprintf(ret, len, "ended by signal %d%s", WTERMSIG(d->status), when);
	} else if (WEXITSTATUS(d->status) != 0 || !d->was_proven) {
		(void)snprintf(ret, len, "exit status %d%s", WEXITSTATUS(d->status), when);
	} else {
		(void)snprintf(ret, len, "of no more use");
	}
}

/* Appends it to ret, without bytes that a line of a log cannot have. */
static void
append_words(char *ret, const char *before, const char *text, size_t size)
{
	size_t n = strlen(ret);
	char *at = ret + n;

	if (memchr(text, '\0', size) == NULL || *text == '\0')
		return;
	(void)snprintf(at, DEATH_TEXT - n, "%s'%s'", before, text);
	for (; *at != '\0'; at++) {
		if ((unsigned char)*at < ' ' || *at == 0x7f)
			*at = '?';
	}
}

void
death_describe_words(const struct death *d, const struct death_words *words,
    char ret[static DEATH_TEXT])
{
	death_describe(d, ret, DEATH_TEXT / 2);
	if (d->status == DEATH_BROKEN)
		append_words(ret, ": ", words->wrote, sizeof(words->wrote));
	append_words(ret, "; its last line on stderr: ", words->line, sizeof(words->line));
}

void
death_describe_outage(const struct death *d, uint64_t in_usec, char ret[static OUTAGE_TEXT])
{
	char how[160], when[48] = "now";

	death_describe(d, how, sizeof(how));
	if (in_usec >= USEC_PER_SEC)
		(void)snprintf(when, sizeof(when), "in %" PRIu64 " s",
		    (in_usec + USEC_PER_SEC - 1) / USEC_PER_SEC);
	else if (in_usec > 0)
		(void)snprintf(when, sizeof(when), "in less than 1 s");
	(void)snprintf(ret, OUTAGE_TEXT, "its handler does not stay up: %s; tried again %s", how,
	    when);
}
