/* SPDX-License-Identifier: ISC */
/* hidden: the table of characters that cannot be seen. */
#include "config.h"

#include "base/hidden.h"

#include "base/cleanup.h"
#include "base/escape.h"

/* Characters that look like nothing, or like a blank that ends a word. */
static const struct {
	uint32_t first, last;
	bool in_quotes;		/* belongs into texts of some languages */
	const char *name;
} hidden[] = {
	{ 0x0080, 0x009f, false, "control character" },
	{ 0x00a0, 0x00a0, true, "no-break blank" },
	{ 0x200b, 0x200b, false, "zero-width blank" },
	{ 0x200c, 0x200d, true, "zero-width joiner" },
	{ 0x200e, 0x200f, true, "mark of writing direction" },
	{ 0x202a, 0x202e, false, "change of writing direction" },
	{ 0x2060, 0x2064, false, "zero-width joiner" },
	{ 0x2066, 0x2069, false, "change of writing direction" },
	{ 0xfeff, 0xfeff, false, "byte order mark" },
};

uint32_t
hidden_code(const char *p, size_t n)
{
	const unsigned char *u = (const unsigned char *)p;

	switch (utf8_sequence((struct slice){ p, n })) {
	case 2: return (u[0] & 0x1fu) << 6 | (u[1] & 0x3fu);
	case 3: return (u[0] & 0x0fu) << 12 | (u[1] & 0x3fu) << 6 | (u[2] & 0x3fu);
	default: return 0;
	}
}

size_t
hidden_character(const char *p, size_t n, bool in_quotes, const char **ret_name)
{
	uint32_t c;

	if ((unsigned char)*p < 0x20 || *p == 0x7f) {
		*ret_name = "control character";
		return 1;
	}
	c = (unsigned char)*p < 0xc2 ? 0 : hidden_code(p, n);
	for (size_t i = 0; c != 0 && i < ARRAY_LEN(hidden); i++) {
		if (c < hidden[i].first || c > hidden[i].last || (in_quotes && hidden[i].in_quotes))
			continue;
		*ret_name = hidden[i].name;
		return c < 0x800 ? 2 : 3;
	}
	return 0;
}
