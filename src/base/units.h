/* SPDX-License-Identifier: ISC */
/*
 * units: durations (250ms 5s 10m 1h) and sizes (64K 1M 1G), text and value.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Long enough for any duration or size in text. */
#define UNITS_TEXT 32

/*
 * "250ms", "5s", "10m", "1h", "2d", "500us" or "0". A number without a unit
 * other than 0 is refused, because its unit would be a guess.
 * 0, -EINVAL (not a duration) or -ERANGE (more than 100 years).
 */
int duration_parse(const char *text, uint64_t *ret_usec);

/* The shortest exact text, such as "90s" or "250ms". */
void duration_format(uint64_t usec, char *ret, size_t ret_len);

/*
 * "512", "64K", "1M", "1G", "1T" (powers of 1024; a following "B" or "iB" is
 * allowed). 0, -EINVAL or -ERANGE.
 */
int size_parse(const char *text, uint64_t *ret_bytes);
void size_format(uint64_t bytes, char *ret, size_t ret_len);

/* Strict decimal: no sign but a leading '-', no space, no leading zero. */
int integer_parse(const char *text, int64_t *ret);

/*
 * How many digits of a finite number printf("%.*g") has to show for it to be
 * read back as the same: 1 to 17.
 */
int real_digits(double x);

/* Room for the text of any real that real_format() makes. */
#define REAL_TEXT 352

/*
 * A finite number without an exponent, in as few digits as are read back as
 * the same.
 */
void real_format(double x, char ret[static REAL_TEXT]);
