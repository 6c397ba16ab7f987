/* SPDX-License-Identifier: ISC */
/* jsontext: turns what a client wrote in JSON into the words of a call. */
#include "config.h"

#include "proto/jsontext.h"

#include <stdio.h>

bool
jsontext_of(const json_t *v, char room[static REAL_TEXT], struct slice *ret)
{
	int n;

	switch (json_typeof(v)) {
	case JSON_STRING:
		*ret = (struct slice){ json_string_value(v), json_string_length(v) };
		return true;
	case JSON_INTEGER:
		n = snprintf(room, REAL_TEXT, "%" JSON_INTEGER_FORMAT, json_integer_value(v));
		*ret = (struct slice){ room, (size_t)n };
		return true;
	case JSON_REAL:
		real_format(json_real_value(v), room);
		*ret = slice_of(room);
		return true;
	case JSON_TRUE:
		*ret = SLICE("yes");
		return true;
	case JSON_FALSE:
		*ret = SLICE("no");
		return true;
	case JSON_NULL:
	case JSON_ARRAY:
	case JSON_OBJECT:
		break;
	}
	return false;
}
