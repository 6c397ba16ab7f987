/* SPDX-License-Identifier: ISC */
/* Messages of both eras are told apart and refused in the order of the protocol; a result is
 * bounded and says what to do. */
#include "config.h"

#include "proto/mcp.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "proto/jsontext.h"
#include "proto/mcpcall.h"
#include "proto/mcptool.h"

#define V "'io.modelcontextprotocol/protocolVersion'"
#define C "'io.modelcontextprotocol/clientCapabilities':{}"
#define META(version) "'_meta':{" V ":'" version "'," C "}"

/* Quotes are written as ' here. */
static char *
quoted(const char *text)
{
	char *copy = strdup(text);

	for (char *p = copy; *p != '\0'; p++)
		*p = *p == '\'' ? '"' : *p;
	return copy;
}

static void
read_message(const char *text, const struct mcp_fields *f, struct mcp_message *ret)
{
	CLEANUP_FREE char *copy = quoted(text);

	mcp_read(slice_of(copy), f, ret);
}

/* The buffer as JSON; fails when it is none. */
static json_t *
json_of(struct buf *b)
{
	json_t *j;

	ck_assert(!buf_failed(b));
	j = json_loadb(buf_data(b), buf_len(b), JSON_REJECT_DUPLICATES, NULL);
	ck_assert_msg(j != NULL, "%.*s", (int)buf_len(b), buf_data(b));
	return j;
}

static void
assert_json(struct buf *b, const char *wanted)
{
	CLEANUP_FREE char *text = quoted(wanted);
	json_t *j = json_of(b), *w = json_loads(text, 0, NULL);

	ck_assert_ptr_nonnull(w);
	ck_assert_msg(json_equal(j, w) != 0, "%.*s\n%s", (int)buf_len(b), buf_data(b), text);
	json_decref(j);
	json_decref(w);
}

static const struct {
	const char *text;
	enum mcp_method method;
	bool is_modern, wants_answer;
	int code;
	unsigned status;
} messages[] = {
	{ "", MCP_UNKNOWN, false, true, -32700, 400 },
	{ "{", MCP_UNKNOWN, false, true, -32700, 400 },
	{ "{'jsonrpc':'2.0','jsonrpc':'2.0'}", MCP_UNKNOWN, false, true, -32700, 400 },
	{ "[]", MCP_UNKNOWN, false, true, -32600, 400 },
	{ "[{'jsonrpc':'2.0','id':1,'method':'ping'}]", MCP_UNKNOWN, false, true, -32600, 400 },
	{ "{'jsonrpc':'1.0','id':1,'method':'ping'}", MCP_UNKNOWN, false, true, -32600, 400 },
	{ "{'jsonrpc':'2.0','id':null,'method':'ping'}", MCP_UNKNOWN, false, true, -32600, 400 },
	{ "{'jsonrpc':'2.0','id':1.5,'method':'ping'}", MCP_UNKNOWN, false, true, -32600, 400 },
	{ "{'jsonrpc':'2.0','id':1,'method':7}", MCP_UNKNOWN, false, true, -32600, 400 },
	{ "{'jsonrpc':'2.0','id':1}", MCP_UNKNOWN, false, true, -32600, 400 },
	{ "{'jsonrpc':'2.0','id':1,'method':'ping','params':[]}", MCP_UNKNOWN, false, true, -32600, 400 },
	{ "{'jsonrpc':'2.0','id':1,'result':{}}", MCP_OTHER, false, false, 0, 200 },
	{ "{'jsonrpc':'2.0','id':1,'method':'ping'}", MCP_PING, false, true, 0, 200 },
	{ "{'jsonrpc':'2.0','id':'a','method':'initialize','params':{}}", MCP_INITIALIZE, false, true, 0, 200 },
	{ "{'jsonrpc':'2.0','id':1,'method':'tools/list'}", MCP_LIST, false, true, 0, 200 },
	{ "{'jsonrpc':'2.0','id':1,'method':'resources/list'}", MCP_UNKNOWN, false, true, -32601, 200 },
	{ "{'jsonrpc':'2.0','id':1,'method':'server/discover'}", MCP_UNKNOWN, false, true, -32601, 200 },
	{ "{'jsonrpc':'2.0','method':'notifications/initialized'}", MCP_OTHER, false, false, 0, 200 },
	{ "{'jsonrpc':'2.0','method':'notifications/cancelled','params':{'requestId':1}}",
	  MCP_CANCELLED, false, false, 0, 200 },
	{ "{'jsonrpc':'2.0','id':1,'method':'server/discover','params':{" META(MCP_MODERN) "}}",
	  MCP_DISCOVER, true, true, 0, 200 },
	{ "{'jsonrpc':'2.0','id':1,'method':'tools/call','params':{'name':'x'," META(MCP_MODERN) "}}",
	  MCP_CALL, true, true, 0, 200 },
	{ "{'jsonrpc':'2.0','id':1,'method':'subscriptions/listen','params':{" META(MCP_MODERN) "}}",
	  MCP_LISTEN, true, true, 0, 200 },
	{ "{'jsonrpc':'2.0','id':1,'method':'ping','params':{" META(MCP_MODERN) "}}",
	  MCP_UNKNOWN, true, true, -32601, 404 },
	{ "{'jsonrpc':'2.0','id':1,'method':'initialize','params':{" META(MCP_MODERN) "}}",
	  MCP_UNKNOWN, true, true, -32601, 404 },
	{ "{'jsonrpc':'2.0','id':1,'method':'tools/list','params':{" META("1999-01-01") "}}",
	  MCP_LIST, true, true, -32022, 400 },
	{ "{'jsonrpc':'2.0','id':1,'method':'tools/list','params':{'_meta':{" V ":'" MCP_MODERN "'}}}",
	  MCP_LIST, true, true, -32602, 400 },
	{ "{'jsonrpc':'2.0','id':1,'method':'tools/list','params':{'_meta':{" V ":7," C "}}}",
	  MCP_LIST, true, true, -32602, 400 },
};

START_TEST(message_is_judged)
{
	struct mcp_message m;

	read_message(messages[_i].text, NULL, &m);
	ck_assert_msg(m.method == messages[_i].method && m.is_modern == messages[_i].is_modern &&
	    m.code == messages[_i].code && m.status == messages[_i].status &&
	    mcp_wants_answer(&m) == messages[_i].wants_answer, "%s: method %d, code %d, status %u",
	    messages[_i].text, m.method, m.code, m.status);
	mcp_done(&m);
}
END_TEST

static const struct {
	const char *version, *method, *name;
	int code;
} fields[] = {
	{ MCP_MODERN, "tools/call", "x-y", 0 },
	{ MCP_MODERN, "tools/call", "=?base64?eC15?=", 0 },
	{ MCP_MODERN, "tools/call", "=?base64?eC15", -32020 },
	{ MCP_MODERN, "tools/call", "=?base64?!?=", -32020 },
	{ MCP_MODERN, "tools/call", "X-y", -32020 },
	{ MCP_MODERN, "tools/call", NULL, -32020 },
	{ MCP_MODERN, "tools/list", "x-y", -32020 },
	{ MCP_MODERN, NULL, "x-y", -32020 },
	{ "2025-11-25", "tools/call", "x-y", -32020 },
	{ NULL, "tools/call", "x-y", -32020 },
};

static struct slice
field(const char *text)
{
	return text != NULL ? slice_of(text) : (struct slice){ 0 };
}

START_TEST(fields_are_compared)
{
	struct mcp_fields f = { field(fields[_i].version), field(fields[_i].method),
		field(fields[_i].name) };
	struct mcp_message m;

	read_message("{'jsonrpc':'2.0','id':1,'method':'tools/call','params':{'name':'x-y',"
	    META(MCP_MODERN) "}}", &f, &m);
	ck_assert_int_eq(m.code, fields[_i].code);
	mcp_done(&m);
}
END_TEST

/* The field alone makes a request modern, when it is no version of before. */
START_TEST(field_decides_era)
{
	static const char text[] = "{'jsonrpc':'2.0','id':1,'method':'tools/list'}";
	struct mcp_fields f = { SLICE(MCP_LEGACY), { 0 }, { 0 } };
	struct mcp_message m;

	read_message(text, &f, &m);
	ck_assert(!m.is_modern && m.code == 0);
	mcp_done(&m);
	f.version = SLICE(MCP_MODERN);
	read_message(text, &f, &m);
	ck_assert(m.is_modern && m.code == MCP_BAD_PARAMS);
	mcp_done(&m);
}
END_TEST

START_TEST(hello_is_of_the_era)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(0);
	struct mcp_message m;
	json_t *j, *r;

	read_message("{'jsonrpc':'2.0','id':7,'method':'initialize',"
	    "'params':{'protocolVersion':'2025-06-18'}}", NULL, &m);
	mcp_put_hello(&b, &m, true);
	j = json_of(&b);
	r = json_object_get(j, "result");
	ck_assert_int_eq(json_integer_value(json_object_get(j, "id")), 7);
	ck_assert_str_eq(json_string_value(json_object_get(r, "protocolVersion")), "2025-06-18");
	ck_assert_ptr_nonnull(json_object_get(r, "serverInfo"));
	ck_assert_ptr_null(json_object_get(r, "resultType"));
	json_decref(j);
	mcp_done(&m);
	read_message("{'jsonrpc':'2.0','id':7,'method':'initialize',"
	    "'params':{'protocolVersion':'1999-01-01'}}", NULL, &m);
	buf_clear(&b);
	mcp_put_hello(&b, &m, false);
	j = json_of(&b);
	ck_assert_str_eq(json_string_value(json_object_get(json_object_get(j, "result"),
	    "protocolVersion")), MCP_LEGACY);
	json_decref(j);
	mcp_done(&m);
	read_message("{'jsonrpc':'2.0','id':'d','method':'server/discover','params':{"
	    META(MCP_MODERN) "}}", NULL, &m);
	buf_clear(&b);
	mcp_put_hello(&b, &m, false);
	j = json_of(&b);
	r = json_object_get(j, "result");
	ck_assert_str_eq(json_string_value(json_object_get(r, "resultType")), "complete");
	ck_assert_str_eq(json_string_value(json_array_get(json_object_get(r, "supportedVersions"), 0)),
	    MCP_MODERN);
	ck_assert_str_eq(json_string_value(json_object_get(r, "cacheScope")), "private");
	json_decref(j);
	mcp_done(&m);
}
END_TEST

START_TEST(wrong_version_names_known_ones)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(0);
	struct mcp_message m;

	read_message("{'jsonrpc':'2.0','id':1,'method':'tools/list','params':{" META("1999-01-01") "}}",
	    NULL, &m);
	mcp_put_wrong(&b, &m);
	assert_json(&b, "{'jsonrpc':'2.0','id':1,'error':{'code':-32022,"
	    "'message':'Unsupported protocol version','data':{'supported':['2026-07-28','2025-11-25',"
	    "'2025-06-18','2025-03-26'],'requested':'1999-01-01'}}}");
	mcp_done(&m);
}
END_TEST

static const struct {
	const char *description, *tool;
} tools[] = {
	{ "{'name':'a','summary':'Sum','description':'More','effects':'none','idempotent':true,"
	  "'input':'none','input_schema':{'type':'object','properties':{}}}",
	  "{'name':'a','title':'Sum','description':'Sum\\n\\nMore',"
	  "'inputSchema':{'type':'object','properties':{}},'annotations':{'readOnlyHint':true}}" },
	{ "{'name':'a','summary':'','description':'','effects':'changes','idempotent':true,"
	  "'input':'none','input_schema':{'type':'object','properties':{}}}",
	  "{'name':'a','description':'A service of this machine',"
	  "'inputSchema':{'type':'object','properties':{}}}" },
	{ "{'name':'a','summary':'S','description':'S','effects':'adds','idempotent':false,"
	  "'input':'required','input_schema':{'type':'object','properties':{'input':{}}}}",
	  "{'name':'a','title':'S','description':'S','inputSchema':{'type':'object','properties':{"
	  "'input':{},'stdin':{'type':'string','description':'What the program reads; without it, nothing'},"
	  "'stdin_base64':{'type':'string','contentEncoding':'base64',"
	  "'description':'The same, for bytes that are no text'}}},"
	  "'annotations':{'readOnlyHint':false,'destructiveHint':false,'idempotentHint':false}}" },
};

START_TEST(tool_is_made_of_description)
{
	CLEANUP_FREE char *text = quoted(tools[_i].description);
	CLEANUP(buf_done) struct buf b = BUF_INIT(0);
	json_t *description = json_loads(text, 0, NULL);

	ck_assert_ptr_nonnull(description);
	mcptool_put(&b, description);
	assert_json(&b, tools[_i].tool);
	json_decref(description);
}
END_TEST

/* ----------------------------------------------------------------- call --- */

START_TEST(input_is_taken_out)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(0);
	const json_t *arguments;
	struct mcp_message m;
	bool has;

	read_message("{'jsonrpc':'2.0','id':1,'method':'tools/call','params':{'name':'x',"
	    "'arguments':{'input_base64':'AP8=','a':1}}}", NULL, &m);
	ck_assert_ptr_null(mcpcall_take_input(&m, "input", &b, &has));
	ck_assert(has && buf_len(&b) == 2 && memcmp(buf_data(&b), "\0\xff", 2) == 0);
	ck_assert(mcpcall_arguments(&m, &arguments) && json_object_size(arguments) == 1);
	mcp_done(&m);
	for (int i = 0; i < 3; i++) {
		static const char *const wrong[] = { "'input':7", "'input_base64':'A'",
			"'input':'a','input_base64':'AP8='" };
		char text[200];

		(void)snprintf(text, sizeof(text), "{'jsonrpc':'2.0','id':1,'method':'tools/call',"
		    "'params':{'arguments':{%s}}}", wrong[i]);
		read_message(text, NULL, &m);
		ck_assert_ptr_nonnull(mcpcall_take_input(&m, "input", &b, &has));
		mcp_done(&m);
	}
	read_message("{'jsonrpc':'2.0','id':1,'method':'tools/call','params':{'arguments':[]}}", NULL, &m);
	ck_assert(!mcpcall_arguments(&m, &arguments));
	mcp_done(&m);
}
END_TEST

/* Gives standard error, and counts the messages that come of it. */
static unsigned
tell(struct mcpcall *c, const char *text, uint64_t now_usec, struct buf *last)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(0);
	struct slice bytes = slice_of(text);
	json_t *token = json_string("t");
	unsigned n = 0;

	while (mcpcall_stderr(c, &bytes, token, now_usec, &b)) {
		n++;
		buf_clear(last);
		(void)buf_append_slice(last, buf_slice(&b));
		buf_clear(&b);
	}
	ck_assert_uint_eq(bytes.len, 0);
	json_decref(token);
	return n;
}

#define PROGRESS(params) \
	"{'jsonrpc':'2.0','method':'notifications/progress','params':{'progressToken':'t'," params "}}"

START_TEST(lines_are_progress)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(0);
	struct mcpcall c;

	mcpcall_init(&c);
	ck_assert_uint_eq(tell(&c, "hal", 0, &b), 0);
	ck_assert_uint_eq(tell(&c, "lo\n", 0, &b), 1);
	assert_json(&b, PROGRESS("'progress':0,'message':'hallo'"));
	ck_assert_uint_eq(tell(&c, "\n3/7 files\n", 0, &b), 1);
	assert_json(&b, PROGRESS("'progress':3,'total':7,'message':'files'"));
	/* Progress never goes back. */
	ck_assert_uint_eq(tell(&c, "2/7 files\n3/7\n", 0, &b), 0);
	ck_assert_uint_eq(tell(&c, "40% done\n", 0, &b), 1);
	assert_json(&b, PROGRESS("'progress':40,'total':100,'message':'done'"));
	for (unsigned i = 0; i < 100; i++)
		(void)tell(&c, "x\n", 0, &b);
	ck_assert_uint_eq(tell(&c, "x\n", 0, &b), 0);
	ck_assert_uint_eq(tell(&c, "x\n", USEC_PER_SEC, &b), 1);
	mcpcall_done(&c);
}
END_TEST

START_TEST(result_is_bounded)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(0), big = BUF_INIT(0);
	struct mcpcall_result r = { .outcome = { OUTCOME_EXIT, 0, 0 }, .id = "" };
	struct mcp_message m;
	struct mcpcall c;
	const char *text;
	json_t *j;

	read_message("{'jsonrpc':'2.0','id':1,'method':'tools/call','params':{}}", NULL, &m);
	mcpcall_init(&c);
	for (int i = 0; i < 10000; i++)
		(void)buf_append_str(&big, "0123456789012345678901234567890123456789");
	(void)buf_append_char(&big, '\0');
	for (int i = 0; i < 3; i++) {
		mcpcall_output(&c, slice_of(buf_data(&big)));
		(void)tell(&c, buf_data(&big), 0, &b);
	}
	ck_assert_uint_le(buf_len(&c.err), 2 * MCPCALL_STDERR_MAX);
	buf_clear(&b);
	mcpcall_put(&b, &m, &c, &r);
	ck_assert_uint_le(buf_len(&b), MCPCALL_TEXT_MAX + 500);
	j = json_of(&b);
	text = json_string_value(json_object_get(json_array_get(json_object_get(json_object_get(j,
	    "result"), "content"), 0), "text"));
	ck_assert_ptr_nonnull(strstr(text, "these are 262144 of 1200000 bytes"));
	json_decref(j);
	mcpcall_done(&c);
	mcp_done(&m);
}
END_TEST

static const struct {
	const char *out, *err, *result;
	struct mcpcall_result r;
} results[] = {
	{ "hi\n", "ignored\n", "{'content':[{'type':'text','text':'hi\\n'}],"
	  "'_meta':{'reqd/id':'00ff','reqd/outcome':'exit','reqd/exit':0}}",
	  { .outcome = { OUTCOME_EXIT, 0, 0 }, .id = "00ff" } },
	{ "out", "bad\n", "{'content':[{'type':'text','text':'The program ended with exit status 3.\\nbad\\n'},"
	  "{'type':'text','text':'out'}],'isError':true,"
	  "'_meta':{'reqd/outcome':'exit','reqd/exit':3}}",
	  { .outcome = { OUTCOME_EXIT, 3, 0 }, .id = "" } },
	{ "", "", "{'content':[{'type':'text','text':'why\\nNothing ran; call again with other arguments.'}],"
	  "'isError':true,'_meta':{'reqd/outcome':'badarg'}}",
	  { .outcome = { OUTCOME_BADARG, 0, 0 }, .id = "", .detail = { "why", 3 } } },
	{ "", "", "{'content':[{'type':'text','text':'{\\u0027a\\u0027:1}'}],'structuredContent':{'a':1},"
	  "'_meta':{'reqd/outcome':'exit','reqd/exit':0}}",
	  { .outcome = { OUTCOME_EXIT, 0, 0 }, .id = "", .value = { "{\"a\":1}", 7 } } },
	{ "", "", "{'content':[{'type':'text','text':'7'}],"
	  "'_meta':{'reqd/outcome':'exit','reqd/exit':0}}",
	  { .outcome = { OUTCOME_EXIT, 0, 0 }, .id = "", .value = { "7", 1 } } },
	{ "", "", "{'content':[{'type':'text','text':'no such row'}],'isError':true,"
	  "'_meta':{'reqd/outcome':'exit','reqd/exit':1}}",
	  { .outcome = { OUTCOME_EXIT, 1, 0 }, .id = "", .is_error = true, .detail = { "no such row", 11 } } },
	{ "", "", "{'content':[{'type':'text','text':'The program took too long, and was ended.\\n"
	  "The program may have done a part of its work.'}],'isError':true,"
	  "'_meta':{'reqd/outcome':'timeout'}}",
	  { .outcome = { OUTCOME_TIMEOUT, 0, 5 }, .id = "" } },
};

START_TEST(result_says_what_to_do)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(0), wanted = BUF_INIT(0);
	struct mcp_message m;
	struct mcpcall c;
	json_t *j, *w, *text;

	read_message("{'jsonrpc':'2.0','id':1,'method':'tools/call','params':{}}", NULL, &m);
	mcpcall_init(&c);
	mcpcall_output(&c, slice_of(results[_i].out));
	(void)tell(&c, results[_i].err, 0, &b);
	buf_clear(&b);
	mcpcall_put(&b, &m, &c, &results[_i].r);
	(void)buf_printf(&wanted, "{'jsonrpc':'2.0','id':1,'result':%s}", results[_i].result);
	(void)buf_append_char(&wanted, '\0');
	j = json_of(&b);
	for (char *p = wanted.data; *p != '\0'; p++)
		*p = *p == '\'' ? '"' : *p;
	w = json_loads(buf_data(&wanted), 0, NULL);
	ck_assert_msg(w != NULL, "%s", buf_data(&wanted));
	/* A quote within a text cannot be written in these tables. */
	text = json_object_get(json_array_get(json_object_get(json_object_get(w, "result"), "content"), 0),
	    "text");
	if (strcmp(json_string_value(text), "{'a':1}") == 0)
		(void)json_string_set(text, "{\"a\":1}");
	ck_assert_msg(json_equal(j, w) != 0, "%.*s\n%s", (int)buf_len(&b), buf_data(&b),
	    buf_data(&wanted));
	json_decref(j);
	json_decref(w);
	mcpcall_done(&c);
	mcp_done(&m);
}
END_TEST

START_TEST(scalars_are_texts)
{
	static const char *const pairs[][2] = {
		{ "\"a b\"", "a b" }, { "-7", "-7" }, { "2.5", "2.5" }, { "1e3", "1000" },
		{ "true", "yes" }, { "false", "no" }, { "null", NULL }, { "[]", NULL }, { "{}", NULL },
	};

	for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
		json_t *j = json_loads(pairs[i][0], JSON_DECODE_ANY, NULL);
		char room[REAL_TEXT];
		struct slice s;

		ck_assert_ptr_nonnull(j);
		ck_assert_int_eq(jsontext_of(j, room, &s), pairs[i][1] != NULL);
		if (pairs[i][1] != NULL)
			ck_assert_msg(slice_is(s, pairs[i][1]), "%s: %.*s", pairs[i][0], (int)s.len, s.data);
		json_decref(j);
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("mcp");
	TCase *t = tcase_create("mcp");
	SRunner *r;
	int failed;

	tcase_add_loop_test(t, message_is_judged, 0, ARRAY_LEN(messages));
	tcase_add_loop_test(t, fields_are_compared, 0, ARRAY_LEN(fields));
	tcase_add_test(t, field_decides_era);
	tcase_add_test(t, hello_is_of_the_era);
	tcase_add_test(t, wrong_version_names_known_ones);
	tcase_add_loop_test(t, tool_is_made_of_description, 0, ARRAY_LEN(tools));
	tcase_add_test(t, input_is_taken_out);
	tcase_add_test(t, lines_are_progress);
	tcase_add_test(t, result_is_bounded);
	tcase_add_loop_test(t, result_says_what_to_do, 0, ARRAY_LEN(results));
	tcase_add_test(t, scalars_are_texts);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
