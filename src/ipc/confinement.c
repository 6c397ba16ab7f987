/* SPDX-License-Identifier: ISC */
/* confinement: the tables of system calls, one for each role without privileges. */
#include "config.h"

#include "ipc/confinement.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "base/confine.h"
#include "ipc/logrec.h"

#define IS(argument, value) { CONFINE_IS, argument, (uint64_t)(value) }
#define LACKS(argument, bit) { CONFINE_LACKS, argument, (uint64_t)(bit) }

/*
 * Calls of the event loop, of mail, of a reload and of the C library. Names that only
 * some machines have stand beside their twins.
 */
static const struct confine_call of_all[] = {
	{ .name = "read" }, { .name = "write" }, { .name = "close" }, { .name = "lseek" },
	{ .name = "_llseek" }, { .name = "recvfrom" },
	{ .name = "recv" }, { .name = "send" }, { .name = "recvmsg" },
	{ .name = "epoll_wait" }, { .name = "epoll_pwait" }, { .name = "epoll_pwait2" },
	{ .name = "epoll_ctl" }, { .name = "poll" }, { .name = "ppoll" },
	{ .name = "ppoll_time64" },
	/* memory, none of it for code */
	{ .name = "brk" }, { .name = "munmap" }, { .name = "mremap" }, { .name = "madvise" },
	{ .name = "mmap", .tests = { LACKS(2, PROT_EXEC) } },
	{ .name = "mmap2", .tests = { LACKS(2, PROT_EXEC) } },
	{ .name = "mprotect", .tests = { LACKS(2, PROT_EXEC) } },
	/* the sealed file of a configuration */
	{ .name = "fcntl", .tests = { IS(1, F_GET_SEALS) } },
	{ .name = "fcntl64", .tests = { IS(1, F_GET_SEALS) } },
	{ .name = "fcntl", .tests = { IS(1, F_GETFL) } },
	{ .name = "fcntl64", .tests = { IS(1, F_GETFL) } },
	{ .name = "getrandom" }, { .name = "clock_gettime" }, { .name = "clock_gettime64" },
	{ .name = "gettimeofday" }, { .name = "time" }, { .name = "getpid" },
	{ .name = "gettid" }, { .name = "futex" }, { .name = "futex_time64" },
	{ .name = "restart_syscall" }, { .name = "rt_sigreturn" }, { .name = "sigreturn" },
	{ .name = "rt_sigprocmask" }, { .name = "exit" }, { .name = "exit_group" },
	{ 0 },
};

/* send() is this call without an address. */
#define SEND { .name = "sendto", .tests = { IS(4, 0) } }

static const struct confine_call of_worker[] = {
	/*
	 * A worker has no socket that an address could lead elsewhere: all are connected or
	 * listen. To look at the address would cost 20 ns for each reply.
	 */
	{ .name = "sendto" },
	{ .name = "writev" }, { .name = "accept4" },
	/* mail of the broker and of control */
	{ .name = "recvmmsg" }, { .name = "recvmmsg_time64" },
	/* The other ways to shut a socket down would end a listener for all workers. */
	{ .name = "shutdown", .tests = { IS(1, SHUT_WR) } },
	/* the identity of a caller, and of a listener after a reload */
	{ .name = "getsockopt" }, { .name = "getsockname" }, { .name = "getpeername" },
	/* a handler that has said something nobody asked for */
	{ .name = "ioctl", .tests = { IS(1, FIONREAD) } },
	/* the result of a call with --id */
	{ .name = "pwrite64" },
	{ .name = "fcntl", .tests = { IS(1, F_ADD_SEALS) } },
	{ .name = "fcntl64", .tests = { IS(1, F_ADD_SEALS) } },
	/* a spare descriptor, once it has been used */
	{ .name = "fcntl", .tests = { IS(1, F_DUPFD_CLOEXEC) } },
	{ .name = "fcntl64", .tests = { IS(1, F_DUPFD_CLOEXEC) } },
	/* the longest command line that a program may have */
	{ .name = "prlimit64", .tests = { IS(0, 0), IS(2, 0) } },
	{ .name = "ugetrlimit" },
	/* INFO */
	{ .name = "uname" },
	{ 0 },
};

static const struct confine_call of_broker[] = {
	SEND,
	/* mail: from the runner, and with descriptors to workers */
	{ .name = "writev" }, { .name = "recvmmsg" }, { .name = "recvmmsg_time64" },
	{ .name = "sendmmsg" },
	{ .name = "fcntl", .tests = { IS(1, F_DUPFD_CLOEXEC) } },
	{ .name = "fcntl64", .tests = { IS(1, F_DUPFD_CLOEXEC) } },
	/* the file for the result of a call with --id */
	{ .name = "memfd_create" }, { .name = "ftruncate" }, { .name = "ftruncate64" },
	{ .name = "fcntl", .tests = { IS(1, F_ADD_SEALS) } },
	{ .name = "fcntl64", .tests = { IS(1, F_ADD_SEALS) } },
	/* the last words of a handler */
	{ .name = "ioctl", .tests = { IS(1, FIONREAD) } },
	/* the longest command line that a program may have; workers, by processors */
	{ .name = "prlimit64", .tests = { IS(0, 0), IS(2, 0) } },
	{ .name = "ugetrlimit" }, { .name = "sched_getaffinity" },
	{ 0 },
};

static const struct confine_call of_control[] = {
	SEND,
	{ .name = "accept4" },
	/* mail with workers; their number, by processors */
	{ .name = "sendmmsg" }, { .name = "sched_getaffinity" },
	/* the account of a client who changes something */
	{ .name = "getsockopt" },
	/* the file into which a worker writes its calls */
	{ .name = "memfd_create" }, { .name = "pread64" },
	{ .name = "fcntl", .tests = { IS(1, F_DUPFD_CLOEXEC) } },
	{ .name = "fcntl64", .tests = { IS(1, F_DUPFD_CLOEXEC) } },
	{ 0 },
};

static const struct confine_call of_log[] = {
	/* the journal, by a socket that was made before */
	{ .name = "sendto" },
	{ 0 },
};

static const struct confine_call of_keys[] = {
	SEND,
	/* the file of a private key, which the master has opened */
	{ .name = "pread64" },
	{ 0 },
};

/* Nothing more: crypt(3) computes, in memory that it asks for. */
static const struct confine_call of_auth[] = {
	SEND,
	{ 0 },
};

static const struct {
	const struct confine_call *calls;	/* beside those of all; NULL: keeps its rights */
	uint64_t max_file;
} plans[ROLE_N] = {
	/* Standard error may be a file. */
	[ROLE_LOG] = { of_log, UINT64_MAX },
	/* The size of a memory file counts, too. */
	[ROLE_BROKER] = { of_broker, ROLE_MAX_FILE },
	[ROLE_CONTROL] = { of_control, 0 },
	[ROLE_KEYS] = { of_keys, 0 },
	[ROLE_AUTH] = { of_auth, 0 },
	[ROLE_WORKER] = { of_worker, ROLE_MAX_FILE },
};

bool
confinement_plan(enum role_kind kind, struct confine_plan *ret)
{
	*ret = (struct confine_plan){
		.lists = { of_all, plans[kind].calls }, .max_file = plans[kind].max_file,
	};
	return plans[kind].calls != NULL;
}

int
confinement_begin(enum role_kind kind, unsigned slot)
{
	static char name[ROLE_TEXT];
	struct confine_plan plan;
	const char *step;
	int r;

	if (!confinement_plan(kind, &plan))
		return 0;
	if (getenv(CONFINEMENT_TELL) != NULL) {
		role_format(kind, slot, name);
		plan.told_as = name;
	}
	r = confine(&plan, &step);
	if (r < 0)
		log_err("cannot confine itself: %s: %s", step, strerror(-r));
	return r;
}
