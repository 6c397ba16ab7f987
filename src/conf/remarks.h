/* SPDX-License-Identifier: ISC */
/*
 * remarks: settings that are valid, but more dangerous than they look, or probably not meant
 * so. No load fails because of them.
 */
#pragma once

#include "conf/conf.h"

/*
 * The library that makes the C library of a program write each line at once, for
 * "buffering = line".
 */
#define STDBUF_LIBRARY "/usr/libexec/coreutils/libstdbuf.so"

/*
 * Both add a line for each such thing in a configuration that was read from files, with the
 * place and the remedy. Warnings are about what is dangerous; stdbuf: the library of stdbuf(1).
 * Notes are about slips, and what is usual. They look at the disk.
 */
void remarks_warn(const struct conf *c, const char *stdbuf, struct conf_errors *warnings);
void remarks_note(const struct conf *c, struct conf_errors *notes);
