/* SPDX-License-Identifier: ISC */
/*
 * units: durations (250ms 5s 10m 1h), sizes (64K 1M 1G) and numbers, as text
 * and as value.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Long enough for any duration or size in text. */
#define UNITS_TEXT 32

/*
 * Reads "250ms", "5s", "10m", "1h", "2d", "500us" or "0". Any other number
 * without a unit is refused, because the unit would be a guess. 0, -EINVAL (not
 * a duration) or -ERANGE (more than 100 years).
 */
int duration_parse(const char *text, uint64_t *ret_usec);

/* Writes the shortest exact text, such as "90s" or "250ms". */
void duration_format(uint64_t usec, char *ret, size_t ret_len);

/*
 * Reads "512", "64K", "1M", "1G", "1T" (powers of 1024; a following "B" or "iB"
 * is allowed). 0, -EINVAL or -ERANGE.
 */
int size_parse(const char *text, uint64_t *ret_bytes);
void size_format(uint64_t bytes, char *ret, size_t ret_len);

/* So many in so many seconds. */
struct rate {
	uint32_t n;		/* 0: no limit */
	uint32_t span_sec;
};

#define RATE_MAX 1000000u

/* Reads "5/s", "30/m", "100/h" or "500/d", 1 to RATE_MAX of them. 0 or -EINVAL. */
int rate_parse(const char *text, struct rate *ret);
void rate_format(struct rate rate, char *ret, size_t ret_len);

/*
 * Reads a strict decimal: no sign but a leading '-', no blank, no leading zero.
 */
int integer_parse(const char *text, int64_t *ret);

/*
 * Returns the number of digits that printf("%.*g") has to show of a finite
 * number, so that reading the text gives the same number: 1 to 17.
 */
int real_digits(double x);

/* Room for the text of any real that real_format() makes. */
#define REAL_TEXT 352

/*
 * Writes a finite number without an exponent, in as few digits as give the same
 * number when they are read.
 */
void real_format(double x, char ret[static REAL_TEXT]);
