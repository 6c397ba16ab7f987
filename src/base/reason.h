/* SPDX-License-Identifier: ISC */
/*
 * reason: one line for an administrator that says why an action failed.
 */
#pragma once

struct reason {
	char text[768];		/* "": nothing but the error */
};

/* Writes the text, and returns the error. */
int reason_say(struct reason *why, int error, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* The text, or the system's text for the error. */
const char *reason_text(const struct reason *why, int error);
