/* SPDX-License-Identifier: ISC */
/*
 * The requests of tests/data/http, each of which has one thing that no reader should let
 * pass: all are refused with the status of the table, in pieces of any size.
 */
#include "config.h"

#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "proto/httpchunk.h"
#include "proto/httphead.h"
#include "unit.h"

#define FILE_MAX_BYTES (64u << 10)
#define CLOSE 1		/* the "status" of a request that is closed without a word */
#define TAKEN 200	/* ... and of one that is taken */

static char directory[4096];
static struct httphead head;

static void
read_file(const char *name, char *ret, size_t *ret_len)
{
	CLEANUP_FILE FILE *f = NULL;
	char path[8192];

	(void)snprintf(path, sizeof(path), "%s/%s", directory, name);
	f = fopen(path, "rb");
	ck_assert_msg(f != NULL, "%s", path);
	*ret_len = fread(ret, 1, FILE_MAX_BYTES, f);
	ck_assert(*ret_len > 0 && *ret_len < FILE_MAX_BYTES);
}

/* Returns the status for a body in chunks. */
static unsigned
body_status(struct slice bytes)
{
	struct httpchunk c = { 0 };
	enum httpchunk_status s;
	struct slice data;
	const char *why;
	size_t used;

	do {
		s = httpchunk_decode(&c, bytes, &used, &data, &why);
		if (s == HTTPCHUNK_BAD)
			return 400;
		bytes.data += used;
		bytes.len -= used;
	} while (s == HTTPCHUNK_DATA);
	return TAKEN;
}

/* Returns the status for bytes that come in pieces of a size. */
static unsigned
status_of(struct slice bytes, size_t piece)
{
	struct httphead_cursor cursor = { 0 };
	struct httphead_error error = { 0 };
	size_t used;

	for (size_t n = 0; n < bytes.len;) {
		enum httphead_status s;

		n = bytes.len - n < piece ? bytes.len : n + piece;
		s = httphead_decode((struct slice){ bytes.data, n }, &cursor, &head, &used, &error);
		if (s == HTTPHEAD_FOREIGN)
			return CLOSE;
		if (s == HTTPHEAD_BAD)
			return error.status;
		if (s == HTTPHEAD_OK && head.body == HTTPBODY_CHUNKED)
			return body_status((struct slice){ bytes.data + used, bytes.len - used });
		if (s == HTTPHEAD_OK)
			return TAKEN;
	}
	return TAKEN;
}

static void
judge(const char *name, const char *word)
{
	static char bytes[FILE_MAX_BYTES];
	unsigned status = strcmp(word, "close") == 0 ? CLOSE : (unsigned)strtoul(word, NULL, 10);
	size_t len, piece;

	read_file(name, bytes, &len);
	piece = len > 4096 ? 61 : 1;
	for (; piece <= len; piece += len > 4096 ? 2003 : 1) {
		/* Memory of the exact size, so that a sanitizer sees one byte too far. */
		CLEANUP_FREE char *copy = malloc(len);
		unsigned got;

		ck_assert_ptr_nonnull(copy);
		memcpy(copy, bytes, len);
		got = status_of((struct slice){ copy, len }, piece);
		ck_assert_msg(got == status, "%s in pieces of %zu: %u, not %s", name, piece, got, word);
	}
}

static bool
is_row(const char *line, char name[static 128], char word[static 16])
{
	return line[0] != '#' && sscanf(line, "%127s %15s", name, word) == 2;
}

START_TEST(all_are_refused)
{
	CLEANUP_FILE FILE *table = NULL;
	char path[8192], line[256], name[128], word[16];
	int n = 0, n_files = 0;
	struct dirent *e;
	DIR *d;

	(void)snprintf(path, sizeof(path), "%s/STATUS", directory);
	table = fopen(path, "r");
	ck_assert_msg(table != NULL, "%s", path);
	while (fgets(line, sizeof(line), table) != NULL) {
		if (is_row(line, name, word)) {
			judge(name, word);
			n++;
		}
	}
	d = opendir(directory);
	ck_assert_ptr_nonnull(d);
	for (e = readdir(d); e != NULL; e = readdir(d))
		n_files += e->d_name[0] != '.' && strcmp(e->d_name, "STATUS") != 0;
	(void)closedir(d);
	/* No file is without a row. */
	ck_assert_int_eq(n, n_files);
	ck_assert_int_ge(n, 120);
}
END_TEST

static void
find_directory(void)
{
	const char *srcdir = getenv("srcdir");

	(void)snprintf(directory, sizeof(directory), "%s/tests/data/http",
	    srcdir != NULL ? srcdir : "..");
}

UNIT_MAIN("httpbad", find_directory(); tcase_add_test(tc, all_are_refused))
