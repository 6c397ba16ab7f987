/* SPDX-License-Identifier: ISC */
/*
 * logsink: the form of a record: a readable line, a line of JSON, or fields of
 * the journal. Every byte from outside is escaped.
 */
#pragma once

#include "base/buf.h"
#include "conf/conf.h"
#include "ipc/logrec.h"

/* The process that wrote a record, as the master names it. */
struct log_source {
	char name[32];	/* "worker 0" */
	int pid;
};

/* Opens what the journal needs, before the process may open nothing any more. */
void logsink_open(void);

/* Writes one readable line with its newline. 0 or -ENOMEM. */
int logsink_format_text(struct buf *b, const struct log_source *from, const struct logrec_view *r);

/* Writes one line of JSON with its newline. 0 or -ENOMEM. */
int logsink_format_json(struct buf *b, const struct log_source *from, const struct logrec_view *r);

/*
 * Writes the line for stderr in the configured form (c may be NULL). 0 or
 * -ENOMEM.
 */
int logsink_format(const struct conf *c, struct buf *b, const struct log_source *from,
    const struct logrec_view *r);

/* True if records go to the journal and not to stderr. */
bool logsink_is_journal(const struct conf *c);

/* Sends a record to the journal; may block. 0 or -errno. */
int logsink_journal(const struct log_source *from, const struct logrec_view *r);
