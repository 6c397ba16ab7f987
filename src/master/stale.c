/* SPDX-License-Identifier: ISC */
/* stale: compares the files of a handler with the start of its oldest process. */
#include "config.h"

#include "master/stale.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "conf/conf.h"
#include "conf/errors.h"
#include "ipc/stats.h"
#include "master/edition.h"

/* True if the file was written, or put in its place, after that time. */
static bool
is_younger(const char *path, uint64_t since_usec)
{
	struct stat of[2];

	/* A link that leads elsewhere now is a change, too. */
	if (lstat(path, &of[0]) < 0 || stat(path, &of[1]) < 0 || !S_ISREG(of[1].st_mode))
		return false;
	for (int i = 0; i < 2; i++) {
		const struct timespec *t = &of[i].st_ctim;

		if ((uint64_t)t->tv_sec * USEC_PER_SEC + (uint64_t)t->tv_nsec / 1000 > since_usec)
			return true;
	}
	return false;
}

/* True if a word of the handler names a file, with or without a directory, that is younger. */
static bool
has_changed(const struct service *s, uint64_t since_usec)
{
	for (char **word = s->handler; *word != NULL; word++) {
		char path[PATH_MAX];
		int n = **word == '/' ? snprintf(path, sizeof(path), "%s", *word) :
		    snprintf(path, sizeof(path), "%s/%s", s->directory, *word);

		if (n > 0 && (size_t)n < sizeof(path) && is_younger(path, since_usec))
			return true;
	}
	return false;
}

static int
is_conf_name(const struct dirent *d)
{
	size_t n = strlen(d->d_name);

	return d->d_name[0] != '.' && n > 5 && strcmp(d->d_name + n - 5, ".conf") == 0;
}

/* The first file of the directory that is younger than the time. */
static int
younger_in(const char *dir, uint64_t since_usec, char *ret, size_t len)
{
	struct dirent **entries = NULL;
	int n = scandir(dir, &entries, is_conf_name, alphasort);
	int r = -ENOENT;

	for (int i = 0; i < n; i++) {
		if (r < 0) {
			(void)snprintf(ret, len, "%s/%s", dir, entries[i]->d_name);
			r = is_younger(ret, since_usec) ? 0 : -ENOENT;
		}
		free(entries[i]);
	}
	free(entries);
	return r;
}

int
stale_file(const struct edition *e, char *ret, size_t len)
{
	const struct conf *c = e->conf;

	for (const char **file = c->files; *file != NULL; file++) {
		/* A file that cannot be looked at is there, as far as anybody knows. */
		if (!is_younger(*file, e->read_usec) &&
		    (access(*file, F_OK) == 0 || errno != ENOENT))
			continue;
		(void)strlcpy(ret, *file, len);
		return 0;
	}
	return c->services_dir == NULL ? -ENOENT :
	    younger_in(c->services_dir, e->read_usec, ret, len);
}

void
stale_notes(const struct conf *c, const struct stats *broker, struct conf_errors *notes)
{
	uint64_t now = clock_usec(), wall = clock_wall_usec();

	if (broker == NULL || broker->generation != c->generation)
		return;
	for (size_t i = 0; i < c->n_services; i++) {
		const struct service *s = &c->services[i];
		uint64_t oldest;

		if (s->handler == NULL)
			continue;
		oldest = broker->pool[s->number].oldest_usec;
		if (oldest == 0 || oldest > now || !has_changed(s, wall - (now - oldest)))
			continue;
		conf_errors_add(notes, s->file, s->line, "the program of service %s has changed; "
		    "'reqctl restart %s' replaces its processes", s->name, s->name);
	}
}
