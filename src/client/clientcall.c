/* SPDX-License-Identifier: ISC */
/* clientcall: collects the words of a call and encodes the request. */
#include "config.h"

#include "client/clientcall.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "proto/callopt.h"
#include "proto/resp.h"

struct reqd_call *
reqd_call_free(struct reqd_call *call)
{
	if (call == NULL)
		return NULL;
	for (size_t i = 0; i < call->n_options; i++)
		free((char *)call->options[i].data);
	for (size_t i = 0; i < call->n_args; i++)
		free((char *)call->args[i].data);
	free(call->options);
	free(call->args);
	free(call);
	return NULL;
}

static int
call_error(struct reqd_call *call, int code)
{
	if (call->error == 0)
		call->error = code;
	return code;
}

/* Takes text, also on failure. A text of NULL means that memory was out. */
static int
words_add(struct slice **words, size_t *n, char *text, size_t len)
{
	struct slice *more = NULL;

	if (text != NULL)
		more = reallocarray(*words, *n + 1, sizeof(**words));
	if (more == NULL) {
		free(text);
		return REQD_E_NOMEM;
	}
	more[(*n)++] = (struct slice){ text, len };
	*words = more;
	return 0;
}

static int
add_option(struct reqd_call *call, const char *name, const char *value)
{
	char *text = NULL;
	int len = asprintf(&text, "--%s=%s", name, value);

	if (len < 0 || words_add(&call->options, &call->n_options, text, (size_t)len) < 0)
		return call_error(call, REQD_E_NOMEM);
	return 0;
}

static int
add_argument(struct reqd_call *call, struct slice prefix, const void *data, size_t len)
{
	char *text;

	if (len > SIZE_MAX / 2)
		return call_error(call, REQD_E_INVALID);
	text = malloc(prefix.len + len + 1);
	if (text != NULL && prefix.len > 0)
		memcpy(text, prefix.data, prefix.len);
	if (text != NULL && len > 0)
		memcpy(text + prefix.len, data, len);
	if (words_add(&call->args, &call->n_args, text, prefix.len + len) < 0)
		return call_error(call, REQD_E_NOMEM);
	return 0;
}

struct reqd_call *
reqd_call_new(const char *service)
{
	struct reqd_call *call = calloc(1, sizeof(*call));

	if (call == NULL)
		return NULL;
	call->input_fd = -1;
	/* The server would read a name with a '-' in front as an option. */
	if (*service == '\0' || *service == '-')
		(void)call_error(call, REQD_E_INVALID);
	if (add_argument(call, SLICE(""), service, strlen(service)) < 0)
		return reqd_call_free(call);
	return call;
}

int
reqd_call_add(struct reqd_call *call, const void *data, size_t len)
{
	if (call->named)
		return call_error(call, REQD_E_INVALID);
	call->positional = true;
	return add_argument(call, SLICE(""), data, len);
}

int
reqd_call_add_named(struct reqd_call *call, const char *name, const void *data, size_t len)
{
	CLEANUP_FREE char *prefix = NULL;
	int n;

	if (call->positional || *name == '\0' || strchr(name, '=') != NULL)
		return call_error(call, REQD_E_INVALID);
	call->named = true;
	n = asprintf(&prefix, "%s=", name);
	if (n < 0)
		return call_error(call, REQD_E_NOMEM);
	return add_argument(call, (struct slice){ prefix, (size_t)n }, data, len);
}

int
reqd_call_set_timeout(struct reqd_call *call, uint64_t ms)
{
	char text[24];

	if (ms == 0)
		return call_error(call, REQD_E_INVALID);
	(void)snprintf(text, sizeof(text), "%" PRIu64, ms);
	return add_option(call, "timeout", text);
}

int
reqd_call_set_explain(struct reqd_call *call)
{
	call->explain = true;
	return 0;
}

int
reqd_call_set_id(struct reqd_call *call, const char *id)
{
	static const char ok[] =
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._:-";
	size_t len = strlen(id);

	if (len == 0 || len > CALL_TOKEN_MAX || strspn(id, ok) != len)
		return call_error(call, REQD_E_INVALID);
	return add_option(call, "id", id);
}

int
reqd_call_add_meta(struct reqd_call *call, const char *key, const char *value)
{
	CLEANUP_FREE char *both = NULL;

	if (*key == '\0' || strchr(key, ':') != NULL || strlen(key) > CALL_META_KEY_MAX ||
	    strlen(value) > CALL_META_VALUE_MAX || call->n_meta == CALL_MAX_META)
		return call_error(call, REQD_E_INVALID);
	if (asprintf(&both, "%s:%s", key, value) < 0)
		return call_error(call, REQD_E_NOMEM);
	call->n_meta++;
	return add_option(call, "meta", both);
}

int
reqd_call_set_output(struct reqd_call *call, reqd_output_fn *fn, void *arg)
{
	call->output = fn;
	call->output_arg = arg;
	return 0;
}

int
reqd_call_set_input_fd(struct reqd_call *call, int fd)
{
	if (fd < 0)
		return call_error(call, REQD_E_INVALID);
	call->input_fd = fd;
	call->input = NULL;
	return 0;
}

int
reqd_call_set_input(struct reqd_call *call, reqd_input_fn *fn, void *arg)
{
	call->input = fn;
	call->input_arg = arg;
	call->input_fd = -1;
	return 0;
}

int
clientcall_encode(const struct reqd_call *call, bool open, struct buf *out)
{
	CLEANUP_FREE struct slice *words = NULL;
	size_t n = 0;

	if (call->error != 0)
		return call->error;
	words = calloc(7 + call->n_options + call->n_args, sizeof(*words));
	if (words == NULL)
		return REQD_E_NOMEM;
	words[n++] = SLICE("CALL");
	words[n++] = SLICE("--full");
	if (call->output != NULL)
		words[n++] = SLICE("--stream");
	if (open)
		words[n++] = SLICE("--open");
	if (open && call->output == NULL)
		words[n++] = SLICE("--notify");
	if (call->explain)
		words[n++] = SLICE("--explain");
	if (call->named)
		words[n++] = SLICE("--named");
	for (size_t i = 0; i < call->n_options; i++)
		words[n++] = call->options[i];
	for (size_t i = 0; i < call->n_args; i++)
		words[n++] = call->args[i];
	resp_request(out, words, n);
	return buf_failed(out) ? REQD_E_NOMEM : 0;
}
