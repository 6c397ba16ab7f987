/* SPDX-License-Identifier: ISC */
/* report: the result of a reload, of a check, or the reason of a refusal, as JSON for reqctl. */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "conf/conf.h"

/* The changes of a reload. */
struct report_changes {
	const struct conf *from, *to;
	const struct conf_errors *notes;	/* differences of sockets, not refused */
	/*
	 * The setting of a socket unit of systemd, as "SocketMode=", that decides about
	 * this key of a listener; NULL: the configuration decides.
	 */
	const char *(*unit_setting)(const void *arg, const char *listener, const char *key);
	const void *arg;
};

/*
 * Reports a finished reload, adding to later what does not hold yet; later
 * NULL: reports what a reload would do. 0, or -ENOMEM when some changes could
 * not be reported.
 */
int report_changes(struct buf *json, const struct report_changes *c, struct conf_errors *later);

/* Reports why a reload was refused, or would be. */
void report_errors(struct buf *json, bool is_check, const struct conf_errors *errors);
