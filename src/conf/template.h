/* SPDX-License-Identifier: ISC */
/*
 * template: text with the names of arguments in braces, "{name}", or
 * "{@name}" for the path of a file with the value; "{{" and "}}" stand for the
 * braces themselves.
 */
#pragma once

#include <stdbool.h>

#include "base/slice.h"

struct template_part {
	struct slice text;	/* literal text, or the name */
	bool is_name;
	bool is_file;		/* "{@name}": the path of a file that has the value */
};

/*
 * Takes the next part at *p, which is moved behind it. 1, 0 at the end, or
 * -EINVAL for a brace without its partner or a name that cannot be one.
 */
int template_next(const char **p, struct template_part *ret);

/* True if the template is one name, or the path of its file, and nothing else. */
bool template_is_alone(const char *template, struct template_part *ret);

/* True if the template is one name and nothing else. */
bool template_is_name(const char *template, struct slice *ret_name);
