/* SPDX-License-Identifier: ISC */
/*
 * reqctl revoke: takes credentials out of the file of logins. From the reload on, which
 * is done when this ends, no request that comes is served by them.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "ctl/ctl.h"
#include "ctl/loginsfile.h"
#include "ctl/outjson.h"

/* True if the line is of this login and, unless NULL, has this id or label. */
static bool
is_meant(const struct credential_line *c, const char *login, const char *which)
{
	char id[CREDENTIAL_ID_TEXT];

	if (!slice_is(c->login, login))
		return false;
	credential_id(c->login, c->secret, id);
	return which == NULL || strcmp(id, which) == 0 ||
	    (c->label.data != NULL && slice_is(c->label, which));
}

/*
 * Tells that the credential is gone from the file but may still let somebody in. The file
 * stays as it is: the old text would let the credential in again at any later reload.
 */
static void
warn(const struct ctl *ctl, const struct loginsfile *f, enum loginsfile_fate fate)
{
	if (fate == LOGINSFILE_REFUSED)
		ctl_message(ctl, "taken out of %s, but not in force: reqd refuses to reload; mend "
		    "the above, then 'reqctl reload'", f->path);
	else if (fate == LOGINSFILE_UNKNOWN)
		ctl_message(ctl, "taken out of %s, but it is not known whether that is in force: "
		    "make sure with 'reqctl reload'", f->path);
}

static int
revoke_run(struct ctl *ctl, size_t n, char **words)
{
	CLEANUP(loginsfile_done) struct loginsfile f = { .lock = -1 };
	CLEANUP(buf_done) struct buf text = BUF_INIT(0);
	int status = loginsfile_open(ctl, true, &f);
	enum credential_status is_line;
	enum loginsfile_fate fate;
	struct slice rest, line;
	struct credential_line c;
	long long gone = 0;

	if (status != 0)
		return status;
	rest = buf_slice(&f.text);
	while (loginsfile_next(&rest, &line, &c, &is_line)) {
		if (is_line == CREDENTIAL_OK && is_meant(&c, words[0], n > 1 ? words[1] : NULL)) {
			gone++;
			continue;
		}
		(void)buf_append_slice(&text, line);
		(void)buf_append_char(&text, '\n');
	}
	if (buf_failed(&text))
		(void)ctl_need(NULL);
	if (gone == 0) {
		ctl_message(ctl, n > 1 ? "%s has no such credential: see 'reqctl logins'" :
		    "nobody has the login %s: see 'reqctl logins'", words[0]);
		return STATUS_REFUSED;
	}
	status = loginsfile_replace(ctl, &f, buf_slice(&text), &fate);
	if (status != 0) {
		warn(ctl, &f, fate);
		return status;
	}
	if (ctl->json)
		out_json(ctl, json_pack("{s:s, s:I}", "login", words[0], "revoked",
		    (json_int_t)gone));
	else
		(void)printf("%lld credential%s of %s revoked\n", gone, gone == 1 ? "" : "s", words[0]);
	return 0;
}

const struct ctl_cmd cmd_revoke = {
	.name = "revoke",
	.synopsis = "LOGIN [ID]",
	.summary = "end a login, or one credential of it (control socket)",
	.details =
	    "ID is the id or the label that 'reqctl logins' shows; without it all credentials\n"
	    "of the login go. Living connections are refused from their next request on.\n",
	.min_words = 1,
	.max_words = 2,
	.run = revoke_run,
};
