/* SPDX-License-Identifier: ISC */
/*
 * selftest: "reqd --self-test" runs a private reqd with its processes confined, asks it
 * for everything that it does, and prints what was tried and which calls of the kernel
 * were refused.
 */
#pragma once

/* Returns the status of the program: 0 when all is well. */
int selftest_main(void);
