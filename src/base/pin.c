/* SPDX-License-Identifier: ISC */
/* pin: writes and recognizes the pins of keys. */
#include "config.h"

#include "base/pin.h"

#include <string.h>

void
pin_format(const uint8_t hash[static PIN_HASH], char ret[static PIN_TEXT])
{
	memcpy(ret, PIN_PREFIX, PIN_PREFIX_LEN);
	base64url_encode(hash, PIN_HASH, ret + PIN_PREFIX_LEN);
}

bool
pin_is_valid(const char *text)
{
	static const char ok[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

	return strncmp(text, PIN_PREFIX, PIN_PREFIX_LEN) == 0 && strlen(text) == PIN_TEXT - 1 &&
	    strspn(text + PIN_PREFIX_LEN, ok) == PIN_TEXT - 1 - PIN_PREFIX_LEN;
}
