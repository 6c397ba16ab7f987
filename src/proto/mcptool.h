/* SPDX-License-Identifier: ISC */
/*
 * mcptool: services as tools of MCP. A tool is made of the description of its service, the
 * object that DESCRIBE answers, so that it says the same wherever it comes from.
 */
#pragma once

#include "proto/mcp.h"

/* Tools of one answer to tools/list. */
#define MCPTOOL_PAGE 100

/*
 * The answer to tools/list: open, tools sorted by name, close. next: the last name, if there
 * are more; else NULL.
 */
void mcptool_open_list(struct buf *b, const struct mcp_message *m);
void mcptool_put(struct buf *b, const json_t *description);
void mcptool_close_list(struct buf *b, const struct mcp_message *m, const char *next);

/* True if the description is that of a service which changes nothing. */
bool mcptool_is_read_only(const json_t *description);

/*
 * The name of the member of the arguments that is the input, as text; with "_base64" behind
 * it, as bytes. NULL: the service takes no input.
 */
const char *mcptool_input_name(const json_t *description);
