/* SPDX-License-Identifier: ISC */
/*
 * controlverbs: the requests of the control socket. A client waits for an answer that
 * is not known at once; other clients do not wait for it.
 */
#pragma once

#include "control/controlsocket.h"
#include "ipc/frame.h"

struct control;

extern const struct control_ops control_verbs;

/* The master has answered ASK with TOLD. fd is borrowed; -1: it had no memory. */
void control_on_told(struct control *c, const struct frame *f, int fd);

/* RESTARTED: the answer to whoever has asked for it. */
void control_on_restarted(struct control *control, const struct frame *f);
