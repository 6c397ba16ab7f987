/* SPDX-License-Identifier: ISC */
/*
 * respdoor: RESP as a door of connections: from the bytes of a connection to
 * requests that are executed, and the life of a session.
 */
#pragma once

#include "door/resp/session.h"

/* What is used of the worker is set by the worker. */
void resp_door_init(struct resp_door *d);

void resp_door_done(struct resp_door *d);
