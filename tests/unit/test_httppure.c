/* SPDX-License-Identifier: ISC */
/*
 * The codec of HTTP allocates nothing when it reads: the linker leads each call of malloc()
 * and its kin here (-Wl,--wrap).
 */
#include "config.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "proto/httpaccept.h"
#include "proto/httpchunk.h"
#include "proto/httpdate.h"
#include "proto/httpform.h"
#include "proto/httphead.h"
#include "unit.h"

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t n);

static volatile int n_allocations;

void *
__wrap_malloc(size_t n)
{
	n_allocations++;
	return __real_malloc(n);
}

void *
__wrap_calloc(size_t n, size_t size)
{
	n_allocations++;
	return __real_calloc(n, size);
}

void *
__wrap_realloc(void *p, size_t n)
{
	n_allocations++;
	return __real_realloc(p, n);
}

#define START "POST /call/a%20b?x=1&y=%C3%A4+z HTTP/1.1\r\nHost: [::1]:80\r\n"

static const char *const heads[] = {
	START "Accept: text/*;q=0.5, application/json\r\nConnection: x, close\r\n"
	    "Transfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
	START "Content-Length: 5\r\nContent-Length: 5\r\n\r\n",
	START "X: y\r\n z\r\n\r\n",
	START "X: y\n\r\n",
	"*1\r\n$4\r\nPING\r\n",
	"PROXY TCP4 1.2.3.4 1.2.3.4 1 1\r\n",
};

/* Reads all that can be read of bytes. */
static void
read_all(struct slice bytes, size_t piece)
{
	static struct httphead head;
	struct httphead_cursor cursor = { 0 };
	struct httphead_error error;
	struct httpchunk chunk = { 0 };
	struct slice segments[8], data;
	struct httppair pairs[8];
	char room[256];
	const char *why;
	size_t used = 0, n;

	for (n = piece; n < bytes.len; n += piece)
		(void)httphead_decode((struct slice){ bytes.data, n }, &cursor, &head, &used, &error);
	cursor = (struct httphead_cursor){ 0 };
	if (httphead_decode(bytes, &cursor, &head, &used, &error) != HTTPHEAD_OK)
		return;
	(void)httptarget_split(head.target.path, room, segments, ARRAY_LEN(segments), &n);
	(void)httpform_parse(head.target.query, room, pairs, ARRAY_LEN(pairs), &n);
	(void)httpaccept_choose(httphead_get(&head, HTTPKNOWN_ACCEPT), SLICE("text/plain"));
	(void)httphead_find(&head, SLICE("x"));
	bytes.data += used;
	bytes.len -= used;
	(void)httpchunk_decode(&chunk, bytes, &used, &data, &why);
}

START_TEST(nothing_is_allocated)
{
	char date[HTTPDATE_TEXT];
	int before = n_allocations, after, counted;
	void *volatile p;

	for (size_t i = 0; i < ARRAY_LEN(heads); i++) {
		for (size_t piece = 1; piece <= strlen(heads[i]); piece++)
			read_all(slice_of(heads[i]), piece);
	}
	httpdate_format(0, date);
	after = n_allocations;
	/* The count does count. An assertion allocates, too. */
	p = malloc(1);
	counted = n_allocations;
	free(p);
	ck_assert_int_eq(after, before);
	ck_assert_int_eq(counted, after + 1);
}
END_TEST

UNIT_MAIN("httppure", tcase_add_test(tc, nothing_is_allocated))
