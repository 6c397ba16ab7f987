/* SPDX-License-Identifier: ISC */
/* out: prints text safely, durations, and headings. */
#include "config.h"

#include "ctl/out.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/escape.h"
#include "ctl/ctl.h"

/* Returns the length of the printable character at the start of s, or 0. */
static size_t
printable(struct slice s, enum out_lines lines)
{
	size_t n = utf8_sequence(s);
	unsigned char c = (unsigned char)s.data[0];

	if (n == 1 && (c == '\n' || c == '\t'))
		return lines == OUT_LINES ? 1 : 0;
	if (n == 1 && (c < ' ' || c == 0x7f))
		return 0;
	if (n == 2 && c == 0xc2 && (unsigned char)s.data[1] < 0xa0)
		return 0;	/* C1 */
	return n;
}

void
out_text(FILE *f, struct slice s, enum out_lines lines)
{
	while (s.len > 0) {
		size_t n = printable(s, lines);

		if (n > 0) {
			(void)fwrite(s.data, 1, n, f);
		} else {
			n = 1;
			(void)fprintf(f, "\\x%02x", (unsigned char)s.data[0]);
		}
		s.data += n;
		s.len -= n;
	}
}

const char *
out_duration(uint64_t usec, char ret[static OUT_NUMBER])
{
	uint64_t s = usec / USEC_PER_SEC;

	if (usec < 1000)
		(void)snprintf(ret, OUT_NUMBER, "%" PRIu64 "us", usec);
	else if (usec < USEC_PER_SEC)
		(void)snprintf(ret, OUT_NUMBER, "%.1fms", (double)usec / 1e3);
	else if (s < 60)
		(void)snprintf(ret, OUT_NUMBER, "%.1fs", (double)usec / 1e6);
	else if (s < 3600)
		(void)snprintf(ret, OUT_NUMBER, "%" PRIu64 "m%02" PRIu64 "s", s / 60, s % 60);
	else if (s < 86400)
		(void)snprintf(ret, OUT_NUMBER, "%" PRIu64 "h%02" PRIu64 "m", s / 3600,
		    s % 3600 / 60);
	else
		(void)snprintf(ret, OUT_NUMBER, "%" PRIu64 "d%02" PRIu64 "h", s / 86400,
		    s % 86400 / 3600);
	return ret;
}

const char *
out_count(int64_t n, char ret[static OUT_NUMBER])
{
	(void)snprintf(ret, OUT_NUMBER, "%" PRId64, n);
	return ret;
}

bool
out_wants_colour(const struct ctl *ctl)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	return ctl->out_tty && (no == NULL || *no == '\0') &&
	    term != NULL && *term != '\0' && strcmp(term, "dumb") != 0;
}

void
out_word(const char *text)
{
	out_text(stdout, slice_of(text), OUT_ONE_LINE);
}

void
out_heading(const struct ctl *ctl, const char *text)
{
	bool colour = out_wants_colour(ctl);

	if (colour)
		(void)fputs("\033[1m", stdout);
	out_word(text);
	if (colour)
		(void)fputs("\033[0m", stdout);
}
