/* SPDX-License-Identifier: ISC */
/* birth: the steps of a new process from fork to exec, in the order that its rights need. */
#include "config.h"

#include "ipc/birth.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/oomscore.h"
#include "base/privilege.h"
#include "ipc/confinement.h"

static _Noreturn void
fail(const char *what, int error)
{
	(void)dprintf(STDERR_FILENO, "reqd: cannot start a process: %s: %s\n", what,
	    strerror(error));
	_exit(ROLE_EXIT_SETUP);
}

/*
 * Moves what is inherited to its fixed numbers. The sources were made above
 * those numbers, so that none is overwritten before its turn, and dup2()
 * never meets itself and keeps close-on-exec.
 */
static void
set_descriptors(const struct birth *b)
{
	const struct {
		int fd, number;
		const char *what;
	} moves[] = {
		{ open("/dev/null", O_RDONLY), STDIN_FILENO, "stdin" },
		{ b->channel, ROLE_CHANNEL_FD, "channel" },
		{ b->log, ROLE_LOG_FD, "log socket" },
		{ b->stats, ROLE_STATS_FD, "stats memory" },
	};

	if (moves[0].fd < 0)
		fail("stdin", errno);
	for (size_t i = 0; i < ARRAY_LEN(moves); i++) {
		if (moves[i].fd < 0)
			(void)close(moves[i].number);
		else if (dup2(moves[i].fd, moves[i].number) < 0)
			fail(moves[i].what, errno);
	}
	if (close_range(ROLE_N_FDS, ~0U, 0) < 0)
		fail("close_range", errno);
}

static void
lower_limit(__rlimit_resource_t resource, uint64_t most)
{
	struct rlimit l;

	if (getrlimit(resource, &l) < 0)
		fail("limits", errno);
	if (l.rlim_max > most)
		l.rlim_max = most;
	if (l.rlim_cur > l.rlim_max)
		l.rlim_cur = l.rlim_max;
	if (setrlimit(resource, &l) < 0)
		fail("limits", errno);
}

static void
set_file_limits(void)
{
	struct rlimit files;

	/* As SIGXFSZ is ignored, writing a larger file fails with an error. */
	lower_limit(RLIMIT_FSIZE, ROLE_MAX_FILE);
	if (getrlimit(RLIMIT_NOFILE, &files) < 0)
		fail("limits", errno);
	lower_limit(RLIMIT_NOFILE, role_worker_files(files.rlim_max));
}

/* Drops rights for good: nothing can give them back. */
static void
take_account(const struct identity *id)
{
	int r = id->is_set && geteuid() == 0 ?
	    privilege_drop(id->uid, id->gid, id->groups, id->n_groups) : 0;

	if (r < 0)
		fail("dropping privileges", -r);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		fail("no-new-privileges", errno);
}

void
birth(const struct birth *b)
{
	char role[32], slot[32], *argv[] = { (char *)"reqd", role, slot, NULL };
	char *journal = getenv("JOURNAL_STREAM"), env[128];
	char *envp[] = { NULL, NULL, NULL };
	size_t n_env = 0;
	struct oomscore score;
	sigset_t none;

	if (journal != NULL &&
	    (size_t)snprintf(env, sizeof(env), "JOURNAL_STREAM=%s", journal) < sizeof(env))
		envp[n_env++] = env;
	if (getenv(CONFINEMENT_TELL) != NULL)
		envp[n_env++] = (char *)CONFINEMENT_TELL "=1";
	(void)snprintf(role, sizeof(role), "--role=%s", role_name(b->kind));
	(void)snprintf(slot, sizeof(slot), "--slot=%u", b->slot);
	set_descriptors(b);
	/* Processes with a higher score go first when memory runs out. */
	oomscore_above_own(&score, b->oomscore);
	oomscore_take(&score);
	if (b->has_file_limits)
		set_file_limits();
	if (b->account != NULL)
		take_account(b->account);
	/* The change of account clears this setting, so it comes afterwards. */
	if (b->dies_with_master)
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (b->dies_with_master && getppid() != b->master)
		_exit(ROLE_EXIT_OK);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	/* Executes the file that runs now, so that a package upgrade cannot mix versions. */
	(void)execve("/proc/self/exe", argv, envp);
	fail("exec", errno);
}
