/* SPDX-License-Identifier: ISC */
/* hexdigit: one hexadecimal digit as a number. */
#pragma once

/* Returns 0 to 15, or -1 if the byte is no hexadecimal digit. */
static inline int
hexdigit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}
