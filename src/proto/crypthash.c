/* SPDX-License-Identifier: ISC */
/* crypthash: reads the forms of a hash of crypt(3). */
#include "config.h"

#include "proto/crypthash.h"

#include <stdint.h>
#include <string.h>

#include "base/cleanup.h"

static const char alphabet[] = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

static const char bad_form[] = "the hash of the password is cut off or has a wrong character";
static const char bad_work[] = "the hash of the password asks for work that reqd does not do; "
    "write it with 'reqctl passwd'";
static const char bad_memory[] = "a check of the password takes more than 256 MiB; write its "
    "hash with 'reqctl passwd'";

/* The number that a letter stands for; 64: it is none. */
static unsigned
letter_value(char c)
{
	const char *at = c != '\0' ? strchr(alphabet, c) : NULL;

	return at != NULL ? (unsigned)(at - alphabet) : 64;
}

/* Takes the text up to '$' or the end, and the '$'. */
static struct slice
take(struct slice *rest)
{
	const char *at = rest->len > 0 ? memchr(rest->data, '$', rest->len) : NULL;
	struct slice part = { rest->data, at != NULL ? (size_t)(at - rest->data) : rest->len };

	rest->data += part.len + (at != NULL);
	rest->len -= part.len + (at != NULL);
	return part;
}

static bool
is_letters(struct slice s, size_t min, size_t max)
{
	for (size_t i = 0; i < s.len; i++) {
		if (letter_value(s.data[i]) == 64)
			return false;
	}
	return s.len >= min && s.len <= max;
}

/* The number that letters stand for, the least one first. */
static uint64_t
letters_number(struct slice s, size_t at, size_t n)
{
	uint64_t v = 0;

	for (size_t i = n; i > 0; i--)
		v = v << 6 | letter_value(s.data[at + i - 1]);
	return v;
}

/* scrypt and yescrypt keep 2^n_log2 blocks of 128 r bytes. */
static const char *
check_memory(uint64_t n_log2, uint64_t r)
{
	if (n_log2 < 1 || n_log2 > 30 || r < 1 || r > 1024)
		return bad_work;
	return (128 * r) << n_log2 <= CRYPTHASH_MEMORY ? NULL : bad_memory;
}

/* $y$jNr$SALT$HASH, where a letter each is N and r; other flavours are not made by crypt(3). */
static const char *
check_yescrypt(struct slice rest)
{
	struct slice work = take(&rest), salt = take(&rest);

	if (!is_letters(salt, 1, 86) || !is_letters(rest, 43, 43))
		return bad_form;
	if (work.len != 3 || work.data[0] != 'j' || letter_value(work.data[1]) >= 48 ||
	    letter_value(work.data[2]) >= 48)
		return bad_work;
	return check_memory(letter_value(work.data[1]) + 1, letter_value(work.data[2]) + 1);
}

/* $7$NrrrrrpppppSALT$HASH. */
static const char *
check_scrypt(struct slice rest)
{
	struct slice head = take(&rest);

	if (!is_letters(head, 12, 97) || !is_letters(rest, 43, 43))
		return bad_form;
	if (letters_number(head, 6, 5) != 1)
		return bad_work;
	return check_memory(letters_number(head, 0, 1), letters_number(head, 1, 5));
}

/* $6$[rounds=NUMBER$]SALT$HASH. */
static const char *
check_sha512(struct slice rest)
{
	struct slice salt = take(&rest);

	if (slice_starts(salt, "rounds=")) {
		/* Nine digits are the most that crypt(3) takes. */
		if (salt.len < 7 + 4 || salt.len > 7 + 9 || salt.data[7] == '0')
			return bad_work;
		for (size_t i = 7; i < salt.len; i++) {
			if (salt.data[i] < '0' || salt.data[i] > '9')
				return bad_work;
		}
		salt = take(&rest);
	}
	return is_letters(salt, 1, 16) && is_letters(rest, 86, 86) ? NULL : bad_form;
}

/* $2b$NN$, then salt and hash in one. */
static const char *
check_bcrypt(struct slice rest)
{
	struct slice work = take(&rest);

	if (!is_letters(rest, 53, 53))
		return bad_form;
	if (work.len != 2 || work.data[0] < '0' || work.data[0] > '3' || work.data[1] < '0' ||
	    work.data[1] > '9')
		return bad_work;
	return NULL;
}

static const struct form {
	const char *prefix;
	const char *(*check)(struct slice rest);
} forms[] = {
	{ "$y$", check_yescrypt },
	{ "$7$", check_scrypt },
	{ "$6$", check_sha512 },
	{ "$2b$", check_bcrypt },
};

static const struct form *
form_of(struct slice text)
{
	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		if (slice_starts(text, forms[i].prefix))
			return &forms[i];
	}
	return NULL;
}

bool
crypthash_is_like(struct slice text)
{
	return form_of(text) != NULL;
}

const char *
crypthash_check(struct slice hash)
{
	const struct form *f = form_of(hash);
	size_t n;

	if (f == NULL || hash.len > CRYPTHASH_MAX)
		return bad_form;
	n = strlen(f->prefix);
	return f->check((struct slice){ hash.data + n, hash.len - n });
}

struct slice
crypthash_setting(struct slice hash)
{
	struct slice rest;

	if (slice_starts(hash, "$7$"))
		return (struct slice){ hash.data, 3 + 11 };
	rest = (struct slice){ hash.data + 3, hash.len - 3 };
	if (slice_starts(hash, "$6$") && !slice_starts(rest, "rounds="))
		return (struct slice){ hash.data, 3 };
	if (slice_starts(hash, "$2b$"))
		return (struct slice){ hash.data, 7 };
	(void)take(&rest);
	return (struct slice){ hash.data, (size_t)(rest.data - hash.data) };
}
