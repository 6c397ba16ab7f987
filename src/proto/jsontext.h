/* SPDX-License-Identifier: ISC */
/* jsontext: values of JSON as the text of an argument. */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "base/slice.h"
#include "base/units.h"

/*
 * Returns the text of a string, a number, or true and false, which are "yes" and "no". The
 * text is that of the value, or is made in room. False: the value is none of these.
 */
bool jsontext_of(const json_t *v, char room[static REAL_TEXT], struct slice *ret);
