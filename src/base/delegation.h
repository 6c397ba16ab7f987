/* SPDX-License-Identifier: ISC */
/*
 * delegation: whether the control group of this process is its own to divide.
 */
#pragma once

/* The directory of that group, when it was delegated to us; or -errno. */
int delegation_open(void);
