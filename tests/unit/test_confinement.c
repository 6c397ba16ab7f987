/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "ipc/confinement.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/confine.h"
#include "unit.h"

/* Results of a call: an errno, or one of these. */
enum { DONE = 0, KILLED = -1 };

/* The processes of these tests: a worker has the most calls. */
static const enum role_kind confined[] = {
	ROLE_LOG, ROLE_BROKER, ROLE_CONTROL, ROLE_WORKER,
};

/*
 * Makes one call in a child that is confined as the plan says. The kernel refuses the
 * child a core file, which would take long.
 */
static int
try(const struct confine_plan *plan, const char *name, const long args[6])
{
	int number = seccomp_syscall_resolve_name(name), status;
	const char *step;
	pid_t pid;

	ck_assert_int_ge(number, 0);
	pid = fork();
	if (pid == 0) {
		long r;

		(void)prctl(PR_SET_DUMPABLE, 0);
		if (confine(plan, &step) < 0)
			_exit(255);
		r = syscall(number, args[0], args[1], args[2], args[3], args[4], args[5]);
		_exit(r == -1 ? errno : DONE);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	if (WIFSIGNALED(status)) {
		ck_assert_int_eq(WTERMSIG(status), SIGSYS);
		return KILLED;
	}
	ck_assert_int_ne(WEXITSTATUS(status), 255);
	return WEXITSTATUS(status);
}

static int
try_as(enum role_kind kind, const char *name, const long args[6])
{
	struct confine_plan plan;

	ck_assert(confinement_plan(kind, &plan));
	return try(&plan, name, args);
}

/* ------------------------------------------------------------ killed --- */

static const char *const deadly[] = {
	"execve", "execveat", "clone", "clone3", "kexec_load", "kexec_file_load",
	"init_module", "finit_module", "delete_module", "socket", "socketpair", "connect",
	"bind", "listen", "io_uring_setup", "io_uring_enter", "io_uring_register",
	"userfaultfd", "bpf", "perf_event_open", "open_by_handle_at", "pidfd_getfd",
	"fanotify_init", "process_vm_readv", "process_vm_writev", "process_madvise", "ptrace",
	"kcmp", "shmget", "shmat", "msgget", "semget", "mq_open", "kill", "tkill",
	"rt_sigqueueinfo", "rt_tgsigqueueinfo", "pidfd_send_signal", "pidfd_open",
	"setpriority", "sched_setaffinity", "sched_setscheduler", "sched_setparam",
	"sched_setattr", "ioprio_set", "setuid", "setgid", "setreuid", "setregid", "setresuid",
	"setresgid", "setgroups", "setfsuid", "setfsgid", "capset", "unshare", "setns",
	"mount", "umount2", "move_mount", "open_tree", "fsopen", "fsconfig", "fsmount",
	"fspick", "mount_setattr", "pivot_root", "chroot", "personality", "keyctl", "add_key",
	"request_key", "setsid", "setpgid", "seccomp", "reboot", "swapon", "swapoff",
	"sethostname", "setdomainname", "settimeofday", "clock_settime", "clock_adjtime",
	"adjtimex", "acct", "quotactl", "syslog", "vhangup",
#ifdef __x86_64__
	"fork", "vfork", "modify_ldt", "iopl", "ioperm",
#endif
};

/* With no arguments these calls fail by themselves, so that nothing happens. */
START_TEST(a_deadly_call_kills)
{
	static const long none[6] = { -1, 0, 0, 0, 0, 0 };
	enum role_kind kind = confined[_i];

	for (size_t i = 0; i < ARRAY_LEN(deadly); i++)
		ck_assert_msg(try_as(kind, deadly[i], none) == KILLED, "%s: %s lives",
		    role_name(kind), deadly[i]);
}
END_TEST

START_TEST(others_cannot_be_signalled)
{
	const long parent[6] = { getpid(), getpid(), 0 };

	ck_assert_int_eq(try_as(confined[_i], "tgkill", parent), KILLED);
}
END_TEST

static int
abort_confined(enum role_kind kind)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		struct confine_plan plan;
		const char *step;

		(void)prctl(PR_SET_DUMPABLE, 0);
		/* Check has a handler of its own. */
		(void)signal(SIGABRT, SIG_DFL);
		(void)confinement_plan(kind, &plan);
		(void)confine(&plan, &step);
		abort();
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFSIGNALED(status));
	return WTERMSIG(status);
}

START_TEST(a_process_may_abort)
{
	ck_assert_int_eq(abort_confined(confined[_i]), SIGABRT);
}
END_TEST

#ifdef __x86_64__
/* Runs getpid() of another instruction set. */
static int
foreign_call(bool is_x32)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		struct confine_plan plan;
		const char *step;
		long r;

		(void)prctl(PR_SET_DUMPABLE, 0);
		(void)confinement_plan(ROLE_WORKER, &plan);
		if (confine(&plan, &step) < 0)
			_exit(255);
		if (is_x32)
			r = syscall(0x40000000 | SYS_getpid);
		else
			__asm__ volatile("int $0x80" : "=a"(r) : "a"(20) : "memory");
		_exit(r > 0 ? 0 : 1);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

START_TEST(other_instruction_sets_kill)
{
	int r = foreign_call(false);

	ck_assert_int_eq(foreign_call(true), SIGSYS);
	/* A kernel without 32-bit programs has its own answer. */
	ck_assert(r == SIGSYS || r == SIGSEGV);
}
END_TEST
#endif

/* ----------------------------------------------------------- refused --- */

START_TEST(no_file_is_opened)
{
	const long null[7] = { AT_FDCWD, (long)(uintptr_t)"/dev/null", O_RDONLY };

	ck_assert_int_eq(try_as(confined[_i], "openat", null), EACCES);
#ifdef SYS_open
	ck_assert_int_eq(try_as(confined[_i], "open", &null[1]), EACCES);
#endif
}
END_TEST

static const char *const unknown[] = {
	"mkdirat", "unlinkat", "linkat", "symlinkat", "renameat2", "fchmod", "fchmodat",
	"fchown", "fchownat", "truncate", "utimensat", "newfstatat", "statx", "statfs",
	"fstatfs", "faccessat", "readlinkat", "getdents64", "chdir", "fchdir", "getcwd",
	"inotify_init1", "inotify_add_watch", "setxattr", "getxattr", "prctl", "dup", "dup3",
	"pipe2", "sendmsg", "splice", "tee", "vmsplice", "sendfile", "copy_file_range",
	"eventfd2", "signalfd4", "timerfd_create", "timer_create", "rt_sigaction",
	"sigaltstack", "setrlimit", "getrusage", "umask", "flock", "fallocate", "sync",
	"memfd_secret", "mlock", "mlockall", "msync", "mincore", "remap_file_pages",
	"pkey_mprotect", "getuid", "getppid", "wait4", "waitid", "setitimer", "nanosleep",
	"clock_nanosleep", "ioprio_get", "getpriority", "sysinfo", "times", "membarrier",
	"rseq", "set_tid_address", "set_robust_list", "get_robust_list", "close_range",
	"landlock_create_ruleset", "landlock_add_rule", "landlock_restrict_self", "accept",
	"setsockopt", "io_setup", "io_submit", "readahead", "name_to_handle_at",
};

START_TEST(what_is_not_in_the_list_does_not_exist)
{
	static const long none[6] = { -1, 0, 0, 0, 0, 0 };
	enum role_kind kind = confined[_i];

	for (size_t i = 0; i < ARRAY_LEN(unknown); i++) {
		int r = try_as(kind, unknown[i], none);

		ck_assert_msg(r == (strcmp(unknown[i], "memfd_secret") == 0 ? KILLED : ENOSYS),
		    "%s: %s gives %d", role_name(kind), unknown[i], r);
	}
}
END_TEST

/* Only the broker makes descriptors for others, and only downwards. */
START_TEST(a_worker_makes_nothing_for_others)
{
	static const char *const calls[] = {
		"sendmsg", "sendmmsg", "memfd_create", "ftruncate", "pipe2", "dup",
	};
	static const long none[6] = { -1, 0, 0, 0, 0, 0 };

	for (size_t i = 0; i < ARRAY_LEN(calls); i++)
		ck_assert_msg(try_as(ROLE_WORKER, calls[i], none) == ENOSYS, "%s", calls[i]);
}
END_TEST

START_TEST(arguments_decide)
{
	long page = sysconf(_SC_PAGESIZE);
	void *own = mmap(NULL, (size_t)page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int pair[2];
	const struct {
		const char *name;
		long args[6];
		int result;
	} rows[] = {
		{ "mmap", { 0, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0 },
		    DONE },
		{ "mmap", { 0, page, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0 },
		    ENOSYS },
		{ "mmap", { 0, page, PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0 }, ENOSYS },
		{ "mprotect", { (long)(uintptr_t)own, page, PROT_READ | PROT_WRITE }, DONE },
		{ "mprotect", { (long)(uintptr_t)own, page, PROT_READ | PROT_EXEC }, ENOSYS },
		{ "fcntl", { 0, F_GETFL }, DONE },
		{ "fcntl", { 0, F_SETFL, O_NONBLOCK }, ENOSYS },
		{ "fcntl", { 0, F_SETOWN, getppid() }, ENOSYS },
		{ "fcntl", { 0, F_DUPFD, 0 }, ENOSYS },
		{ "fcntl", { 0, F_DUPFD_CLOEXEC, 0 }, DONE },
		{ "fcntl", { 0, F_SETLEASE, F_WRLCK }, ENOSYS },
		{ "ioctl", { 0, TIOCSTI, 0 }, ENOSYS },
		{ "ioctl", { 0, FIOASYNC, 0 }, ENOSYS },
		{ "ioctl", { 0, FIONBIO, 0 }, ENOSYS },
		{ "ioctl", { -1, FIONREAD, 0 }, EBADF },
		{ "shutdown", { -1, SHUT_WR }, EBADF },
		{ "shutdown", { -1, SHUT_RD }, ENOSYS },
		{ "shutdown", { -1, SHUT_RDWR }, ENOSYS },
		{ "prlimit64", { 0, 3, 0, 0 }, DONE },
		{ "prlimit64", { 0, 3, (long)(uintptr_t)own, 0 }, ENOSYS },
		{ "prlimit64", { getpid(), 3, 0, 0 }, ENOSYS },
	};

	ck_assert(own != MAP_FAILED);
	ck_assert_int_eq(pipe(pair), 0);
	ck_assert_int_ge(dup2(pair[0], 0), 0);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int r = try_as(ROLE_WORKER, rows[i].name, rows[i].args);

		ck_assert_msg(r == rows[i].result, "row %zu, %s gives %d", i, rows[i].name, r);
	}
}
END_TEST

START_TEST(broker_and_control_send_to_no_address)
{
	static const long plain[6] = { -1, 0, 0, 0, 0, 0 }, addressed[6] = { -1, 0, 0, 0, 1, 16 };

	ck_assert_int_eq(try_as(ROLE_BROKER, "sendto", plain), EBADF);
	ck_assert_int_eq(try_as(ROLE_CONTROL, "sendto", plain), EBADF);
	ck_assert_int_eq(try_as(ROLE_BROKER, "sendto", addressed), ENOSYS);
	ck_assert_int_eq(try_as(ROLE_CONTROL, "sendto", addressed), ENOSYS);
}
END_TEST

/* A number that no kernel has today. */
START_TEST(calls_of_the_future_do_not_exist)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		struct confine_plan plan;
		const char *step;

		(void)confinement_plan(confined[_i], &plan);
		if (confine(&plan, &step) < 0)
			_exit(255);
		_exit(syscall(1023) == -1 ? errno : 0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	ck_assert_int_eq(WEXITSTATUS(status), ENOSYS);
}
END_TEST

/* -------------------------------------------------------- other walls --- */

/* A filter that lets a path through shows that Landlock stands behind it. */
START_TEST(landlock_refuses_what_the_filter_lets_through)
{
	static const struct confine_call paths[] = {
		{ .name = "mkdirat" }, { .name = "unlinkat" }, { .name = "exit_group" }, { 0 },
	};
	struct confine_plan plan = { .lists = { paths }, .max_file = UINT64_MAX };
	char path[64];
	const long args[6] = { AT_FDCWD, (long)(uintptr_t)path, 0700 };
	int wanted = confine_landlock() > 0 ? EACCES : DONE;

	(void)snprintf(path, sizeof(path), "/tmp/reqd-confinement.%d", (int)getpid());
	ck_assert_int_eq(try(&plan, "mkdirat", args), wanted);
	(void)rmdir(path);
}
END_TEST

START_TEST(a_limit_of_files_is_only_lowered)
{
	static const struct confine_call list[] = {
		{ .name = "write" }, { .name = "exit_group" }, { 0 },
	};
	struct confine_plan plan = { .lists = { list }, .max_file = 0 };
	int fd = memfd_create("file", 0);
	const long args[6] = { fd, (long)(uintptr_t)"x", 1 };

	(void)signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(try(&plan, "write", args), EFBIG);
	plan.max_file = 10;
	ck_assert_int_eq(try(&plan, "write", args), DONE);
	close(fd);
}
END_TEST

START_TEST(the_runner_keeps_its_rights)
{
	struct confine_plan plan;

	ck_assert(!confinement_plan(ROLE_RUNNER, &plan));
}
END_TEST

/* A word that no machine knows is a slip of the pen, and would allow nothing. */
START_TEST(every_name_is_one_of_a_call)
{
	struct confine_plan plan;

	ck_assert(confinement_plan(confined[_i], &plan));
	for (size_t i = 0; i < CONFINE_MAX_LISTS && plan.lists[i] != NULL; i++) {
		for (const struct confine_call *c = plan.lists[i]; c->name != NULL; c++)
			ck_assert_msg(seccomp_syscall_resolve_name(c->name) != __NR_SCMP_ERROR,
			    "%s", c->name);
	}
}
END_TEST

/* ---------------------------------------------------------------- told --- */

#if defined(__x86_64__) || defined(__aarch64__)
START_TEST(refused_calls_are_told_once)
{
	char text[256];
	int pipes[2], status;
	ssize_t n;
	pid_t pid;

	ck_assert_int_eq(pipe(pipes), 0);
	pid = fork();
	if (pid == 0) {
		struct confine_plan plan;
		const char *step;

		(void)dup2(pipes[1], STDERR_FILENO);
		(void)confinement_plan(ROLE_WORKER, &plan);
		plan.told_as = "worker 7";
		if (confine(&plan, &step) < 0)
			_exit(255);
		if (syscall(SYS_getppid) != -1 || errno != ENOSYS ||
		    syscall(SYS_getppid) != -1 || errno != ENOSYS ||
		    open("/dev/null", O_RDONLY) >= 0 || errno != EACCES)
			_exit(1);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	ck_assert_int_eq(WEXITSTATUS(status), 0);
	n = read(pipes[0], text, sizeof(text) - 1);
	ck_assert_int_gt(n, 0);
	text[n] = '\0';
	{
		char wanted[128];

		(void)snprintf(wanted, sizeof(wanted), "%s worker 7: %d\n%s worker 7: %d\n",
		    CONFINE_TOLD, SYS_getppid, CONFINE_TOLD, SYS_openat);
		ck_assert_str_eq(text, wanted);
	}
}
END_TEST
#endif

static void
add(TCase *tc)
{
	int n = ARRAY_LEN(confined);

	if (!confine_is_built_in())
		return;
	tcase_add_loop_test(tc, a_deadly_call_kills, 0, n);
	tcase_add_loop_test(tc, others_cannot_be_signalled, 0, n);
	tcase_add_loop_test(tc, a_process_may_abort, 0, n);
	tcase_add_loop_test(tc, no_file_is_opened, 0, n);
	tcase_add_loop_test(tc, what_is_not_in_the_list_does_not_exist, 0, n);
	tcase_add_test(tc, a_worker_makes_nothing_for_others);
	tcase_add_test(tc, arguments_decide);
	tcase_add_test(tc, broker_and_control_send_to_no_address);
	tcase_add_loop_test(tc, calls_of_the_future_do_not_exist, 0, n);
	tcase_add_test(tc, landlock_refuses_what_the_filter_lets_through);
	tcase_add_test(tc, a_limit_of_files_is_only_lowered);
	tcase_add_test(tc, the_runner_keeps_its_rights);
	tcase_add_loop_test(tc, every_name_is_one_of_a_call, 0, n);
#ifdef __x86_64__
	tcase_add_test(tc, other_instruction_sets_kill);
#endif
#if defined(__x86_64__) || defined(__aarch64__)
	tcase_add_test(tc, refused_calls_are_told_once);
#endif
}

UNIT_MAIN("confinement", add(tc))
