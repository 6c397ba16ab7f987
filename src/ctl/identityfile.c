/* SPDX-License-Identifier: ISC */
/* identityfile: finds the key of the user and has connections show it. */
#include "config.h"

#include "ctl/identityfile.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/cleanup.h"
#include "client/reqd.h"
#include "ctl/configfile.h"
#include "ctl/ctl.h"

char *
identityfile_path(const struct ctl *ctl)
{
	char *path;

	if (ctl->identity != NULL)
		return ctl_need(strdup(ctl->identity));
	path = configfile_path("id.pem");
	if (path == NULL)
		ctl_message(ctl, "there is no home directory: set HOME");
	return path;
}

int
identityfile_use(const struct ctl *ctl, struct reqd *c, const char *path)
{
	CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	bool is_file = false;
	const char *why = fd < 0 ? strerror(errno) : configfile_complaint(fd, &is_file);

	if (why == NULL && !is_file)
		why = "it is not a regular file";
	if (why != NULL) {
		ctl_message(ctl, "cannot use the identity %s: %s%s", path, why,
		    fd < 0 && errno == ENOENT ? "; 'reqctl keygen' makes one" : "");
		return STATUS_LOCAL;
	}
	if (reqd_set_identity(c, path) == 0)
		return 0;
	ctl_message(ctl, "%s", reqd_error_text(c));
	return STATUS_LOCAL;
}
