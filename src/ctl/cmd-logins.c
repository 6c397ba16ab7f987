/* SPDX-License-Identifier: ISC */
/* reqctl logins: lists the credentials of the file of logins, without their secrets. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "ctl/ctl.h"
#include "ctl/loginsfile.h"
#include "ctl/outjson.h"
#include "ctl/outtable.h"
#include "ctl/remote.h"

static const char *
kind_word(enum credential_kind k)
{
	static const char *const words[] = { "token", "key", "password" };

	return words[k];
}

static const char *
state_word(const struct credential_line *c)
{
	int64_t end;

	if (c->off)
		return "off";
	if (c->expires.data != NULL && credential_date(c->expires, &end) == 0 &&
	    (int64_t)time(NULL) >= end)
		return "expired";
	return "on";
}

static json_t *
text_or_null(struct slice s)
{
	return s.data != NULL ? json_stringn(s.data, s.len) : json_null();
}

static json_t *
list_of(struct slice values)
{
	json_t *list;
	struct slice one;

	if (values.data == NULL)
		return json_null();
	list = ctl_need(json_array());
	while (credential_next(&values, &one))
		(void)json_array_append_new(list, text_or_null(one));
	return list;
}

static json_t *
row_of(const struct credential_line *c)
{
	char id[CREDENTIAL_ID_TEXT];

	credential_id(c->login, c->secret, id);
	return ctl_need(json_pack("{s:o, s:s, s:o, s:s, s:o, s:o, s:o, s:s}", "login",
	    text_or_null(c->login), "kind", kind_word(c->kind), "label", text_or_null(c->label),
	    "id", id, "expires", text_or_null(c->expires), "services", list_of(c->services),
	    "from", list_of(c->from), "state", state_word(c)));
}

/* Writes a list as words, or "-". New. */
static char *
words_of(const json_t *list)
{
	struct buf b = BUF_INIT(0);
	const json_t *one;
	size_t i, len;

	json_array_foreach((json_t *)(uintptr_t)list, i, one)
		(void)buf_printf(&b, "%s%s", i > 0 ? " " : "", json_string_value(one));
	if (i == 0 || json_is_null(list))
		(void)buf_append_char(&b, '-');
	(void)ctl_need((void *)(uintptr_t)buf_text(&b));
	return buf_take(&b, &len);
}

static const char *
text_of(const json_t *row, const char *key)
{
	const char *text = out_json_text(row, key);

	return *text != '\0' ? text : "-";
}

static void
print_table(const struct ctl *ctl, const json_t *list)
{
	static const struct out_column columns[] = {
		{ .name = "LOGIN" }, { .name = "KIND" }, { .name = "LABEL", .cut = true },
		{ .name = "ID" }, { .name = "EXPIRES" }, { .name = "STATE" },
		{ .name = "SERVICES", .cut = true }, { .name = "FROM", .cut = true },
	};
	struct out_table *t = out_table_new(ctl, OUT_TABLE_ON_TERMINAL, columns,
	    ARRAY_LEN(columns));
	const json_t *row;
	size_t i;

	json_array_foreach((json_t *)(uintptr_t)list, i, row) {
		CLEANUP_FREE char *services = words_of(json_object_get(row, "services"));
		CLEANUP_FREE char *from = words_of(json_object_get(row, "from"));

		out_table_row(t, (const char *const[]){ out_json_text(row, "login"),
		    out_json_text(row, "kind"), text_of(row, "label"), out_json_text(row, "id"),
		    text_of(row, "expires"), out_json_text(row, "state"), services, from });
	}
	out_table_end(t);
}

static int
logins_run(struct ctl *ctl, size_t n, char **words)
{
	CLEANUP(loginsfile_done) struct loginsfile f = { .lock = -1 };
	CLEANUP(json_freep) json_t *list = ctl_need(json_array());
	int status = loginsfile_open(ctl, false, &f);
	enum credential_status is_line;
	struct slice rest, line;
	struct credential_line c;

	(void)n;
	(void)words;
	if (status != 0)
		return status;
	rest = buf_slice(&f.text);
	while (loginsfile_next(&rest, &line, &c, &is_line)) {
		if (is_line == CREDENTIAL_OK)
			(void)json_array_append_new(list, row_of(&c));
		else if (is_line == CREDENTIAL_BAD)
			ctl_message(ctl, "a line that is no credential left out: see 'reqctl reload --check'");
	}
	if (ctl->json)
		out_json(ctl, TAKE_PTR(list));
	else if (ctl->out_tty && json_array_size(list) == 0)
		ctl_message(ctl, "there are no logins");
	else
		print_table(ctl, list);
	return 0;
}

const struct ctl_cmd cmd_logins = {
	.name = "logins",
	.synopsis = "",
	.summary = "show who can log in (control socket)",
	.run = logins_run,
};
