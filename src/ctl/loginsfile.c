/* SPDX-License-Identifier: ISC */
/* loginsfile: reads and replaces the file of logins. */
#include "config.h"

#include "ctl/loginsfile.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "ctl/ctl.h"
#include "ctl/outjson.h"
#include "ctl/remote.h"

#define FILE_MAX (1u << 20)

static int
failed(const struct ctl *ctl, const char *what, const char *path)
{
	ctl_message(ctl, "cannot %s %s: %s", what, path, strerror(errno));
	return STATUS_LOCAL;
}

/* Finds the path in the configuration in force. A link is followed, so that it stays one. */
static int
find_path(const struct ctl *ctl, struct loginsfile *f)
{
	CLEANUP(json_freep) json_t *j = NULL;
	int status = remote_control_json(ctl, "STATUS", &j);
	const char *path;

	if (status != 0)
		return status;
	path = out_json_text(j, "logins_file");
	if (*path == '\0') {
		ctl_message(ctl, "there is no file of logins; add 'logins = \"/etc/reqd/logins\"' to "
		    "%s and reload", out_json_text(j, "config"));
		return STATUS_LOCAL;
	}
	f->path = realpath(path, NULL);
	if (f->path == NULL && errno == ENOENT)
		f->path = ctl_need(strdup(path));
	return f->path != NULL ? 0 : failed(ctl, "find", path);
}

static char *
directory_of(const char *path)
{
	CLEANUP_FREE char *copy = ctl_need(strdup(path));

	return ctl_need(strdup(dirname(copy)));
}

static int
read_text(const struct ctl *ctl, struct loginsfile *f)
{
	CLEANUP_CLOSE int fd = open(f->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t n = 1;

	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0)
		return failed(ctl, "read", f->path);
	while (n > 0) {
		char *to = ctl_need(buf_reserve(&f->text, 4096));

		n = read(fd, to, 4096);
		if (n < 0)
			return failed(ctl, "read", f->path);
		buf_commit(&f->text, (size_t)n);
		if (buf_len(&f->text) > FILE_MAX) {
			ctl_message(ctl, "%s is larger than 1 MiB", f->path);
			return STATUS_LOCAL;
		}
	}
	return 0;
}

int
loginsfile_open(const struct ctl *ctl, bool lock, struct loginsfile *ret)
{
	CLEANUP_FREE char *dir = NULL;
	int status;

	*ret = (struct loginsfile){ .lock = -1, .text = BUF_INIT(0) };
	status = find_path(ctl, ret);
	if (status != 0)
		return status;
	/* The directory is locked: the file itself is replaced. */
	dir = directory_of(ret->path);
	if (lock)
		ret->lock = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (lock && (ret->lock < 0 || flock(ret->lock, LOCK_EX) < 0))
		return failed(ctl, "lock", dir);
	return read_text(ctl, ret);
}

void
loginsfile_done(struct loginsfile *f)
{
	free(f->path);
	buf_done(&f->text);
	if (f->lock >= 0)
		(void)close(f->lock);
}

/* Writes the text beside the file, and gives it the name of the file. */
static int
put_text(const struct ctl *ctl, const struct loginsfile *f, struct slice text)
{
	CLEANUP_FREE char *beside = NULL;
	CLEANUP_CLOSE int fd = -1;

	if (asprintf(&beside, "%s.new", f->path) < 0)
		(void)ctl_need(NULL);
	/* Left by a reqctl that was killed; nobody else writes it while the lock is ours. */
	(void)unlink(beside);
	fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return failed(ctl, "write", beside);
	if (fd_write_all(fd, text.data, text.len) < 0 || fsync(fd) < 0 ||
	    rename(beside, f->path) < 0 || fsync(f->lock) < 0) {
		int status = failed(ctl, "write", beside);

		(void)unlink(beside);
		return status;
	}
	return 0;
}

/*
 * Makes reqd reload. 0, or an exit status with the errors printed. The fate is "refused"
 * only when reqd has said so: a reload whose answer is late or lost may still happen.
 */
static int
reload(const struct ctl *ctl, enum loginsfile_fate *ret_fate)
{
	CLEANUP(json_freep) json_t *j = NULL;
	int status = remote_control_json(ctl, "RELOAD", &j);
	const json_t *e;
	size_t i;

	*ret_fate = LOGINSFILE_UNKNOWN;
	if (status == 0 && json_is_true(json_object_get(j, "ok")))
		*ret_fate = LOGINSFILE_IN_FORCE;
	else if (status == 0 && json_is_false(json_object_get(j, "ok")))
		*ret_fate = LOGINSFILE_REFUSED;
	if (status != 0 || *ret_fate == LOGINSFILE_IN_FORCE)
		return status;
	json_array_foreach(json_object_get(j, "errors"), i, e)
		ctl_message(ctl, "%s:%lld: %s", out_json_text(e, "file"),
		    (long long)out_json_number(e, "line"), out_json_text(e, "text"));
	return STATUS_REFUSED;
}

int
loginsfile_replace(const struct ctl *ctl, const struct loginsfile *f, struct slice text,
    enum loginsfile_fate *ret_fate)
{
	int status = put_text(ctl, f, text);

	*ret_fate = LOGINSFILE_UNWRITTEN;
	return status != 0 ? status : reload(ctl, ret_fate);
}

int
loginsfile_add(const struct ctl *ctl, const struct loginsfile *f, struct slice text,
    const char *thing, const char *remedy)
{
	enum loginsfile_fate fate;
	int status = loginsfile_replace(ctl, f, text, &fate);

	if (fate == LOGINSFILE_REFUSED && put_text(ctl, f, buf_slice(&f->text)) == 0)
		ctl_message(ctl, "reqd has refused the change; %s is as before", f->path);
	else if (fate == LOGINSFILE_UNKNOWN)
		ctl_message(ctl, "%s has the new %s, but it is not known whether that is in force: %s",
		    f->path, thing, remedy);
	return status;
}

bool
loginsfile_next(struct slice *rest, struct slice *ret_line, struct credential_line *ret,
    enum credential_status *ret_status)
{
	const char *why;

	if (rest->len == 0)
		return false;
	*ret_line = slice_line(*rest);
	*ret_status = credential_parse(*ret_line, ret, &why);
	rest->data += ret_line->len;
	rest->len -= ret_line->len;
	if (rest->len > 0) {
		rest->data++;
		rest->len--;
	}
	return true;
}
