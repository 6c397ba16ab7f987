/* SPDX-License-Identifier: ISC */
/* logins: reads the file of logins, and checks who may have written it. */
#include "config.h"

#include "conf/logins.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/suggest.h"
#include "conf/errors.h"
#include "conf/passwords.h"
#include "proto/credential.h"

/* Errors of a file with more mistakes are not shown. */
#define ERRORS_MAX 20

__attribute__((format(printf, 4, 5))) static void
wrong(struct reader *r, const char *file, unsigned line, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	r->failed = true;
	r->n_errors++;
	conf_errors_add(r->errors, file, line, "%s", text);
}

/* --------------------------------------------------------------- lines --- */

static size_t
count_values(struct slice list)
{
	struct slice value;
	size_t n = 0;

	while (credential_next(&list, &value))
		n++;
	return n;
}

static int
read_services(struct reader *r, struct slice list, struct credential *c)
{
	struct slice name;
	size_t n = 0;

	if (list.data == NULL)
		return 0;
	c->services = arena_alloc(r->arena, (count_values(list) + 1) * sizeof(*c->services));
	if (c->services == NULL)
		return -ENOMEM;
	while (credential_next(&list, &name)) {
		c->services[n] = arena_strndup(r->arena, name.data, name.len);
		if (c->services[n++] == NULL)
			return -ENOMEM;
	}
	return 0;
}

static int
read_from(struct reader *r, const char *file, unsigned line, struct slice list,
    struct credential *c)
{
	struct places *from = &c->from;
	struct slice value;

	if (list.data == NULL)
		return 0;
	from->nets = arena_alloc(r->arena, count_values(list) * sizeof(*from->nets));
	if (from->nets == NULL)
		return -ENOMEM;
	while (credential_next(&list, &value)) {
		char text[ADDR_TEXT];

		(void)snprintf(text, sizeof(text), "%.*s", (int)value.len, value.data);
		if (slice_is(value, "unix"))
			from->unix_peers = true;
		else if (value.len < sizeof(text) && net_parse(text, &from->nets[from->n_nets]) == 0)
			from->n_nets++;
		else
			wrong(r, file, line, "'%.64s' is not a network such as 10.0.0.0/8 or "
			    "::1/128 (bits behind the prefix are zero), or unix", text);
	}
	return 0;
}

/* Copies a word of the line; a word that is not given stays NULL. 0 or -ENOMEM. */
static int
copy(struct reader *r, struct slice word, char **ret)
{
	if (word.data == NULL)
		return 0;
	*ret = arena_strndup(r->arena, word.data, word.len);
	return *ret != NULL ? 0 : -ENOMEM;
}

static int
add(struct reader *r, const char *file, unsigned line, const struct credential_line *l)
{
	struct conf *conf = r->conf;
	struct credential *grown, *c;
	char id[CREDENTIAL_ID_TEXT];

	if (conf->n_credentials == CONF_MAX_CREDENTIALS) {
		wrong(r, file, line, "more than %d credentials", CONF_MAX_CREDENTIALS);
		return 0;
	}
	grown = arena_grow(&r->scratch, conf->credentials, conf->n_credentials, sizeof(*grown));
	if (grown == NULL)
		return -ENOMEM;
	conf->credentials = grown;
	c = &grown[conf->n_credentials++];
	*c = (struct credential){ .kind = l->kind, .off = l->off, .line = line };
	if (l->expires.data != NULL)
		(void)credential_date(l->expires, &c->expires_sec);
	credential_id(l->login, l->secret, id);
	if (copy(r, slice_of(id), &c->id) < 0 || copy(r, l->login, &c->login) < 0 ||
	    copy(r, l->hash, &c->hash) < 0 || copy(r, l->label, &c->label) < 0 ||
	    copy(r, l->expires, &c->expires) < 0 || read_services(r, l->services, c) < 0)
		return -ENOMEM;
	return read_from(r, file, line, l->from, c);
}

int
logins_parse(struct reader *r, const char *file, const char *text, size_t len)
{
	unsigned line = 0;

	while (len > 0 && r->n_errors < ERRORS_MAX) {
		const struct slice l = slice_line((struct slice){ text, len });
		size_t used = l.len < len ? l.len + 1 : len;
		struct credential_line words;
		const char *why = "";
		enum credential_status s = credential_parse(l, &words, &why);
		int q = 0;

		line++;
		if (s == CREDENTIAL_BAD)
			wrong(r, file, line, "%s", why);
		else if (s == CREDENTIAL_OK)
			q = add(r, file, line, &words);
		if (q < 0)
			return q;
		text += used;
		len -= used;
	}
	return 0;
}

/* ---------------------------------------------------------------- file --- */

/* The reason why the file cannot be trusted or read, or NULL. */
static const char *
complaint(int fd, struct stat *ret)
{
	if (fd < 0 || fstat(fd, ret) < 0)
		return strerror(errno);
	if (!S_ISREG(ret->st_mode))
		return "it is not a regular file";
	if (ret->st_uid != 0 && ret->st_uid != geteuid())
		return "it must belong to root; chown root";
	if ((ret->st_mode & 077) != 0)
		return "others may read or write it; chmod 600";
	return ret->st_size > LOGINS_MAX ? "it is larger than 1 MiB" : NULL;
}

int
logins_load(struct reader *r)
{
	const char *file = r->conf->logins, *why;
	CLEANUP_CLOSE int fd = -1;
	struct stat st;
	size_t len = 0;
	ssize_t n = 1;
	size_t n_errors = r->n_errors;
	char *text;
	int q;

	if (file == NULL)
		return 0;
	fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	/* Before the first grant nobody has a login. */
	if (fd < 0 && errno == ENOENT)
		return 0;
	why = complaint(fd, &st);
	if (why != NULL) {
		wrong(r, file, 0, "cannot use the file of logins: %s", why);
		return 0;
	}
	text = arena_alloc(&r->scratch, (size_t)st.st_size + 1);
	if (text == NULL)
		return -ENOMEM;
	for (; n > 0 && len < (size_t)st.st_size; len += (size_t)n) {
		n = read(fd, text + len, (size_t)st.st_size - len);
		if (n < 0) {
			wrong(r, file, 0, "cannot read the file of logins: %s", strerror(errno));
			return 0;
		}
	}
	q = logins_parse(r, file, text, len);
	if (q == 0 && r->n_errors == n_errors)
		q = passwords_load(r, file, text, len);
	/* The hashes of passwords are needed no more. */
	explicit_bzero(text, len);
	return q;
}

/* --------------------------------------------------------------- check --- */

static int
by_id(const void *a, const void *b)
{
	return strcmp(((const struct credential *)a)->id, ((const struct credential *)b)->id);
}

static int
by_hash(const void *a, const void *b)
{
	const struct credential *x = *(const struct credential *const *)a;
	const struct credential *y = *(const struct credential *const *)b;
	int q = strcmp(x->hash, y->hash);

	return q != 0 ? q : strcmp(x->id, y->id);
}

static int
by_login(const void *a, const void *b)
{
	const struct credential *x = *(const struct credential *const *)a;
	const struct credential *y = *(const struct credential *const *)b;
	int q = strcmp(x->login, y->login);

	return q != 0 ? q : (x->line > y->line) - (x->line < y->line);
}

static const char *
place_of(const struct reader *r)
{
	return r->canonical ? r->main_file : r->conf->logins;
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* names: those of all services, sorted. */
static void
check_services(struct reader *r, const struct credential *c, const char *const *names)
{
	const size_t n = r->conf->n_services;

	for (char **p = c->services; p != NULL && *p != NULL; p++) {
		if (n == 0 || bsearch(p, names, n, sizeof(*names), by_name) == NULL)
			wrong(r, place_of(r), c->line, "unknown service '%.64s' in a credential of '%s'%s",
			    *p, c->login, suggest_remedy(*p, names, n));
	}
}

/* Collects the passwords, or else all but them, in this order. NULL: no memory. */
static const struct credential **
sort(struct reader *r, bool passwords, int (*compare)(const void *, const void *), size_t *ret_n)
{
	struct conf *conf = r->conf;
	const struct credential **sorted;
	size_t n = 0;

	sorted = arena_alloc(r->arena, (conf->n_credentials + 1) * sizeof(*sorted));
	for (size_t i = 0; sorted != NULL && i < conf->n_credentials; i++) {
		if ((conf->credentials[i].kind == CREDENTIAL_PASSWORD) == passwords)
			sorted[n++] = &conf->credentials[i];
	}
	if (n > 1)
		qsort(sorted, n, sizeof(*sorted), compare);
	*ret_n = n;
	return sorted;
}

/* A login has one password: a second one would double the time of a check. */
static int
index_passwords(struct reader *r)
{
	struct conf *conf = r->conf;
	const struct credential **sorted = sort(r, true, by_login, &conf->n_passwords);

	if (sorted == NULL)
		return -ENOMEM;
	for (size_t i = 1; i < conf->n_passwords; i++) {
		if (strcmp(sorted[i]->login, sorted[i - 1]->login) == 0)
			wrong(r, place_of(r), sorted[i]->line, "'%s' has a password already, on line "
			    "%u; a login has one", sorted[i]->login, sorted[i - 1]->line);
	}
	conf->passwords = sorted;
	return 0;
}

/*
 * A secret is looked up by its hash alone, so it must belong to one login. A line that
 * stands twice is the same mistake.
 */
static int
index_hashes(struct reader *r)
{
	struct conf *conf = r->conf;
	const struct credential **sorted = sort(r, false, by_hash, &conf->n_hashes);

	if (sorted == NULL)
		return -ENOMEM;
	for (size_t i = 1; i < conf->n_hashes; i++) {
		if (strcmp(sorted[i]->hash, sorted[i - 1]->hash) != 0)
			continue;
		wrong(r, place_of(r), sorted[i]->line, "the secret of '%s' stands here again; it is "
		    "that of '%s' on line %u", sorted[i]->login, sorted[i - 1]->login,
		    sorted[i - 1]->line);
	}
	conf->by_hash = sorted;
	return 0;
}

int
logins_check(struct reader *r)
{
	struct conf *conf = r->conf;
	CLEANUP_FREE const char **names = calloc(conf->n_services + 1, sizeof(*names));
	struct credential *settled;

	settled = arena_alloc(r->arena, (conf->n_credentials + 1) * sizeof(*settled));
	if (names == NULL || settled == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < conf->n_services; i++)
		names[i] = conf->services[i].name;
	if (conf->n_services > 1)
		qsort(names, conf->n_services, sizeof(*names), by_name);
	for (size_t i = 0; i < conf->n_credentials; i++) {
		settled[i] = conf->credentials[i];
		settled[i].tag = credential_tag(slice_of(settled[i].login));
		check_services(r, &settled[i], names);
	}
	if (conf->n_credentials > 1)
		qsort(settled, conf->n_credentials, sizeof(*settled), by_id);
	conf->credentials = settled;
	return index_hashes(r) < 0 ? -ENOMEM : index_passwords(r);
}
