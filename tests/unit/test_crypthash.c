/* SPDX-License-Identifier: ISC */
/* crypthash: hashes of crypt(3) that are taken, and those that are not. */
#include "config.h"

#include "proto/crypthash.h"

#include <crypt.h>
#include <string.h>

#include "base/cleanup.h"
#include "unit.h"

#define S43 "0123456789012345678901234567890123456789012"
#define S86 S43 S43

START_TEST(test_right)
{
	static const struct {
		const char *hash, *setting;
	} table[] = {
		{ "$y$j9T$salt$" S43, "$y$j9T$" },
		{ "$y$j75$./AZaz09$" S43, "$y$j75$" },
		{ "$y$jDT$salt$" S43, "$y$jDT$" },
		{ "$7$CU..../....salt$" S43, "$7$CU..../...." },
		{ "$6$salt$" S86, "$6$" },
		{ "$6$rounds=656000$salt$" S86, "$6$rounds=656000$" },
		{ "$2b$12$" S43 "0123456789", "$2b$12$" },
	};

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct slice hash = slice_of(table[i].hash);

		ck_assert(crypthash_is_like(hash));
		ck_assert_msg(crypthash_check(hash) == NULL, "%s: %s", table[i].hash,
		    crypthash_check(hash));
		ck_assert(slice_is(crypthash_setting(hash), table[i].setting));
	}
}
END_TEST

START_TEST(test_wrong)
{
	static const struct {
		const char *hash, *why;
	} table[] = {
		{ "$y$", "cut off" }, { "$y$j9T", "cut off" }, { "$y$j9T$salt", "cut off" },
		{ "$y$j9T$salt$" S43 "x", "cut off" }, { "$y$j9T$$" S43, "cut off" },
		{ "$y$j9T$sa:t$" S43, "cut off" }, { "$y$j9T$salt$" S43 "$", "cut off" },
		{ "$y$j9$salt$" S43, "asks for work" }, { "$y$k9T$salt$" S43, "asks for work" },
		{ "$y$j9Tx$salt$" S43, "asks for work" }, { "$y$jzT$salt$" S43, "asks for work" },
		{ "$y$jET$salt$" S43, "256 MiB" }, { "$y$jTT$salt$" S43, "asks for work" },
		{ "$7$", "cut off" }, { "$7$CU..../..../$" S43 "y", "cut off" },
		{ "$7$CU..../....$" S43, "cut off" },
		{ "$7$CU....0....salt$" S43, "asks for work" },
		{ "$7$GU..../....salt$" S43, "256 MiB" },
		{ "$7$Czzzzz/....salt$" S43, "asks for work" },
		{ "$7$.U..../....salt$" S43, "asks for work" },
		{ "$6$", "cut off" }, { "$6$saltsaltsaltsaltx$" S86, "cut off" },
		{ "$6$salt$" S43, "cut off" }, { "$6$rounds=$salt$" S86, "asks for work" },
		{ "$6$rounds=999$salt$" S86, "asks for work" },
		{ "$6$rounds=0999$salt$" S86, "asks for work" },
		{ "$6$rounds=1000000000$salt$" S86, "asks for work" },
		{ "$6$rounds=10x0$salt$" S86, "asks for work" },
		{ "$2b$", "cut off" }, { "$2b$12$" S43, "cut off" },
		{ "$2b$1$" S43 "0123456789", "asks for work" },
		{ "$2b$99$" S43 "0123456789", "asks for work" },
		/* Forms that crypt(3) knows and reqd does not take. */
		{ "$1$salt$0123456789012345678901", "cut off" },
		{ "$5$salt$" S43, "cut off" }, { "$2a$12$" S43 "0123456789", "cut off" },
		{ "$gy$j9T$salt$" S43, "cut off" }, { "", "cut off" },
	};

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		const char *why = crypthash_check(slice_of(table[i].hash));

		ck_assert_msg(why != NULL, "%s is taken", table[i].hash);
		ck_assert_msg(strstr(why, table[i].why) != NULL, "%s: %s", table[i].hash, why);
	}
}
END_TEST

/* The hashes that the library of the system makes are taken, for each method and cost. */
START_TEST(test_made)
{
	static const struct {
		const char *prefix;
		unsigned long least, most;
	} methods[] = { { "$y$", 1, 9 }, { "$7$", 6, 9 }, { "$6$", 1000, 5001 }, { "$2b$", 4, 6 } };
	static struct crypt_data data;

	for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
		for (unsigned long n = methods[i].least; n <= methods[i].most; n++) {
			char setting[CRYPT_GENSALT_OUTPUT_SIZE];
			const char *hash;
			struct slice s;

			ck_assert(crypt_gensalt_rn(methods[i].prefix, n, NULL, 0, setting,
			    sizeof(setting)) != NULL);
			hash = crypt_rn("x", setting, &data, sizeof(data));
			ck_assert(hash != NULL && hash[0] == '$');
			ck_assert_msg(crypthash_check(slice_of(hash)) == NULL, "%s", hash);
			s = crypthash_setting(slice_of(hash));
			ck_assert(strncmp(setting, hash, s.len) == 0);
			/* The rest is salt; rounds are 5000 where none are written. */
			ck_assert_uint_lt(s.len, strlen(setting));
			if (n == methods[i].least + 20)
				n = methods[i].most - 1;
		}
	}
}
END_TEST

/* No cut of a right hash is right. */
START_TEST(test_cut)
{
	static const char *const hashes[] = { "$y$j9T$salt$" S43, "$7$CU..../....salt$" S43,
		"$6$rounds=5000$salt$" S86, "$2b$12$" S43 "0123456789" };

	for (size_t i = 0; i < ARRAY_LEN(hashes); i++) {
		for (size_t len = 0; len < strlen(hashes[i]); len++)
			ck_assert(crypthash_check((struct slice){ hashes[i], len }) != NULL);
	}
}
END_TEST

static void
add(TCase *tc)
{
	tcase_add_test(tc, test_right);
	tcase_add_test(tc, test_wrong);
	tcase_add_test(tc, test_made);
	tcase_add_test(tc, test_cut);
}

UNIT_MAIN("crypthash", add(tc))
