/* SPDX-License-Identifier: ISC */
/* httpform: decodes queries and forms. */
#include "config.h"

#include "proto/httpform.h"

#include <stdbool.h>
#include <string.h>

#include "proto/percent.h"

/* Cuts text at its first mark. Returns what is before it; *text is what is behind it. */
static struct slice
cut(struct slice *text, char mark)
{
	const char *at = text->len > 0 ? memchr(text->data, mark, text->len) : NULL;
	struct slice before = *text;

	if (at == NULL) {
		*text = (struct slice){ text->data + text->len, 0 };
		return before;
	}
	before.len = (size_t)(at - text->data);
	*text = (struct slice){ at + 1, text->len - before.len - 1 };
	return before;
}

/* Decodes one name or value to the end of what is in room. */
static bool
part_decode(struct slice text, char **room, struct slice *ret)
{
	ret->data = *room;
	if (!percent_decode(text, PERCENT_FORM, *room, &ret->len))
		return false;
	*room += ret->len;
	return true;
}

const char *
httpform_parse(struct slice text, char *room, struct httppair *ret, size_t max, size_t *ret_n)
{
	size_t n = 0;

	if (text.len == 0) {
		*ret_n = 0;
		return NULL;
	}
	while (text.len > 0) {
		struct slice value = cut(&text, '&'), name;

		if (value.len == 0)
			continue;
		name = cut(&value, '=');
		if (name.len == 0)
			return "a value has no name";
		if (n == max)
			return "there are too many values";
		if (!part_decode(name, &room, &ret[n].name) ||
		    !part_decode(value, &room, &ret[n].value))
			return "a '%' has no two hexadecimal digits behind it";
		n++;
	}
	*ret_n = n;
	return NULL;
}
