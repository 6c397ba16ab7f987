/* SPDX-License-Identifier: ISC */
/* jsonpointer: takes a pointer apart. */
#include "config.h"

#include "proto/jsonpointer.h"

#define INDEX_DIGITS 9

bool
jsonpointer_is_valid(struct slice text)
{
	if (text.len == 0 || text.data[0] != '/')
		return false;
	for (size_t i = 0; i < text.len; i++) {
		if (text.data[i] == '~' &&
		    (i + 1 == text.len || (text.data[i + 1] != '0' && text.data[i + 1] != '1')))
			return false;
	}
	return true;
}

bool
jsonpointer_next(struct slice *pointer, char *room, struct slice *ret)
{
	size_t n = 0, i;

	if (pointer->len == 0)
		return false;
	for (i = 1; i < pointer->len && pointer->data[i] != '/'; i++) {
		char c = pointer->data[i];

		if (c == '~')
			c = pointer->data[++i] == '0' ? '~' : '/';
		room[n++] = c;
	}
	pointer->data += i;
	pointer->len -= i;
	*ret = (struct slice){ room, n };
	return true;
}

bool
jsonpointer_index(struct slice name, size_t *ret)
{
	size_t index = 0;

	if (name.len == 0 || name.len > INDEX_DIGITS || (name.len > 1 && name.data[0] == '0'))
		return false;
	for (size_t i = 0; i < name.len; i++) {
		if (name.data[i] < '0' || name.data[i] > '9')
			return false;
		index = index * 10 + (size_t)(name.data[i] - '0');
	}
	*ret = index;
	return true;
}
