/* SPDX-License-Identifier: ISC */
/* Builds the environment of a command: account, request, declared variables. */
#include "config.h"

#include "call/callenv.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>

#include "base/clock.h"
#include "base/escape.h"
#include "call/call.h"
#include "conf/remarks.h"
#include "net/identity.h"

/* True if s is printable UTF-8 on one line: nothing a careless program could trip over. */
static bool
is_printable(struct slice s)
{
	while (s.len > 0) {
		size_t n = utf8_sequence(s);
		unsigned char c = (unsigned char)s.data[0];

		if (n == 0 || c < 0x20 || c == 0x7f)
			return false;
		s.data += n;
		s.len -= n;
	}
	return true;
}

static void
put(struct buf *out, size_t *n, const char *name, const char *value)
{
	(void)buf_append_str(out, name);
	(void)buf_append_char(out, '=');
	(void)buf_append_str(out, value);
	(void)buf_append_char(out, '\0');
	(*n)++;
}

static void
put_account(struct buf *out, size_t *n, const struct identity *id)
{
	put(out, n, "HOME", id->home != NULL ? id->home : "/");
	put(out, n, "SHELL", "/bin/sh");
	if (id->user == NULL)
		return;
	put(out, n, "USER", id->user);
	put(out, n, "LOGNAME", id->user);
}

/*
 * A program that writes to a pipe keeps its output until 4 KiB of it are there. The
 * library of stdbuf(1) makes the C library write each line at once; Python has a
 * variable of its own.
 */
static void
put_buffering(struct buf *out, size_t *n)
{
	put(out, n, "LD_PRELOAD", STDBUF_LIBRARY);
	put(out, n, "_STDBUF_O", "L");
	put(out, n, "_STDBUF_E", "L");
	put(out, n, "PYTHONUNBUFFERED", "1");
}

static void
put_meta(struct buf *out, size_t *n, const struct callopt *opt)
{
	for (size_t i = 0; i < opt->n_meta; i++) {
		struct slice key = opt->meta[i].key;

		(void)buf_append_str(out, "REQD_META_");
		for (size_t k = 0; k < key.len; k++)
			(void)buf_append_char(out, (char)toupper((unsigned char)key.data[k]));
		(void)buf_append_char(out, '=');
		(void)buf_append_slice(out, opt->meta[i].value);
		(void)buf_append_char(out, '\0');
		(*n)++;
	}
}

static int
put_declared(struct buf *out, size_t *n, const struct call *call, const struct values *values,
    const char **ret_why)
{
	for (char **entry = call->service->environment; *entry != NULL; entry++) {
		size_t before = buf_len(out);
		struct slice added;
		int r;

		r = arguments_expand_text(*entry, values, out);
		if (r < 0)
			return r;
		added = buf_slice(out);
		added.data += before;
		added.len -= before;
		if (!is_printable(added)) {
			*ret_why = "an argument has control characters, which its place in "
			    "the environment does not allow";
			return -EINVAL;
		}
		(void)buf_append_char(out, '\0');
		(*n)++;
	}
	return 0;
}

int
callenv_append(const struct call *call, const struct callopt *opt,
    const struct values *values, struct buf *out, size_t *ret_n, const char **ret_why)
{
	uint64_t ms = (call->run.deadline_usec - call->accepted_usec) / USEC_PER_MSEC;
	size_t n = 0;
	int r;

	put(out, &n, "PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
	put(out, &n, "LANG", "C.UTF-8");
	put_account(out, &n, &call->service->run_as);
	put(out, &n, "REQD_REQUEST_ID", call->id_text);
	put(out, &n, "REQD_SERVICE", call->service->name);
	put(out, &n, "REQD_CALLER", call->who->text);
	put(out, &n, "REQD_PEER", call->who->peer);
	if (call->who->login[0] != '\0')
		put(out, &n, "REQD_LOGIN", call->who->login);
	(void)buf_append_str(out, "REQD_TIMEOUT_MS=");
	(void)buf_append_u64(out, ms);
	(void)buf_append_char(out, '\0');
	n++;
	if (call->service->is_line_buffered)
		put_buffering(out, &n);
	put_meta(out, &n, opt);
	r = put_declared(out, &n, call, values, ret_why);
	if (r < 0)
		return r;
	*ret_n = n;
	return buf_failed(out) ? -EMSGSIZE : 0;
}
