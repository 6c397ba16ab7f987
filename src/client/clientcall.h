/* SPDX-License-Identifier: ISC */
/*
 * clientcall: what to call, as words of a CALL request.
 */
#pragma once

#include "base/buf.h"
#include "client/reqd.h"

struct reqd_call {
	int error;		/* first failure of a setter */
	bool positional, named;
	struct slice *options;	/* owned texts, "--..." */
	size_t n_options;
	struct slice *args;	/* owned texts, the service first */
	size_t n_args;
	size_t n_meta;
	reqd_output_fn *output;
	void *output_arg;
	reqd_input_fn *input;
	void *input_arg;
	int input_fd;		/* -1: none */
};

static inline bool
clientcall_has_input(const struct reqd_call *call)
{
	return call->input != NULL || call->input_fd >= 0;
}

/* Appends the request. 0, REQD_E_NOMEM, or what a setter met. */
int clientcall_encode(const struct reqd_call *call, bool open, struct buf *out);
