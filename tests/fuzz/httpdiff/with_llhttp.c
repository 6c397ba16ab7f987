/* SPDX-License-Identifier: ISC */
/*
 * with_llhttp: reads requests with llhttp, to the plain form of httpdiff.c. A file of its own, because
 * its names are those of http-parser.
 */
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "llhttp.h"

#define ROOM (64u << 10)

int llhttp_read(const char *data, size_t len, char *ret, size_t *ret_len, size_t max);

static struct {
	char target[ROOM], fields[ROOM], body[ROOM], name[ROOM], value[ROOM];
	size_t target_len, fields_len, body_len, name_len, value_len;
	bool has_value, is_whole, is_kept;
	const char *method;
	int minor;
} seen;

static void
add(char *to, size_t *len, const char *data, size_t n)
{
	memcpy(to + *len, data, n);
	*len += n;
}

static void
field_end(void)
{
	bool is_out = seen.name_len == 0 || memchr(seen.name, '_', seen.name_len) != NULL;

	for (size_t i = 0; i < seen.name_len; i++) {
		if (seen.name[i] >= 'A' && seen.name[i] <= 'Z')
			seen.name[i] = (char)(seen.name[i] + 32);
	}
	is_out = is_out || (seen.name_len == 5 && memcmp(seen.name, "proxy", 5) == 0);
	while (seen.value_len > 0 && (seen.value[seen.value_len - 1] == ' ' ||
	    seen.value[seen.value_len - 1] == '\t'))
		seen.value_len--;
	if (!is_out) {
		add(seen.fields, &seen.fields_len, seen.name, seen.name_len);
		add(seen.fields, &seen.fields_len, ":", 1);
		add(seen.fields, &seen.fields_len, seen.value, seen.value_len);
		add(seen.fields, &seen.fields_len, "\n", 1);
	}
	seen.name_len = seen.value_len = 0;
	seen.has_value = false;
}

static int
on_target(llhttp_t *p, const char *at, size_t n)
{
	(void)p;
	add(seen.target, &seen.target_len, at, n);
	return 0;
}

static int
on_name(llhttp_t *p, const char *at, size_t n)
{
	(void)p;
	if (seen.has_value)
		field_end();
	add(seen.name, &seen.name_len, at, n);
	return 0;
}

static int
on_value(llhttp_t *p, const char *at, size_t n)
{
	(void)p;
	add(seen.value, &seen.value_len, at, n);
	return 0;
}

static int
on_value_end(llhttp_t *p)
{
	(void)p;
	seen.has_value = true;
	return 0;
}

static int
on_body(llhttp_t *p, const char *at, size_t n)
{
	(void)p;
	add(seen.body, &seen.body_len, at, n);
	return 0;
}

static int
on_head(llhttp_t *p)
{
	if (seen.has_value || seen.name_len > 0)
		field_end();
	seen.method = llhttp_method_name((llhttp_method_t)p->method);
	seen.minor = p->http_minor;
	seen.is_kept = llhttp_should_keep_alive(p);
	p->upgrade = p->method == HTTP_CONNECT;
	return 0;
}

static int
on_whole(llhttp_t *p)
{
	(void)p;
	seen.is_whole = true;
	return HPE_PAUSED;
}

int
llhttp_read(const char *data, size_t len, char *ret, size_t *ret_len, size_t max)
{
	static llhttp_settings_t settings;
	llhttp_t p;
	llhttp_errno_t e;

	(void)max;
	llhttp_settings_init(&settings);
	settings.on_url = on_target;
	settings.on_header_field = on_name;
	settings.on_header_value = on_value;
	settings.on_header_value_complete = on_value_end;
	settings.on_headers_complete = on_head;
	settings.on_body = on_body;
	settings.on_message_complete = on_whole;
	seen.target_len = seen.fields_len = seen.body_len = seen.name_len = seen.value_len = 0;
	seen.has_value = seen.is_whole = false;
	llhttp_init(&p, HTTP_REQUEST, &settings);
	e = llhttp_execute(&p, data, len);
	if (!seen.is_whole)
		return e != HPE_OK ? -1 : 0;
	*ret_len = 0;
	add(ret, ret_len, seen.method, strlen(seen.method));
	add(ret, ret_len, " ", 1);
	add(ret, ret_len, seen.target, seen.target_len);
	add(ret, ret_len, seen.minor == 0 ? " 0\n" : " 1\n", 3);
	add(ret, ret_len, seen.fields, seen.fields_len);
	add(ret, ret_len, seen.is_kept ? "\n1\n" : "\n0\n", 3);
	add(ret, ret_len, seen.body, seen.body_len);
	return 1;
}
