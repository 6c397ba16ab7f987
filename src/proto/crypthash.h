/* SPDX-License-Identifier: ISC */
/*
 * crypthash: the forms of a hash of crypt(3) that the file of logins may hold: yescrypt
 * ($y$), scrypt ($7$), SHA-512 ($6$) and bcrypt ($2b$). Nothing is hashed here.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"

#define CRYPTHASH_MAX 256

/* The longest beginning that tells what a check costs, with its NUL. */
#define CRYPTHASH_SETTING 64

/* Memory that one check may take. */
#define CRYPTHASH_MEMORY (UINT64_C(256) << 20)

/* True if the text begins like one of these hashes. */
bool crypthash_is_like(struct slice text);

/* NULL for a whole hash of one of these forms; or what is wrong, a constant text. */
const char *crypthash_check(struct slice hash);

/*
 * Returns the beginning of a right hash that says by which method, and with how much
 * work, a password is checked: of hashes with the same one each check costs the same.
 */
struct slice crypthash_setting(struct slice hash);
