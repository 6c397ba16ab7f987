/* SPDX-License-Identifier: ISC */
/* Splits templates into literal text and names. */
#include "config.h"

#include "conf/template.h"

#include <errno.h>

static struct slice
slice_take(const char **p, size_t n)
{
	struct slice s = { *p, n };

	*p += n;
	return s;
}

int
template_next(const char **p, struct template_part *ret)
{
	size_t n = strcspn(*p, "{}");
	const char *close;

	if (**p == '\0')
		return 0;
	ret->is_name = ret->is_file = false;
	if (n > 0) {
		ret->text = slice_take(p, n);
		return 1;
	}
	if ((*p)[1] == **p) {		/* "{{" or "}}" */
		ret->text = (struct slice){ *p, 1 };
		*p += 2;
		return 1;
	}
	close = **p == '{' ? strpbrk(*p + 1, "{}") : NULL;
	ret->is_file = close != NULL && (*p)[1] == '@';
	if (close == NULL || *close != '}' || close == *p + 1 + ret->is_file)
		return -EINVAL;
	*p += 1 + ret->is_file;
	ret->text = slice_take(p, (size_t)(close - *p));
	(*p)++;
	ret->is_name = true;
	return 1;
}

bool
template_is_alone(const char *template, struct template_part *ret)
{
	return template_next(&template, ret) == 1 && ret->is_name && *template == '\0';
}

bool
template_is_name(const char *template, struct slice *ret_name)
{
	struct template_part part;

	if (!template_is_alone(template, &part) || part.is_file)
		return false;
	*ret_name = part.text;
	return true;
}
