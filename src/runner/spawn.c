/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "runner/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/mark.h"
#include "base/privilege.h"
#include "base/sparse.h"
#include "ipc/frame.h"
#include "ipc/job.h"

/* In the child: the program's own channel, and the job until it runs. */
#define THIRD_FD 3
#define JOB_FD 4

int
spawner_init(struct spawner *sp, size_t n)
{
	struct rlimit raised;
	void *p;

	*sp = (struct spawner){ .null_fd = -1, .self = getpid() };
	(void)sigemptyset(&sp->no_signals);
	/* The runner has its own share of that already. */
	oomscore_above_own(&sp->oomscore, OOMSCORE_PROGRAM - OOMSCORE_RUNNER);
	/* Measured, that spares 5 to 25 us of the 900 us of CPU that a request costs. */
	sparse_libraries((uintptr_t)spawner_init);
	sp->null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (sp->null_fd < 0)
		return -errno;
	p = mmap(NULL, n * sizeof(*sp->reports), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		return -errno;
	sp->reports = p;
	if (getrlimit(RLIMIT_NOFILE, &sp->nofile) < 0)
		return -errno;
	raised = sp->nofile;
	raised.rlim_cur = raised.rlim_max;
	return setrlimit(RLIMIT_NOFILE, &raised) < 0 ? -errno : 0;
}

struct spawn_report
spawn_report_of(const struct spawner *sp, size_t slot)
{
	const volatile struct spawn_report *r = &sp->reports[slot];
	struct spawn_report copy = { r->stage, r->error };

	if (copy.stage < 0 || copy.stage >= STAGE_N)
		copy.stage = STAGE_NONE;
	return copy;
}

/* ------------------------------------------------------------ the child --- */

static void __attribute__((noreturn))
child_fail(const struct spawner *sp, const struct spawn_order *o, int stage, int error)
{
	sp->reports[o->slot] = (struct spawn_report){ stage, error };
	_exit(SPAWN_EXIT_FAILED);
}

/*
 * Into its control group, for one that could not be born there. Its parent
 * stays outside, so what it forks from here on cannot.
 */
static CHILD_CODE int
child_move(int cgroup)
{
	int fd = openat(cgroup, "cgroup.procs", O_WRONLY | O_CLOEXEC);

	return fd < 0 || write(fd, "0", 1) < 0 ? -errno : 0;
}

/* 0, 1, 2, the third and the job; all else is closed. */
static CHILD_CODE int
child_stdio(const struct spawner *sp, const struct spawn_order *o)
{
	int in = o->in >= 0 ? o->in : sp->null_fd;

	/* Nothing of ours is there, so no dup2() below covers a later source. */
	if (in <= JOB_FD || o->out <= JOB_FD || o->err <= JOB_FD || o->job <= JOB_FD ||
	    (o->third >= 0 && o->third <= JOB_FD))
		return -EBADF;
	if (dup2(in, STDIN_FILENO) < 0 || dup2(o->out, STDOUT_FILENO) < 0 ||
	    dup2(o->err, STDERR_FILENO) < 0)
		return -errno;
	if (o->third < 0)
		(void)close(THIRD_FD);
	else if (dup2(o->third, THIRD_FD) < 0)
		return -errno;
	if (dup3(o->job, JOB_FD, O_CLOEXEC) < 0)
		return -errno;
	return close_range(JOB_FD + 1, ~0U, 0) < 0 ? -errno : 0;
}

static CHILD_CODE int
child_limits(const struct spawner *sp, const struct service *s)
{
	struct rlimit none = { 0 };	/* no core file: it would hold arguments */

	if (setrlimit(RLIMIT_CORE, &none) < 0)
		return -errno;
	/* Many descriptors are for us; programs that select() want it as it was. */
	if (setrlimit(RLIMIT_NOFILE, &sp->nofile) < 0)
		return -errno;
	for (size_t i = 0; i < s->n_limits; i++) {
		struct rlimit l = { s->limits[i].value, s->limits[i].value };

		if (s->limits[i].resource < 0)
			continue;
		if (setrlimit((__rlimit_resource_t)s->limits[i].resource, &l) < 0)
			return -errno;
	}
	return 0;
}

/* 0 or -errno. */
static CHILD_CODE int
child_identity(const struct service *s)
{
	const struct identity *id = &s->run_as;

	/* The account may not be known, and the number of none means "stay what you are". */
	if (s->unavailable != NULL)
		return -EPERM;
	if (!id->is_set)
		return 0;
	/* An ordinary user can be nobody else; to pretend would be worse. */
	if (geteuid() != 0)
		return id->uid == geteuid() ? 0 : -EPERM;
	return privilege_drop(id->uid, id->gid, id->groups, id->n_groups);
}

/*
 * The story of a child from fork to exec. Nothing here allocates, looks up
 * or returns.
 */
static CHILD_CODE void __attribute__((noreturn))
child_run(const struct spawner *sp, const struct spawn_order *o, bool is_outside)
{
	static struct job job;	/* touched here only, so the runner stays small */
	const struct service *s = o->service;
	const char *path = s->handler != NULL ? s->handler[0] : s->command[0];
	int r;

	/* While there is nothing yet that could stay behind. */
	r = is_outside ? child_move(o->cgroup) : 0;
	if (r < 0)
		child_fail(sp, o, STAGE_CGROUP, -r);

	/* A session of its own: no terminal, and kill(-pid) reaches what it forks. */
	if (setsid() < 0)
		child_fail(sp, o, STAGE_SESSION, errno);

	/*
	 * All dispositions are the default since the runner started, so only
	 * the mask is left. From here on our own SIGTERM ends us, even if a
	 * step below hangs.
	 */
	(void)sigprocmask(SIG_SETMASK, &sp->no_signals, NULL);

	/* Before any code of the service could see what we have open. */
	r = child_stdio(sp, o);
	if (r < 0)
		child_fail(sp, o, STAGE_STDIO, -r);

	oomscore_take(&sp->oomscore);
	(void)umask(s->umask);

	/* While still root: a limit may be above the one we were born with. */
	mark_take(o->mark);
	r = child_limits(sp, s);
	if (r < 0)
		child_fail(sp, o, STAGE_LIMITS, -r);

	r = child_identity(s);
	if (r < 0)
		child_fail(sp, o, STAGE_USER, -r);

	/* As the service's account, for whom the directory must be open. */
	if (chdir(s->directory) < 0)
		child_fail(sp, o, STAGE_DIRECTORY, errno);

	/* No setuid program gives back what was dropped. */
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		child_fail(sp, o, STAGE_VERIFY, errno);

	/*
	 * After the change of user, which clears it. Whoever lost its parent
	 * before this line gets no signal and looks for itself.
	 */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		child_fail(sp, o, STAGE_SESSION, errno);
	if (getppid() != sp->self)
		_exit(SPAWN_EXIT_FAILED);

	/* The first look at bytes made by a client, with no rights left to lose. */
	r = job_read(JOB_FD, o->place, &job);
	if (r < 0)
		child_fail(sp, o, STAGE_JOB, -r);

	/* The path is the configuration's, whatever the job says argv[0] is. */
	(void)execve(path, job.argv, job.envp);
	r = errno;
	/* To the kernel a script without its interpreter is no file, either. */
	if (r == ENOENT && access(path, F_OK) == 0)
		child_fail(sp, o, STAGE_INTERPRETER, r);
	child_fail(sp, o, STAGE_EXEC, r);
}

/* ----------------------------------------------------------- the parent --- */

static CHILD_CODE pid_t
fork_into(int cgroup, bool *ret_is_outside)
{
	struct clone_args args = { .exit_signal = SIGCHLD };
	pid_t pid;

	*ret_is_outside = false;
	if (cgroup >= 0) {
		/* Never outside of its cgroup, not even for a moment. */
		args.flags = CLONE_INTO_CGROUP;
		args.cgroup = (uint64_t)cgroup;
	}
	pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));
	/*
	 * Containers refuse what they do not know, and RestrictNamespaces= of
	 * systemd what it cannot look into. To move costs a request that comes
	 * alone some milliseconds: the kernel waits for all CPUs.
	 */
	if (pid < 0 && errno == ENOSYS) {
		*ret_is_outside = cgroup >= 0;
		pid = _Fork();
	}
	return pid;
}

CHILD_CODE pid_t
spawn(const struct spawner *sp, const struct spawn_order *o)
{
	bool is_outside;
	pid_t pid;

	sp->reports[o->slot] = (struct spawn_report){ 0 };
	pid = fork_into(o->cgroup, &is_outside);
	if (pid == 0)
		child_run(sp, o, is_outside);
	return pid < 0 ? -errno : pid;
}
