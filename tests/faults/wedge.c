/* SPDX-License-Identifier: ISC */
/*
 * wedge: makes a process hang as a bug in it would.
 *
 *	wedge spin PID		the process burns CPU and does nothing else
 *	wedge block PID		the process waits in a system call that does not return
 *
 * The process is stopped as by a debugger, a few bytes of its own copy of the
 * code at its position are overwritten, and it is let go. So reqd needs no code
 * for this test. Status 77 where this is not possible or not allowed.
 */
#include "config.h"

#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>

#include "bench/bench.h"

#define STATUS_SKIPPED 77

#ifdef __x86_64__

static const unsigned char spin[] = { 0xeb, 0xfe };			/* jmp . */
static const unsigned char block[] = { 0x0f, 0x05, 0xeb, 0xfc };	/* syscall; jmp back */

static void
write_code(pid_t pid, unsigned long at, const unsigned char *code, size_t len)
{
	long word;

	errno = 0;
	word = ptrace(PTRACE_PEEKTEXT, pid, (void *)at, NULL);
	if (errno != 0)
		bench_die("wedge: peek: %s", strerror(errno));
	memcpy(&word, code, len);
	if (ptrace(PTRACE_POKETEXT, pid, (void *)at, (void *)word) < 0)
		bench_die("wedge: poke: %s", strerror(errno));
}

static void
wedge(pid_t pid, int spins)
{
	struct user_regs_struct regs;

	if (ptrace(PTRACE_GETREGS, pid, NULL, &regs) < 0)
		bench_die("wedge: registers: %s", strerror(errno));
	if (spins)
		write_code(pid, regs.rip, spin, sizeof(spin));
	else
		write_code(pid, regs.rip, block, sizeof(block));
	/* The current system call must not be started again. */
	regs.orig_rax = (unsigned long)-1;
	/* Of no descriptor, without end; pause() is not among the calls of a confined worker. */
	regs.rax = SYS_poll;
	regs.rdi = 0;
	regs.rsi = 0;
	regs.rdx = (unsigned)-1;
	if (ptrace(PTRACE_SETREGS, pid, NULL, &regs) < 0)
		bench_die("wedge: registers: %s", strerror(errno));
}

int
main(int argc, char **argv)
{
	pid_t pid;
	int status;

	if (argc != 3 || (strcmp(argv[1], "spin") != 0 && strcmp(argv[1], "block") != 0))
		bench_die("usage: wedge spin|block PID");
	pid = (pid_t)bench_number(argv[2], "PID", 1 << 22);
	if (ptrace(PTRACE_SEIZE, pid, NULL, NULL) < 0) {
		fprintf(stderr, "wedge: ptrace: %s\n", strerror(errno));
		return errno == EPERM ? STATUS_SKIPPED : 1;
	}
	if (ptrace(PTRACE_INTERRUPT, pid, NULL, NULL) < 0 || waitpid(pid, &status, __WALL) != pid ||
	    !WIFSTOPPED(status))
		bench_die("wedge: cannot stop %d", (int)pid);
	wedge(pid, strcmp(argv[1], "spin") == 0);
	if (ptrace(PTRACE_DETACH, pid, NULL, NULL) < 0)
		bench_die("wedge: detach: %s", strerror(errno));
	return 0;
}

#else

int
main(void)
{
	fputs("wedge: not known how on this machine\n", stderr);
	return STATUS_SKIPPED;
}

#endif
