/* SPDX-License-Identifier: ISC */
/*
 * sink: where a record goes, and in which form: a readable line, a line of
 * JSON, or fields of the journal. Every byte from outside is escaped (R45).
 */
#pragma once

#include "base/buf.h"
#include "conf/conf.h"
#include "ipc/logrec.h"

/* Who wrote a record, as the master says. */
struct log_source {
	char name[32];	/* "worker 0" */
	int pid;
};

/* One readable line with its newline. 0 or -ENOMEM. */
int sink_format_text(struct buf *b, const struct log_source *from, const struct logrec_view *r);

/* One line of JSON with its newline. 0 or -ENOMEM. */
int sink_format_json(struct buf *b, const struct log_source *from, const struct logrec_view *r);

/* Writes to stderr or the journal, as configured. May block. */
void sink_write(const struct conf *c, const struct log_source *from, const struct logrec_view *r);
