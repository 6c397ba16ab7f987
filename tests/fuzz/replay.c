/* SPDX-License-Identifier: ISC */
/*
 * replay: feeds every file of a corpus directory to a fuzz target, so that make
 * check tries again all that a fuzzer has found.
 *
 *	fuzz_x DIR...	(without one: $srcdir/tests/fuzz/corpus/x)
 */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <libgen.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
replay_file(const char *path)
{
	FILE *f = fopen(path, "rb");
	uint8_t *data;
	long size;

	if (f == NULL || fseek(f, 0, SEEK_END) != 0)
		exit(1);
	size = ftell(f);
	rewind(f);
	/* Exactly as long as the input, so that a sanitizer sees one byte too far. */
	data = malloc(size > 0 ? (size_t)size : 1);
	if (data == NULL || fread(data, 1, (size_t)size, f) != (size_t)size)
		exit(1);
	(void)fclose(f);
	(void)LLVMFuzzerTestOneInput(data, (size_t)size);
	free(data);
}

static int
replay_directory(const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	int n = 0;

	if (d == NULL) {
		(void)fprintf(stderr, "%s: %s\n", dir, strerror(errno));
		exit(1);
	}
	while ((e = readdir(d)) != NULL) {
		char path[4096];

		if (e->d_name[0] == '.')
			continue;
		(void)snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
		replay_file(path);
		n++;
	}
	(void)closedir(d);
	return n;
}

int
main(int argc, char *argv[])
{
	const char *srcdir = getenv("srcdir"), *noun = strrchr(argv[0], '_');
	char dir[4096];
	int n = 0;

	if (argc > 1) {
		for (int i = 1; i < argc; i++)
			n += replay_directory(argv[i]);
	} else {
		if (srcdir == NULL || noun == NULL)
			return 2;
		(void)snprintf(dir, sizeof(dir), "%s/tests/fuzz/corpus/%s", srcdir, noun + 1);
		n = replay_directory(dir);
	}
	(void)printf("%d inputs replayed\n", n);
	return n > 0 ? 0 : 1;
}
