/* SPDX-License-Identifier: ISC */
/*
 * report: what a reload has done, would do, or was refused for: JSON for
 * reqctl, lines for the log.
 */
#pragma once

#include "base/buf.h"
#include "conf/conf.h"

struct listen_set;

enum report_kind {
	REPORT_DONE,	/* also says in the log what holds from the next start on only */
	REPORT_CHECK,	/* would be done; the log hears nothing of it */
};

/* What a reload brings. */
struct report_changes {
	const struct conf *from, *to;
	const struct listen_set *listeners;	/* of to */
	const struct conf_errors *notes;	/* what is not as the configuration reads */
};

void report_changes(struct buf *json, enum report_kind kind, const struct report_changes *c);
void report_errors(struct buf *json, enum report_kind kind, const struct conf_errors *errors);

/* Lines of this level for the log, each behind this prefix. */
void report_log(int level, const char *prefix, const struct conf_errors *errors);
