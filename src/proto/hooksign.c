/* SPDX-License-Identifier: ISC */
/* hooksign: reads the signatures of makers of webhooks. */
#include "config.h"

#include "proto/hooksign.h"

#include <stdio.h>

#include "base/base64.h"
#include "base/cleanup.h"
#include "base/hexdigit.h"

#define TIME_DIGITS 12

static const size_t mac_lens[] = {
	[HOOKSIGN_SHA256] = 32, [HOOKSIGN_SHA1] = 20, [HOOKSIGN_SHA384] = 48, [HOOKSIGN_SHA512] = 64,
};

static bool
refuse(char why[static HOOKSIGN_WHY], const char *field, const char *what)
{
	(void)snprintf(why, HOOKSIGN_WHY, "the field %.64s %s", field, what);
	return false;
}

/*
 * Finds a field that must be there once: of two, another reader of the same head could take
 * the other one.
 */
static bool
find(const struct httphead *h, const char *name, struct slice *ret,
    char why[static HOOKSIGN_WHY])
{
	size_t n = 0;

	for (size_t i = 0; i < h->n_fields; i++) {
		if (!slice_is_nocase(h->fields[i].name, name))
			continue;
		*ret = h->fields[i].value;
		n++;
	}
	if (n != 1)
		return refuse(why, name, n == 0 ? "is not there" : "is there more than once");
	return true;
}

/* Small letters only, so that each signature has one text. */
static bool
hex_decode(struct slice text, uint8_t *ret, size_t len)
{
	if (text.len != 2 * len)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		int v = hexdigit_value(text.data[i]);

		if (v < 0 || (text.data[i] >= 'A' && text.data[i] <= 'F'))
			return false;
		if (i % 2 == 0)
			ret[i / 2] = (uint8_t)(v << 4);
		else
			ret[i / 2] |= (uint8_t)v;
	}
	return true;
}

/* Adds a signature. False: it is malformed, or there are too many. */
static bool
add_mac(struct hooksign *s, enum hooksign_encoding encoding, struct slice text)
{
	size_t len = 0;

	if (s->n_macs == HOOKSIGN_MACS)
		return false;
	if (encoding == HOOKSIGN_HEX ? !hex_decode(text, s->macs[s->n_macs], s->mac_len) :
	    base64_decode(text, s->macs[s->n_macs], s->mac_len, &len) < 0 || len != s->mac_len)
		return false;
	s->n_macs++;
	return true;
}

static bool
is_time(struct slice text, int64_t *ret)
{
	int64_t v = 0;

	if (text.len == 0 || text.len > TIME_DIGITS || text.data[0] == '0')
		return false;
	for (size_t i = 0; i < text.len; i++) {
		if (text.data[i] < '0' || text.data[i] > '9')
			return false;
		v = v * 10 + (text.data[i] - '0');
	}
	*ret = v;
	return true;
}

static void
put_before(struct hooksign *s, struct slice text)
{
	memcpy(s->before + s->before_len, text.data, text.len);
	s->before_len += text.len;
}

/* Takes the next part of a list from text. False: there is none. */
static bool
next_part(struct slice *text, char separator, struct slice *ret)
{
	const char *end;

	if (text->data == NULL)
		return false;
	end = text->len > 0 ? memchr(text->data, separator, text->len) : NULL;
	*ret = (struct slice){ text->data, end != NULL ? (size_t)(end - text->data) : text->len };
	if (end == NULL)
		*text = (struct slice){ 0 };
	else
		*text = (struct slice){ end + 1, text->len - ret->len - 1 };
	return true;
}

static struct slice
skip(struct slice s, size_t n)
{
	return (struct slice){ s.data + n, s.len - n };
}

/* -------------------------------------------------------------- schemes --- */

/* One field with a prefix and one signature, over the body alone. */
static bool
read_plain(const char *field, const char *prefix, enum hooksign_encoding encoding,
    const struct httphead *h, struct hooksign *s, char why[static HOOKSIGN_WHY])
{
	struct slice text;

	if (!find(h, field, &text, why))
		return false;
	if (!slice_starts(text, prefix) || !add_mac(s, encoding, skip(text, strlen(prefix))))
		return refuse(why, field, "is malformed");
	return true;
}

static bool
read_token(const char *field, const char *prefix, const struct httphead *h, struct hooksign *s,
    char why[static HOOKSIGN_WHY])
{
	struct slice text;

	if (!find(h, field, &text, why))
		return false;
	if (!slice_starts(text, prefix) || text.len == strlen(prefix))
		return refuse(why, field, "is malformed");
	s->token = skip(text, strlen(prefix));
	return true;
}

static bool
read_time(const char *field, struct slice text, struct hooksign *s,
    char why[static HOOKSIGN_WHY])
{
	s->has_time = is_time(text, &s->time_sec);
	return s->has_time || refuse(why, field, "has no time");
}

static bool
is_id(struct slice id)
{
	for (size_t i = 0; i < id.len; i++) {
		if (id.data[i] <= ' ' || id.data[i] > '~')
			return false;
	}
	return id.len > 0 && id.len <= HOOKSIGN_ID_MAX;
}

/* Signatures of other versions, such as v1a by a public key, are skipped. */
static bool
read_standard(const struct httphead *h, struct hooksign *s, char why[static HOOKSIGN_WHY])
{
	static const char field[] = "webhook-signature";
	struct slice id, time, list, part;

	if (!find(h, "webhook-id", &id, why) || !find(h, "webhook-timestamp", &time, why) ||
	    !find(h, field, &list, why))
		return false;
	if (!is_id(id))
		return refuse(why, "webhook-id", "is malformed");
	if (!read_time("webhook-timestamp", time, s, why))
		return false;
	while (next_part(&list, ' ', &part)) {
		if (slice_starts(part, "v1,") && !add_mac(s, HOOKSIGN_BASE64, skip(part, 3)))
			return refuse(why, field, "is malformed");
	}
	if (s->n_macs == 0)
		return refuse(why, field, "has no signature of the kind v1");
	put_before(s, id);
	put_before(s, SLICE("."));
	put_before(s, time);
	put_before(s, SLICE("."));
	return true;
}

static bool
read_stripe(const struct httphead *h, struct hooksign *s, char why[static HOOKSIGN_WHY])
{
	static const char field[] = "Stripe-Signature";
	struct slice list, part, time = { 0 };

	if (!find(h, field, &list, why))
		return false;
	while (next_part(&list, ',', &part)) {
		if (slice_starts(part, "t=") && time.data != NULL)
			return refuse(why, field, "has two times");
		if (slice_starts(part, "t="))
			time = skip(part, 2);
		else if (slice_starts(part, "v1=") && !add_mac(s, HOOKSIGN_HEX, skip(part, 3)))
			return refuse(why, field, "is malformed");
	}
	if (!read_time(field, time, s, why))
		return false;
	if (s->n_macs == 0)
		return refuse(why, field, "has no signature of the kind v1");
	put_before(s, time);
	put_before(s, SLICE("."));
	return true;
}

static bool
read_slack(const struct httphead *h, struct hooksign *s, char why[static HOOKSIGN_WHY])
{
	static const char field[] = "X-Slack-Request-Timestamp";
	struct slice time;

	if (!read_plain("X-Slack-Signature", "v0=", HOOKSIGN_HEX, h, s, why) ||
	    !find(h, field, &time, why) || !read_time(field, time, s, why))
		return false;
	put_before(s, SLICE("v0:"));
	put_before(s, time);
	put_before(s, SLICE(":"));
	return true;
}

bool
hooksign_read(const struct hooksign_rule *rule, const struct httphead *h, struct hooksign *ret,
    char why[static HOOKSIGN_WHY])
{
	bool is_own = rule->scheme == HOOKSIGN_HMAC;

	*ret = (struct hooksign){
		.mac_len = mac_lens[is_own ? rule->hash : HOOKSIGN_SHA256],
	};
	switch (rule->scheme) {
	case HOOKSIGN_GITHUB:
		return read_plain("X-Hub-Signature-256", "sha256=", HOOKSIGN_HEX, h, ret, why);
	case HOOKSIGN_STANDARD:
		return read_standard(h, ret, why);
	case HOOKSIGN_GITLAB:
		return read_token("X-Gitlab-Token", "", h, ret, why);
	case HOOKSIGN_STRIPE:
		return read_stripe(h, ret, why);
	case HOOKSIGN_SLACK:
		return read_slack(h, ret, why);
	case HOOKSIGN_HMAC:
		return read_plain(rule->field, rule->prefix, rule->encoding, h, ret, why);
	case HOOKSIGN_TOKEN:
		return read_token(rule->field, rule->prefix, h, ret, why);
	}
	return refuse(why, "?", "is not known");
}

const char *
hooksign_event_field(enum hooksign_scheme scheme)
{
	return scheme == HOOKSIGN_GITHUB ? "X-GitHub-Event" :
	    scheme == HOOKSIGN_GITLAB ? "X-Gitlab-Event" : NULL;
}

const char *
hooksign_event_pointer(enum hooksign_scheme scheme)
{
	switch (scheme) {
	case HOOKSIGN_STANDARD:
	case HOOKSIGN_STRIPE:
		return "/type";
	case HOOKSIGN_SLACK:
		return "/event/type";
	default:
		return NULL;
	}
}

bool
hooksign_key(enum hooksign_scheme scheme, struct slice secret,
    uint8_t ret[static HOOKSIGN_KEY_MAX], size_t *ret_len)
{
	static const char prefix[] = "whsec_";

	if (secret.len == 0 || secret.len > HOOKSIGN_KEY_MAX)
		return false;
	if (scheme == HOOKSIGN_STANDARD) {
		if (slice_starts(secret, prefix))
			secret = skip(secret, sizeof(prefix) - 1);
		return base64_decode(secret, ret, HOOKSIGN_KEY_MAX, ret_len) == 0 && *ret_len > 0;
	}
	memcpy(ret, secret.data, secret.len);
	*ret_len = secret.len;
	return true;
}
