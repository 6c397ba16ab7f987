/* SPDX-License-Identifier: ISC */
/*
 * keys: the process that has the private keys. It signs TLS handshakes for the workers
 * and nothing else. It is started only where a listener speaks TLS.
 */
#pragma once

/* Runs the role. Returns its exit status. */
int keys_main(void);
