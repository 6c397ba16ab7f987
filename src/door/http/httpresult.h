/* SPDX-License-Identifier: ISC */
/* httpresult: results of calls, and output as it comes, as answers. */
#pragma once

#include "call/result.h"
#include "call/sink.h"
#include "door/http/httpsession.h"
#include "proto/httphead.h"

/* The form of the answer that a client asks for. */
enum http_form http_form_of(const struct httphead *h, const struct service *service);

/* True if output is sent as it comes. */
bool http_form_is_streamed(enum http_form form);

/* The type of an answer in this form. service NULL: not known. */
const char *http_form_type(enum http_form form, const struct service *service);

/* Begins an answer in pieces, whose head has these fields: id of the call, or its result. */
void http_result_begin(struct http_session *s, const struct service *service, const char *id,
    const struct result *res);

/* Writes output as an event, in an answer that has begun. */
void http_result_output(struct http_session *s, const char *stream, struct slice bytes);

/* Writes the answer to a call that has ended. The request is not finished. */
void http_result_answer(struct http_session *s, const struct service *service,
    const struct result *res);
