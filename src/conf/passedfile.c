/* SPDX-License-Identifier: ISC */
/* passedfile: finds the directory in which systemd puts files for the unit. */
#include "config.h"

#include "conf/passedfile.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>


#define PREFIX "credential:"

/*
 * systemd tells the processes of the unit. A "reqd -t" of an administrator, or of the
 * package, looks where the unit that runs has its files.
 */
static const char *
directory(void)
{
	const char *dir = getenv("CREDENTIALS_DIRECTORY");

	return dir != NULL && *dir == '/' ? dir : "/run/credentials/reqd.service";
}

bool
passedfile_is(const char *value)
{
	return strncmp(value, PREFIX, strlen(PREFIX)) == 0;
}

int
passedfile_path(struct arena *a, const char *value, char **ret)
{
	const char *name = value + strlen(PREFIX);

	if (*name == '\0' || strlen(name) > NAME_MAX || strchr(name, '/') != NULL ||
	    strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return 1;
	*ret = arena_printf(a, "%s/%s", directory(), name);
	return *ret != NULL ? 0 : -ENOMEM;
}

bool
passedfile_has(const char *path)
{
	size_t n = strlen(directory());

	return strncmp(path, directory(), n) == 0 && path[n] == '/';
}
