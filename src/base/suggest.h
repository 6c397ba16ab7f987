/* SPDX-License-Identifier: ISC */
/* suggest: finds the word that a user probably meant. */
#pragma once

#include <stddef.h>

/*
 * Returns the candidate nearest to word. Insertions, deletions, changes and
 * swaps of neighbours count as slips; the case of letters does not. When no
 * candidate is near enough to be a likely slip, returns the only one that
 * begins with word, or NULL. The result is borrowed from candidates.
 */
const char *suggest_word(const char *word, const char *const *candidates, size_t n);

/* The same as "; did you mean 'WORD'?", or "". Good until the next call. */
const char *suggest_remedy(const char *word, const char *const *candidates, size_t n);
