/* SPDX-License-Identifier: ISC */
/*
 * httpdate: a time as the field Date has it, "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110,
 * section 5.6.7). No clock: the caller knows the time. The C library is not asked, because
 * it looks for files of time zones.
 */
#pragma once

#include <stdint.h>

#define HTTPDATE_LEN 29
#define HTTPDATE_TEXT (HTTPDATE_LEN + 1)

/* Writes the time, in seconds since 1970; years after 9999 are written as 9999. */
void httpdate_format(uint64_t seconds, char ret[static HTTPDATE_TEXT]);
