/* SPDX-License-Identifier: ISC */
/*
 * suggest: the word that was probably meant.
 */
#pragma once

#include <stddef.h>

/*
 * The candidate nearest to word (insertions, deletions, changes and swaps of
 * neighbours, letters without regard to case); when none is near enough to be
 * a likely slip, the only one that begins with word; or NULL. Borrowed from
 * candidates.
 */
const char *suggest_word(const char *word, const char *const *candidates, size_t n);

/* The same as "; did you mean 'WORD'?", or "". Good until the next call. */
const char *suggest_remedy(const char *word, const char *const *candidates, size_t n);
