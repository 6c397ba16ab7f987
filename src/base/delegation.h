/* SPDX-License-Identifier: ISC */
/*
 * delegation: the control group of this process, if systemd lets the process
 * divide it.
 */
#pragma once

/*
 * Opens the directory of the control group if it was delegated to this process.
 * A descriptor or -errno.
 */
int delegation_open(void);
