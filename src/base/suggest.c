/* SPDX-License-Identifier: ISC */
/* suggest: compares words by the number of slips between them. */
#include "config.h"

#include "base/suggest.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define WORD_MAX 64

static unsigned
min3(unsigned a, unsigned b, unsigned c)
{
	unsigned m = a < b ? a : b;

	return m < c ? m : c;
}

/*
 * Returns the optimal string alignment distance (Damerau, restricted). Keeps
 * three rows.
 */
static unsigned
distance(const char *a, size_t la, const char *b, size_t lb)
{
	unsigned rows[3][WORD_MAX + 1];
	unsigned *before = rows[0], *last = rows[1], *row = rows[2];

	for (unsigned j = 0; j <= lb; j++)
		last[j] = j;
	for (unsigned i = 1; i <= la; i++) {
		unsigned *spare;

		row[0] = i;
		for (size_t j = 1; j <= lb; j++) {
			int ca = tolower((unsigned char)a[i - 1]);
			int cb = tolower((unsigned char)b[j - 1]);

			row[j] = min3(last[j] + 1, row[j - 1] + 1,
			    last[j - 1] + (ca == cb ? 0 : 1));
			if (i > 1 && j > 1 &&
			    ca == tolower((unsigned char)b[j - 2]) &&
			    cb == tolower((unsigned char)a[i - 2]) &&
			    before[j - 2] + 1 < row[j])
				row[j] = before[j - 2] + 1;
		}
		spare = before;
		before = last;
		last = row;
		row = spare;
	}
	return last[lb];
}

/*
 * Returns the candidate that begins with word, if there is only one. A single
 * letter says too little.
 */
static const char *
only_longer(const char *word, const char *const *candidates, size_t n)
{
	size_t len = strlen(word);
	const char *found = NULL;

	if (len < 2)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		if (strncasecmp(candidates[i], word, len) != 0)
			continue;
		if (found != NULL)
			return NULL;
		found = candidates[i];
	}
	return found;
}

const char *
suggest_word(const char *word, const char *const *candidates, size_t n)
{
	size_t len = strlen(word);
	unsigned best = (unsigned)(len + 2) / 3;	/* one slip for three letters */
	const char *found = NULL;

	if (len == 0 || len > WORD_MAX)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		size_t lc = strlen(candidates[i]);
		unsigned d;

		if (lc > WORD_MAX)
			continue;
		d = distance(word, len, candidates[i], lc);
		if (d > best || (found != NULL && d == best))
			continue;
		best = d;
		found = candidates[i];
	}
	return found != NULL ? found : only_longer(word, candidates, n);
}

const char *
suggest_remedy(const char *word, const char *const *candidates, size_t n)
{
	static char remedy[96];
	const char *near = suggest_word(word, candidates, n);

	if (near == NULL)
		return "";
	(void)snprintf(remedy, sizeof(remedy), "; did you mean '%.64s'?", near);
	return remedy;
}
