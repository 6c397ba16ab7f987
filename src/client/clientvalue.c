/* SPDX-License-Identifier: ISC */
/*
 * clientvalue: the accessors of replies. A struct reqd_value is a struct value
 * of the decoder under another name.
 */
#include "config.h"

#include <assert.h>

#include "client/reqd.h"
#include "proto/reply.h"

static_assert((int)REQD_SIMPLE == (int)VALUE_SIMPLE, "kinds differ");
static_assert((int)REQD_NULL == (int)VALUE_NULL, "kinds differ");
static_assert((int)REQD_VERBATIM == (int)VALUE_VERBATIM, "kinds differ");
static_assert((int)REQD_PUSH == (int)VALUE_PUSH, "kinds differ");
static_assert((int)REQD_BIG == (int)VALUE_BIG, "kinds differ");

static const struct value *
inside(const struct reqd_value *v)
{
	return (const struct value *)(const void *)v;
}

static const struct reqd_value *
outside(const struct value *v)
{
	return (const struct reqd_value *)(const void *)v;
}

enum reqd_kind
reqd_value_kind(const struct reqd_value *v)
{
	return v == NULL ? REQD_NULL : (enum reqd_kind)inside(v)->kind;
}

const char *
reqd_value_data(const struct reqd_value *v, size_t *ret_len)
{
	const struct value *i = inside(v);
	size_t len = i == NULL || i->text.data == NULL ? 0 : i->text.len;

	if (ret_len != NULL)
		*ret_len = len;
	return len == 0 ? "" : i->text.data;
}

int64_t
reqd_value_integer(const struct reqd_value *v)
{
	enum reqd_kind k = reqd_value_kind(v);

	return k == REQD_INTEGER || k == REQD_BOOL ? inside(v)->integer : 0;
}

double
reqd_value_double(const struct reqd_value *v)
{
	switch (reqd_value_kind(v)) {
	case REQD_DOUBLE:
		return inside(v)->number;
	case REQD_INTEGER:
		return (double)inside(v)->integer;
	default:
		return 0;
	}
}

size_t
reqd_value_count(const struct reqd_value *v)
{
	return v == NULL ? 0 : inside(v)->n_items;
}

const struct reqd_value *
reqd_value_at(const struct reqd_value *v, size_t i)
{
	return i < reqd_value_count(v) ? outside(&inside(v)->items[i]) : NULL;
}

const struct reqd_value *
reqd_value_get(const struct reqd_value *v, const char *key)
{
	enum reqd_kind k = reqd_value_kind(v);

	if (k != REQD_MAP && k != REQD_ARRAY)
		return NULL;
	return outside(value_get(inside(v), key));
}
