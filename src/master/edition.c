/* SPDX-License-Identifier: ISC */
/*
 * edition: a configuration is loaded, and let go of.
 */
#include "config.h"

#include "master/edition.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fd.h"
#include "conf/errors.h"
#include "master/overlay.h"
#include "master/roletable.h"

/* Seals the canonical text of a configuration for the other processes. A descriptor, or -errno. */
static int
seal(const struct conf *c)
{
	CLEANUP_FREE char *text = conf_format(c);

	return text == NULL ? -ENOMEM : fd_sealed("reqd-conf", text, strlen(text));
}

/* The rest of an edition whose configuration is there. Takes conf. 0 or -errno. */
static int
edition_make(struct edition *ret, struct conf *c, uint32_t generation)
{
	struct edition e = EDITION_NONE;

	e.conf = c;
	c->generation = generation;
	for (unsigned p = 0; p < PROTOCOL_N; p++)
		e.n_workers[p] = role_class_wanted(c, p);
	e.text = seal(c);
	if (e.text < 0) {
		int r = e.text;

		edition_done(&e);
		return r;
	}
	*ret = e;
	return 0;
}

int
edition_load(struct edition *ret, const struct master_options *o, enum conf_flags flags,
    uint32_t generation, struct conf_errors *errors)
{
	uint64_t read_usec = clock_wall_usec();
	struct conf *c = NULL;
	int level = 0, r = conf_load(o->conf_file, flags, &c, errors);

	if (r >= 0 && o->json_log) {
		c->log_format = LOG_FORMAT_JSON;
		c->log_to = LOG_TO_STDERR;
	}
	if (r >= 0) {
		level = c->log_level;
		r = o->overlay != NULL ? overlay_apply(o->overlay, c, level) : 0;
		if (r < 0)
			(void)conf_unref(c);
	}
	if (r >= 0)
		r = edition_make(ret, c, generation);
	if (r >= 0) {
		ret->read_usec = read_usec;
		ret->file_level = level;
	}
	if (r < 0 && (errors->n == 0 || c != NULL))
		conf_errors_add(errors, o->conf_file, 0, "%s", strerror(-r));
	return r;
}

/* A function of this type makes a configuration of a canonical text; 1, 0: none, or -errno. */
typedef int remake_fn(const char *text, size_t len, uint32_t generation, struct conf **ret,
    struct conf_errors *errors);

/* Copies a descriptor where there is one. 0 or -errno. */
static int
take_file(int *ret, int fd)
{
	*ret = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 0);
	return fd >= 0 && *ret < 0 ? -errno : 0;
}

/*
 * Gives a configuration the files that its text cannot carry. 0 or -errno: processes
 * would end without them.
 */
static int
take_files(struct conf *c, const struct conf *now)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < c->n_listeners; i++)
		r = take_file(&c->listeners[i].key_fd, now->listeners[i].key_fd);
	if (r == 0)
		r = take_file(&c->passwords_fd, now->passwords_fd);
	if (r == 0)
		r = take_file(&c->hooks_fd, now->hooks_fd);
	return r;
}

/* Makes an edition of the text of another one. overlay NULL: states and level stay. */
static int
remake(struct edition *ret, const struct edition *now, remake_fn *fn,
    const struct overlay_set *overlay, uint32_t generation, struct conf_errors *errors)
{
	struct conf *c = NULL;
	const char *text;
	size_t len;
	int r = fd_map_sealed(now->text, CONF_MAX_CANONICAL, &text, &len);

	if (r >= 0) {
		r = fn(text, len, generation, &c, errors);
		if (text != NULL)
			(void)munmap((void *)(uintptr_t)text, len);
	}
	/* The child that only looks has no files, and its edition is never in force. */
	if (r > 0) {
		int q = now->conf != NULL ? take_files(c, now->conf) : 0;

		if (q == 0 && overlay != NULL)
			q = overlay_apply(overlay, c, now->file_level);
		if (q < 0) {
			(void)conf_unref(c);
			r = q;
		}
	}
	if (r > 0) {
		r = edition_make(ret, c, generation);
		r = r < 0 ? r : 1;
		ret->read_usec = now->read_usec;
		ret->file_level = now->file_level;
	}
	if (r < 0 && errors->n == 0)
		conf_errors_add(errors, NULL, 0, "%s", strerror(-r));
	return r;
}

int
edition_look_again(struct edition *ret, const struct edition *now,
    const struct overlay_set *overlay, uint32_t generation, struct conf_errors *errors)
{
	return remake(ret, now, conf_look_again, overlay, generation, errors);
}

static int
parse_again(const char *text, size_t len, uint32_t generation, struct conf **ret,
    struct conf_errors *errors)
{
	int r = conf_parse(text, len, generation, ret, errors);

	return r < 0 ? r : 1;
}

int
edition_overlay(struct edition *ret, const struct edition *now,
    const struct overlay_set *overlay, uint32_t generation, struct conf_errors *errors)
{
	int r = remake(ret, now, parse_again, overlay, generation, errors);

	return r < 0 ? r : 0;
}

void
edition_done(struct edition *e)
{
	listen_close(&e->listeners);
	listen_unref(e->control);
	(void)conf_unref(e->conf);
	if (e->text >= 0)
		(void)close(e->text);
	*e = EDITION_NONE;
}
