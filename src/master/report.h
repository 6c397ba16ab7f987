/* SPDX-License-Identifier: ISC */
/*
 * report: what a reload has done, would do, or was refused for: JSON for
 * reqctl, lines for the log.
 */
#pragma once

#include "base/buf.h"
#include "conf/conf.h"

enum report_kind {
	REPORT_DONE,	/* also says in the log what holds from the next start on only */
	REPORT_CHECK,	/* would be done; the log hears nothing of it */
};

void report_changes(struct buf *json, enum report_kind kind, const struct conf *from,
    const struct conf *to);
void report_errors(struct buf *json, enum report_kind kind, const struct conf_errors *errors);
