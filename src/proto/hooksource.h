/* SPDX-License-Identifier: ISC */
/*
 * hooksource: the part of a delivery that a value is taken from: "/a/b" of a document of JSON,
 * "form:NAME", "query:NAME" or "header:NAME".
 */
#pragma once

#include "base/slice.h"

enum hooksource_kind {
	HOOKSOURCE_POINTER,
	HOOKSOURCE_FORM,
	HOOKSOURCE_QUERY,
	HOOKSOURCE_HEADER,
};

struct hooksource {
	enum hooksource_kind kind;
	struct slice text;	/* as it is written */
	struct slice name;	/* without the word in front; the whole pointer */
};

/* Reads a source. NULL, or a constant sentence that says what is wrong. The slices borrow. */
const char *hooksource_parse(struct slice text, struct hooksource *ret);

/*
 * The length of the source at the start of a condition, which ends before "=" or "~". The "~"
 * of "~0" and "~1" in a pointer is part of a name. text.len: neither of them is there.
 */
size_t hooksource_span(struct slice text);
