/* SPDX-License-Identifier: ISC */
/*
 * reqctl whoami: prints the account and the roles that the server sees the
 * caller as.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "ctl/ctl.h"
#include "ctl/out.h"
#include "ctl/outjson.h"
#include "ctl/remote.h"

static void
print_text(const json_t *v)
{
	CLEANUP_FREE char *text = NULL;
	const json_t *item;
	size_t i;

	if (json_is_string(v)) {
		out_word(json_string_value(v));
		return;
	}
	if (json_is_array(v)) {
		json_array_foreach((json_t *)v, i, item) {
			(void)printf("%s", i > 0 ? " " : "");
			print_text(item);
		}
		return;
	}
	if (json_is_null(v)) {
		(void)printf("-");
		return;
	}
	if (json_is_boolean(v)) {
		(void)printf("%s", json_is_true(v) ? "yes" : "no");
		return;
	}
	text = ctl_need(json_dumps(v, JSON_ENCODE_ANY));
	out_word(text);
}

static int
whoami_run(struct ctl *ctl, size_t n, char **words)
{
	static const char *const request[] = { "WHOAMI" };
	CLEANUP(reqd_freep) struct reqd *c = NULL;
	CLEANUP(reqd_value_freep) struct reqd_value *map = NULL;
	CLEANUP(json_freep) json_t *j = NULL;
	const char *key;
	json_t *v;
	int status = remote_connect(ctl, &c);

	(void)n;
	(void)words;
	if (status == 0)
		status = remote_ask(ctl, c, NULL, &map, 1, request);
	if (status != 0)
		return status;
	if (reqd_value_kind(map) != REQD_MAP)
		return remote_nonsense(ctl, c, "WHOAMI");
	j = out_json_value(map);
	if (ctl->json) {
		out_json(ctl, TAKE_PTR(j));
		return 0;
	}
	json_object_foreach(j, key, v) {
		size_t len = strlen(key);

		out_word(key);
		(void)printf("%*s", len < 10 ? (int)(10 - len) : 1, "");
		print_text(v);
		(void)printf("\n");
	}
	return 0;
}

const struct ctl_cmd cmd_whoami = {
	.name = "whoami",
	.synopsis = "",
	.summary = "show your account and roles, as the server sees them",
	.run = whoami_run,
};
