/* SPDX-License-Identifier: ISC */
/* hooksource: reads the source of a value. */
#include "config.h"

#include "proto/hooksource.h"

#include "base/cleanup.h"
#include "proto/jsonpointer.h"

static const struct {
	const char *word;
	enum hooksource_kind kind;
} words[] = {
	{ "form:", HOOKSOURCE_FORM },
	{ "query:", HOOKSOURCE_QUERY },
	{ "header:", HOOKSOURCE_HEADER },
};

/* True if a field can have this name and is read: one with "_" is left out of every head. */
static bool
is_field(struct slice name)
{
	for (size_t i = 0; i < name.len; i++) {
		char c = name.data[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') &&
		    c != '-')
			return false;
	}
	return name.len > 0;
}

const char *
hooksource_parse(struct slice text, struct hooksource *ret)
{
	*ret = (struct hooksource){ .kind = HOOKSOURCE_POINTER, .text = text, .name = text };
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		size_t len = strlen(words[i].word);

		if (!slice_starts(text, words[i].word))
			continue;
		ret->kind = words[i].kind;
		ret->name = (struct slice){ text.data + len, text.len - len };
		if (ret->name.len == 0)
			return "a name is missing behind the colon";
		if (ret->kind == HOOKSOURCE_HEADER && !is_field(ret->name))
			return "the name of a field has letters, digits and '-'";
		return NULL;
	}
	if (text.len == 0 || text.data[0] != '/')
		return "a source is a JSON pointer such as /repository/name, form:NAME, query:NAME "
		    "or header:NAME";
	if (!jsonpointer_is_valid(text))
		return "in a JSON pointer, '~' is followed by 0 (for '~') or 1 (for '/')";
	return NULL;
}

size_t
hooksource_span(struct slice text)
{
	bool is_pointer = text.len > 0 && text.data[0] == '/';
	size_t i = 0;

	for (; i < text.len && text.data[i] != '='; i++) {
		bool is_escape = is_pointer && i + 1 < text.len &&
		    (text.data[i + 1] == '0' || text.data[i + 1] == '1');

		if (text.data[i] == '~' && !is_escape)
			break;
	}
	return i;
}
