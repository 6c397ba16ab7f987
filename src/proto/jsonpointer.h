/* SPDX-License-Identifier: ISC */
/*
 * jsonpointer: the place of a value in a document of JSON (RFC 6901), as "/repository/name".
 * In a name "~1" stands for "/" and "~0" for "~".
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"

/* True if the text is a pointer to a part of a document. */
bool jsonpointer_is_valid(struct slice text);

/*
 * Takes the next name from a valid pointer, decoded into room, which has as many bytes as the
 * pointer. False: there is none.
 */
bool jsonpointer_next(struct slice *pointer, char *room, struct slice *ret);

/* True if the name can be that of an element of an array. */
bool jsonpointer_index(struct slice name, size_t *ret);
