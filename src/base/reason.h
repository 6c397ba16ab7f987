/* SPDX-License-Identifier: ISC */
/*
 * reason: why something cannot be done, in one line for an administrator.
 */
#pragma once

struct reason {
	char text[768];		/* "": none but the error */
};

/* Says it, and returns the error. */
int reason_say(struct reason *why, int error, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* The text, or that of the error. */
const char *reason_text(const struct reason *why, int error);
