/* SPDX-License-Identifier: ISC */
/* controlchange: requests that change a running reqd: states of services, level of the log. */
#pragma once

#include "ipc/frame.h"

struct control_client;

/*
 * Puts the change of a request into frames for the master, with the account of the client.
 * DRAIN, PAUSE, RESUME [--text=WHY] --all|SERVICE...; LOG-LEVEL LEVEL [--for=MS].
 * Calls fn for each. False after an error reply.
 */
typedef bool change_fn(struct control_client *c, const struct frame *f);
bool change_states(struct control_client *c, enum overlay_what what, change_fn *fn);
bool change_level(struct control_client *c, change_fn *fn);
