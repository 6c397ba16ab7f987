/* SPDX-License-Identifier: ISC */
/* Each type of argument as JSON Schema, letter by letter. */
#include "config.h"

#include "conf/schemajson.h"

#include <check.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "conf/arguments.h"

/* A declaration and its schema. guarded: the argument is used behind "--". */
static const struct {
	bool guarded;
	const char *declaration, *schema;
} arguments[] = {
	{ false, "", "{'type':'string','maxLength':1024,'pattern':'^(?:$|[^-])'}" },
	{ true, "", "{'type':'string','maxLength':1024}" },
	{ false, "dash = yes  max-length = 7", "{'type':'string','maxLength':7}" },
	{ false, "help = \"The \\\"word\\\"\"  default = \"a\"  dash = yes",
	  "{'type':'string','maxLength':1024,'description':'The \\'word\\'','default':'a'}" },
	{ false, "type = integer", "{'type':'integer','minimum':0}" },
	{ true, "type = integer", "{'type':'integer'}" },
	{ false, "type = integer  max = 9", "{'type':'integer','maximum':9,'minimum':0}" },
	{ false, "type = integer  min = -3  max = 9  default = 4",
	  "{'type':'integer','minimum':-3,'maximum':9,'default':4}" },
	{ false, "type = decimal  min = -0.5  max = 2", "{'type':'number','minimum':-0.5,'maximum':2}" },
	{ false, "type = decimal  default = 1.50", "{'type':'number','minimum':0,'default':1.50}" },
	{ false, "type = flag", "{'type':'boolean'}" },
	{ false, "type = flag  default = on", "{'type':'boolean','default':true}" },
	{ false, "type = flag  default = no", "{'type':'boolean','default':false}" },
	{ false, "type = choice  values = {\"start\", \"stop\"}",
	  "{'type':'string','enum':['start','stop']}" },
	{ false, "type = name", "{'type':'string','maxLength':1024,'pattern':'^[A-Za-z0-9_][A-Za-z0-9_.-]*$'}" },
	{ false, "type = host", "{'type':'string','maxLength':1024,'pattern':'^(?:$|[^-])',"
	  "'description':'a host name or an IP address'}" },
	{ false, "type = path", "{'type':'string','maxLength':4096,'minLength':1,'pattern':'^(?:$|[^-])'}" },
	{ false, "type = path  below = \"/srv\"  help = \"The file\"",
	  "{'type':'string','maxLength':4096,'minLength':1,'pattern':'^(?:$|[^-])',"
	  "'description':'The file (a path below /srv, or a relative one, without \\u0027..\\u0027)'}" },
	{ false, "type = size  min = 1K  max = 1M", "{'type':'string','maxLength':1024,"
	  "'pattern':'^(?:0|[1-9][0-9]*)(?:B|[KMGT](?:i?B)?)?$',"
	  "'description':'a size such as 64K or 1M, at least 1K, at most 1M'}" },
	{ false, "type = duration  max = 10s  default = 5s", "{'type':'string','maxLength':1024,"
	  "'pattern':'^(?:0|(?:0|[1-9][0-9]*)(?:d|h|m|s|ms|us))$',"
	  "'description':'a duration such as 250ms or 5s, at most 10s','default':'5s'}" },
	{ false, "type = integer  secret = yes  default = 4711",
	  "{'type':'integer','minimum':0,'writeOnly':true}" },
	{ false, "repeat = yes  dash = yes",
	  "{'type':'array','items':{'type':'string','maxLength':1024},'minItems':1}" },
	{ false, "type = integer  repeat = yes  optional = yes  help = \"Ports\"",
	  "{'type':'array','items':{'type':'integer','minimum':0},'description':'Ports'}" },
	{ false, "type = integer  repeat = yes  default = 3",
	  "{'type':'array','items':{'type':'integer','minimum':0},'default':[3]}" },
};

/* Patterns, and what they are in ECMA-262; NULL: words are all there is. */
static const struct {
	const char *posix, *ecma;
} patterns[] = {
	{ "[a-c]+|x", "^(?:[a-c]+|x)$" },
	{ "a.b", "^(?:a[\\s\\S]b)$" },
	{ "a\\\\.b{2,3}(c|d{4})?", "^(?:a\\.b{2,3}(c|d{4})?)$" },
	{ "[^]a]x", NULL },
	{ "[[:alpha:]]+", NULL },
	{ "[a\\\\]", NULL },
	{ "\\\\-", NULL },
	{ "a{,3}", NULL },
	{ "a]", NULL },
	{ "a**", NULL },
	{ "\xc3\xa4", NULL },
};

static struct conf *
load(const char *declaration, bool guarded)
{
	CLEANUP(buf_done) struct buf text = BUF_INIT(0);
	struct conf_errors errors = { 0 };
	struct conf *conf = NULL;
	int r;

	(void)buf_printf(&text, "listen \"unix:///x\" {}\nservice \"s\" { command = {\"/bin/echo\", "
	    "%s\"{v}\"}\n argument \"v\" { %s } }\n", guarded ? "\"--\", " : "", declaration);
	r = conf_parse(buf_data(&text), buf_len(&text), 1, &conf, &errors);
	ck_assert_msg(r == 0, "%s: %s", declaration, errors.n > 0 ? errors.list[0].text : "?");
	return conf;
}

/* Compares with a text in which ' stands for ", and \u0027 for the quote itself. */
static void
assert_json(struct buf *b, const char *wanted, const char *what)
{
	char *text = strdup(wanted);
	json_t *j, *w;

	for (char *p = text; *p != '\0'; p++)
		*p = *p == '\'' ? '"' : *p;
	ck_assert_int_eq(buf_append_char(b, '\0'), 0);
	w = json_loads(text, 0, NULL);
	j = json_loads(buf_data(b), 0, NULL);
	ck_assert_msg(w != NULL && j != NULL, "%s: %s", what, buf_data(b));
	ck_assert_msg(json_equal(w, j) != 0, "%s\n%s\n%s", what, buf_data(b), text);
	json_decref(w);
	json_decref(j);
	free(text);
}

START_TEST(argument_has_schema)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(0);
	bool guarded = arguments[_i].guarded;
	struct conf *conf = load(arguments[_i].declaration, guarded);

	schemajson_argument(&b, NULL, &conf->services[0].args[0]);
	assert_json(&b, arguments[_i].schema, arguments[_i].declaration);
	conf_unref(conf);
}
END_TEST

START_TEST(pattern_is_translated)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(0), text = BUF_INIT(0);
	const char *description, *pattern;
	struct conf *conf;
	json_t *j;

	(void)buf_printf(&text, "type = pattern  pattern = \"%s\"", patterns[_i].posix);
	(void)buf_append_char(&text, '\0');
	conf = load(buf_data(&text), false);
	schemajson_argument(&b, NULL, &conf->services[0].args[0]);
	(void)buf_append_char(&b, '\0');
	j = json_loads(buf_data(&b), 0, NULL);
	ck_assert_msg(j != NULL, "%s", buf_data(&b));
	pattern = json_string_value(json_object_get(j, "pattern"));
	description = json_string_value(json_object_get(j, "description"));
	if (patterns[_i].ecma != NULL) {
		ck_assert_ptr_nonnull(pattern);
		ck_assert_str_eq(pattern, patterns[_i].ecma);
		ck_assert_ptr_null(description);
	} else {
		ck_assert_ptr_null(pattern);
		ck_assert_ptr_nonnull(strstr(description, conf->services[0].args[0].pattern));
	}
	json_decref(j);
	conf_unref(conf);
}
END_TEST

START_TEST(service_has_object)
{
	static const char text[] = "listen \"unix:///x\" {}\n"
	    "service \"s\" { command = {\"/bin/echo\", \"{a}\", \"{b}\", \"{c}\", \"{d}\"}\n"
	    " argument \"a\" { dash = yes } argument \"b\" { type = flag }\n"
	    " argument \"c\" { type = integer default = 1 } argument \"d\" { type = name optional = yes } }\n"
	    "service \"n\" { command = {\"/bin/true\"} }\n";
	CLEANUP(buf_done) struct buf b = BUF_INIT(0);
	struct conf_errors errors = { 0 };
	struct conf *conf = NULL;

	ck_assert_int_eq(conf_parse(text, sizeof(text) - 1, 1, &conf, &errors), 0);
	schemajson_service(&b, NULL, conf_find_service(conf, "s", 1));
	assert_json(&b, "{'type':'object','properties':{'a':{'type':'string','maxLength':1024},"
	    "'b':{'type':'boolean'},'c':{'type':'integer','minimum':0,'default':1},"
	    "'d':{'type':'string','maxLength':1024,'pattern':'^[A-Za-z0-9_][A-Za-z0-9_.-]*$'}},"
	    "'required':['a'],'additionalProperties':false}", "s");
	buf_clear(&b);
	schemajson_service(&b, NULL, conf_find_service(conf, "n", 1));
	assert_json(&b, "{'type':'object','properties':{},'additionalProperties':false}", "n");
	conf_unref(conf);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("schemajson");
	TCase *t = tcase_create("schemajson");
	SRunner *r;
	int failed;

	tcase_add_loop_test(t, argument_has_schema, 0, ARRAY_LEN(arguments));
	tcase_add_loop_test(t, pattern_is_translated, 0, ARRAY_LEN(patterns));
	tcase_add_test(t, service_has_object);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
