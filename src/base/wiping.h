/* SPDX-License-Identifier: ISC */
/*
 * wiping: memory that is overwritten when it is freed, for a library that keeps secrets of
 * others in it. The functions have the form in which OpenSSL takes them; file and line are
 * not used.
 */
#pragma once

#include <stddef.h>

void *wiping_malloc(size_t n, const char *file, int line);
void *wiping_realloc(void *p, size_t n, const char *file, int line);
void wiping_free(void *p, const char *file, int line);
