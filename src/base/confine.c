/* SPDX-License-Identifier: ISC */
/* confine: limits, Landlock, and a filter of system calls by libseccomp. */
#include "config.h"

#include "base/confine.h"

#include <errno.h>
#include <stdio.h>

#ifndef WITHOUT_SANDBOX

#include <linux/seccomp.h>
#include <seccomp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/landlock.h"

/* -------------------------------------------------------------- landlock --- */

int
confine_landlock(void)
{
	return landlock_version();
}

/* No rule allows anything of what Landlock can forbid. */
static int
lose_files(void)
{
	CLEANUP_CLOSE int fd = -1;
	struct landlock_rights all = landlock_rights(landlock_version());

	if (landlock_version() == 0)
		return 0;
	fd = landlock_new(&all);
	return fd < 0 ? fd : landlock_enforce(fd);
}

/* --------------------------------------------------------------- seccomp --- */

/* Calls that no honest process makes: */
static const char *const deadly[] = {
	/* to run something */
	"execve", "execveat", "fork", "vfork", "clone", "clone3", "uselib", "kexec_load",
	"kexec_file_load", "init_module", "finit_module", "delete_module", "modify_ldt",
	/* to open a door */
	"socket", "socketpair", "socketcall", "connect", "bind", "listen", "io_uring_setup",
	"io_uring_enter", "io_uring_register", "userfaultfd", "bpf", "perf_event_open",
	"open_by_handle_at", "pidfd_getfd", "fanotify_init", "process_vm_readv",
	"process_vm_writev", "process_madvise", "ptrace", "kcmp", "memfd_secret", "shmget",
	"shmat", "msgget", "semget", "mq_open",
	/* to reach another process */
	"kill", "tkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo", "pidfd_send_signal",
	"pidfd_open", "setpriority", "sched_setaffinity", "sched_setscheduler",
	"sched_setparam", "sched_setattr", "ioprio_set", "migrate_pages", "move_pages",
	/* to change whose process this is, or what the process sees */
	"setuid", "setuid32", "setgid", "setgid32", "setreuid", "setreuid32", "setregid",
	"setregid32", "setresuid", "setresuid32", "setresgid", "setresgid32", "setgroups",
	"setgroups32", "setfsuid", "setfsuid32", "setfsgid", "setfsgid32", "capset",
	"unshare", "setns", "mount", "umount", "umount2", "move_mount", "open_tree", "fsopen",
	"fsconfig", "fsmount", "fspick", "mount_setattr", "pivot_root", "chroot",
	"personality", "keyctl", "add_key", "request_key", "setsid", "setpgid", "seccomp",
	/* to change the machine */
	"reboot", "swapon", "swapoff", "sethostname", "setdomainname", "settimeofday",
	"clock_settime", "clock_adjtime", "adjtimex", "acct", "quotactl", "quotactl_fd",
	"syslog", "vhangup", "iopl", "ioperm", "lookup_dcookie", "nfsservctl",
};

/* A library may try to read a file that it can do without. */
static const char *const opening[] = {
	"open", "openat", "openat2", "creat",
};

static int
number_of(const char *name)
{
	return seccomp_syscall_resolve_name(name);
}

/* Refuses a whole list of calls in one way. 0 or -errno. */
static int
refuse_all(scmp_filter_ctx ctx, uint32_t how, const char *const *names, size_t n)
{
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++) {
		int number = number_of(names[i]);

		/* This machine lacks it, or the library is older than it: ENOSYS. */
		if (number >= 0)
			r = seccomp_rule_add_array(ctx, how, number, 0, NULL);
	}
	return r;
}

static int
allow(scmp_filter_ctx ctx, const struct confine_call *c)
{
	struct scmp_arg_cmp tests[ARRAY_LEN(c->tests)];
	int number = number_of(c->name);
	unsigned n = 0;

	if (number < 0)
		return 0;
	for (; n < ARRAY_LEN(c->tests) && c->tests[n].condition != CONFINE_NONE; n++) {
		const struct confine_test *t = &c->tests[n];

		tests[n] = t->condition == CONFINE_IS ?
		    SCMP_CMP64(t->argument, SCMP_CMP_EQ, t->value, 0) :
		    SCMP_CMP64(t->argument, SCMP_CMP_MASKED_EQ, t->value, 0);
	}
	return seccomp_rule_add_array(ctx, SCMP_ACT_ALLOW, number, n, tests);
}

/* A process that aborts sends itself a signal. */
static int
allow_abort(scmp_filter_ctx ctx)
{
	uint64_t own = (uint64_t)getpid();
	int r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1,
	    SCMP_A0_64(SCMP_CMP_EQ, own, 0));

	return r < 0 ? r : seccomp_rule_add(ctx, SCMP_ACT_KILL_PROCESS, SCMP_SYS(tgkill), 1,
	    SCMP_A0_64(SCMP_CMP_NE, own, 0));
}

static int
fill(scmp_filter_ctx ctx, const struct confine_plan *plan)
{
	int r;

	/* Calls of another instruction set (x32, int 0x80) are not looked at, but end all. */
	r = seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	/* A tree: a few comparisons for a call, whatever its place in a list. */
	if (r == 0)
		r = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	if (r == 0)
		r = refuse_all(ctx, SCMP_ACT_KILL_PROCESS, deadly, ARRAY_LEN(deadly));
	/* A process that tells of refused calls gives each of them its result by itself. */
	if (r == 0 && plan->told_as == NULL)
		r = refuse_all(ctx, SCMP_ACT_ERRNO(EACCES), opening, ARRAY_LEN(opening));
	if (r == 0)
		r = allow_abort(ctx);
	for (size_t i = 0; i < CONFINE_MAX_LISTS && plan->lists[i] != NULL; i++) {
		for (const struct confine_call *c = plan->lists[i]; c->name != NULL && r == 0; c++)
			r = allow(ctx, c);
	}
	return r;
}

static void
filter_free(scmp_filter_ctx *ctx)
{
	if (*ctx != NULL)
		seccomp_release(*ctx);
}

static int
lose_calls(const struct confine_plan *plan)
{
	CLEANUP(filter_free) scmp_filter_ctx ctx =
	    seccomp_init(plan->told_as != NULL ? SCMP_ACT_TRAP : SCMP_ACT_ERRNO(ENOSYS));
	int r;

	if (ctx == NULL)
		return -ENOMEM;
	r = fill(ctx, plan);
	return r < 0 ? r : seccomp_load(ctx);
}

/* ------------------------------------------------------------------ told --- */

#if defined(__x86_64__)
#define RESULT_REGISTER(u) ((u)->uc_mcontext.gregs[REG_RAX])
#elif defined(__aarch64__)
#define RESULT_REGISTER(u) ((u)->uc_mcontext.regs[0])
#endif

#ifdef RESULT_REGISTER
static const char *told_as;

static size_t
put(char *at, const char *text)
{
	size_t len = strlen(text);

	memcpy(at, text, len);
	return len;
}

/* Puts a number into a line with what a signal handler may use. */
static size_t
put_number(char *at, unsigned n)
{
	char digits[12];
	size_t len = 0, i = 0;

	do {
		digits[len++] = (char)('0' + n % 10);
		n /= 10;
	} while (n > 0);
	while (len > 0)
		at[i++] = digits[--len];
	return i;
}

static void
tell(unsigned number)
{
	char line[128];
	size_t len = put(line, CONFINE_TOLD " ");

	len += put(line + len, told_as);
	len += put(line + len, ": ");
	len += put_number(line + len, number);
	line[len++] = '\n';
	(void)!write(STDERR_FILENO, line, len);
}

static bool
is_opening(int number)
{
#ifdef SYS_open
	if (number == SYS_open || number == SYS_creat)
		return true;
#endif
	return number == SYS_openat || number == SYS_openat2;
}

/* The kernel has not made the call: give it the result that it has without a tale. */
static void
on_refused(int sig, siginfo_t *info, void *context)
{
	static bool was_told[1024];
	unsigned number = (unsigned)info->si_syscall;

	(void)sig;
	if (number >= ARRAY_LEN(was_told) || !was_told[number])
		tell(number);
	if (number < ARRAY_LEN(was_told))
		was_told[number] = true;
	RESULT_REGISTER((ucontext_t *)context) = is_opening(info->si_syscall) ? -EACCES : -ENOSYS;
}

/* Hears of refused calls by a signal, which must not be blocked, or it kills. */
static int
begin_to_tell(const char *name)
{
	struct sigaction act = { .sa_sigaction = on_refused, .sa_flags = SA_SIGINFO | SA_NODEFER };
	sigset_t set;

	if (strlen(name) > 64)
		return -EINVAL;
	told_as = name;
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGSYS);
	if (sigaction(SIGSYS, &act, NULL) < 0 || sigprocmask(SIG_UNBLOCK, &set, NULL) < 0)
		return -errno;
	return 0;
}
#else
/* Fails: the place of the result of a call is unknown on this machine. */
static int
begin_to_tell(const char *name)
{
	(void)name;
	return -ENOTSUP;
}
#endif

/* ------------------------------------------------------------------- all --- */

static int
lose_limits(uint64_t max_file)
{
	struct rlimit none = { 0 }, size = { max_file, max_file }, now;

	if (setrlimit(RLIMIT_NPROC, &none) < 0)
		return -errno;
	if (max_file == UINT64_MAX)
		return 0;
	if (getrlimit(RLIMIT_FSIZE, &now) < 0)
		return -errno;
	if (now.rlim_max < max_file)
		size = (struct rlimit){ now.rlim_max, now.rlim_max };
	return setrlimit(RLIMIT_FSIZE, &size) < 0 ? -errno : 0;
}

int
confine(const struct confine_plan *plan, const char **ret_step)
{
	int r;

	*ret_step = "limits";
	r = lose_limits(plan->max_file);
	if (r < 0)
		return r;
	*ret_step = "no new privileges";
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	*ret_step = "Landlock";
	r = lose_files();
	if (r < 0)
		return r;
	*ret_step = "telling of refused calls";
	r = plan->told_as != NULL ? begin_to_tell(plan->told_as) : 0;
	if (r < 0)
		return r;
	*ret_step = "seccomp";
	return lose_calls(plan);
}

int
confine_check(void)
{
	unsigned action = SECCOMP_RET_KILL_PROCESS;

	return syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) < 0 ? -errno : 0;
}

void
confine_name(int number, char *ret, size_t size)
{
	char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, number);

	if (name != NULL)
		(void)strlcpy(ret, name, size);
	else
		(void)snprintf(ret, size, "call %d", number);
	free(name);
}

bool
confine_is_built_in(void)
{
	return true;
}

#else	/* WITHOUT_SANDBOX */

int
confine(const struct confine_plan *plan, const char **ret_step)
{
	(void)plan;
	*ret_step = "";
	return 0;
}

int
confine_check(void)
{
	return 0;
}

int
confine_landlock(void)
{
	return 0;
}

void
confine_name(int number, char *ret, size_t size)
{
	(void)snprintf(ret, size, "call %d", number);
}

bool
confine_is_built_in(void)
{
	return false;
}

#endif
