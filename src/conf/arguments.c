/* SPDX-License-Identifier: ISC */
/* Assigns the arguments of a call, checks them and expands templates. */
#include "config.h"

#include "conf/arguments.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/escape.h"
#include "conf/argument.h"
#include "conf/template.h"

#define SHOWN 40	/* bytes of an unknown name in a reason */

void
values_done(struct values *v)
{
	free(v->all);
	v->all = NULL;
	v->n_all = 0;
}

static int __attribute__((format(printf, 2, 3)))
refuse(char why[static ARGUMENTS_WHY], const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(why, ARGUMENTS_WHY, fmt, ap);
	va_end(ap);
	return ARGUMENTS_BAD;
}

/* ----------------------------------------------------------- assigning --- */

/*
 * Only the last argument may repeat, so argument i has place i in all, and the
 * values of a repeated one follow from its place on.
 */
static int
assign(struct values *v, size_t i, struct slice value, char why[static ARGUMENTS_WHY])
{
	const struct argument *a = &v->service->args[i];
	size_t at = i + v->n[i];

	if (v->n[i] > 0 && !a->repeat)
		return refuse(why, "argument '%s': given twice", a->name);
	v->all[at] = value;
	v->n[i]++;
	if (at >= v->n_all)
		v->n_all = at + 1;
	return ARGUMENTS_OK;
}

static int
assign_positional(struct values *v, const struct slice *argv, size_t argc,
    char why[static ARGUMENTS_WHY])
{
	const struct service *s = v->service;
	size_t last = s->n_args - 1;

	if (argc == 0)
		return ARGUMENTS_OK;
	if (s->n_args == 0)
		return refuse(why, "no arguments are taken");
	if (argc > s->n_args && !s->args[last].repeat)
		return refuse(why, "at most %zu argument%s taken, not %zu", s->n_args,
		    s->n_args == 1 ? " is" : "s are", argc);
	for (size_t i = 0; i < argc; i++) {
		int r = assign(v, i < last ? i : last, argv[i], why);

		if (r != ARGUMENTS_OK)
			return r;
	}
	return ARGUMENTS_OK;
}

/* True if the service has a secret argument: its value may stand in any other place by mistake. */
static bool
has_secret(const struct service *s)
{
	for (size_t i = 0; i < s->n_args; i++) {
		if (s->args[i].secret)
			return true;
	}
	return false;
}

static int
refuse_name(const struct service *s, struct slice name, char why[static ARGUMENTS_WHY])
{
	struct buf b = { .data = why, .cap = ARGUMENTS_WHY, .max = ARGUMENTS_WHY - 1 };
	size_t len;

	if (has_secret(s))
		return refuse(why, "unknown argument; what was given is not shown, as '%s' has a secret",
		    s->name);
	(void)buf_append_str(&b, "unknown argument '");
	(void)escape_text(&b, name, SHOWN);
	len = buf_len(&b);
	(void)snprintf(why + len, ARGUMENTS_WHY - len, "'%s", service_suggest_argument(s, name));
	return ARGUMENTS_BAD;
}

static int
assign_named(struct values *v, const struct slice *argv, size_t argc,
    char why[static ARGUMENTS_WHY])
{
	const struct service *s = v->service;

	for (size_t i = 0; i < argc; i++) {
		const char *equals = argv[i].len > 0 ? memchr(argv[i].data, '=', argv[i].len) : NULL;
		struct slice name = argv[i], value = SLICE("yes");
		const struct argument *a;
		int r;

		if (equals != NULL) {
			name.len = (size_t)(equals - argv[i].data);
			value.data = equals + 1;
			value.len = argv[i].len - name.len - 1;
		}
		a = name.len > 0 ? service_find_argument(s, name.data, name.len) : NULL;
		if (a == NULL)
			return refuse_name(s, name, why);
		if (equals == NULL && a->type != ARGUMENT_FLAG)
			return refuse(why, "argument '%s': has no value; write %s=VALUE", a->name,
			    a->name);
		r = assign(v, (size_t)(a - s->args), value, why);
		if (r != ARGUMENTS_OK)
			return r;
	}
	return ARGUMENTS_OK;
}

/* ------------------------------------------------------------ checking --- */

/* Replaces a set flag by the text it inserts, and an unset one by nothing. */
static void
settle_flag(struct values *v, size_t i)
{
	const struct argument *a = &v->service->args[i];

	if (argument_flag(v->all[i]) == 1)
		v->all[i] = slice_of(a->value);
	else
		v->n[i] = 0;
}

/* Describes a refused value again, without a byte of it. */
static int
refuse_value(const struct argument *a, struct slice value, char why[static ARGUMENTS_WHY])
{
	struct argument quiet = *a;

	quiet.secret = true;
	return argument_check(&quiet, value, why);
}

static int
check_argument(struct values *v, size_t i, char why[static ARGUMENTS_WHY])
{
	const struct argument *a = &v->service->args[i];

	if (v->n[i] == 0 && a->def != NULL)
		(void)assign(v, i, slice_of(a->def), why);
	if (v->n[i] == 0) {
		if (a->optional || a->type == ARGUMENT_FLAG)
			return ARGUMENTS_OK;
		return refuse(why, "argument '%s' is missing", a->name);
	}
	for (size_t j = 0; j < v->n[i]; j++) {
		int r = argument_check(a, v->all[i + j], why);

		if (r == ARGUMENTS_BAD && has_secret(v->service))
			return refuse_value(a, v->all[i + j], why);
		if (r != ARGUMENTS_OK)
			return r;
	}
	if (a->type == ARGUMENT_FLAG)
		settle_flag(v, i);
	return ARGUMENTS_OK;
}

int
arguments_check(const struct service *s, const struct slice *argv, size_t argc, bool named,
    struct values *ret, char why[static ARGUMENTS_WHY])
{
	struct values v = { .service = s };
	int r;

	if (s->n_args > 0) {
		v.all = calloc(s->n_args + argc, sizeof(*v.all));
		if (v.all == NULL)
			return -ENOMEM;
	}
	for (size_t i = 0; i < s->n_args; i++)
		v.first[i] = i;

	if (named)
		r = assign_named(&v, argv, argc, why);
	else
		r = assign_positional(&v, argv, argc, why);
	for (size_t i = 0; i < s->n_args && r == ARGUMENTS_OK; i++)
		r = check_argument(&v, i, why);
	if (r != ARGUMENTS_OK) {
		values_done(&v);
		return r;
	}
	*ret = v;
	return ARGUMENTS_OK;
}

/* ----------------------------------------------------------- expanding --- */

/* Index of the argument of that name, which exists, as the configuration was checked. */
static size_t
index_of(const struct values *v, struct slice name)
{
	return (size_t)(service_find_argument(v->service, name.data, name.len) -
	    v->service->args);
}

static bool
has_unset(const char *template, const struct values *v)
{
	struct template_part part;

	while (template_next(&template, &part) > 0) {
		if (part.is_name && v->n[index_of(v, part.text)] == 0)
			return true;
	}
	return false;
}

/* Appends the path of the file that has the value of a secret argument. */
static void
put_file(const struct service *s, size_t i, struct buf *out)
{
	unsigned fd = SERVICE_SECRET_FD;

	for (size_t j = 0; j < i; j++)
		fd += s->args[j].secret;
	(void)buf_printf(out, "/dev/fd/%u", fd);
}

int
arguments_expand_text(const char *template, const struct values *v, struct buf *out)
{
	struct template_part part;

	while (template_next(&template, &part) > 0) {
		size_t i;

		if (!part.is_name) {
			(void)buf_append_slice(out, part.text);
			continue;
		}
		i = index_of(v, part.text);
		if (part.is_file) {
			put_file(v->service, i, out);
			continue;
		}
		for (size_t j = 0; j < v->n[i]; j++) {
			if (j > 0)
				(void)buf_append_char(out, ' ');
			(void)buf_append_slice(out, v->all[v->first[i] + j]);
		}
	}
	return buf_failed(out) ? -ENOMEM : 0;
}

/* Appends the values of one argument, an element each. */
static size_t
expand_values(const struct values *v, size_t i, struct buf *out)
{
	for (size_t j = 0; j < v->n[i]; j++) {
		(void)buf_append_slice(out, v->all[v->first[i] + j]);
		(void)buf_append_char(out, '\0');
	}
	return v->n[i];
}

int
arguments_expand(char *const *template, const struct values *v, struct buf *out, size_t *ret_n)
{
	size_t n = 0;

	for (; *template != NULL; template++) {
		struct slice name;

		if (template_is_name(*template, &name)) {
			n += expand_values(v, index_of(v, name), out);
			continue;
		}
		if (has_unset(*template, v))
			continue;
		(void)arguments_expand_text(*template, v, out);
		(void)buf_append_char(out, '\0');
		n++;
	}
	if (buf_failed(out))
		return -ENOMEM;
	*ret_n = n;
	return 0;
}

int
arguments_expand_files(const struct values *v, struct buf *out, size_t *ret_n)
{
	const struct service *s = v->service;
	size_t n = 0;

	for (size_t i = 0; i < s->n_args && s->has_secret_files; i++) {
		if (!s->args[i].secret)
			continue;
		/* An argument that is not given has its place, too. */
		if (v->n[i] > 0)
			(void)buf_append_slice(out, v->all[v->first[i]]);
		(void)buf_append_char(out, '\0');
		n++;
	}
	*ret_n = n;
	return buf_failed(out) ? -ENOMEM : 0;
}

/* ------------------------------------------------------------- logging --- */

int
arguments_format_log(const struct values *v, struct buf *out, size_t max)
{
	struct buf b = BUF_INIT(max);
	int r;

	for (size_t i = 0; i < v->service->n_args; i++) {
		const struct argument *a = &v->service->args[i];

		for (size_t j = 0; j < v->n[i] && !buf_failed(&b); j++) {
			if (buf_len(&b) > 0)
				(void)buf_append_char(&b, ' ');
			(void)buf_append_str(&b, a->name);
			(void)buf_append_char(&b, '=');
			if (a->secret)
				(void)buf_append_str(&b, "***");
			else
				(void)escape_word(&b, v->all[v->first[i] + j], max);
		}
	}
	/* The text is cut at max, to keep a log line short. */
	r = buf_append_slice(out, buf_slice(&b));
	buf_done(&b);
	return r < 0 ? -ENOMEM : 0;
}
