/* SPDX-License-Identifier: ISC */
/*
 * callfilter: the calls of the kernel that a program in a sandbox does not have. All others
 * stay: this filter takes away what few programs use and what a path around other rules, or a
 * hole in the kernel, mostly begins with.
 *
 *	EPERM	mount, namespaces, modules, keys, bpf, perf, io_uring, ptrace, clocks, raw I/O
 *	EACCES	socket(), where the filter closes the network
 *	ENOSYS	clone3(), whose flags a filter cannot see; the C library takes clone() then
 *
 * A call of another instruction set (x32, int 0x80) kills, because its numbers mean others.
 */
#pragma once

#include <linux/filter.h>
#include <stdbool.h>

#define CALLFILTER_MAX 160

/* A filter as the kernel takes it. */
struct callfilter {
	unsigned short n;
	struct sock_filter code[CALLFILTER_MAX];
};

/* Writes the filter. 0, or -E2BIG: it has not enough room. */
int callfilter_make(bool is_offline, struct callfilter *ret);

/* Puts a filter in force for this process, which may gain no privileges any more. 0 or -errno. */
int callfilter_enforce(const struct callfilter *f);
