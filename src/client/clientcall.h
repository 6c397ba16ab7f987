/* SPDX-License-Identifier: ISC */
/*
 * clientcall: a call that has not been sent: its service, arguments and
 * options, as words of a CALL request.
 */
#pragma once

#include "base/buf.h"
#include "client/reqd.h"

struct reqd_call {
	int error;		/* the first failure of a setter */
	bool positional, named;
	bool explain;
	struct slice *options;	/* texts "--...", owned by the call */
	size_t n_options;
	struct slice *args;	/* texts owned by the call, the service first */
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

/* Appends the request. 0, REQD_E_NOMEM, or the first failure of a setter. */
int clientcall_encode(const struct reqd_call *call, bool open, struct buf *out);
