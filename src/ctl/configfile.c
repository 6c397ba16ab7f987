/* SPDX-License-Identifier: ISC */
/* configfile: finds the files in ~/.config/reqctl. */
#include "config.h"

#include "ctl/configfile.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl/ctl.h"

char *
configfile_path(const char *below)
{
	const char *base = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	char *path = NULL;
	int n;

	if (base != NULL && *base == '/')
		n = asprintf(&path, "%s/reqctl/%s", base, below);
	else if (home != NULL && *home == '/')
		n = asprintf(&path, "%s/.config/reqctl/%s", home, below);
	else
		return NULL;
	return n < 0 ? ctl_need(NULL) : path;
}

void
configfile_make_directories(char *path)
{
	for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		(void)mkdir(path, 0700);
		*slash = '/';
	}
}

const char *
configfile_complaint(int fd, bool *ret_is_file)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return strerror(errno);
	*ret_is_file = S_ISREG(st.st_mode);
	if (!S_ISREG(st.st_mode))
		return NULL;
	if (st.st_uid != geteuid() && st.st_uid != 0)
		return "it belongs to somebody else";
	return (st.st_mode & 077) != 0 ? "others may read it; chmod 600" : NULL;
}
