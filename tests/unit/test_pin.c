/* SPDX-License-Identifier: ISC */
/* pin: the text of a hash, and the texts that are no pin. */
#include "config.h"

#include "base/pin.h"
#include "unit.h"

/* Bytes whose text has both letters in which base64url differs from base64. */
START_TEST(a_pin_is_its_hash)
{
	uint8_t hash[PIN_HASH] = { 0xfb, 0xef, 0xff };
	char text[PIN_TEXT];

	pin_format(hash, text);
	ck_assert_str_eq(text, "sha256:--__AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
	ck_assert_uint_eq(strlen(text), PIN_TEXT - 1);
	ck_assert(pin_is_valid(text));
	text[PIN_TEXT - 2] = '=';
	ck_assert(!pin_is_valid(text));
	text[PIN_TEXT - 2] = '\0';
	ck_assert(!pin_is_valid(text));
	ck_assert(!pin_is_valid("sha512:--__AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"));
	ck_assert(!pin_is_valid("sha256:--__AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"));
	ck_assert(!pin_is_valid(""));
}
END_TEST

static void
add(TCase *tc)
{
	tcase_add_test(tc, a_pin_is_its_hash);
}

UNIT_MAIN("pin", add(tc))
