/* SPDX-License-Identifier: ISC */
/* tokenlookup: questions of workers for the state or the result of a request with a token. */
#pragma once

struct frame;
struct link;

/* Takes LOOK_UP from a worker. Returns what is wrong with the frame, or NULL. */
const char *tokenlookup_ask(struct link *l, const struct frame *f);
