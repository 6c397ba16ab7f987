/* SPDX-License-Identifier: ISC */
/*
 * load: from files, or from the canonical text, to a finished struct conf.
 */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "conf/account.h"
#include "conf/build.h"
#include "conf/certificate.h"
#include "conf/check.h"
#include "conf/errors.h"
#include "conf/hooksecrets.h"
#include "conf/hosts.h"
#include "conf/logins.h"
#include "conf/passedfile.h"
#include "conf/program.h"
#include "conf/reader.h"
#include "conf/schema.h"

/* Settings and sections in one file. Canonical text says all there is, and is as long. */
#define MAX_PARTS 1000000

static void
unref_owned(struct conf_owned **owned)
{
	if (*owned != NULL)
		(void)conf_unref(&(*owned)->conf);
}

static void
reader_done(struct reader *r)
{
	arena_done(&r->scratch);
}

/* A path written in the main file, relative to the file's own directory. */
static char *
beside(struct arena *a, const char *file, const char *path)
{
	const char *slash = strrchr(file, '/');

	return *path == '/' || slash == NULL ? arena_strdup(a, path) :
	    arena_printf(a, "%.*s/%s", (int)(slash - file), file, path);
}

/* Errors of one file, by line; later checks append theirs behind. */
static void
sort_errors(struct conf_errors *e, size_t from)
{
	for (size_t i = from + 1; i < e->n; i++) {
		struct conf_error error = e->list[i];
		size_t j = i;

		for (; j > from && e->list[j - 1].line > error.line; j--)
			e->list[j] = e->list[j - 1];
		e->list[j] = error;
	}
}

static int
read_text(struct reader *r, const char *file, const char *text, size_t len)
{
	size_t from = r->errors->n;
	struct block *top = NULL;
	int q;

	r->file = file;
	q = tree_read(file, text, len, &section_top, r->canonical ? SIZE_MAX : MAX_PARTS,
	    &r->scratch, &top, r->errors);
	if (q < 0)
		return q;
	r->broken = r->broken || q > 0;
	r->failed = r->failed || q > 0;
	q = build_file(r, top, file == r->main_file);
	sort_errors(r->errors, from);
	return q;
}

/* Takes a name in the arena, or NULL: no memory. */
static int
add_file_name(struct reader *r, size_t n, const char *file)
{
	/* One more than there are, for the NULL at the end. */
	const char **files = arena_grow(r->arena, r->conf->files, n + 1, sizeof(*files));

	if (files == NULL || file == NULL)
		return -ENOMEM;
	files[n] = file;
	files[n + 1] = NULL;
	r->conf->files = files;
	return 0;
}

/* Reads a file into scratch memory. 0, -EINVAL with one error, or -ENOMEM. Never waits for a fifo. */
static int
text_read(struct reader *r, const char *file, size_t max, const char **ret, size_t *ret_len)
{
	CLEANUP_CLOSE int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	const char *wrong = NULL;
	struct stat st;
	char *text = NULL;
	size_t len = 0;
	ssize_t n = 1;

	if (fd < 0 || fstat(fd, &st) < 0)
		wrong = strerror(errno);
	else if (S_ISDIR(st.st_mode))
		wrong = "it is a directory";
	else if (!S_ISREG(st.st_mode))
		wrong = "it is not a regular file";
	else if ((size_t)st.st_size > max)
		wrong = "the files are larger than 32 MiB together";
	else
		text = arena_alloc(&r->scratch, (size_t)st.st_size + 1);
	if (wrong == NULL && text == NULL)
		return -ENOMEM;
	for (; wrong == NULL && n > 0 && len < (size_t)st.st_size; len += (size_t)n) {
		n = read(fd, text + len, (size_t)st.st_size - len);
		if (n < 0) {
			wrong = strerror(errno);
			n = 0;
		}
	}
	if (wrong != NULL) {
		conf_errors_add(r->errors, file, 0, "cannot read it: %s", wrong);
		return -EINVAL;
	}
	*ret = text;
	*ret_len = len;
	return 0;
}

/* One file of all, whose sizes add up. */
static int
read_file(struct reader *r, const char *file, size_t *left)
{
	const char *text;
	size_t len;
	int q;

	q = text_read(r, file, *left, &text, &len);
	if (q == -EINVAL) {
		r->broken = r->failed = true;
		return 0;
	}
	if (q < 0)
		return q;
	*left -= len;
	return read_text(r, file, text, len);
}

static int
is_conf(const struct dirent *d)
{
	size_t n = strlen(d->d_name);

	return d->d_name[0] != '.' && n > 5 && strcmp(d->d_name + n - 5, ".conf") == 0;
}

static int
by_bytes(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int
read_directory(struct reader *r, size_t *left)
{
	struct conf *c = r->conf;
	struct dirent **entries = NULL;
	int n, q = 0;

	if (c->services_dir == NULL || r->merged)
		return 0;
	c->services_dir = beside(r->arena, r->main_file, c->services_dir);
	if (c->services_dir == NULL)
		return -ENOMEM;
	n = scandir(c->services_dir, &entries, is_conf, by_bytes);
	if (n < 0) {
		r->broken = true;
		block_error(r, r->main, "services", "'services': cannot read directory %.256s: %s",
		    c->services_dir, strerror(errno));
	}
	for (int i = 0; i < n; i++) {
		const char *path = arena_printf(r->arena, "%s/%s", c->services_dir,
		    entries[i]->d_name);

		free(entries[i]);
		q = q < 0 ? q : add_file_name(r, (size_t)i + 1, path);
		q = q < 0 ? q : read_file(r, path, left);
	}
	free(entries);
	return q < 0 ? q : 0;
}

/* Defaults that depend on other keys. */
static int
fill_in(struct reader *r)
{
	struct conf *c = r->conf;

	if (c->control_path == NULL)
		c->control_path = arena_printf(r->arena, "%s/control.sock", c->runtime_directory);
	if (c->control_path == NULL)
		return -ENOMEM;
	if (strlen(c->control_path) >= sizeof(((struct addr *)0)->path))
		block_error(r, r->main, NULL, "the path of the control socket is longer than 107 "
		    "bytes: %.120s", c->control_path);
	return 0;
}

/*
 * Ids come with the text. An account without them must not be taken for
 * "stay what you are"; no account at all means just that. That of an unavailable
 * service may be unknown, and stays so.
 */
static void
check_identity(struct reader *r, struct identity *id, const struct block *o, bool is_unknown)
{
	id->is_set = id->user != NULL;
	if (is_unknown)
		return;
	if (id->uid != (uid_t)-1 && id->gid != (gid_t)-1)
		return;
	if (id->is_set)
		key_error(r, o, "user", " has no 'ids'");
	id->uid = geteuid();
	id->gid = getegid();
}

static void
check_identities(struct reader *r)
{
	check_identity(r, &r->conf->run_as, r->main, false);
	for (size_t i = 0; i < r->conf->n_services; i++) {
		struct service *s = &r->conf->services[i];

		check_identity(r, &s->run_as, r->services.at[i],
		    s->unavailable != NULL && s->run_as.uid == (uid_t)-1);
	}
}

/* Copies a finished array from scratch memory to the memory of the conf. 0 or -ENOMEM. */
static int
settle(struct reader *r, void *array, size_t n, size_t size)
{
	void **at = array, *copy = arena_alloc(r->arena, n * size);

	if (copy == NULL)
		return -ENOMEM;
	if (n > 0)
		memcpy(copy, *at, n * size);
	*at = copy;
	return 0;
}

/* Takes the conf out of its keeper when nothing was wrong. */
static int
finish(struct reader *r, struct conf_owned **owned, struct conf **ret)
{
	struct conf *c = r->conf;
	int q;

	if (r->failed)
		return r->lenient && r->n_errors > 0 && r->n_errors == r->n_lacks ? -EAGAIN :
		    -EINVAL;
	if (r->out_of_memory)
		return -ENOMEM;
	if (settle(r, &c->listeners, c->n_listeners, sizeof(*c->listeners)) < 0 ||
	    settle(r, &c->roles, c->n_roles, sizeof(*c->roles)) < 0 ||
	    settle(r, &c->services, c->n_services, sizeof(*c->services)) < 0)
		return -ENOMEM;
	q = conf_sort(*owned);
	if (q < 0)
		return q;
	*ret = &(*owned)->conf;
	*owned = NULL;
	return 0;
}

static int
reader_init(struct reader *r, struct conf_owned **owned, struct conf_errors *errors)
{
	*owned = conf_new();
	if (*owned == NULL)
		return -ENOMEM;
	r->conf = &(*owned)->conf;
	r->arena = &(*owned)->arena;
	r->errors = errors;
	/* Files are a list that always has its NULL. */
	r->conf->files = arena_grow(r->arena, NULL, 0, sizeof(char *));
	return r->conf->files != NULL ? build_defaults(r) : -ENOMEM;
}

int
conf_load(const char *file, enum conf_flags flags, struct conf **ret, struct conf_errors *errors)
{
	CLEANUP(reader_done) struct reader r = {
		.main_file = file, .lenient = (flags & CONF_LENIENT) != 0,
	};
	CLEANUP(unref_owned) struct conf_owned *owned = NULL;	/* looks into r's memory */
	size_t left = CONF_MAX_TEXT;
	int q;

	q = reader_init(&r, &owned, errors);
	if (q == 0)
		q = add_file_name(&r, 0, arena_strdup(r.arena, file));
	if (q == 0)
		q = read_file(&r, file, &left);
	if (q == 0)
		q = read_directory(&r, &left);
	if (q == 0 && r.conf->logins != NULL && passedfile_is(r.conf->logins)) {
		block_error(&r, r.main, "logins", "'logins': it is a path, because reqctl grant and "
		    "revoke change the file, which they cannot where systemd passes it");
	} else if (q == 0 && r.conf->logins != NULL) {
		r.conf->logins = beside(r.arena, file, r.conf->logins);
		q = r.conf->logins != NULL ? logins_load(&r) : -ENOMEM;
	}
	if (q < 0 || r.broken)
		return q < 0 ? q : -EINVAL;

	q = fill_in(&r);
	if (q == 0)
		q = check_conf(&r);
	if (q == 0)
		q = hosts_resolve(&r);
	for (size_t i = 0; i < r.conf->n_services; i++)
		r.conf->services[i].unavailable = NULL;		/* merged text may have said it */
	if (q == 0)
		q = account_resolve(&r);
	if (q == 0 && (flags & CONF_NO_PROGRAMS) == 0)
		q = certificate_load(&r);
	if (q == 0 && (flags & CONF_NO_PROGRAMS) == 0)
		q = hooksecrets_load(&r);
	if (q < 0)
		return q;
	for (size_t i = 0; i < r.conf->n_services && (flags & CONF_NO_PROGRAMS) == 0; i++) {
		if (r.conf->services[i].unavailable == NULL)
			program_check(&r, &r.conf->services[i], r.services.at[i]);
	}
	return finish(&r, &owned, ret);
}

/* Reads canonical text as far as it says all. 0, -EINVAL with errors, or -ENOMEM. */
static int
read_canonical(struct reader *r, struct conf_owned **owned, const char *text, size_t len,
    struct conf_errors *errors)
{
	int q;

	if (len > CONF_MAX_CANONICAL) {
		conf_errors_add(errors, NULL, 0, "the configuration is larger than 256 MiB");
		return -EINVAL;
	}
	r->canonical = true;
	r->main_file = "configuration";
	q = reader_init(r, owned, errors);
	if (q == 0)
		q = read_text(r, r->main_file, text, len);
	if (q < 0 || r->broken)
		return q < 0 ? q : -EINVAL;
	q = fill_in(r);
	if (q == 0)
		q = check_conf(r);
	if (q == 0)
		check_identities(r);
	return q;
}

int
conf_parse(const char *text, size_t len, uint32_t generation, struct conf **ret,
    struct conf_errors *errors)
{
	CLEANUP(reader_done) struct reader r = { 0 };
	CLEANUP(unref_owned) struct conf_owned *owned = NULL;	/* looks into r's memory */
	int q;

	q = read_canonical(&r, &owned, text, len, errors);
	if (q < 0)
		return q;
	r.conf->generation = generation;
	return finish(&r, &owned, ret);
}

int
conf_look_again(const char *text, size_t len, uint32_t generation, struct conf **ret,
    struct conf_errors *errors)
{
	CLEANUP(reader_done) struct reader r = { .lenient = true };
	CLEANUP(unref_owned) struct conf_owned *owned = NULL;	/* looks into r's memory */
	size_t n_better = 0;
	int q;

	q = read_canonical(&r, &owned, text, len, errors);
	if (q == 0)
		q = account_resolve_again(&r, &n_better);
	if (q < 0 || (n_better == 0 && !r.failed))
		return q;
	r.conf->generation = generation;
	q = finish(&r, &owned, ret);
	return q < 0 ? q : 1;
}

int
conf_read_sealed(int fd, uint32_t generation, struct conf **ret, char *why, size_t why_len)
{
	CLEANUP(conf_errors_done) struct conf_errors errors = { 0 };
	const char *text;
	size_t len;
	int q;

	q = fd_map_sealed(fd, CONF_MAX_CANONICAL, &text, &len);
	if (q < 0) {
		(void)snprintf(why, why_len, "cannot read the sealed configuration: %s",
		    strerror(-q));
		return q;
	}
	q = conf_parse(text, len, generation, ret, &errors);
	if (text != NULL)
		(void)munmap((void *)(uintptr_t)text, len);
	if (q < 0)
		(void)strlcpy(why, errors.n > 0 ? errors.list[0].text : strerror(-q), why_len);
	return q;
}
