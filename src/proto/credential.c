/* SPDX-License-Identifier: ISC */
/* credential: takes a line of the file of logins apart. */
#include "config.h"

#include "proto/credential.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/base64url.h"
#include "base/cleanup.h"
#include "proto/crypthash.h"

static const char login_start[] = "abcdefghijklmnopqrstuvwxyz0123456789";
static const char login_rest[] = "abcdefghijklmnopqrstuvwxyz0123456789._-";

bool
credential_is_login(struct slice name)
{
	if (name.len == 0 || name.len > CREDENTIAL_LOGIN_MAX)
		return false;
	for (size_t i = 0; i < name.len; i++) {
		if (name.data[i] == '\0' ||
		    strchr(i == 0 ? login_start : login_rest, name.data[i]) == NULL)
			return false;
	}
	return true;
}

bool
credential_is_label(struct slice text)
{
	for (size_t i = 0; i < text.len; i++) {
		if (text.data[i] <= ' ' || text.data[i] > '~' || strchr(",:\"\\", text.data[i]) != NULL)
			return false;
	}
	return text.len > 0 && text.len <= CREDENTIAL_LABEL_MAX;
}

void
credential_id(struct slice login, struct slice secret, char ret[static CREDENTIAL_ID_TEXT])
{
	const struct slice parts[] = { login, secret };
	struct digest d = digest_of(parts, ARRAY_LEN(parts));

	for (size_t i = 0; i < (CREDENTIAL_ID_TEXT - 1) / 2; i++)
		(void)snprintf(ret + 2 * i, 3, "%02x", d.bytes[i]);
}

uint64_t
credential_tag(struct slice login)
{
	struct digest d = digest_of(&login, 1);
	uint64_t tag;

	memcpy(&tag, d.bytes, sizeof(tag));
	return tag;
}

static int
digits(struct slice text, size_t at, size_t n, int *ret)
{
	int v = 0;

	for (size_t i = at; i < at + n; i++) {
		if (text.data[i] < '0' || text.data[i] > '9')
			return -EINVAL;
		v = v * 10 + (text.data[i] - '0');
	}
	*ret = v;
	return 0;
}

int
credential_date(struct slice text, int64_t *ret)
{
	struct tm tm = { 0 }, same;
	int year, month, day;
	time_t t;

	if (text.len != 10 || text.data[4] != '-' || text.data[7] != '-' ||
	    digits(text, 0, 4, &year) < 0 || digits(text, 5, 2, &month) < 0 ||
	    digits(text, 8, 2, &day) < 0 || year < 1971)
		return -EINVAL;
	tm.tm_year = year - 1900;
	tm.tm_mon = month - 1;
	tm.tm_mday = day;
	same = tm;
	t = timegm(&same);
	/* A 31st of June would be the 1st of July. */
	if (t == (time_t)-1 || same.tm_mon != tm.tm_mon || same.tm_mday != tm.tm_mday)
		return -EINVAL;
	*ret = (int64_t)t + 24 * 60 * 60;
	return 0;
}

bool
credential_next(struct slice *list, struct slice *ret)
{
	const char *end;

	if (list->data == NULL)
		return false;
	end = list->len > 0 ? memchr(list->data, '|', list->len) : NULL;
	*ret = (struct slice){ list->data, end != NULL ? (size_t)(end - list->data) : list->len };
	if (end == NULL)
		*list = (struct slice){ 0 };
	else
		*list = (struct slice){ end + 1, list->len - ret->len - 1 };
	return true;
}

/* Takes the text up to a character, and the character; all of it where there is none. */
static struct slice
take(struct slice *rest, char end)
{
	const char *at = rest->len > 0 ? memchr(rest->data, end, rest->len) : NULL;
	struct slice taken = { rest->data, at != NULL ? (size_t)(at - rest->data) : rest->len };

	rest->data += taken.len + (at != NULL);
	rest->len -= taken.len + (at != NULL);
	return taken;
}

static const char *
read_secret(struct credential_line *c)
{
	uint8_t hash[DIGEST_SHA256];

	if (crypthash_is_like(c->secret)) {
		c->kind = CREDENTIAL_PASSWORD;
		return crypthash_check(c->secret);
	}
	c->hash = c->secret;
	(void)take(&c->hash, '$');
	if (slice_starts(c->secret, "token$"))
		c->kind = CREDENTIAL_TOKEN;
	else if (slice_starts(c->secret, "key$"))
		c->kind = CREDENTIAL_KEY;
	else if (slice_starts(c->secret, "reqd_"))
		return "the token itself stands here; the file holds token$ and its hash, as "
		    "'reqctl grant' writes it";
	else
		return "behind the login comes token$, key$ or a hash of crypt(3), such as $y$";
	if (base64url_decode(c->hash, hash, sizeof(hash)) < 0)
		return "behind token$ and key$ come 43 letters, the base64url of a SHA-256";
	return NULL;
}

static const char *
read_word(struct credential_line *c, struct slice word)
{
	const struct {
		const char *name;
		struct slice *value;
	} known[] = {
		{ "label", &c->label }, { "expires", &c->expires }, { "services", &c->services },
		{ "from", &c->from },
	};
	struct slice name;
	int64_t sec;

	if (slice_is(word, "off")) {
		if (c->off)
			return "'off' stands here twice";
		c->off = true;
		return NULL;
	}
	name = take(&word, '=');
	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		if (!slice_is(name, known[i].name))
			continue;
		if (known[i].value->data != NULL)
			return "a word stands here twice";
		if (word.len == 0)
			return "a word has no value";
		*known[i].value = word;
		if (i == 0 && !credential_is_label(word))
			return "a label has 1 to 64 printable characters, but no blanks and none of , "
			    ": \" and \\";
		if (i == 1 && credential_date(word, &sec) < 0)
			return "'expires' wants a day such as 2027-01-31";
		return NULL;
	}
	return "behind the secret come label=, expires=, services=, from= and off, separated by "
	    "commas";
}

enum credential_status
credential_parse(struct slice line, struct credential_line *ret, const char **ret_why)
{
	struct credential_line c = { 0 };
	struct slice rest = line;

	while (rest.len > 0 && (rest.data[rest.len - 1] == ' ' || rest.data[rest.len - 1] == '\t'))
		rest.len--;
	if (rest.len == 0 || rest.data[0] == '#')
		return CREDENTIAL_BLANK;
	*ret_why = "the line is longer than 4096 bytes";
	if (rest.len > CREDENTIAL_LINE_MAX)
		return CREDENTIAL_BAD;
	for (size_t i = 0; i < rest.len; i++) {
		*ret_why = "a character is not printable ASCII";
		if (rest.data[i] < ' ' || rest.data[i] > '~')
			return CREDENTIAL_BAD;
	}
	*ret_why = "a line begins with LOGIN:SECRET";
	if (memchr(rest.data, ':', rest.len) == NULL)
		return CREDENTIAL_BAD;
	c.login = take(&rest, ':');
	*ret_why = "a login is a small letter or digit, then small letters, digits, '.', '_' and "
	    "'-', 64 at most";
	if (!credential_is_login(c.login))
		return CREDENTIAL_BAD;
	c.secret = take(&rest, ':');
	*ret_why = read_secret(&c);
	while (*ret_why == NULL && rest.len > 0) {
		while (rest.len > 0 && rest.data[0] == ' ')
			(void)take(&rest, ' ');
		*ret_why = read_word(&c, take(&rest, ','));
	}
	if (*ret_why != NULL)
		return CREDENTIAL_BAD;
	*ret = c;
	return CREDENTIAL_OK;
}
