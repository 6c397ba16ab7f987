/* SPDX-License-Identifier: ISC */
/* Forks a child and makes it the program of a service. */
#include "config.h"

#include "runner/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/mark.h"
#include "base/privilege.h"
#include "base/removetree.h"
#include "base/sparse.h"
#include "base/temporary.h"
#include "ipc/frame.h"
#include "ipc/job.h"

/* Numbers in the child: the program's own channel, and the job until the program runs. */
#define THIRD_FD 3
#define JOB_FD 4
#define BEGUN_FD 5
#define FENCE_FD 6
#define LAST_FD FENCE_FD

int
spawner_init(struct spawner *sp, size_t n)
{
	struct rlimit raised;
	void *p;

	*sp = (struct spawner){ .null_fd = -1, .self = getpid() };
	(void)sigemptyset(&sp->no_signals);
	/* The runner has its own share of the score already. */
	oomscore_above_own(&sp->oomscore, OOMSCORE_PROGRAM - OOMSCORE_RUNNER);
	/* Spares 5 to 25 us of the 900 us of CPU that a request costs (measured). */
	sparse_libraries((uintptr_t)spawner_init);
	sp->null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (sp->null_fd < 0)
		return -errno;
	/* The kernel is asked for Landlock here, so that no child has to ask. */
	(void)fence_has_files();
	if (fences_init(&sp->fences) < 0)
		return -E2BIG;
	/* Away from the numbers that children use. */
	if (sp->fences.strict >= 0 && sp->fences.strict <= LAST_FD) {
		int low = sp->fences.strict;

		sp->fences.strict = fcntl(low, F_DUPFD_CLOEXEC, LAST_FD + 1);
		(void)close(low);
	}
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
 * Moves the child into its control group, if it could not be born there. The
 * parent stays outside, so nothing that the child forks from here on can be
 * outside.
 */
static CHILD_CODE int
child_move(int cgroup)
{
	int fd = openat(cgroup, "cgroup.procs", O_WRONLY | O_CLOEXEC);

	return fd < 0 || write(fd, "0", 1) < 0 ? -errno : 0;
}

/*
 * Sets up descriptors 0, 1, 2, the service's own one, the job, and the pipe that reports a
 * failed exec. Closes all others.
 */
static CHILD_CODE int
child_stdio(const struct spawner *sp, const struct spawn_order *o)
{
	int in = o->in >= 0 ? o->in : sp->null_fd;

	/* No source has such a low number, so no dup2() below overwrites a later source. */
	if (in <= LAST_FD || o->out <= LAST_FD || o->err <= LAST_FD || o->job <= LAST_FD ||
	    (o->third >= 0 && o->third <= LAST_FD) || (o->begun >= 0 && o->begun <= LAST_FD))
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
	if (o->begun < 0)
		(void)close(BEGUN_FD);
	else if (dup3(o->begun, BEGUN_FD, O_CLOEXEC) < 0)
		return -errno;
	if (sp->fences.strict < 0)
		(void)close(FENCE_FD);
	else if (dup3(sp->fences.strict, FENCE_FD, O_CLOEXEC) < 0)
		return -errno;
	return close_range(LAST_FD + 1, ~0U, 0) < 0 ? -errno : 0;
}

static CHILD_CODE int
child_limits(const struct spawner *sp, const struct service *s)
{
	struct rlimit none = { 0 };	/* no core file: it would hold arguments */

	if (setrlimit(RLIMIT_CORE, &none) < 0)
		return -errno;
	/* The high limit is for the runner; programs that use select() get the original one. */
	if (setrlimit(RLIMIT_NOFILE, &sp->nofile) < 0)
		return -errno;
	if (s->nice != SERVICE_NICE_UNSET && setpriority(PRIO_PROCESS, 0, s->nice) < 0)
		return -errno;
	for (size_t i = 0; i < s->n_limits; i++) {
		struct rlimit l = { s->limits[i].value, s->limits[i].value };

		if (s->limits[i].resource < 0)
			continue;
		/* The files of secrets are made first, and count. */
		if (s->limits[i].resource == RLIMIT_FSIZE && s->has_secret_files)
			continue;
		if (setrlimit((__rlimit_resource_t)s->limits[i].resource, &l) < 0)
			return -errno;
	}
	return 0;
}

/* Takes the account of the service. 0 or -errno. */
static CHILD_CODE int
child_identity(const struct service *s)
{
	const struct identity *id = &s->run_as;

	/* The account may not be known, and the number of none means "stay what you are". */
	if (s->unavailable != NULL)
		return -EPERM;
	if (!id->is_set)
		return 0;
	/* An ordinary user cannot become another; to pretend so would be worse than to fail. */
	if (geteuid() != 0)
		return id->uid == geteuid() ? 0 : -EPERM;
	return privilege_drop(id->uid, id->gid, id->groups, id->n_groups);
}

/* Makes the program's own directory, to which nobody else has access, and goes there. 0 or -errno. */
static CHILD_CODE int
child_directory(const struct spawn_order *o)
{
	const struct service *s = o->service;

	if (o->directory == NULL)
		return chdir(s->directory) < 0 ? -errno : 0;
	(void)umask(077);
	if (mkdir(o->directory, 0700) < 0 || chdir(o->directory) < 0)
		return -errno;
	(void)umask(s->umask);
	return 0;
}

/* True if the service sets this variable, "NAME=", itself. */
static CHILD_CODE bool
is_declared(const struct service *s, const char *name)
{
	char **p = s->environment;

	while (*p != NULL && strncmp(*p, name, strlen(name)) != 0)
		p++;
	return *p != NULL;
}

/* Sets a variable, "NAME=", to the program's own directory, unless the service sets it itself. */
static CHILD_CODE void
child_variable(const struct spawn_order *o, const char *name, struct job *job, char *text)
{
	char **p = job->envp;
	bool is_last;

	if (is_declared(o->service, name))
		return;
	while (*p != NULL && strncmp(*p, name, strlen(name)) != 0)
		p++;
	is_last = *p == NULL;
	(void)snprintf(text, PATH_MAX, "%s%s", name, o->directory);
	p[0] = text;
	if (is_last)
		p[1] = NULL;
}

/* Tells the program where its own directory is. In a sandbox its home is there, too. */
static CHILD_CODE void
child_environment(const struct spawn_order *o, struct job *job)
{
	static char tmpdir[PATH_MAX], home[PATH_MAX];

	if (o->directory == NULL)
		return;
	child_variable(o, "TMPDIR=", job, tmpdir);
	if (o->service->sandbox != FENCE_NONE)
		child_variable(o, "HOME=", job, home);
}

/* Puts the child into the sandbox of its service. 0 or -errno. */
static CHILD_CODE int
child_sandbox(const struct spawner *sp, const struct spawn_order *o)
{
	const struct service *s = o->service;

	return fence_enter(&sp->fences, &(struct fence){
		.level = s->sandbox, .own = o->directory,
		.program = s->handler != NULL ? s->handler[0] : s->command[0],
		.readable = s->sandbox_read, .writable = s->sandbox_write,
		.strict = sp->fences.strict < 0 ? -1 : FENCE_FD,
		.may_lack_files = s->sandbox_fallback,
	});
}

/* Makes the files of secret arguments, which the program opens by their paths. 0 or -errno. */
static CHILD_CODE int
child_secrets(const struct service *s, char *const *files)
{
	for (int i = 0; files[i] != NULL; i++) {
		int fd = memfd_create("secret", MFD_CLOEXEC);
		size_t len = strlen(files[i]);

		if (fd < 0 || write(fd, files[i], len) != (ssize_t)len ||
		    lseek(fd, 0, SEEK_SET) < 0 || dup2(fd, SERVICE_SECRET_FD + i) < 0 || close(fd) < 0)
			return -errno;
	}
	for (size_t i = 0; i < s->n_limits; i++) {
		struct rlimit l = { s->limits[i].value, s->limits[i].value };

		if (s->limits[i].resource == RLIMIT_FSIZE && s->has_secret_files &&
		    setrlimit(RLIMIT_FSIZE, &l) < 0)
			return -errno;
	}
	return 0;
}

/* The way of a child from fork to exec. Nothing here allocates, looks up or returns. */
static CHILD_CODE void __attribute__((noreturn))
child_run(const struct spawner *sp, const struct spawn_order *o, bool is_outside)
{
	static struct job job;	/* touched in children only, so the runner stays small */
	const struct service *s = o->service;
	const char *path = s->handler != NULL ? s->handler[0] : s->command[0];
	int r;

	/* Before anything exists that could stay behind. */
	r = is_outside ? child_move(o->cgroup) : 0;
	if (r < 0)
		child_fail(sp, o, STAGE_CGROUP, -r);

	/* A session of its own: no terminal, and kill(-pid) reaches what it forks. */
	if (setsid() < 0)
		child_fail(sp, o, STAGE_SESSION, errno);

	/*
	 * All dispositions are the default since the runner started, so only
	 * the mask is left. From here on SIGTERM ends the child, even if a step
	 * below hangs.
	 */
	(void)sigprocmask(SIG_SETMASK, &sp->no_signals, NULL);

	/* Before any code of the service could see the runner's descriptors. */
	r = child_stdio(sp, o);
	if (r < 0)
		child_fail(sp, o, STAGE_STDIO, -r);

	oomscore_take(&sp->oomscore);
	(void)umask(s->umask);

	/* While still root: a limit may be above the one that reqd was started with. */
	mark_take(o->mark);
	r = child_limits(sp, s);
	if (r < 0)
		child_fail(sp, o, STAGE_LIMITS, -r);

	r = child_identity(s);
	if (r < 0)
		child_fail(sp, o, STAGE_USER, -r);

	/* After the change of account, which must be allowed to enter the directory. */
	r = child_directory(o);
	if (r < 0)
		child_fail(sp, o, STAGE_DIRECTORY, -r);

	/* No setuid program gives back what was dropped. */
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		child_fail(sp, o, STAGE_VERIFY, errno);

	/*
	 * After the change of user, which clears it. A child that lost its
	 * parent before this line gets no signal, and looks for its parent
	 * itself.
	 */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		child_fail(sp, o, STAGE_SESSION, errno);
	if (getppid() != sp->self)
		_exit(SPAWN_EXIT_FAILED);

	r = child_sandbox(sp, o);
	if (r < 0)
		child_fail(sp, o, STAGE_SANDBOX, -r);

	/* First read of bytes made by a client, after all rights are dropped. */
	r = job_read(JOB_FD, o->place, &job);
	if (r < 0)
		child_fail(sp, o, STAGE_JOB, -r);
	r = child_secrets(s, job.files);
	if (r < 0)
		child_fail(sp, o, STAGE_SECRET, -r);
	child_environment(o, &job);

	/* The path comes from the configuration, whatever the job has in argv[0]. */
	(void)execve(path, job.argv, job.envp);
	r = errno;
	/* ENOENT can also mean that a script's interpreter is missing. */
	if (r == ENOENT && access(path, F_OK) == 0)
		child_fail(sp, o, STAGE_INTERPRETER, r);
	child_fail(sp, o, STAGE_EXEC, r);
}

/* The way of a child that removes a directory. */
static CHILD_CODE void __attribute__((noreturn))
child_clear(const struct spawner *sp, const struct service *s, const char *directory)
{
	const char *slash = strrchr(directory, '/');
	char parent[PATH_MAX];
	int fd;

	(void)setsid();
	(void)sigprocmask(SIG_SETMASK, &sp->no_signals, NULL);
	(void)alarm(TEMPORARY_REMOVAL_SECONDS);
	if (close_range(0, ~0U, 0) < 0 || child_identity(s) < 0)
		_exit(SPAWN_EXIT_FAILED);
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	if (getppid() != sp->self)
		_exit(SPAWN_EXIT_FAILED);
	(void)snprintf(parent, sizeof(parent), "%.*s", (int)(slash - directory), directory);
	fd = open(parent, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	_exit(fd < 0 || removetree(fd, slash + 1) < 0 ? SPAWN_EXIT_FAILED : 0);
}

/* ----------------------------------------------------------- the parent --- */

static CHILD_CODE pid_t
fork_into(int cgroup, bool *ret_is_outside)
{
	struct clone_args args = { .exit_signal = SIGCHLD };
	pid_t pid;

	*ret_is_outside = false;
	if (cgroup >= 0) {
		/* Born in its cgroup, so the child is never outside, not even for a moment. */
		args.flags = CLONE_INTO_CGROUP;
		args.cgroup = (uint64_t)cgroup;
	}
	pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));
	/*
	 * Containers refuse clone3() as unknown, and RestrictNamespaces= of
	 * systemd because it cannot look into its arguments. Moving a child
	 * afterwards costs a single request some milliseconds: the kernel waits
	 * for all CPUs.
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

CHILD_CODE pid_t
spawn_clear(const struct spawner *sp, const struct service *s, const char *directory)
{
	bool is_outside;
	pid_t pid = fork_into(-1, &is_outside);

	if (pid == 0)
		child_clear(sp, s, directory);
	return pid < 0 ? -errno : pid;
}
