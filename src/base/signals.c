/* SPDX-License-Identifier: ISC */
/* Blocks, resets and receives signals. */
#include "config.h"

#include "base/signals.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <unistd.h>

/*
 * The system call itself, because the C library's function refuses the two signals
 * that it keeps for threads, which whoever started this process may ignore. All zero
 * is the default, however the kernel lays the struct out.
 */
void
signals_reset(void)
{
	for (int sig = 1; sig < NSIG; sig++)
		(void)syscall(SYS_rt_sigaction, sig, &(char[64]){ 0 }, NULL, (NSIG - 1) / 8);
}

void
signals_block(void)
{
	sigset_t all;

	(void)sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, NULL);
}

void
signals_unblock(void)
{
	sigset_t none;

	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

int
signals_open(int sig)
{
	sigset_t set;
	int fd;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, sig);
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? -errno : fd;
}
