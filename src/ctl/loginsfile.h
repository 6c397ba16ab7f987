/* SPDX-License-Identifier: ISC */
/*
 * loginsfile: the file of logins of the reqd on this machine, changed as a whole: the
 * new text is written beside the file, takes its place at once, and reqd reloads.
 */
#pragma once

#include <stddef.h>

#include "base/buf.h"
#include "proto/credential.h"

struct ctl;

struct loginsfile {
	char *path;
	int lock;		/* -1: not locked */
	struct buf text;	/* as it was found; empty without a file */
};

/*
 * Asks the control socket for the file and reads it. lock: others who change the file
 * wait. 0, or an exit status; loginsfile_done() follows in both cases.
 */
int loginsfile_open(const struct ctl *ctl, bool lock, struct loginsfile *ret);
void loginsfile_done(struct loginsfile *f);

/* The fate of a new text of the file. */
enum loginsfile_fate {
	LOGINSFILE_IN_FORCE,	/* reqd has reloaded */
	LOGINSFILE_UNWRITTEN,	/* the file is as before */
	LOGINSFILE_REFUSED,	/* the text is in the file; reqd goes on without it */
	LOGINSFILE_UNKNOWN,	/* the text is in the file; the answer of reqd did not come */
};

/*
 * Puts the text in place of the file, and has reqd reload. 0, or an exit status; the
 * errors of reqd are printed, and *ret_fate tells the rest.
 */
int loginsfile_replace(const struct ctl *ctl, const struct loginsfile *f, struct slice text,
    enum loginsfile_fate *ret_fate);

/*
 * The same for a text with a new thing ("password"): puts the old text back if reqd refuses
 * the new one. Where nobody knows whether the thing is in force, a message says so, with the
 * remedy.
 */
int loginsfile_add(const struct ctl *ctl, const struct loginsfile *f, struct slice text,
    const char *thing, const char *remedy);

/*
 * Takes the next line. True with CREDENTIAL_OK in *ret_status where the line is a
 * credential. False at the end.
 */
bool loginsfile_next(struct slice *rest, struct slice *ret_line,
    struct credential_line *ret, enum credential_status *ret_status);
