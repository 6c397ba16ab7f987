/* SPDX-License-Identifier: ISC */
/*
 * auth: the process that has the hashes of passwords. It tells workers whether a password
 * is right, and nothing else. It is started only where a login has a password.
 */
#pragma once

/* Runs the role. Returns its exit status. */
int auth_main(void);
