/* SPDX-License-Identifier: ISC */
/* sample: a file of a process that runs as root, and includes OpenSSL. */
#include <openssl/evp.h>
