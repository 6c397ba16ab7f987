/* SPDX-License-Identifier: ISC */
/*
 * callfilter: writes the filter by hand. libseccomp would make a larger one, which costs each
 * start of a program 50 us more, and would add its memory to the runner, which is forked for
 * each start.
 */
#include "config.h"

#include "base/callfilter.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "base/cleanup.h"

#if defined(__x86_64__)
#define ARCH AUDIT_ARCH_X86_64
#define FOREIGN_BIT 0x40000000u		/* calls of x32 */
#elif defined(__i386__)
#define ARCH AUDIT_ARCH_I386
#elif defined(__aarch64__)
#define ARCH AUDIT_ARCH_AARCH64
#elif defined(__arm__)
#define ARCH AUDIT_ARCH_ARM
#elif defined(__riscv) && __riscv_xlen == 64
#define ARCH AUDIT_ARCH_RISCV64
#elif defined(__powerpc64__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define ARCH AUDIT_ARCH_PPC64LE
#elif defined(__s390x__)
#define ARCH AUDIT_ARCH_S390X
#endif

/* Newer than the headers; the numbers are those of all architectures. */
#define OPEN_TREE_ATTR 467

/* On one architecture clone() has the stack first. */
#ifdef __s390x__
#define CLONE_FLAGS_ARGUMENT 1
#else
#define CLONE_FLAGS_ARGUMENT 0
#endif

#define NEW_NAMESPACES (CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | \
    CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET)

/* Calls that only some architectures have. */
#ifndef SYS_clock_settime64
#define SYS_clock_settime64 -1
#endif
#ifndef SYS_clock_adjtime64
#define SYS_clock_adjtime64 -1
#endif
#ifndef SYS_clock_settime
#define SYS_clock_settime -1
#endif
#ifndef SYS_clock_adjtime
#define SYS_clock_adjtime -1
#endif
#ifndef SYS_settimeofday
#define SYS_settimeofday -1
#endif
#ifndef SYS_adjtimex
#define SYS_adjtimex -1
#endif
#ifndef SYS_stime
#define SYS_stime -1
#endif
#ifndef SYS_umount
#define SYS_umount -1
#endif
#ifndef SYS_iopl
#define SYS_iopl -1
#endif
#ifndef SYS_ioperm
#define SYS_ioperm -1
#endif
#ifndef SYS_kexec_file_load
#define SYS_kexec_file_load -1
#endif
#ifndef SYS_socketcall
#define SYS_socketcall -1
#endif
#ifndef SYS_socket
#define SYS_socket -1
#endif

static const int lost[] = {
	/* mounts and namespaces */
	SYS_mount, SYS_umount, SYS_umount2, SYS_move_mount, SYS_open_tree, OPEN_TREE_ATTR,
	SYS_fsopen, SYS_fsconfig, SYS_fsmount, SYS_fspick, SYS_mount_setattr, SYS_pivot_root,
	SYS_chroot, SYS_unshare, SYS_setns, SYS_sethostname, SYS_setdomainname,
	/* the kernel itself */
	SYS_init_module, SYS_finit_module, SYS_delete_module, SYS_kexec_load,
	SYS_kexec_file_load, SYS_bpf, SYS_perf_event_open, SYS_userfaultfd, SYS_io_uring_setup,
	SYS_io_uring_enter, SYS_io_uring_register, SYS_reboot, SYS_swapon, SYS_swapoff, SYS_acct,
	/* raw I/O */
	SYS_iopl, SYS_ioperm,
	/* clocks */
	SYS_clock_settime, SYS_clock_settime64, SYS_clock_adjtime, SYS_clock_adjtime64,
	SYS_settimeofday, SYS_adjtimex, SYS_stime,
	/* keys, which all processes of an account share */
	SYS_add_key, SYS_request_key, SYS_keyctl,
	/* other processes, and files without their path */
	SYS_ptrace, SYS_process_vm_readv, SYS_process_vm_writev, SYS_pidfd_getfd, SYS_kcmp,
	SYS_open_by_handle_at, SYS_fanotify_init, SYS_move_pages, SYS_migrate_pages,
};

/*
 * A filter is a walk through places where "lost" begins and ends among the numbers, in a
 * tree: the kernel tries all numbers when it takes a filter, so a short walk is a fast start.
 */
struct tree {
	uint32_t at[2 * ARRAY_LEN(lost)];	/* the calls from here on are lost, or stay, in turns */
	size_t n;
};

static int
by_number(const void *a, const void *b)
{
	int x = *(const int *)a, y = *(const int *)b;

	return x < y ? -1 : x > y;
}

static void
tree_make(struct tree *ret)
{
	int sorted[ARRAY_LEN(lost)];

	for (size_t i = 0; i < ARRAY_LEN(lost); i++)
		sorted[i] = lost[i];
	qsort(sorted, ARRAY_LEN(sorted), sizeof(sorted[0]), by_number);
	ret->n = 0;
	for (size_t i = 0; i < ARRAY_LEN(sorted); i++) {
		uint32_t number = (uint32_t)sorted[i];

		if (sorted[i] < 0)
			continue;
		if (ret->n > 0 && ret->at[ret->n - 1] == number) {
			ret->at[ret->n - 1] = number + 1;
			continue;
		}
		if (ret->n > 0 && ret->at[ret->n - 1] > number)
			continue;		/* the same number once more */
		ret->at[ret->n++] = number;
		ret->at[ret->n++] = number + 1;
	}
}

/* ------------------------------------------------------------------ code --- */

static void
put(struct callfilter *f, unsigned code, unsigned jt, unsigned jf, uint32_t k)
{
	if (f->n < CALLFILTER_MAX)
		f->code[f->n] = (struct sock_filter){ (uint16_t)code, (uint8_t)jt, (uint8_t)jf, k };
	f->n++;
}

static void
put_return(struct callfilter *f, uint32_t what)
{
	put(f, BPF_RET | BPF_K, 0, 0, what);
}

static void
put_load(struct callfilter *f, size_t offset)
{
	put(f, BPF_LD | BPF_W | BPF_ABS, 0, 0, (uint32_t)offset);
}

/* Gives one call its own result. */
static void
put_call(struct callfilter *f, int number, uint32_t what)
{
	if (number < 0)
		return;
	put(f, BPF_JMP | BPF_JEQ | BPF_K, 0, 1, (uint32_t)number);
	put_return(f, what);
}

/* clone() makes threads and processes, but no namespaces. */
static void
put_clone(struct callfilter *f)
{
	size_t half = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? 4 : 0;

	put(f, BPF_JMP | BPF_JEQ | BPF_K, 0, 4, SYS_clone);
	put_load(f, offsetof(struct seccomp_data, args[CLONE_FLAGS_ARGUMENT]) + half);
	put(f, BPF_JMP | BPF_JSET | BPF_K, 0, 1, NEW_NAMESPACES);
	put_return(f, SECCOMP_RET_ERRNO | EPERM);
	put_return(f, SECCOMP_RET_ALLOW);
}

/* A walk through at[from] to at[to], which ends at one of two instructions, "stays" and behind it. */
static void
put_tree(struct callfilter *f, const struct tree *t, size_t from, size_t to, size_t stays)
{
	size_t mid = from + (to - from) / 2, left = mid - from, here = f->n + 1u;
	/* Below at[0] calls stay; from an even place on they are lost. */
	size_t jf = left > 0 ? 0 : stays + (from % 2) - here;
	size_t jt = to > mid + 1 ? left : stays + ((mid + 1) % 2) - here;

	put(f, BPF_JMP | BPF_JGE | BPF_K, (unsigned)jt, (unsigned)jf, t->at[mid]);
	if (left > 0)
		put_tree(f, t, from, mid, stays);
	if (to > mid + 1)
		put_tree(f, t, mid + 1, to, stays);
}

int
callfilter_make(bool is_offline, struct callfilter *ret)
{
	struct tree t;

	tree_make(&t);
	ret->n = 0;
#ifdef ARCH
	put_load(ret, offsetof(struct seccomp_data, arch));
	put(ret, BPF_JMP | BPF_JEQ | BPF_K, 1, 0, ARCH);
	put_return(ret, SECCOMP_RET_KILL_PROCESS);
#endif
	put_load(ret, offsetof(struct seccomp_data, nr));
#ifdef FOREIGN_BIT
	put(ret, BPF_JMP | BPF_JGE | BPF_K, 0, 1, FOREIGN_BIT);
	put_return(ret, SECCOMP_RET_KILL_PROCESS);
#endif
	put_clone(ret);
	put_call(ret, SYS_clone3, SECCOMP_RET_ERRNO | ENOSYS);
	if (is_offline) {
		put_call(ret, SYS_socket, SECCOMP_RET_ERRNO | EACCES);
		put_call(ret, SYS_socketcall, SECCOMP_RET_ERRNO | EACCES);
	}
	/* Each place is one instruction. */
	put_tree(ret, &t, 0, t.n, ret->n + t.n);
	put_return(ret, SECCOMP_RET_ALLOW);
	put_return(ret, SECCOMP_RET_ERRNO | EPERM);
	return ret->n > CALLFILTER_MAX || t.n > UINT8_MAX ? -E2BIG : 0;
}

CHILD_CODE int
callfilter_enforce(const struct callfilter *f)
{
	struct sock_fprog program = { .len = f->n, .filter = (struct sock_filter *)f->code };

	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) < 0 ? -errno : 0;
}
