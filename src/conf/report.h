/* SPDX-License-Identifier: ISC */
/*
 * report: what a reload has done, would do, or was refused for, as JSON for reqctl.
 */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "conf/conf.h"

/* What a reload brings. */
struct report_changes {
	const struct conf *from, *to;
	const struct conf_errors *notes;	/* what is not as the configuration reads */
	/*
	 * The setting of a socket unit of systemd, as "SocketMode=", that decides about
	 * this key of a listener; NULL: the configuration decides.
	 */
	const char *(*unit_setting)(const void *arg, const char *listener, const char *key);
	const void *arg;
};

/*
 * What a reload has done: what of it does not hold now is added to later; NULL: what
 * it would do. 0, or -ENOMEM when not all could be told.
 */
int report_changes(struct buf *json, const struct report_changes *c, struct conf_errors *later);

/* Why it was, or would be, refused. */
void report_errors(struct buf *json, bool is_check, const struct conf_errors *errors);
