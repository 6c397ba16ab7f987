/* SPDX-License-Identifier: ISC */
/* hookdelivery: which deliveries are good, and the arguments that they become. */
#include "config.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "conf/errors.h"
#include "door/http/hookdelivery.h"
#include "unit.h"

#define JSON "Content-Type: application/json\r\n"
#define FORM "Content-Type: application/x-www-form-urlencoded\r\n"
#define KEY "X-Key: the secret\r\n"
#define OTHER "X-Key: other secret\r\n"

static const char text[] =
    "listen \"http://127.0.0.1:8080\" {}\n"
    "role \"far\" { net = {\"10.0.0.0/8\"} }\n"
    "role \"near\" { net = {\"127.0.0.0/8\"} }\n"
    "service \"x\" {\n"
    " command = {\"/bin/echo\", \"{a}\", \"{n}\", \"{f}\", \"{r}\"}\n"
    " argument \"a\" { type = text  max-length = 20 }\n"
    " argument \"n\" { type = integer  optional = yes  max = 9 }\n"
    " argument \"f\" { type = flag  value = \"-f\" }\n"
    " argument \"r\" { type = name  optional = yes  repeat = yes }\n"
    "#";

static const char hooks[] =
    " webhook \"json\" { verify = token  secret = {\"/s/one\", \"/s/two\"}  token { field = \"X-Key\" }\n"
    "  match = {\"/go~yes|[0-9]+\", \"header:X-Kind=push\"}  values = {\"a=/a/b\", \"n=/n\", \"f=/f\", \"r=/r\"} }\n"
    " webhook \"form\" { verify = token  secret = {\"/s/one\"}  token { field = \"X-Key\" }\n"
    "  values = {\"a=form:a\", \"n=query:n\", \"r=form:r\"} }\n"
    " webhook \"two\" { verify = token  secret = {\"/s/one\"}  token { field = \"X-Key\" }\n"
    "  match = {\"/k=1\"}  values = {\"a=/a\"} }\n"
    " webhook \"two\" { verify = token  secret = {\"/s/two\"}  token { field = \"X-Key\" }\n"
    "  match = {\"/k=2\"}  values = {\"a=/b\"} }\n"
    " webhook \"far\" { verify = token  secret = {\"/s/one\"}  token { field = \"X-Key\" }\n"
    "  from = {\"far\"}  values = {\"a=/a\"} }\n"
    " webhook \"time\" { verify = slack  secret = {\"/s/one\"}  values = {\"a=form:a\"} }\n"
    " webhook \"short\" { verify = token  secret = {\"/s/one\"}  token { field = \"X-Key\" }  limit = 10\n"
    "  values = {\"a=/a\"} }\n";

#define V(name) HOOKVERDICT_##name

static const struct {
	const char *name, *fields, *body;
	enum hookverdict verdict;
	const char *result;	/* the words, why, or the word of what is ignored */
} rows[] = {
	{ "json", JSON KEY "X-Kind: push\r\n", "{\"go\":\"yes\",\"a\":{\"b\":\"x y\"}}", V(GOOD), "a=x y" },
	{ "json", JSON OTHER "X-Kind: push\r\n", "{\"go\":12,\"a\":{\"b\":1.5},\"n\":3,\"f\":true,\"r\":[\"u\",\"v\"]}",
	  V(GOOD), "a=1.5 n=3 f=yes r=u r=v" },
	{ "json", JSON KEY "X-Kind: push\r\n", "{\"go\":1,\"a\":{\"b\":\"x\"},\"n\":null,\"f\":false}", V(GOOD),
	  "a=x f=no" },
	{ "json", FORM KEY "X-Kind: push\r\n", "payload=%7B%22go%22:1,%22a%22:%7B%22b%22:%22q%22%7D%7D", V(GOOD),
	  "a=q" },
	{ "json", JSON KEY "X-Kind: push\r\n", "{\"go\":\"yes!\",\"a\":{\"b\":\"x\"}}", V(IGNORED), "match" },
	{ "json", JSON KEY "X-Kind: push\r\n", "{\"go\":[1],\"a\":{\"b\":\"x\"}}", V(IGNORED), "match" },
	{ "json", JSON KEY "X-Kind: push\r\n", "{\"a\":{\"b\":\"x\"}}", V(IGNORED), "match" },
	{ "json", JSON KEY "X-Kind: pull\r\n", "{\"go\":1,\"a\":{\"b\":\"x\"}}", V(IGNORED), "match" },
	{ "json", JSON KEY, "{\"go\":1,\"a\":{\"b\":\"x\"}}", V(IGNORED), "match" },
	{ "json", JSON KEY "X-Kind: push\r\n", "{\"go\":1}", V(UNFIT), "a" },
	{ "json", JSON KEY "X-Kind: push\r\n", "{\"go\":1,\"a\":{\"b\":{}}}", V(UNFIT), "a" },
	{ "json", JSON KEY "X-Kind: push\r\n", "{\"go\":1,\"a\":{\"b\":\"123456789012345678901\"}}", V(UNFIT), "a" },
	{ "json", JSON KEY "X-Kind: push\r\n", "{\"go\":1,\"a\":{\"b\":\"-rf\"}}", V(UNFIT), "a" },
	{ "json", JSON KEY "X-Kind: push\r\n", "{\"go\":1,\"a\":{\"b\":\"x\"},\"n\":10}", V(UNFIT), "n" },
	{ "json", JSON KEY "X-Kind: push\r\n", "{\"go\":1,\"a\":{\"b\":[\"x\",\"y\"]}}", V(UNFIT), "a" },
	{ "json", JSON KEY "X-Kind: push\r\n", "{\"go\":1,\"a\":{\"b\":\"x\"},\"r\":[\"/\"]}", V(UNFIT), "r" },
	{ "json", JSON KEY "X-Kind: push\r\n", "{\"go\":1,", V(UNREADABLE), "JSON" },
	{ "json", JSON KEY "X-Kind: push\r\n", "", V(UNREADABLE), "JSON" },
	{ "json", JSON KEY "X-Kind: push\r\n", "{\"go\":1,\"go\":1}", V(UNREADABLE), "JSON" },
	{ "json", FORM KEY "X-Kind: push\r\n", "a=b", V(UNREADABLE), "payload" },
	{ "json", JSON "X-Key: the secreu\r\nX-Kind: push\r\n", "{\"go\":", V(FORGED), "signature" },
	{ "json", JSON "X-Kind: push\r\n", "{\"go\":", V(UNSIGNED), "X-Key" },
	{ "json", JSON KEY KEY "X-Kind: push\r\n", "{\"go\":", V(UNSIGNED), "X-Key" },
	{ "form", FORM KEY, "a=x+y&r=1&r=2", V(GOOD), "a=x y n=7 r=1 r=2" },
	{ "form", FORM KEY, "a=%zz", V(UNREADABLE), "body" },
	{ "form", JSON KEY, "a=x", V(UNFIT), "a" },
	{ "two", JSON KEY, "{\"k\":1,\"a\":\"A\",\"b\":\"B\"}", V(GOOD), "a=A" },
	{ "two", JSON OTHER, "{\"k\":2,\"a\":\"A\",\"b\":\"B\"}", V(GOOD), "a=B" },
	{ "two", JSON KEY, "{\"k\":2,\"a\":\"A\",\"b\":\"B\"}", V(IGNORED), "match" },
	{ "two", JSON "X-Key: no\r\n", "{\"k\":2}", V(FORGED), "signature" },
	{ "far", JSON KEY, "{\"a\":\"A\"}", V(NONE), "" },
	{ "none", JSON KEY, "{\"a\":\"A\"}", V(NONE), "" },
	{ "short", JSON KEY, "{\"a\":1}", V(GOOD), "a=1" },
	{ "short", JSON KEY, "{\"a\":    1}", V(UNSIGNED), "limit" },
	{ "time", FORM "X-Slack-Request-Timestamp: 1531420618\r\n"
	  "X-Slack-Signature: v0=7b3d2c59a3b2d8b0bba0a5f3be1be4e66ef8a6bfb4e7dbf4cb26a5a1ae55b6f0\r\n",
	  "a=b", V(FORGED), "signature" },
};

static struct conf *
load(void)
{
	CLEANUP(conf_errors_done) struct conf_errors errors = { 0 };
	char path[] = "/tmp/test_hookdelivery.XXXXXX";
	int fd = mkstemp(path);
	FILE *f = fdopen(fd, "w");
	struct conf *c = NULL;

	ck_assert_ptr_nonnull(f);
	(void)fprintf(f, "%s%.*s%s}\n", geteuid() == 0 ? "user = \"daemon\"\n" : "",
	    (int)(sizeof(text) - 2), text, hooks);
	ck_assert_int_eq(fclose(f), 0);
	if (conf_load(path, CONF_NO_PROGRAMS, &c, &errors) < 0)
		ck_abort_msg("%s", errors.n > 0 ? errors.list[0].text : "no memory");
	(void)unlink(path);
	return c;
}

static void
add_secret(char *to, size_t *len, const char *name, const char *secret)
{
	const uint32_t lens[2] = { (uint32_t)strlen(name), (uint32_t)strlen(secret) };

	memcpy(to + *len, lens, sizeof(lens));
	memcpy(to + *len + sizeof(lens), name, lens[0]);
	memcpy(to + *len + sizeof(lens) + lens[0], secret, lens[1]);
	*len += sizeof(lens) + lens[0] + lens[1];
}

START_TEST(judges)
{
	static struct httphead h;
	static char head[2048], room[256], got[512];
	CLEANUP(hookdelivery_done) struct hookdelivery d = { .verdict = HOOKVERDICT_NONE };
	struct conf *c = load();
	struct httphead_cursor cursor = { 0 };
	struct httphead_error error;
	struct hooksecrets secrets = { .data = room };
	struct hookdelivery_request rq = {
		.service = conf_find_service(c, "x", 1), .name = slice_of(rows[_i].name), .roles = 2,
		.head = &h, .body = slice_of(rows[_i].body), .secrets = &secrets,
		.limits = { 100, 1000 }, .now_sec = 1531420618,
	};
	char why[HOOKDELIVERY_WHY] = "";
	enum hookverdict look;
	uint32_t limit;
	size_t used;

	add_secret(room, &secrets.len, "/s/two", "other secret");
	add_secret(room, &secrets.len, "/s/one", "the secret");
	(void)snprintf(head, sizeof(head), "POST /hook/x/y?n=7 HTTP/1.1\r\nHost: x\r\n%s\r\n",
	    rows[_i].fields);
	ck_assert_int_eq(httphead_decode(slice_of(head), &cursor, &h, &used, &error), HTTPHEAD_OK);
	look = hookdelivery_look(&rq, why, &limit);
	hookdelivery_judge(&rq, &d);
	ck_assert_msg(d.verdict == rows[_i].verdict, "row %d: %d, not %d: %s", _i, (int)d.verdict,
	    (int)rows[_i].verdict, d.why);
	/* The head alone tells of a delivery that is not signed, but for its length. */
	if (strcmp(rows[_i].name, "short") != 0)
		ck_assert_int_eq(look, d.verdict <= HOOKVERDICT_UNSIGNED ? d.verdict : HOOKVERDICT_GOOD);
	ck_assert_ptr_null(strstr(d.why, "secret"));
	if (d.verdict == HOOKVERDICT_GOOD) {
		for (size_t i = 0; i < d.n_words; i++)
			(void)snprintf(got + strlen(got), sizeof(got) - strlen(got), "%s%.*s", i > 0 ? " " : "",
			    (int)d.words[i].len, d.words[i].data);
		ck_assert_str_eq(got, rows[_i].result);
	} else if (d.verdict == HOOKVERDICT_IGNORED) {
		ck_assert_str_eq(d.ignored, rows[_i].result);
	} else {
		ck_assert_msg(strstr(d.why, rows[_i].result) != NULL, "row %d: %s", _i, d.why);
	}
	(void)conf_unref(c);
}
END_TEST

UNIT_MAIN("hookdelivery", tcase_add_loop_test(tc, judges, 0, (int)ARRAY_LEN(rows)))
