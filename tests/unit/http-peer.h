/* SPDX-License-Identifier: ISC */
/* http-peer: a worker whose clients speak HTTP. Define rules before it is included. */
#pragma once

#include "worker-peer.h"

#define HOST " HTTP/1.1\r\nHost: x\r\n"
#define POST_JSON(path, length) "POST " path HOST "Content-Type: application/json\r\n" \
	"Content-Length: " length "\r\n\r\n"

/* The value of a field in a head, or NULL. */
static inline const char *
field_in(const char *head, const char *end, const char *name)
{
	const char *at = strstr(head, name);

	return at != NULL && at < end ? at + strlen(name) : NULL;
}

/*
 * Shows what has come, without the fields that all answers have: for each answer its status, '!'
 * if it ends the connection, its body in parentheses. Chunks are shown as they are.
 */
static inline const char *
answers(int fd)
{
	static char text[1 << 16];
	const char *p = heard(fd);
	size_t len = 0;

	*text = '\0';
	while (strncmp(p, "HTTP/1.1 ", 9) == 0) {
		const char *end = strstr(p, "\r\n\r\n"), *number;
		size_t body = 0;
		bool is_last;

		ck_assert_ptr_nonnull(end);
		end += 2;
		number = field_in(p, end, "\r\nContent-Length: ");
		is_last = field_in(p, end, "\r\nConnection: close\r\n") != NULL;
		if (number != NULL)
			body = strtoul(number, NULL, 10);
		else if (field_in(p, end, "\r\nTransfer-Encoding: chunked\r\n") != NULL || is_last)
			body = strlen(end + 2) - (strstr(end, "(closed)") != NULL ? 8 : 0);
		/* The answer to a HEAD has the length of a body, and none. */
		if (body > strlen(end + 2))
			body = 0;
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%.3s%s(%.*s)",
		    len > 0 ? " " : "", p + 9, is_last ? "!" : "", (int)body, end + 2);
		p = end + 2 + body;
	}
	(void)snprintf(text + len, sizeof(text) - len, "%s", p);
	return text;
}

#define ck_answers(fd, text) ck_assert_str_eq(answers(fd), text)

/* The status of the one answer that has come; the connection goes on or not. */
static inline void
ck_status(int fd, const char *status)
{
	const char *all = answers(fd);

	ck_assert_msg(strncmp(all, status, strlen(status)) == 0, "%s, not %s", all, status);
	ck_assert_ptr_null(strchr(all + strlen(status), '!'));
}

/* A program that says something and ends. */
static inline void
program_says(const char *text, int status)
{
	struct asked run = asked(FRAME_RUN);

	write_out(&run, text, strlen(text));
	program_ends(&run, status);
}
